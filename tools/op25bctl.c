/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl: asks a running op25bd. */
#include "ctl.h"

#include "base/escape.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "base/suggest.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 26 };

static const char default_policy[] = OP25B_SYSCONFDIR "/op25b/op25b.ini";

#define OVERRIDE_OPTIONS                                                                                     \
	{"for", "TIME", "for so long: 90s, 30m, 2h, 10d; 30 days at most"},                                  \
	{                                                                                                    \
		"reason", "TEXT", "why: it stands in the log and in the list"                                \
	}

static const struct ctl_command commands[] = {
	{"status", "", 0, 0, "what the daemon does, its ledger, its record file", .run = ctl_status,
	 .examples = "  op25bctl status\n"
		     "  op25bctl --json status | jq .kernel\n"},
	{"stats", "", 0, 0, "packets by reason and verdict", .run = ctl_stats,
	 .examples = "  op25bctl --json stats | jq .reasons\n"},
	{"metrics", "", 0, 0, "what Prometheus is told", .run = ctl_metrics,
	 .options = {{"output", "FILE", "replace this file by them; op25b_up 0 where no daemon answers"}},
	 .examples = "  op25bctl metrics --output /var/lib/prometheus/node-exporter/op25b.prom\n"},
	{"reload", "", 0, 0, "read the policy again; what is wrong with it is printed", .run = ctl_reload,
	 .examples = "  op25b-rules check && op25b-rules apply && op25bctl reload\n"},
	{"upgrade", "", 0, 0, "put the program in force that stands where op25bd was started from",
	 .run = ctl_upgrade, .examples = "  op25bctl upgrade\n"},
	{"explain", "SRC DST", 2, 2, "what a first packet from SRC to port 25 of DST would meet, and why",
	 .run = ctl_explain,
	 .options = {{"at", "TIME", "at this time (RFC 3339 with an offset) instead of now"},
		     {"iface", "NAME", "arriving on this interface instead of an unknown one"}},
	 .examples = "  op25bctl explain 198.51.100.7 203.0.113.25\n"
		     "  op25bctl explain 198.51.100.7 203.0.113.25 --at 2027-04-01T00:00:00+09:00\n"},
	{"allow", "ADDRESS[/LEN]", 1, 1, "let a source send for a time, whatever the policy says of it",
	 .run = ctl_allow, .options = {OVERRIDE_OPTIONS},
	 .examples = "  op25bctl allow 198.51.100.7 --for 2h --reason 'ticket 4711'\n"},
	{"block", "ADDRESS[/LEN]", 1, 1, "block a source for a time, whatever the policy says of it",
	 .run = ctl_block, .options = {OVERRIDE_OPTIONS},
	 .examples = "  op25bctl block 2001:db8:100::/56 --for 1d --reason 'spams by its exemption'\n"},
	{"remove", "ADDRESS[/LEN]", 1, 1, "end an allow or block before its time", .run = ctl_remove,
	 .examples = "  op25bctl remove 198.51.100.7\n"},
	{"overrides", "", 0, 0, "what is allowed and blocked for a time, by whom, and why",
	 .run = ctl_overrides, .examples = "  op25bctl overrides\n"},
	{"exemptions", "", 0, 0, "how often exemptions were used since op25bd began", .run = ctl_exemptions,
	 .examples = "  op25bctl exemptions --json\n"},
	{"offenders", "", 0, 0, "the subscribers of whom most is blocked now", .run = ctl_offenders,
	 .options = {{"top", "NUMBER", "so many of them, instead of 20"},
		     {"watch", "SECONDS", "again and again, each so many seconds"}},
	 .examples = "  op25bctl offenders --top 10 --watch 2\n"},
	{"offload", "list|flush", 1, 1,
	 "whom the kernel blocks by itself; have it ask about all of them again", .run = ctl_offload,
	 .options = {{"top", "NUMBER", "list: so many of them, instead of 20"}},
	 .examples = "  op25bctl offload list --top 100\n"
		     "  op25bctl offload flush\n"},
	{"reopen", "", 0, 0, "open the record file again, for logrotate", .run = ctl_reopen,
	 .examples = "  mv events.json events.json.1 && op25bctl reopen\n"},
	{"doctor", "", 0, 0, "look at all that a gateway needs, and say what to do about what is wrong",
	 .run = ctl_doctor, .examples = "  op25bctl doctor\n"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const char common_options[] =
	"  -p, --policy POLICY     the policy that names the control socket (default " OP25B_SYSCONFDIR
	"/op25b/op25b.ini)\n"
	"      --socket PATH       the control socket itself\n"
	"      --json              print the daemon's answer as JSON\n"
	"      --help              print this\n"
	"      --version           print the version\n";

static const char exit_codes[] =
	"Exit codes: 0 done (explain: it passes), 1 explain: it is blocked, doctor: something is wrong, 2 usage, 4 the policy\n"
	"has errors and the one before stays, 5 the system or the daemon could not do it, 6 the daemon does not answer,\n"
	"7 doctor: nothing wrong was found, and not all could be looked at.\n";

/* code, or EXIT_CODE_SYSTEM when standard output could not be written. */
static int flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "op25bctl: writing the output: %s\n", strerror(errno));
	return EXIT_CODE_SYSTEM;
}

static int usage_error(const struct ctl_command *command)
{
	fprintf(stderr, "Try 'op25bctl %s%s--help'.\n", command ? command->name : "", command ? " " : "");
	return EXIT_CODE_USAGE;
}

/* "explain SRC DST [--at TIME] [--iface NAME]"; how wide that is. */
static int print_usage(const struct ctl_command *command)
{
	int width = printf("%s%s%s", command->name, command->arguments[0] ? " " : "", command->arguments);

	for (const struct ctl_option *option = command->options; option->name; option++)
		width += printf(" [--%s%s%s]", option->name, option->argument ? " " : "",
				option->argument ? option->argument : "");
	return width;
}

/* What was printed, to a width, then its meaning: in the next line where there is no room. */
static void print_meaning(int width, const char *what)
{
	if (width < HELP_COLUMN)
		printf("%*s%s\n", HELP_COLUMN - width, "", what);
	else
		printf("\n%*s%s\n", HELP_COLUMN, "", what);
}

static void print_help(void)
{
	puts("Usage: op25bctl [-p POLICY | --socket PATH] [--json] COMMAND [ARGUMENT...]\n"
	     "       op25bctl COMMAND --help\n"
	     "\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++) {
		fputs("  ", stdout);
		print_meaning(2 + print_usage(&commands[i]), commands[i].what);
	}
	printf("\n%s\nExamples:\n", common_options);
	for (size_t i = 0; i < COMMANDS; i++)
		fputs(commands[i].examples, stdout);
	printf("\n%s", exit_codes);
}

static void print_command_help(const struct ctl_command *command)
{
	fputs("Usage: op25bctl ", stdout);
	print_usage(command);
	printf("\n\n%s\n\n", command->what);
	for (const struct ctl_option *option = command->options; option->name; option++)
		print_meaning(printf("      --%s %s", option->name, option->argument ? option->argument : ""),
			      option->help);
	printf("%s\nExamples:\n%s\n%s", common_options, command->examples, exit_codes);
}

enum { FIRST_OWN = 256 }; /* getopt's values of a command's own options begin here */

static const struct option common_long_options[] = {
	{"policy", required_argument, NULL, 'p'}, {"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
};

enum { COMMON = sizeof(common_long_options) / sizeof(common_long_options[0]) };

static void list_options(const struct ctl_command *command, struct option list[COMMON + CTL_OPTIONS_MAX + 1])
{
	size_t count = COMMON;

	memcpy(list, common_long_options, sizeof(common_long_options));
	for (size_t i = 0; command && command->options[i].name; i++)
		list[count++] = (struct option){.name = command->options[i].name,
						.has_arg = command->options[i].argument ? required_argument
											: no_argument,
						.val = FIRST_OWN + (int)i};
	list[count] = (struct option){0};
}

static int print_and_end(const struct ctl_command *command, int option)
{
	if (option == 'v')
		puts("op25bctl " OP25B_VERSION);
	else if (command)
		print_command_help(command);
	else
		print_help();
	return flushed(EXIT_CODE_OK);
}

/* Those before the command without one, those behind it with it. -1: go on; else the exit code. */
static int read_options(struct ctl_context *context, int argc, char **argv)
{
	struct option list[COMMON + CTL_OPTIONS_MAX + 1];
	int option;

	list_options(context->command, list);
	optind = 0;
	while ((option = getopt_long(argc, argv, context->command ? "p:" : "+p:", list, NULL)) != -1) {
		if (option >= FIRST_OWN) {
			context->values[option - FIRST_OWN] = optarg ? optarg : "";
		} else if (option == 'p') {
			context->policy = optarg;
			context->policy_named = true;
		} else if (option == 's') {
			context->socket = optarg;
		} else if (option == 'j') {
			context->json = true;
		} else if (option == 'h' || option == 'v') {
			return print_and_end(context->command, option);
		} else {
			return usage_error(context->command);
		}
	}
	return -1;
}

static void say_unknown(const char *name)
{
	const char *names[COMMANDS];
	const char *nearest;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = suggest_nearest(name, strlen(name), names, COMMANDS);
	fprintf(stderr, "op25bctl: unknown command \"%s\"", name);
	if (nearest)
		fprintf(stderr, ": did you mean \"%s\"?", nearest);
	fputs("\n", stderr);
}

static const struct ctl_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	say_unknown(name);
	return NULL;
}

static int run_command(struct ctl_context *context, int argc, char **argv)
{
	const struct ctl_command *command = context->command;
	char title[64];
	int code, given;

	/* The name that getopt puts before what it says. */
	snprintf(title, sizeof(title), "op25bctl %s", command->name);
	argv[0] = title;
	code = read_options(context, argc, argv);
	if (code >= 0)
		return code;
	given = argc - optind;
	if (given < command->least || given > command->most) {
		fprintf(stderr, "op25bctl: %s takes %d", command->name, command->least);
		if (command->most > command->least)
			fprintf(stderr, " to %d", command->most);
		fprintf(stderr, " arguments%s%s\n", command->most ? ": " : "", command->arguments);
		return usage_error(command);
	}
	/* The arguments are the last words now: the command's name takes the place before them. */
	argv[optind - 1] = title;
	return flushed(command->run(context, given + 1, argv + optind - 1));
}

int main(int argc, char **argv)
{
	struct ctl_context context = {.policy = default_policy};
	int code;

	files_reserve_standard();
	escape_errors();
	code = read_options(&context, argc, argv);
	if (code >= 0)
		return code;
	if (optind == argc)
		return fputs("op25bctl: no command\n", stderr), usage_error(NULL);
	context.command = find_command(argv[optind]);
	if (!context.command)
		return usage_error(NULL);
	return run_command(&context, argc - optind, argv + optind);
}
