/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/exitcode.h"

#include <errno.h>
#include <string.h>

static const char *const output_names[] = {"text", "json", "tap", "junit"};

bool replay_checks_set_output(const char *word, struct replay_check_options *options)
{
	for (size_t i = 0; i < sizeof(output_names) / sizeof(output_names[0]); i++) {
		if (strcmp(word, output_names[i]) == 0) {
			options->output = (enum replay_form)i;
			options->has_output = true;
			return true;
		}
	}
	return false;
}

static int read_file(const char *name, struct expect *expect, struct diag_list *diags)
{
	bool is_input = strcmp(name, "-") == 0;
	FILE *file = is_input ? stdin : fopen(name, "re");
	int r;

	if (!file) {
		fprintf(stderr, "op25b-replay: %s: %s\n", name, strerror(errno));
		return -EINVAL;
	}
	r = expect_read(expect, file, is_input ? "standard input" : name, diags);
	if (!is_input)
		fclose(file);
	return r;
}

static int read_files(const struct replay_check_options *options, struct expect *expect)
{
	struct diag_list diags = {0};
	int worst = 0;

	for (size_t i = 0; i < options->file_count && worst != -ENOMEM; i++) {
		int r = read_file(options->files[i], expect, &diags);

		worst = r < 0 ? r : worst;
	}
	diag_print(&diags, stderr);
	diag_list_free(&diags);
	if (worst == 0)
		return EXIT_CODE_OK;
	if (worst != -EINVAL)
		fprintf(stderr, "op25b-replay: expectations: %s\n", strerror(-worst));
	return worst == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_SYSTEM;
}

static int take_outcome(void *context, struct line *line, uint64_t first, uint64_t last)
{
	return expect_read_outcome(context, line, first, last);
}

static int check_usage(const struct replay_options *options, const struct replay_checks *checks)
{
	const char *record = options->checks.record;
	bool wanted = replay_checks_wanted(checks), record_out = record && strcmp(record, "-") == 0;
	bool events_out = options->events && strcmp(options->events, "-") == 0;

	if (options->checks.has_output && !wanted) {
		fputs("op25b-replay: --output is the form of expectations, and there are none: give --expect\n",
		      stderr);
		return EXIT_CODE_USAGE;
	}
	if ((wanted || record_out) && (options->list || events_out || (wanted && record_out))) {
		fputs("op25b-replay: standard output has one use: expectations, --list, --record - or --events -\n",
		      stderr);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_OK;
}

int replay_checks_open(const struct replay_options *options, const struct policy *policy,
		       struct replay_checks *ret)
{
	struct replay_synth_outcome outcome = {.take = take_outcome};
	int code;

	*ret = (struct replay_checks){.output = {.option = "--record", .path = options->checks.record}};
	if (expect_new(&ret->expect) < 0 || (options->checks.record && expect_record_new(&ret->record) < 0))
		return replay_say_no_memory();
	code = read_files(&options->checks, ret->expect);
	outcome.context = ret->expect;
	if (code == EXIT_CODE_OK && options->synth.count > 0)
		code = replay_synth_open(&options->synth, &outcome);
	if (code == EXIT_CODE_OK)
		code = check_usage(options, ret);
	return code == EXIT_CODE_OK ? replay_output_open(&ret->output, options, policy) : code;
}

void replay_checks_close(struct replay_checks *checks)
{
	(void)replay_output_close(&checks->output, EXIT_CODE_OK);
	expect_free(checks->expect);
	expect_record_free(checks->record);
}

bool replay_checks_wanted(const struct replay_checks *checks)
{
	return expect_count(checks->expect) > 0;
}

bool replay_checks_look(const struct replay_checks *checks)
{
	return replay_checks_wanted(checks) || checks->record;
}

int replay_checks_add(struct replay_checks *checks, const struct replay_packet *judged)
{
	const struct expect_fact fact = {
		.packet = judged->packet,
		.decision = judged->decision,
		.time_ns = judged->time_ns,
		.file = judged->file,
		.number = judged->number,
		.made = judged->file == replay_synth_name,
	};
	int r = replay_checks_wanted(checks) ? expect_observe(checks->expect, &fact) : 0;

	return r == 0 && checks->record ? expect_record_add(checks->record, &fact) : r;
}

int replay_checks_end(const struct replay_options *options, struct replay_checks *checks, int code)
{
	int own = EXIT_CODE_OK;

	if (replay_checks_wanted(checks)) {
		for (size_t i = 0; i < expect_count(checks->expect); i++)
			own = expect_holds(expect_at(checks->expect, i)) ? own : EXIT_CODE_DIFFERS;
		replay_checks_print(checks->expect, options->checks.output, stdout);
	}
	code = own > code ? own : code;
	if (checks->record && expect_record_write(checks->record, checks->output.file) < 0)
		code = replay_say_no_memory();
	return replay_output_close(&checks->output, code);
}
