/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay without a command: files through the engine, and what is printed of each and of all. */
#include "replay.h"

#include "base/exitcode.h"
#include "base/files.h"
#include "base/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

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
	int code = replay_engine_build(options->policy, policy, &engine);

	if (code == EXIT_CODE_OK)
		code = open_events(options, &events);
	if (code == EXIT_CODE_OK) {
		code = replay_files(options, engine, &events);
		code = replay_stream_finish(stdout, "standard output", code);
	}
	if (events.out && events.out != stdout) {
		code = replay_stream_finish(events.out, options->events, code);
		fclose(events.out);
	}
	engine_free(engine);
	return code;
}

int replay_captures(int argc, char **argv)
{
	struct replay_options options;
	struct policy *policy = NULL;
	enum replay_parsed parsed = replay_options_parse(argc, argv, &options);
	int code;

	if (parsed == REPLAY_PARSED_DONE)
		return replay_stream_finish(stdout, "standard output", EXIT_CODE_OK);
	if (parsed == REPLAY_PARSED_WRONG)
		return EXIT_CODE_USAGE;
	code = replay_policy_read(options.policy, &policy);
	if (code == EXIT_CODE_OK)
		code = replay_with_policy(&options, policy);
	policy_free(policy);
	return code;
}
