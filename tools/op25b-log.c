/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-log: what the block records tell. */
#include "log_options.h"
#include "log_wait.h"

#include "base/escape.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "base/suggest.h"

#include "policy/policy.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* grep's codes are the first three of all programs', with a wider meaning of the last. */
static_assert((int)LOG_FOUND == (int)EXIT_CODE_OK && (int)LOG_NOTHING == (int)EXIT_CODE_DIFFERS &&
		      (int)LOG_ERROR == (int)EXIT_CODE_USAGE,
	      "the manual lists them by these names");

#define SORT_OPTION                                                                                          \
	{                                                                                                    \
		"sort", "ORDER", "by attempts, packets, destinations, first or last"                         \
	}

#define BY_OPTION                                                                                            \
	{                                                                                                    \
		"by", "NAME", "who says so, instead of the user logged in"                                   \
	}

#define DEALT_OPTIONS                                                                                        \
	BY_OPTION, {"at", "TIME", "when, instead of now"}, {"ticket", "TICKET", "the ticket about it"},      \
	{                                                                                                    \
		"note", "TEXT", "a remark for others"                                                        \
	}

#define GRACE_OPTION                                                                                         \
	{                                                                                                    \
		"grace", "TIME", "who is blocked so long after has not stopped, instead of 24h"              \
	}

/* What its --help names of the options of all commands. */
#define PERIOD  "--since, --until"
#define FILTERS "--src, --dst, --pool, --rule, --reason, --host, --min-attempts"
#define FORM    "--output, --json, --utc, --color, --no-pager, --wide"
#define STORE   "--policy, --log, --store, --no-ingest"
#define LOOKING PERIOD ", " FILTERS ", --limit, " FORM ", " STORE
#define WORKING FORM ", " STORE

#define ENTERED                                                                                              \
	{                                                                                                    \
		"it was entered", "no record is about this subscriber"                                       \
	}

/* In the order of the help: looking, then working with what was found, then the store itself. */
static const struct log_command commands[] = {
	{"top", "", 0, 0, "the subscribers of whom most was blocked, and what each probably is",
	 .options = {SORT_OPTION}, .run = log_top, .also = LOOKING, .rows = 20,
	 .examples = "  op25b-log top --since yesterday\n"
		     "  op25b-log top --since -2h --pool dynamic --sort destinations\n"},
	{"list", "", 0, 0, "the records, latest first", .options = {{"reverse", NULL, "earliest first"}},
	 .letters = "r", .run = log_list, .also = LOOKING,
	 .examples = "  op25b-log list --src 2001:db8:100::/56 --since -1d\n"},
	{"tail", "", 0, 0, "the latest records, earliest of them first",
	 .options = {{"follow", NULL, "go on with those that come"}}, .letters = "f", .run = log_tail,
	 .also = LOOKING, .rows = 10, .examples = "  op25b-log tail -f -n 20\n"},
	{"timeline", "", 0, 0, "what was blocked, hour by hour or in other steps",
	 .options = {{"step", "TIME", "so long is each step: 5min, 1h, 1d"}}, .run = log_timeline,
	 .also = LOOKING, .rows_say = "all steps; the last N of them with -n N",
	 .examples = "  op25b-log timeline --since -1d --step 1h\n"},
	{"show", "SUBSCRIBER", 1, 1, "everything about a subscriber", .run = log_show, .also = LOOKING,
	 .examples = "  op25b-log show 198.51.100.7\n"},
	{"first-seen", "", 0, 0, "subscribers never seen before the period (without --since: the last day)",
	 .options = {SORT_OPTION}, .run = log_first_seen, .also = LOOKING, .rows = 20,
	 .examples = "  op25b-log first-seen --since yesterday --min-attempts 10\n"},
	{"destinations", "", 0, 0, "where to, as far as the records list it", .run = log_destinations,
	 .also = LOOKING, .rows = 20, .examples = "  op25b-log destinations --src 198.51.100.7\n"},
	{"pools", "", 0, 0, "what was blocked by pool",
	 .options = {{"by", "WHAT", "by rule, reason, host or kind of rule (rule-kind) instead of pool"}},
	 .run = log_pools, .also = LOOKING,
	 .examples = "  op25b-log pools --since -7d --output csv\n"
		     "  op25b-log pools --by reason\n"},
	{"compare", "", 0, 0,
	 "two periods: who is new, gone or has grown (without times: the last day and the day before)",
	 .options = {{"against-since", "TIME",
		      "the period before begins here, instead of as long before --since"},
		     {"against-until", "TIME", "and ends here, instead of at --since"},
		     {"factor", "N", "grown is who has so many times the attempts, instead of 2"},
		     {"all", NULL, "those that are neither, too"}},
	 .run = log_compare, .also = LOOKING,
	 .examples = "  op25b-log compare --since today\n"
		     "  op25b-log compare --since -7d --factor 5\n"},
	{"report", "", 0, 0, "everything about a period (without --since: seven days) on one page of HTML",
	 .options = {{"html", "FILE", "the page, which is always to be named; - is standard output"},
		     {"lang", "LANGUAGE", "en or ja"},
		     {"now", "TIME", "the page is made as of this time"},
		     {"uses", "FILE",
		      "what 'op25bctl exemptions --json' printed: which exemptions are used"}},
	 .run = log_report, .also = PERIOD ", " FILTERS ", --limit, --utc, " STORE, .rows = 50,
	 .rows_say = "50 subscribers on the page; others with -n N, at most 1000",
	 .codes = {"the page was written", "it was written, and tells of no record"},
	 .examples = "  op25b-log report --html week.html\n"
		     "  op25b-log report --since -30d --pool dynamic --lang ja --html month.html\n"},
	{"watch", "", 0, 0,
	 "live, on the whole terminal: who is blocked most now, rates, the gateway's health",
	 .options = {{"interval", "SECONDS", "from one look to the next, instead of 1"},
		     {"socket", "PATH", "the daemon's control socket, instead of the one the policy names"}},
	 .prepare = LOG_BARE, .run = log_watch, .also = FILTERS ", --policy, --log, --utc, --color",
	 .rows_say = "", .codes = {"it was left with q", NULL},
	 .examples = "  op25b-log watch --interval 5\n"
		     "  op25b-log watch --log events.json\n"},
	{"queue", "[SUBSCRIBER]", 0, 1,
	 "whom to look after: who went on or came back, new ones, those dealt with, and whether they stopped",
	 .options = {{"state", "STATE",
		      "only open, acknowledged, notified, continued, relapsed or closed ones"},
		     GRACE_OPTION,
		     {"history", NULL, "what people entered, by whom and when"}},
	 .run = log_queue, .also = LOOKING, .rows = 20,
	 .rows_say =
		 "all whom somebody dealt with and has not closed, and 20 others; N in all with -n N, 0 for no limit",
	 .examples = "  op25b-log queue --since -7d --min-attempts 100\n"
		     "  op25b-log queue --history 198.51.100.7\n"},
	{"ack", "SUBSCRIBER", 1, 1, "somebody looks after it", .options = {DEALT_OPTIONS, GRACE_OPTION},
	 .run = log_ack, .also = WORKING, .rows_say = "", .codes = ENTERED,
	 .examples = "  op25b-log ack 198.51.100.7 --ticket T-4711\n"},
	{"notified", "SUBSCRIBER", 1, 1, "the subscriber was told", .options = {DEALT_OPTIONS, GRACE_OPTION},
	 .run = log_notified, .also = WORKING, .rows_say = "", .codes = ENTERED,
	 .examples =
		 "  op25b-log notified 2001:db8:100::/56 --at \"yesterday 16:00\" --note \"by letter\"\n"},
	{"reopen", "SUBSCRIBER", 1, 1, "back into the queue, as if nobody had dealt with it",
	 .options = {DEALT_OPTIONS}, .run = log_reopen, .also = WORKING, .rows_say = "", .codes = ENTERED,
	 .examples = "  op25b-log reopen 198.51.100.7\n"},
	{"close", "SUBSCRIBER", 1, 1, "out of the queue, until the subscriber is blocked again",
	 .options = {DEALT_OPTIONS, GRACE_OPTION}, .run = log_close, .also = WORKING, .rows_say = "",
	 .codes = ENTERED, .examples = "  op25b-log close 198.51.100.7 --note \"mail server repaired\"\n"},
	{"note", "SUBSCRIBER TEXT", 2, 2, "add a note to a subscriber", .options = {BY_OPTION},
	 .run = log_annotate, .also = WORKING, .rows_say = "", .codes = ENTERED,
	 .examples = "  op25b-log note 198.51.100.7 \"calls back on Monday\"\n"},
	{"ticket", "SUBSCRIBER TICKET", 2, 2, "say which ticket is about a subscriber",
	 .options = {BY_OPTION}, .run = log_ticket, .also = WORKING, .rows_say = "", .codes = ENTERED,
	 .examples = "  op25b-log ticket 198.51.100.7 T-4711\n"},
	{"exemptions", "", 0, 0, "the policy's exemptions: unused, expiring, overused",
	 .options = {{"within", "TIME", "expiring is what ends so soon, instead of 30d"},
		     {"over", "NUMBER", "overused is what has more attempts a day, instead of 1000"},
		     {"problems", NULL, "only what wants looking at, or has no end"},
		     {"uses", "FILE", "what 'op25bctl exemptions --json' printed, instead of asking op25bd"}},
	 .prepare = LOG_BARE, .run = log_exemptions, .also = FORM ", --policy", .rows_say = "",
	 .codes = {"some are listed",
		   "none are: the policy has none, or with --problems none wants looking at"},
	 .examples = "  op25b-log exemptions --problems\n"
		     "  op25b-log exemptions --within 60d --uses gateways.json\n"},
	{"verify", "", 0, 0, "whether all records are stored, by their numbers and by op25bd's count",
	 .options = {{"ledger", "FILE", "what 'op25bctl status --json' printed, instead of asking op25bd"},
		     {"no-ledger", NULL, "by the numbers alone"}},
	 .prepare = LOG_OPENED, .run = log_verify, .also = "--host, " WORKING, .rows_say = "",
	 .codes = {"complete: all records are stored, each once",
		   "gaps: records are missing, or counts differ"},
	 .examples = "  op25b-log verify\n"
		     "  op25b-log verify --ledger gateways.json --host gw1.isp.example\n"},
	{"ingest", "[FILE...]", 0, LOG_FILES_MAX,
	 "fill the store from the record files, or from these, and say what came of it",
	 .prepare = LOG_OPENED, .run = log_ingest, .also = FORM ", --policy, --log, --store", .rows_say = "",
	 .codes = {"records were added", "there was nothing new"},
	 .examples = "  op25b-log ingest\n"
		     "  op25b-log --store autumn.db ingest events.json-2026*.gz\n"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]), POOLS_NAMED = 256 };

/* code, or LOG_ERROR when standard output could not be written. Who stops reading wants nothing said. */
static int flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		log_error("writing the output: %s", strerror(errno));
	return LOG_ERROR;
}

/* After a help, which may be longer than the terminal. */
static int helped(int code)
{
	code = flushed(code);
	log_page_end();
	return code;
}

static const struct log_command *find_command(const char *name)
{
	const char *names[COMMANDS], *nearest;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
		if (strcmp(name, names[i]) == 0)
			return &commands[i];
	}
	nearest = suggest_nearest(name, strlen(name), names, COMMANDS);
	if (nearest)
		log_error("unknown command \"%s\": did you mean \"%s\"?", name, nearest);
	else
		log_error("unknown command \"%s\"", name);
	return NULL;
}

static int check_arguments(const struct log_command *command, int given)
{
	if (given >= command->least && given <= command->most)
		return LOG_FOUND;
	if (command->most == 0)
		log_error("%s takes no arguments", command->name);
	else if (command->least == command->most)
		log_error("%s takes %d argument%s: %s", command->name, command->most,
			  command->most == 1 ? "" : "s", command->arguments);
	else
		log_error("%s takes at most %d argument%s: %s", command->name, command->most,
			  command->most == 1 ? "" : "s", command->arguments);
	return log_options_wrong(command);
}

/* Records may tell of pools that the policy had once, so it is no error. */
static void look_at_pool(const struct log_context *context)
{
	const char *names[POOLS_NAMED], *pool = context->filter.pool, *nearest;
	size_t count = 0;

	for (size_t i = 0; pool && context->policy && i < context->policy->rule_count; i++) {
		const struct policy_rule *rule = &context->policy->rules[i];

		if (rule->kind != POLICY_POOL)
			continue;
		if (strcmp(rule->name, pool) == 0)
			return;
		if (count < POOLS_NAMED)
			names[count++] = rule->name;
	}
	if (!pool || !context->policy)
		return;
	nearest = suggest_nearest(pool, strlen(pool), names, count);
	log_error("--pool %s: %s has no such pool%s%s%s", pool, context->policy_path,
		  nearest ? ": did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static int prepare(struct log_context *context)
{
	int code = context->command->prepare == LOG_BARE ? LOG_FOUND : log_store_find(context);

	if (code == LOG_FOUND)
		look_at_pool(context);
	if (code != LOG_FOUND || context->command->prepare == LOG_BARE)
		return code;
	code = log_store_open(context);
	return code == LOG_FOUND ? log_look_at_names(context) : code;
}

/* The code is the command's own, whatever is said below. */
static int run_and_say(struct log_context *context, int argc, char **argv)
{
	int code;

	if (context->store)
		log_wait_begin(context->store);
	code = context->command->run(context, argc, argv);
	if (code != LOG_ERROR && log_divided(context) == LOG_ERROR)
		code = LOG_ERROR;
	log_wait_end();
	return flushed(code);
}

static int run_command(struct log_context *context, struct log_words *words, int argc, char **argv)
{
	char title[64];
	int code;

	/* The name that getopt puts before what it says. */
	snprintf(title, sizeof(title), "op25b-log %s", context->command->name);
	argv[0] = title;
	code = log_options_read(context, words, commands, COMMANDS, argc, argv);
	if (code >= 0)
		return helped(code);
	code = check_arguments(context->command, argc - optind);
	if (code == LOG_FOUND)
		code = log_options_apply(context, words);
	if (code != LOG_FOUND)
		return code;
	/* The arguments are the last words now: the command's name takes the place before them. */
	argc -= optind - 1;
	argv += optind - 1;
	argv[0] = title;
	code = prepare(context);
	if (code == LOG_FOUND)
		code = run_and_say(context, argc, argv);
	log_page_end();
	return code;
}

static int read_and_run(struct log_context *context, int argc, char **argv)
{
	struct log_words words = {0};
	int code = log_options_read(context, &words, commands, COMMANDS, argc, argv);

	if (code >= 0)
		return helped(code);
	if (optind == argc)
		return log_error("no command"), log_options_wrong(NULL);
	context->command = find_command(argv[optind]);
	if (!context->command)
		return log_options_wrong(NULL);
	return run_command(context, &words, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	struct log_context context = {.policy_path = OP25B_SYSCONFDIR "/op25b/op25b.ini",
				      .fill = true,
				      .rotated = true,
				      .pager = true};
	struct timespec now;
	int code;

	files_reserve_standard();
	escape_errors();
	setlocale(LC_CTYPE, "");
	clock_gettime(CLOCK_REALTIME, &now);
	context.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	code = read_and_run(&context, argc, argv);
	log_store_end(&context);
	return code;
}
