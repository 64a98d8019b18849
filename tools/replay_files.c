/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay without a command: files through the engine, and what is printed of each and of all. */
#include "replay.h"

#include "base/exitcode.h"
#include "base/out.h"
#include "capture/write.h"

#include <stdlib.h>
#include <string.h>

/* Not this machine's name: the same capture and policy give the same bytes wherever they are replayed. */
static void set_host(struct replay_events *events)
{
	const char *name = events->policy->gateway.name;

	snprintf(events->host, sizeof(events->host), "%s", name[0] ? name : "replay");
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
	bool many = options->file_count > 1 && !options->merge;

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

static bool prints_summary(const struct replay_options *options, const struct replay_checks *checks)
{
	bool recorded = options->checks.record && strcmp(options->checks.record, "-") == 0;

	return !options->list && !recorded && !replay_checks_wanted(checks) &&
	       !(options->events && strcmp(options->events, "-") == 0);
}

static int replay_file(const struct replay_options *options, const struct engine *engine, const char *file,
		       struct replay_sink *sink)
{
	struct replay_report own = replay_report_empty();
	struct replay_report *run_report = sink->report;
	bool many = options->file_count > 1;
	int code, opened = sink->opened;

	if (many)
		sink->report = &own;
	code = replay_run(engine, options, file, sink);
	if (many && replay_report_merge(run_report, &own) < 0)
		code = replay_say_no_memory();
	if (many && sink->opened > opened && prints_summary(options, sink->checks))
		print_one_of_many(options, file, opened == 0, &own);
	sink->report = run_report;
	replay_report_free(&own);
	return code;
}

static int replay_each(const struct replay_options *options, const struct engine *engine,
		       struct replay_sink *sink)
{
	int worst = EXIT_CODE_OK;

	for (int i = 0; i < options->file_count && worst != EXIT_CODE_SYSTEM; i++) {
		int code = replay_file(options, engine, options->files[i], sink);

		worst = code > worst ? code : worst;
	}
	return worst;
}

/* Merged files are one capture, and have one summary. */
static int replay_files(const struct replay_options *options, const struct engine *engine,
			struct replay_sink *sink)
{
	struct replay_report report = replay_report_empty();
	int code;

	sink->report = &report;
	code = options->merge ? replay_merged(engine, options, sink) : replay_each(options, engine, sink);
	if (sink->opened > 0 && prints_summary(options, sink->checks))
		print_run(options, &report);
	code = replay_checks_end(options, sink->checks, code);
	replay_tell_unwritten(sink);
	sink->report = NULL;
	replay_report_free(&report);
	return code;
}

/* ---- what is written beside it ---- */

struct outputs {
	struct replay_output events, accepted, dropped;
};

static int open_outputs(struct outputs *outputs, const struct replay_options *options,
			const struct policy *policy, struct replay_sink *sink)
{
	int code = replay_output_open(&outputs->events, options, policy);

	if (code == EXIT_CODE_OK && outputs->events.file) {
		set_host(sink->events);
		replay_events_set_input(sink->events, options);
		sink->events->out = outputs->events.file;
	}
	if (code == EXIT_CODE_OK)
		code = replay_writer_open(&outputs->accepted, options, policy, &sink->accepted);
	if (code == EXIT_CODE_OK)
		code = replay_writer_open(&outputs->dropped, options, policy, &sink->dropped);
	return code;
}

static int close_outputs(struct outputs *outputs, struct replay_sink *sink, int code)
{
	capture_writer_free(sink->accepted);
	capture_writer_free(sink->dropped);
	code = replay_output_close(&outputs->events, code);
	code = replay_output_close(&outputs->accepted, code);
	return replay_output_close(&outputs->dropped, code);
}

static int replay_with_policy(const struct replay_options *options, const struct policy *policy)
{
	struct replay_events events = {.policy = policy};
	struct replay_checks checks = {0};
	struct replay_sink sink = {
		.events = &events,
		.checks = &checks,
		.list = options->list ? stdout : NULL,
		.list_json = options->json,
		.with_file = options->file_count > 1,
	};
	struct outputs outputs = {
		.events = {.option = "--events", .path = options->events},
		.accepted = {.option = "--write-accepted", .path = options->write_accepted},
		.dropped = {.option = "--write-dropped", .path = options->write_dropped},
	};
	struct engine *engine = NULL;
	int code = replay_engine_build(options->policy, policy, &engine);

	if (code == EXIT_CODE_OK)
		code = replay_checks_open(options, policy, &checks);
	if (code == EXIT_CODE_OK)
		code = open_outputs(&outputs, options, policy, &sink);
	if (code == EXIT_CODE_OK) {
		code = replay_files(options, engine, &sink);
		code = replay_stream_finish(stdout, "standard output", code);
	}
	code = close_outputs(&outputs, &sink, code);
	replay_checks_close(&checks);
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
