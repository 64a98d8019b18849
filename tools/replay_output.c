/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a replay writes: records, and captures of what was accepted and dropped. */
#include "replay.h"

#include "base/exitcode.h"
#include "base/files.h"
#include "capture/write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { COMMENT_MAX = 256 };

static int refuse(const struct replay_output *output, const char *what, const char *other)
{
	fprintf(stderr, "op25b-replay: %s %s would overwrite %s, which is %s: name another file\n",
		output->option, output->path, other, what);
	return EXIT_CODE_USAGE;
}

/* Opening a file for writing empties it: that must not be a file which is still to be read. */
static int check(const struct replay_output *output, const struct replay_options *options,
		 const struct policy *policy)
{
	for (int i = 0; i < options->file_count; i++)
		if (files_are_same(output->path, options->files[i]))
			return refuse(output, "read", options->files[i]);
	for (size_t i = 0; i < options->checks.file_count; i++)
		if (files_are_same(output->path, options->checks.files[i]))
			return refuse(output, "read", options->checks.files[i]);
	for (size_t i = 0; i < options->synth.count; i++)
		if (options->synth.items[i].is_file &&
		    files_are_same(output->path, options->synth.items[i].text))
			return refuse(output, "read", options->synth.items[i].text);
	for (size_t i = 0; i < policy->source_count; i++)
		if (files_are_same(output->path, policy->sources[i]))
			return refuse(output, "read", policy->sources[i]);
	return EXIT_CODE_OK;
}

int replay_output_open(struct replay_output *output, const struct replay_options *options,
		       const struct policy *policy)
{
	int code;

	if (!output->path)
		return EXIT_CODE_OK;
	if (strcmp(output->path, "-") == 0) {
		output->file = stdout;
		return EXIT_CODE_OK;
	}
	code = check(output, options, policy);
	if (code != EXIT_CODE_OK)
		return code;
	output->file = fopen(output->path, "we");
	if (output->file)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-replay: %s: %s\n", output->path, strerror(errno));
	return EXIT_CODE_SYSTEM;
}

int replay_output_close(struct replay_output *output, int code)
{
	if (!output->file || output->file == stdout)
		return code;
	code = replay_stream_finish(output->file, output->path, code);
	fclose(output->file);
	output->file = NULL;
	return code;
}

/* ---- captures ---- */

int replay_writer_open(struct replay_output *output, const struct replay_options *options,
		       const struct policy *policy, struct capture_writer **ret)
{
	int code = replay_output_open(output, options, policy);

	if (code != EXIT_CODE_OK || !output->file)
		return code;
	return capture_writer_new(output->file, ret) < 0 ? replay_say_no_memory() : EXIT_CODE_OK;
}

static void write_comment(const struct decision *decision, char comment[COMMENT_MAX])
{
	bool monitored = decision->verdict != decision->would;

	snprintf(comment, COMMENT_MAX, "op25b: %s%s%s%s %s%s%s", verdict_name(decision->verdict),
		 monitored ? " (" : "", monitored ? verdict_name(decision->would) : "", monitored ? ")" : "",
		 reason_name(decision->reason), decision->rule_name[0] ? " " : "", decision->rule_name);
}

int replay_output_add(struct replay_sink *sink, const struct replay_packet *judged,
		      const struct capture_record *record)
{
	struct capture_writer *writer =
		judged->decision->verdict == VERDICT_ACCEPT ? sink->accepted : sink->dropped;
	char comment[COMMENT_MAX];
	int r;

	if (!writer)
		return 0;
	write_comment(judged->decision, comment);
	r = capture_writer_add(writer, record, comment);
	sink->unwritten += r == -EINVAL;
	return r == -EINVAL ? 0 : r;
}

void replay_tell_unwritten(const struct replay_sink *sink)
{
	if (sink->unwritten > 0)
		fprintf(stderr,
			"op25b-replay: warning: %" PRIu64
			" records that no interface captured (custom and journal blocks) were not "
			"written\n",
			sink->unwritten);
}
