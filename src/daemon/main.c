/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bd: the gateway's daemon. It stays in the foreground; systemd or the shell does the rest. */
#include "base/escape.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "daemon/gateway.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
	"Usage: op25bd [-p POLICY] [--user USER] [--fd-store] [--seccomp MODE]\n"
	"\n"
	"Judges queued packets to TCP port 25 by the policy, and records what it blocks.\n"
	"\n"
	"  -p, --policy POLICY  the policy file (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --user USER      become USER after the start, keeping CAP_NET_ADMIN alone\n"
	"      --fd-store       the service manager keeps the queues over a restart (FileDescriptorStoreMax= of the unit)\n"
	"      --check-handover load the policy, print the version, and end: whether this program could take over\n"
	"      --seccomp MODE   calls to the kernel that it has no use for: enforce (refuse them), log (let them through, and\n"
	"                       have the kernel log them), off; default enforce\n"
	"      --foreground     stay in the foreground; that is always so\n"
	"      --help           print this\n"
	"      --version        print the version\n"
	"\n"
	"Signals: SIGHUP reads the policy again, SIGUSR1 opens the record file again, SIGTERM answers what waits and ends.\n"
	"\n"
	"Examples:\n"
	"  op25b-rules check -p /etc/op25b/op25b.ini && op25bd -p /etc/op25b/op25b.ini\n"
	"  op25bd -p /etc/op25b/op25b.ini --user op25b\n"
	"\n"
	"Exit codes: 0 ended by a signal, 2 usage, 4 the policy has errors, 5 the system refused.\n";

struct options {
	struct gateway_options gateway;
	bool check;
};

/* unexpected: an argument nobody asked for, or NULL when getopt has said what is wrong. */
static int usage_error(const char *unexpected)
{
	if (unexpected)
		fprintf(stderr, "op25bd: unexpected argument \"%s\"\n", unexpected);
	fputs("Try 'op25bd --help'.\n", stderr);
	return EXIT_CODE_USAGE;
}

static int bad_mode(const char *mode)
{
	fprintf(stderr, "op25bd: --seccomp %s: say enforce, log or off\n", mode);
	return usage_error(NULL);
}

/* code, or EXIT_CODE_SYSTEM when standard output could not be written. */
static int flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "op25bd: writing the output: %s\n", strerror(errno));
	return EXIT_CODE_SYSTEM;
}

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"user", required_argument, NULL, 'u'},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{"fd-store", no_argument, NULL, 's'},
	{"check-handover", no_argument, NULL, 'c'},
	{"seccomp", required_argument, NULL, 'm'},
	{NULL, 0, NULL, 0},
};
/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{

	int option;

	while ((option = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		switch (option) {
		case 'p':
			options->gateway.policy_path = optarg;
			break;
		case 'u':
			options->gateway.user = optarg;
			break;
		case 's':
			options->gateway.store = true;
			break;
		case 'c':
			options->check = true;
			break;
		case 'm':
			if (sandbox_mode_parse(optarg, &options->gateway.sandbox) < 0)
				return bad_mode(optarg);
			break;
		case 'f':
			break;
		case 'h':
			fputs(usage, stdout);
			return flushed(EXIT_CODE_OK);
		case 'v':
			puts("op25bd " OP25B_VERSION);
			return flushed(EXIT_CODE_OK);
		default:
			return usage_error(NULL);
		}
	}
	return optind < argc ? usage_error(argv[optind]) : -1;
}

static int check(const char *policy)
{
	int code = gateway_check(policy);

	if (code == EXIT_CODE_OK)
		puts(OP25B_VERSION);
	return flushed(code);
}

int main(int argc, char **argv)
{
	struct options options = {.gateway.policy_path = OP25B_SYSCONFDIR "/op25b/op25b.ini"};
	struct gateway *gateway;
	int code;

	files_reserve_standard();
	escape_errors();
	upgrade_remember(argv);
	code = read_options(argc, argv, &options);
	if (code >= 0)
		return code;
	if (options.check)
		return check(options.gateway.policy_path);
	gateway = calloc(1, sizeof(*gateway));
	if (!gateway)
		return EXIT_CODE_SYSTEM;
	code = gateway_start(gateway, &options.gateway);
	if (code == EXIT_CODE_OK)
		code = gateway_run(gateway);
	gateway_free(gateway);
	free(gateway);
	return code;
}
