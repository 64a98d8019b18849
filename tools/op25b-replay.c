/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay: what the gateway would have done with recorded traffic. */
#include "replay.h"

#include "base/exitcode.h"
#include "base/files.h"
#include "base/ifpattern.h"
#include "base/out.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const char usage_text[] =
	"usage: op25b-replay [OPTIONS] FILE...\n"
	"\n"
	"Judges the packets of capture files (pcap, pcapng; \"-\" is standard input) as the gateway would, under the\n"
	"captures' own clock, and prints what was found.\n"
	"\n"
	"  -p, --policy POLICY    the policy (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --json             the summary as one JSON object; with --list one JSON object a packet\n"
	"      --list             one line a packet instead of the summary: number, time, source > destination,\n"
	"                         TCP flags, verdict (what enforcement would do), reason, rule\n"
	"      --events FILE      write the block records, EVE JSON lines, to FILE (\"-\": to standard output, and\n"
	"                         nothing else)\n"
	"      --interface NAME   every packet arrived on this interface, whatever the capture says\n"
	"      --inbound          every packet came in from outside\n"
	"      --outbound         every packet came from the subscriber side, whatever the capture says\n"
	"      --help             print this\n"
	"      --version          print the version\n"
	"\n"
	"Captures that name no interfaces count as coming from the subscriber side.\n"
	"\n"
	"Exit codes: 0 all replayed; 2 wrong usage; 3 a capture cannot be read or is damaged (what stands before the\n"
	"damage is replayed and printed); 4 the policy has errors; 5 the system refused something.\n"
	"\n"
	"examples:\n"
	"  op25b-replay -p trial.ini monday.pcap\n"
	"  op25b-replay --json monday.pcap tuesday.pcap | jq '.sources[] | select(.syn25 > 100)'\n"
	"  op25b-replay --list monday.pcap | grep ' reset '\n"
	"  tcpdump -i ppp0 -w - port 25 | op25b-replay --events - -\n";

enum option_code {
	OPTION_JSON = 256,
	OPTION_LIST,
	OPTION_EVENTS,
	OPTION_INTERFACE,
	OPTION_INBOUND,
	OPTION_OUTBOUND,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"list", no_argument, NULL, OPTION_LIST},
	{"events", required_argument, NULL, OPTION_EVENTS},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"inbound", no_argument, NULL, OPTION_INBOUND},
	{"outbound", no_argument, NULL, OPTION_OUTBOUND},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

enum parsed { PARSED_RUN, PARSED_DONE, PARSED_WRONG };

static enum parsed wrong(const char *text, const char *what)
{
	fprintf(stderr, "op25b-replay: %s%s (see op25b-replay --help)\n", text, what);
	return PARSED_WRONG;
}

static enum parsed set_direction(struct replay_options *options, enum replay_direction direction)
{
	if (options->direction != REPLAY_AS_CAPTURED && options->direction != direction)
		return wrong("--inbound and --outbound exclude each other", "");
	options->direction = direction;
	return PARSED_RUN;
}

static enum parsed set_interface(struct replay_options *options, const char *name)
{
	if (!ifpattern_valid(name, strlen(name)) || strchr(name, '*'))
		return wrong("not the name of an interface: ", name);
	options->interface = name;
	return PARSED_RUN;
}

static enum parsed print_and_end(const char *text)
{
	fputs(text, stdout);
	return PARSED_DONE;
}

static enum parsed take_option(int code, struct replay_options *options)
{
	switch (code) {
	case 'p':
		options->policy = optarg;
		return PARSED_RUN;
	case OPTION_JSON:
		options->json = true;
		return PARSED_RUN;
	case OPTION_LIST:
		options->list = true;
		return PARSED_RUN;
	case OPTION_EVENTS:
		options->events = optarg;
		return PARSED_RUN;
	case OPTION_INTERFACE:
		return set_interface(options, optarg);
	case OPTION_INBOUND:
		return set_direction(options, REPLAY_INBOUND);
	case OPTION_OUTBOUND:
		return set_direction(options, REPLAY_OUTBOUND);
	case OPTION_HELP:
		return print_and_end(usage_text);
	case OPTION_VERSION:
		return print_and_end("op25b-replay " OP25B_VERSION "\n");
	default: /* getopt has said what is wrong */
		return wrong("wrong usage", "");
	}
}

static enum parsed check_options(const struct replay_options *options)
{
	if (options->file_count == 0)
		return wrong("no capture given", "");
	if (options->interface && options->direction != REPLAY_AS_CAPTURED)
		return wrong("--interface excludes --inbound and --outbound", "");
	if (options->events && strcmp(options->events, "-") == 0 && (options->json || options->list))
		return wrong("--events - leaves standard output to the records: no --json, no --list", "");
	return PARSED_RUN;
}

static enum parsed parse_options(int argc, char **argv, struct replay_options *ret)
{
	int code;

	*ret = (struct replay_options){.policy = OP25B_SYSCONFDIR "/op25b/op25b.ini"};
	while ((code = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		enum parsed parsed = take_option(code, ret);

		if (parsed != PARSED_RUN)
			return parsed;
	}
	ret->files = argv + optind;
	ret->file_count = argc - optind;
	return check_options(ret);
}

/* ---- the policy ---- */

static int read_policy(const char *path, struct policy **ret)
{
	struct diag_list diags = {0};
	int r = policy_read_file(path, (int64_t)time(NULL), &diags, ret);

	if (r < 0)
		diag_print(&diags, stderr);
	if (r < 0 && diags.errors == 0)
		fprintf(stderr, "op25b-replay: %s: %s\n", path, strerror(-r));
	diag_list_free(&diags);
	if (r == -ENOMEM)
		return EXIT_CODE_SYSTEM;
	return r < 0 ? EXIT_CODE_POLICY : EXIT_CODE_OK;
}

static int build_engine(const char *path, const struct policy *policy, struct engine **ret)
{
	int r = engine_build(policy, ret);

	if (r == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-replay: %s: %s\n", path,
		r == -E2BIG ? "the policy combines more rules than the tables can index" : strerror(-r));
	return r == -E2BIG ? EXIT_CODE_POLICY : EXIT_CODE_SYSTEM;
}

/* ---- output ---- */

/* Not this machine's name: the same capture and policy give the same bytes wherever they are replayed. */
static void set_host(struct replay_events *events)
{
	const char *name = events->policy->gateway.name;

	snprintf(events->host, sizeof(events->host), "%s", name[0] ? name : "replay");
}

static int tell_overwrite(const char *events, const char *read)
{
	fprintf(stderr, "op25b-replay: --events %s would overwrite %s, which is read: name another file\n",
		events, read);
	return EXIT_CODE_USAGE;
}

/* Opening the records' file empties it: that must not be a file which is still to be read. */
static int check_events(const struct replay_options *options, const struct policy *policy)
{
	for (int i = 0; i < options->file_count; i++)
		if (files_are_same(options->events, options->files[i]))
			return tell_overwrite(options->events, options->files[i]);
	for (size_t i = 0; i < policy->source_count; i++)
		if (files_are_same(options->events, policy->sources[i]))
			return tell_overwrite(options->events, policy->sources[i]);
	return EXIT_CODE_OK;
}

static int open_events(const struct replay_options *options, struct replay_events *events)
{
	int code = EXIT_CODE_OK;

	if (!options->events)
		return EXIT_CODE_OK;
	if (strcmp(options->events, "-") != 0)
		code = check_events(options, events->policy);
	if (code != EXIT_CODE_OK)
		return code;
	set_host(events);
	events->out = strcmp(options->events, "-") == 0 ? stdout : fopen(options->events, "we");
	if (events->out)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-replay: %s: %s\n", options->events, strerror(errno));
	return EXIT_CODE_SYSTEM;
}

/* What was written has arrived, or it is said that it has not. */
static int finish_stream(FILE *stream, const char *name, int code)
{
	errno = 0;
	if (fflush(stream) == 0 && !ferror(stream))
		return code;
	fprintf(stderr, "op25b-replay: %s: %s\n", name, errno ? strerror(errno) : "write error");
	return EXIT_CODE_SYSTEM;
}

static struct replay_report empty_report(void)
{
	struct replay_report report = {0};

	/* Whoever made the capture chose its addresses. Without a random key the table is only easier to slow down. */
	if (getrandom(&report.sources.key, sizeof(report.sources.key), GRND_NONBLOCK) < 0)
		report.sources.key.k0 = (uint64_t)time(NULL);
	return report;
}

static void print_json_name(const char *name)
{
	char text[2048];
	struct out out = out_over(text, sizeof(text));

	out_json_string(&out, name, strnlen(name, 256));
	fwrite(text, 1, out_len(&out), stdout);
}

/* One file of several: an element of "files", or a headed block for people. */
static void print_one_of_many(const struct replay_options *options, const char *file, bool first,
			      struct replay_report *report)
{
	if (!options->json) {
		printf("%s:\n", file);
		replay_report_print(report, stdout);
		fputc('\n', stdout);
		return;
	}
	fputs(first ? "{\n\t\"files\": [\n\t\t{\n\t\t\t\"file\": " : ",\n\t\t{\n\t\t\t\"file\": ", stdout);
	print_json_name(file);
	fputs(",\n\t\t\t", stdout);
	replay_report_print_json(report, 3, stdout);
	fputs("\n\t\t}", stdout);
}

static void print_run(const struct replay_options *options, struct replay_report *report)
{
	bool many = options->file_count > 1;

	if (!options->json) {
		if (many)
			fputs("all files:\n", stdout);
		replay_report_print(report, stdout);
		return;
	}
	fputs(many ? "\n\t],\n\t" : "{\n\t", stdout);
	replay_report_print_json(report, 1, stdout);
	fputs("\n}\n", stdout);
}

/* ---- the run ---- */

static bool prints_summary(const struct replay_options *options)
{
	return !options->list && !(options->events && strcmp(options->events, "-") == 0);
}

static int replay_file(const struct replay_options *options, const struct engine *engine, const char *file,
		       struct replay_sink *sink)
{
	struct replay_report own = empty_report();
	struct replay_report *run_report = sink->report;
	bool many = options->file_count > 1;
	int code, opened = sink->opened;

	if (many) {
		sink->report = &own;
		sink->total = run_report;
	}
	code = replay_run(engine, options, file, sink);
	if (many && sink->opened > opened && prints_summary(options))
		print_one_of_many(options, file, opened == 0, &own);
	sink->report = run_report;
	sink->total = NULL;
	replay_report_free(&own);
	return code;
}

static int replay_files(const struct replay_options *options, const struct engine *engine,
			struct replay_events *events)
{
	struct replay_report report = empty_report();
	struct replay_sink sink = {
		.report = &report,
		.events = events,
		.list = options->list ? stdout : NULL,
		.list_json = options->json,
	};
	int worst = EXIT_CODE_OK;

	for (int i = 0; i < options->file_count && worst != EXIT_CODE_SYSTEM; i++) {
		int code = replay_file(options, engine, options->files[i], &sink);

		worst = code > worst ? code : worst;
	}
	if (sink.opened > 0 && prints_summary(options))
		print_run(options, &report);
	replay_report_free(&report);
	return worst;
}

static int replay_with_policy(const struct replay_options *options, const struct policy *policy)
{
	struct replay_events events = {.policy = policy};
	struct engine *engine = NULL;
	int code = build_engine(options->policy, policy, &engine);

	if (code == EXIT_CODE_OK)
		code = open_events(options, &events);
	if (code == EXIT_CODE_OK) {
		code = replay_files(options, engine, &events);
		code = finish_stream(stdout, "standard output", code);
	}
	if (events.out && events.out != stdout) {
		code = finish_stream(events.out, options->events, code);
		fclose(events.out);
	}
	engine_free(engine);
	return code;
}

int main(int argc, char **argv)
{
	struct replay_options options;
	struct policy *policy = NULL;
	enum parsed parsed;
	int code;

	files_reserve_standard();
	parsed = parse_options(argc, argv, &options);
	if (parsed != PARSED_RUN)
		return parsed == PARSED_DONE ? finish_stream(stdout, "standard output", EXIT_CODE_OK)
					     : EXIT_CODE_USAGE;
	code = read_policy(options.policy, &policy);
	if (code == EXIT_CODE_OK)
		code = replay_with_policy(&options, policy);
	policy_free(policy);
	return code;
}
