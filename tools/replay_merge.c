/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several captures as one: at each step the packet with the earliest time, of equal ones that of the file named first. */
#include "replay_run.h"

#include "base/exitcode.h"

#include <errno.h>
#include <stdlib.h>

struct input {
	const char *file;
	struct capture *capture;
	struct capture_record record; /* its next one */
	uint64_t packets;
	int place; /* among the files */
};

/* heap[0] is the next one; of those that have still got records. */
struct merge {
	struct input *inputs;
	struct input **heap;
	size_t count;
	int code;
};

static bool comes_first(const struct input *a, const struct input *b)
{
	if (a->record.time_ns != b->record.time_ns)
		return a->record.time_ns < b->record.time_ns;
	return a->place < b->place;
}

static void sink_down(struct merge *merge, size_t at)
{
	for (;;) {
		size_t first = at;
		struct input *moved = merge->heap[at];

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < merge->count; child++)
			if (comes_first(merge->heap[child], merge->heap[first]))
				first = child;
		if (first == at)
			return;
		merge->heap[at] = merge->heap[first];
		merge->heap[first] = moved;
		at = first;
	}
}

/* False at its end, or where it is damaged, which is told. */
static bool read_next(struct merge *merge, struct input *input)
{
	int r = capture_next(input->capture, &input->record);

	if (r < 0) {
		replay_tell_damage(input->file, input->capture, input->packets);
		merge->code = EXIT_CODE_INPUT;
	}
	input->packets += r > 0;
	return r > 0;
}

static void open_input(struct merge *merge, struct input *input, struct replay_sink *sink)
{
	struct capture_error error;

	if (capture_open(replay_synth_path(input->file), &input->capture, &error) < 0) {
		merge->code = replay_say(input->file, error.text);
		return;
	}
	sink->opened++;
	if (read_next(merge, input))
		merge->heap[merge->count++] = input;
}

static int take_first(struct merge *merge, struct replay_run *run)
{
	struct input *first = merge->heap[0];
	int r = replay_run_take(run, first->file, &first->record, 1);

	if (!read_next(merge, first))
		merge->heap[0] = merge->heap[--merge->count];
	sink_down(merge, 0);
	return r;
}

static int run_all(struct merge *merge, struct replay_run *run, struct replay_sink *sink)
{
	int r = 0;

	replay_events_begin(sink->events, "merged");
	for (size_t i = merge->count; i-- > 0;)
		sink_down(merge, i);
	while (merge->count > 0 && r == 0)
		r = take_first(merge, run);
	if (r == 0)
		r = replay_run_finish(run);
	return replay_events_end(sink->events) < 0 ? -ENOMEM : r;
}

static void free_merge(struct merge *merge, int count)
{
	for (int i = 0; i < count && merge->inputs; i++)
		capture_close(merge->inputs[i].capture);
	free(merge->inputs);
	free(merge->heap);
}

static int run_merge(struct merge *merge, const struct engine *engine, const struct replay_options *options,
		     struct replay_sink *sink, struct replay_run *run)
{
	int r;

	for (int i = 0; i < options->file_count; i++) {
		merge->inputs[i].file = options->files[i];
		merge->inputs[i].place = i;
		open_input(merge, &merge->inputs[i], sink);
	}
	r = replay_run_begin(run, engine, options, sink, sink->report);
	run->merged = true;
	if (r == 0)
		r = run_all(merge, run, sink);
	replay_tell_strange_links(run, "merged");
	if (r == 0)
		return merge->code;
	return replay_say_failure(r);
}

int replay_merged(const struct engine *engine, const struct replay_options *options, struct replay_sink *sink)
{
	size_t count = (size_t)options->file_count;
	struct merge merge = {.inputs = calloc(count, sizeof(*merge.inputs)),
			      .heap = calloc(count, sizeof(struct input *)),
			      .code = EXIT_CODE_OK};
	struct replay_run *run = calloc(1, sizeof(*run));
	int code = EXIT_CODE_OK;

	if (merge.inputs && merge.heap && run)
		code = run_merge(&merge, engine, options, sink, run);
	else
		code = replay_say_no_memory();
	if (run)
		replay_run_free(run);
	free(run);
	free_merge(&merge, options->file_count);
	return code;
}
