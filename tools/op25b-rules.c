/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-rules: checks a policy, prints it, and turns it into the kernel's ruleset. */
#include "rules.h"

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "base/moment.h"
#include "base/number.h"
#include "base/suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONFIRM_MAX_S = 86400 };

struct command {
	const char *name;
	int (*run)(const struct rules_options *options);
	const char *takes; /* the short forms of the options it takes besides -p */
};

static const char usage_text[] =
	"usage: op25b-rules COMMAND [-p POLICY] [OPTION]...\n"
	"\n"
	"Checks an op25b policy, and turns it into the kernel's ruleset (table op25b, no other).\n"
	"\n"
	"commands:\n"
	"  check      report every error and warning, then a summary with the dates ahead\n"
	"  dump       print the effective policy, defaults included; it reads back to the same policy\n"
	"  generate   print the ruleset in nft's language\n"
	"  pools      print the restricted address space as the fewest prefixes, for others' block lists\n"
	"  apply      load the ruleset in one transaction; counters stay\n"
	"  confirm    keep what apply --confirm-within has loaded\n"
	"  delete     remove the table\n"
	"  status     say whether the kernel's rules are the policy's\n"
	"  diff       show what apply would change: addresses gained and lost, chains and rules\n"
	"  verify     prove that the ruleset does what the policy says, packet by packet\n"
	"\n"
	"options:\n"
	"  -p, --policy POLICY   the policy file (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"  -o, --output FILE     generate: write to FILE, all or nothing\n"
	"      --strict          check: warnings count, too (exit code 1)\n"
	"      --at DATE         check, pools, verify: as if it were this date, RFC 3339 with an offset\n"
	"      --kernel          check: what this kernel can do, and which means will be used; no policy is read\n"
	"      --confirm-within SECONDS\n"
	"                        apply: put the rules of before back after so long, unless op25b-rules confirm comes\n"
	"      --whole           apply: send all sets, not only what differs from the last apply\n"
	"      --full            status, diff: read large sets, too, if it takes minutes\n"
	"      --all             pools: of all pools, not only of those that are enforced\n"
	"      --ip4, --ip6      pools: only this family\n"
	"      --without-exempt  pools: without what is exempt to anywhere\n"
	"      --list            verify: print every class that can be sent, one JSON object a line\n"
	"      --json            print the result as JSON; generate: as nft's JSON\n"
	"      --help            print this\n"
	"      --version         print the version\n"
	"\n"
	"exit codes: 0 done; 1 warnings, with --strict, a kernel that cannot load the rules, rules that are not the\n"
	"policy's, nothing to confirm, or verify found a disagreement; 2 wrong usage; 4 the policy has errors; 5 the\n"
	"kernel or the system refused; 7 verify found nothing, but looked at a sample only.\n"
	"\n"
	"examples:\n"
	"  op25b-rules check -p policy.ini\n"
	"  op25b-rules check -p policy.ini --at 2030-01-01T00:00:00+09:00\n"
	"  op25b-rules check --kernel\n"
	"  op25b-rules generate -p policy.ini | less\n"
	"  op25b-rules generate -p policy.ini -o ruleset.nft && nft -c -f ruleset.nft\n"
	"  op25b-rules generate -p policy.ini --json | nft -c -j -f -\n"
	"  op25b-rules dump -p policy.ini --json | jq '.pool[].prefix[]'\n"
	"  op25b-rules verify -p policy.ini\n"
	"  op25b-rules pools --ip4 --at 2030-01-01T00:00:00+09:00 >restricted.txt\n"
	"  op25b-rules status || op25b-rules diff\n"
	"  op25b-rules apply --confirm-within 120 && op25b-rules confirm\n"
	"  op25b-rules apply && nft list table inet op25b\n";

int rules_flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "op25b-rules: writing the output: %s\n", strerror(errno));
	return EXIT_CODE_SYSTEM;
}

int rules_print_json(json_t *object, int code)
{
	int r = object ? json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : -1;

	json_decref(object);
	if (r == 0)
		putchar('\n');
	if (r == 0 || ferror(stdout))
		return code;
	fputs("op25b-rules: out of memory\n", stderr);
	return EXIT_CODE_SYSTEM;
}

/* What keeps a policy from being read: a code; its errors are printed already, unless `quiet`. */
int rules_read_policy(const struct rules_options *options, struct diag_list *diags, bool quiet,
		      struct policy **ret)
{
	int r = policy_read_file(options->policy, options->now_s, diags, ret);

	if (!quiet)
		diag_print(diags, stderr);
	if (r == 0)
		return EXIT_CODE_OK;
	if (diags->errors == 0)
		fprintf(stderr, "op25b-rules: %s: %s\n", options->policy, strerror(-r));
	return r == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_POLICY;
}

int rules_load_policy(const struct rules_options *options, struct policy **ret)
{
	struct diag_list diags = {0};
	int code = rules_read_policy(options, &diags, false, ret);

	diag_list_free(&diags);
	return code;
}

/* An output in the place of what it was made from would leave neither. */
static int check_output(const struct rules_options *options, const struct policy *policy)
{
	for (size_t i = 0; options->output && i < policy->source_count; i++) {
		if (!files_are_same(options->output, policy->sources[i]))
			continue;
		fprintf(stderr, "op25b-rules: --output %s is the policy's own file %s: name another\n",
			options->output, policy->sources[i]);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_OK;
}

int rules_load_ruleset(const struct rules_options *options, struct ruleset **ret)
{
	struct policy *policy = NULL;
	int code = rules_load_policy(options, &policy), r;

	if (code != EXIT_CODE_OK)
		return code;
	code = check_output(options, policy);
	if (code != EXIT_CODE_OK) {
		policy_free(policy);
		return code;
	}
	r = ruleset_build(policy, ret);
	policy_free(policy);
	if (r < 0) {
		fprintf(stderr, "op25b-rules: making the ruleset: %s\n", strerror(-r));
		return EXIT_CODE_SYSTEM;
	}
	return EXIT_CODE_OK;
}

static int run_dump(const struct rules_options *options)
{
	struct policy *policy = NULL;
	int code = rules_load_policy(options, &policy), r;

	if (code != EXIT_CODE_OK)
		return code;
	r = (options->json ? policy_print_json : policy_print)(policy, stdout);
	policy_free(policy);
	if (r < 0) {
		fprintf(stderr, "op25b-rules: writing the output: %s\n", strerror(-r));
		return EXIT_CODE_SYSTEM;
	}
	return rules_flushed(EXIT_CODE_OK);
}

typedef int ruleset_printer(const struct ruleset *ruleset, FILE *out);

struct print_job {
	const struct ruleset *ruleset;
	ruleset_printer *print;
};

static int print_into(void *context, FILE *out)
{
	const struct print_job *job = context;

	return job->print(job->ruleset, out);
}

/* What is no regular file (a pipe, /dev/stdout) is written to, not replaced. */
static int write_file(const struct ruleset *ruleset, ruleset_printer *print, const char *path)
{
	FILE *out CLEANUP_FCLOSE = NULL;
	struct print_job job = {ruleset, print};
	struct stat status;

	if (stat(path, &status) < 0 || S_ISREG(status.st_mode))
		return files_replace(path, print_into, &job);
	out = fopen(path, "we");
	return out ? print(ruleset, out) : -errno;
}

static int run_generate(const struct rules_options *options)
{
	ruleset_printer *print = options->json ? ruleset_print_json : ruleset_print;
	struct ruleset *ruleset = NULL;
	int code = rules_load_ruleset(options, &ruleset), r;

	if (code != EXIT_CODE_OK)
		return code;
	if (options->json && ruleset->live_count > 0) {
		ruleset_free(ruleset);
		fputs("op25b-rules: a ruleset with offload cannot be said in nft's JSON, which knows no map of numbers: "
		      "take the text, or apply\n",
		      stderr);
		return EXIT_CODE_USAGE;
	}
	r = options->output ? write_file(ruleset, print, options->output) : print(ruleset, stdout);
	ruleset_free(ruleset);
	if (r == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-rules: writing %s: %s\n", options->output ? options->output : "the output",
		strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static const struct command commands[] = {
	{"check", rules_check, "jsak"},   {"dump", run_dump, "j"},       {"generate", run_generate, "oj"},
	{"pools", rules_pools, "jaA46x"}, {"apply", rules_apply, "jcw"}, {"delete", rules_delete, "j"},
	{"status", rules_status, "jf"},   {"diff", rules_diff, "jf"},    {"confirm", rules_confirm, "j"},
	{"verify", rules_verify, "jal"},
};

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"output", required_argument, NULL, 'o'},
	{"strict", no_argument, NULL, 's'},
	{"at", required_argument, NULL, 'a'},
	{"confirm-within", required_argument, NULL, 'c'},
	{"kernel", no_argument, NULL, 'k'},
	{"all", no_argument, NULL, 'A'},
	{"ip4", no_argument, NULL, '4'},
	{"ip6", no_argument, NULL, '6'},
	{"without-exempt", no_argument, NULL, 'x'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{"list", no_argument, NULL, 'l'},
	{"whole", no_argument, NULL, 'w'},
	{"full", no_argument, NULL, 'f'},
	{NULL, 0, NULL, 0},
};

static int misused(const char *what, const char *which)
{
	fprintf(stderr, "op25b-rules: %s %s (see op25b-rules --help)\n", what, which);
	return EXIT_CODE_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])];
	const char *nearest;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		names[i] = commands[i].name;
	nearest = suggest_nearest(name, strlen(name), names, sizeof(names) / sizeof(names[0]));
	if (!nearest)
		return misused("unknown command", name);
	fprintf(stderr, "op25b-rules: unknown command %s: did you mean %s? (see op25b-rules --help)\n", name,
		nearest);
	return EXIT_CODE_USAGE;
}

/* An exit code to end with, or -1. */
static int take_date(const char *text, struct rules_options *options)
{
	struct moment moment;
	enum moment_error error = moment_parse(text, strlen(text), &moment, NULL);

	if (error != MOMENT_OK)
		return misused(moment_error_text(error), text);
	options->now_s = moment.s;
	options->at_given = true;
	options->now_offset_s = moment.offset_s;
	return -1;
}

static int take_seconds(const char *text, struct rules_options *options)
{
	uint64_t seconds;

	if (number_parse(text, strlen(text), 1, CONFIRM_MAX_S, &seconds) != NUMBER_OK)
		return misused("--confirm-within takes 1 to 86400 seconds, not", text);
	options->confirm_within_s = (uint32_t)seconds;
	return -1;
}

/* What an option without a value sets; NULL: it is another one. */
static bool *flag_of(int letter, struct rules_options *options)
{
	switch (letter) {
	case 's':
		return &options->strict;
	case 'k':
		return &options->kernel;
	case 'A':
		return &options->all;
	case '4':
		return &options->only_ip4;
	case '6':
		return &options->only_ip6;
	case 'x':
		return &options->without_exempt;
	case 'j':
		return &options->json;
	case 'l':
		return &options->list;
	case 'w':
		return &options->whole;
	case 'f':
		return &options->full;
	default:
		return NULL;
	}
}

/* An exit code when the program is to end now, else -1. */
static int take_option(int letter, const char *argument, struct rules_options *options)
{
	bool *flag = flag_of(letter, options);

	if (flag) {
		*flag = true;
		return -1;
	}
	switch (letter) {
	case 'p':
		options->policy = argument;
		return -1;
	case 'o':
		options->output = argument;
		return -1;
	case 'c':
		return take_seconds(argument, options);
	case 'a':
		return take_date(argument, options);
	case 'h':
		fputs(usage_text, stdout);
		return rules_flushed(EXIT_CODE_OK);
	case 'v':
		puts("op25b-rules " OP25B_VERSION);
		return rules_flushed(EXIT_CODE_OK);
	default:
		fputs("(see op25b-rules --help)\n", stderr);
		return EXIT_CODE_USAGE;
	}
}

/* Reads all options; those that only some commands take are noted by letter. An exit code to end with, or -1. */
static int take_options(int argc, char **argv, struct rules_options *options, bool given[128])
{
	int letter, code = -1;

	while (code < 0 && (letter = getopt_long(argc, argv, "p:o:", long_options, NULL)) != -1) {
		given[letter & 0x7f] = true;
		code = take_option(letter, optarg, options);
	}
	return code;
}

static int check_fit(const struct command *command, const bool given[128])
{
	static const struct {
		char letter;
		const char *name;
	} limited[] = {{'o', "--output"},
		       {'s', "--strict"},
		       {'a', "--at"},
		       {'j', "--json"},
		       {'c', "--confirm-within"},
		       {'k', "--kernel"},
		       {'A', "--all"},
		       {'4', "--ip4"},
		       {'6', "--ip6"},
		       {'x', "--without-exempt"},
		       {'w', "--whole"},
		       {'f', "--full"},
		       {'l', "--list"}};

	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		if (given[(unsigned char)limited[i].letter] && !strchr(command->takes, limited[i].letter)) {
			fprintf(stderr, "op25b-rules: %s takes no %s (see op25b-rules --help)\n",
				command->name, limited[i].name);
			return EXIT_CODE_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct rules_options options = {.policy = OP25B_SYSCONFDIR "/op25b/op25b.ini", .now_s = time(NULL)};
	bool given[128] = {false};
	const struct command *command;
	int code;

	files_reserve_standard();
	escape_errors();
	code = take_options(argc, argv, &options, given);
	if (code >= 0)
		return code;
	if (optind == argc)
		return misused(
			"no command given:",
			"check, dump, generate, pools, apply, confirm, delete, status, diff or verify");
	command = find_command(argv[optind]);
	if (!command)
		return unknown_command(argv[optind]);
	if (optind + 1 < argc)
		return misused("unexpected argument", argv[optind + 1]);
	if (options.only_ip4 && options.only_ip6)
		return misused("only one of", "--ip4 and --ip6");
	code = check_fit(command, given);
	return code >= 0 ? code : command->run(&options);
}
