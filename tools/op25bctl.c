/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl: asks a running op25bd. */
#include "ctl.h"

#include "base/cleanup.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "base/suggest.h"
#include "control/client.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 5000, RELOAD_MS = 120000 };

static const char default_policy[] = OP25B_SYSCONFDIR "/op25b/op25b.ini";

static const char usage[] =
	"Usage: op25bctl [-p POLICY | --socket PATH] [--json] COMMAND\n"
	"\n"
	"Commands:\n"
	"  status                  what the daemon does, its ledger, its record file\n"
	"  stats                   packets by reason and verdict\n"
	"  reload                  read the policy again; what is wrong with it is printed\n"
	"  explain SRC DST [--at TIME] [--iface NAME]\n"
	"                          what a first packet from SRC to port 25 of DST would meet, and why\n"
	"\n"
	"  -p, --policy POLICY     the policy that names the control socket (default " OP25B_SYSCONFDIR
	"/op25b/op25b.ini)\n"
	"      --socket PATH       the control socket itself\n"
	"      --json              print the daemon's answer as JSON\n"
	"      --at TIME           explain: at this time (RFC 3339 with an offset) instead of now\n"
	"      --iface NAME        explain: arriving on this interface instead of an unknown one\n"
	"      --help              print this\n"
	"      --version           print the version\n"
	"\n"
	"Examples:\n"
	"  op25bctl status\n"
	"  op25bctl explain 198.51.100.7 203.0.113.25 --at 2027-04-01T00:00:00+09:00\n"
	"  op25bctl --json stats | jq .reasons\n"
	"\n"
	"Exit codes: 0 done (explain: it passes), 1 explain: it is blocked, 2 usage, 4 the policy has errors and the one\n"
	"before stays, 5 the system or the daemon could not do it,\n"
	"6 the daemon does not answer.\n";

struct options {
	const char *policy; /* NULL: the default one */
	const char *socket;
	const char *at;
	const char *iface;
	bool json;
};

struct command {
	const char *name;
	int arguments;
	int timeout_ms;
	void (*print)(const json_t *result);
	const char *always; /* a value that every result of it has */
	json_type type;     /* of that value */
};

static const struct command commands[] = {
	{"status", 0, ANSWER_MS, ctl_print_status, "ledger", JSON_OBJECT},
	{"stats", 0, ANSWER_MS, ctl_print_stats, "reasons", JSON_OBJECT},
	{"reload", 0, RELOAD_MS, ctl_print_reload, "digest", JSON_STRING},
	{"explain", 2, ANSWER_MS, ctl_print_explain, "verdict", JSON_STRING},
};

/* code, or EXIT_CODE_SYSTEM when standard output could not be written. */
static int flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "op25bctl: writing the output: %s\n", strerror(errno));
	return EXIT_CODE_SYSTEM;
}

static int usage_error(void)
{
	fputs("Try 'op25bctl --help'.\n", stderr);
	return EXIT_CODE_USAGE;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"policy", required_argument, NULL, 'p'}, {"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},         {"at", required_argument, NULL, 'a'},
		{"iface", required_argument, NULL, 'i'},  {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
	};
	const char **texts[] = {['p'] = &options->policy,
				['s'] = &options->socket,
				['a'] = &options->at,
				['i'] = &options->iface};
	int option;

	while ((option = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		switch (option) {
		case 'p':
		case 's':
		case 'a':
		case 'i':
			*texts[option] = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return flushed(EXIT_CODE_OK);
		case 'v':
			puts("op25bctl " OP25B_VERSION);
			return flushed(EXIT_CODE_OK);
		default:
			return usage_error();
		}
	}
	return -1;
}

static void say_unknown(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])];
	const char *nearest;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		names[i] = commands[i].name;
	nearest = suggest_nearest(name, strlen(name), names, sizeof(names) / sizeof(names[0]));
	fprintf(stderr, "op25bctl: unknown command \"%s\"", name);
	if (nearest)
		fprintf(stderr, ": did you mean \"%s\"?", nearest);
	fputs("\n", stderr);
}

static const struct command *find_command(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0) {
			if (argc - 1 == commands[i].arguments)
				return &commands[i];
			fprintf(stderr, "op25bctl: %s takes %d arguments\n", argv[0], commands[i].arguments);
			return NULL;
		}
	say_unknown(argv[0]);
	return NULL;
}

/* NULL when an argument is no UTF-8 text: what is left out would be answered as if it had not been asked. */
static json_t *build_request(const struct command *command, char **argv, const struct options *options)
{
	json_t *request = control_request_new(command->name);
	int r = 0;

	if (!request || command->arguments == 0)
		return request;
	r |= json_object_set_new(request, "src", json_string(argv[1]));
	r |= json_object_set_new(request, "dst", json_string(argv[2]));
	if (options->at)
		r |= json_object_set_new(request, "at", json_string(options->at));
	if (options->iface)
		r |= json_object_set_new(request, "iface", json_string(options->iface));
	if (r == 0)
		return request;
	json_decref(request);
	return NULL;
}

static int exit_code(enum control_error error, const json_t *result)
{
	const char *verdict = json_string_value(json_object_get(result, "verdict"));

	switch (error) {
	case CONTROL_OK:
		return verdict && strcmp(verdict, "accept") != 0 ? EXIT_CODE_DIFFERS : EXIT_CODE_OK;
	case CONTROL_BAD_REQUEST:
	case CONTROL_BAD_ARGUMENT:
	case CONTROL_UNKNOWN_COMMAND:
		return EXIT_CODE_USAGE;
	case CONTROL_REFUSED:
		return EXIT_CODE_POLICY;
	default:
		return EXIT_CODE_SYSTEM;
	}
}

static int no_answer(const char *path, int r, const char *message)
{
	if (r == -EPROTO)
		fprintf(stderr, "op25bctl: what answers at %s is not an op25bd of this version: %s\n", path,
			message);
	else
		fprintf(stderr, "op25bctl: op25bd does not answer at %s: %s\n", path, strerror(-r));
	return EXIT_CODE_DAEMON;
}

static bool has_answer(const json_t *result, const struct command *command)
{
	const json_t *value = json_object_get(result, command->always);

	return value && json_typeof(value) == command->type;
}

static int call(const struct command *command, const char *path, const json_t *request, bool json)
{
	char message[CONTROL_ERROR_TEXT_MAX];
	enum control_error error = CONTROL_OK;
	json_t *result = NULL;
	int r = control_client_call(path, request, command->timeout_ms, &error, &result, message);

	if (r < 0)
		return no_answer(path, r, message);
	if (error == CONTROL_OK && !has_answer(result, command)) {
		json_decref(result);
		return no_answer(path, -EPROTO, "a value is missing");
	}
	if (json && result) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		puts("");
	} else if (result) {
		command->print(result);
	}
	if (error != CONTROL_OK)
		fprintf(stderr, "op25bctl: %s\n", message);
	r = exit_code(error, result);
	json_decref(result);
	return r;
}

/* Only the default policy may be missing or unreadable: then the default socket is asked. An exit code. */
static int find_socket(const struct options *options, char **ret)
{
	int r = 0;

	if (options->socket)
		*ret = strdup(options->socket);
	else
		r = ctl_socket_path(options->policy ? options->policy : default_policy, ret);
	if (r < 0 && r != -ENOMEM && !options->policy)
		*ret = ctl_default_socket();
	if (*ret)
		return EXIT_CODE_OK;
	if (r == 0 || r == -ENOMEM)
		return fputs("op25bctl: out of memory\n", stderr), EXIT_CODE_SYSTEM;
	fprintf(stderr, "op25bctl: %s: %s (--socket names the socket itself)\n", options->policy,
		r == -EINVAL ? "not a regular file" : strerror(-r));
	return EXIT_CODE_POLICY;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	CLEANUP_FREE char *path = NULL;
	const struct command *command;
	json_t *request;
	int code;

	files_reserve_standard();
	code = read_options(argc, argv, &options);
	if (code >= 0)
		return code;
	if (optind == argc)
		return fputs("op25bctl: no command\n", stderr), usage_error();
	command = find_command(argc - optind, argv + optind);
	if (!command)
		return usage_error();
	if ((options.at || options.iface) && command->arguments != 2)
		return fputs("op25bctl: --at and --iface belong to explain\n", stderr), usage_error();
	request = build_request(command, argv + optind, &options);
	if (!request)
		return fputs("op25bctl: an argument is not UTF-8 text\n", stderr), usage_error();
	code = find_socket(&options, &path);
	if (code == EXIT_CODE_OK)
		code = flushed(call(command, path, request, options.json));
	json_decref(request);
	return code;
}
