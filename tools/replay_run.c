/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_run.h"

#include "base/exitcode.h"
#include "base/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_HEADER = 16 };

int replay_say(const char *file, const char *text)
{
	fprintf(stderr, "op25b-replay: %s: %s\n", file, text);
	return EXIT_CODE_INPUT;
}

int replay_say_no_memory(void)
{
	fputs("op25b-replay: out of memory\n", stderr);
	return EXIT_CODE_SYSTEM;
}

int replay_say_failure(int error)
{
	if (error == -ENOMEM)
		return replay_say_no_memory();
	fprintf(stderr, "op25b-replay: %s\n",
		error == -E2BIG ? "more interfaces than a capture can name" : strerror(-error));
	return EXIT_CODE_SYSTEM;
}

/* ---- packets ---- */

int replay_run_begin(struct replay_run *run, const struct engine *engine,
		     const struct replay_options *options, struct replay_sink *sink,
		     struct replay_report *report)
{
	run->engine = engine;
	run->sink = sink;
	run->report = report;
	run->counts_only = !sink->list && !replay_checks_look(sink->checks) && !sink->events->out &&
			   !sink->accepted && !sink->dropped;
	engine_answers_begin(&run->plain.answers);
	return replay_interfaces_begin(&run->interfaces, engine, options);
}

static int hand_on(struct replay_run *run, size_t at)
{
	struct replay_sink *sink = run->sink;
	const char *interface = run->interfaces.items[run->about[at].interface].name;
	struct replay_packet judged = {
		.file = run->about[at].file,
		.number = run->about[at].number,
		.merged_number = run->about[at].merged_number,
		.time_ns = run->about[at].time_ns,
		.interface = interface[0] ? interface : NULL,
		.packet = &run->packets[at],
		.decision = &run->decisions[at],
	};

	if (replay_checks_add(sink->checks, &judged) < 0)
		return -ENOMEM;
	replay_events_add(sink->events, &judged);
	if (sink->list && sink->list_json)
		replay_list_print_json(&judged, sink->list);
	else if (sink->list)
		replay_list_print(&judged, sink->with_file, sink->list);
	return replay_output_add(sink, &judged, run->about[at].record);
}

static int judge_batch(struct replay_run *run)
{
	int r;

	decide_batch(run->engine, run->packets, run->contexts, run->decisions, run->filled);
	r = replay_report_add_many(run->report, run->packets, run->decisions, run->filled);
	for (size_t i = 0; i < run->filled && r == 0 && !run->counts_only; i++)
		r = hand_on(run, i);
	run->filled = 0;
	return r;
}

static int64_t whole_seconds(int64_t ns)
{
	return ns / NSEC_PER_SEC - (ns % NSEC_PER_SEC < 0);
}

static void take_answers(struct replay_run *run)
{
	replay_report_add_answers(run->report, &run->plain.answers);
	engine_answers_begin(&run->plain.answers);
}

/* The lot is empty after that, also when it failed. */
static int judge_plain(struct replay_run *run)
{
	struct packet_lot4 *lot = &run->plain.lot;
	const struct engine_context context = {
		.interface = run->interfaces.items[run->plain.interface].resolved,
		.now_s = run->plain.now_s,
	};
	struct replay_mail mail;
	int r = lot->count > 0 ? replay_sources_expect(&run->report->sources, lot, &mail) : 0;

	if (r == 0 && lot->count > 0) {
		if (!engine_answers_have_room(&run->plain.answers))
			take_answers(run);
		decide_lot4(run->engine, lot, &context, &run->plain.answers);
		replay_report_add_lot4(run->report, lot, &mail);
	}
	lot->count = lot->mails = 0;
	return r;
}

/* Room in the lot for `more` packets of a second and an interface. */
static int begin_plain(struct replay_run *run, size_t more, int64_t now_s, size_t interface)
{
	bool same = interface == run->plain.interface && now_s == run->plain.now_s;
	int r = same && run->plain.lot.count + more <= PACKET_LOT ? 0 : judge_plain(run);

	if (!same)
		take_answers(run);
	run->plain.interface = interface;
	run->plain.now_s = now_s;
	return r;
}

/* 1: taken; 0: it is not plain. */
static int take_plain(struct replay_run *run, const struct capture_record *record, size_t interface)
{
	uint32_t len = record->len < UINT32_MAX ? (uint32_t)record->len : UINT32_MAX;
	uint8_t other;
	int r = begin_plain(run, 1, whole_seconds(record->time_ns), interface);

	if (r < 0)
		return r;
	return packet_lot4_add(&run->plain.lot, record->link, &record->bytes, &len, 1, &other) == 0;
}

static int take_record(struct replay_run *run, const char *file, const struct capture_record *record)
{
	size_t at = run->filled, interface = 0;
	int r = 0;

	if (record->interface)
		r = replay_interfaces_find(&run->interfaces, record->interface, &interface);
	if (r == 0)
		run->packets_read++;
	if (r == 0 && run->counts_only)
		r = take_plain(run, record, interface);
	if (r != 0)
		return r < 0 ? r : 0;
	packet_parse_link(record->link, record->bytes, record->len, record->wire_len, &run->packets[at]);
	run->contexts[at] = (struct engine_context){
		.interface = run->interfaces.items[interface].resolved,
		.now_s = whole_seconds(record->time_ns),
	};
	if (!run->counts_only) {
		run->about[at].file = file;
		run->about[at].number = record->number;
		run->about[at].merged_number = run->merged ? run->packets_read : 0;
		run->about[at].time_ns = record->time_ns;
		run->about[at].interface = interface;
		run->about[at].record = record;
	}
	if (record->link == PACKET_LINK_UNKNOWN) {
		run->strange_links++;
		run->strange_link = record->link_type;
	}
	run->filled++;
	return 0;
}

int replay_run_take(struct replay_run *run, const char *file, const struct capture_record *records,
		    size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = take_record(run, file, &records[i]);
		if (r == 0 && run->filled == REPLAY_BATCH)
			r = judge_batch(run);
	}
	return r == 0 && !run->counts_only ? judge_batch(run) : r;
}

/* The run's records by the short way, but for those that are not plain; how many there were. */
static int take_run(struct replay_run *run, struct capture *capture, struct replay_progress *progress)
{
	struct capture_run found;
	struct capture_record record;
	uint8_t others[CAPTURE_RUN];
	size_t count = run->counts_only ? capture_next_run(capture, &found) : 0, left;
	int r = count > 0 ? begin_plain(run, count, found.second, 0) : 0;

	if (r < 0 || count == 0)
		return r;
	left = packet_lot4_add(&run->plain.lot, found.link, found.bytes, found.len, count, others);
	run->packets_read += count - left;
	for (size_t i = 0; i < left && r == 0; i++) {
		capture_run_record(capture, &found, others[i], &record);
		r = replay_run_take(run, "", &record, 1);
	}
	for (size_t i = 0; i < count && progress->bytes > 0; i++)
		progress->done_bytes += found.len[i] + RECORD_HEADER;
	return r < 0 ? r : (int)count;
}

static int take_many(struct replay_run *run, const char *file, struct capture *capture,
		     struct replay_progress *progress, int *ret)
{
	int n = capture_next_many(capture, run->records, REPLAY_BATCH);

	for (int i = 0; i < n && progress->bytes > 0; i++)
		progress->done_bytes += run->records[i].len + RECORD_HEADER;
	*ret = n;
	return n > 0 ? replay_run_take(run, file, run->records, (size_t)n) : 0;
}

int replay_run_step(struct replay_run *run, const char *file, struct capture *capture,
		    struct replay_progress *progress, int *ret)
{
	int taken = take_run(run, capture, progress), r = taken < 0 ? taken : 0;

	if (taken == 0)
		r = take_many(run, file, capture, progress, &taken);
	if (r == 0)
		*ret = taken;
	if (taken > 0 && progress->bytes > 0)
		progress->done_packets += (unsigned)taken;
	return r;
}

int replay_run_finish(struct replay_run *run)
{
	int r = judge_batch(run);

	if (r == 0)
		r = judge_plain(run);
	take_answers(run);
	return r;
}

void replay_run_free(struct replay_run *run)
{
	replay_interfaces_free(&run->interfaces);
}

/* ---- the file ---- */

static int read_all(struct replay_run *run, const char *file, struct capture *capture,
		    struct replay_progress *progress)
{
	int n = 1, r = 0;

	while (r == 0 && n > 0) {
		r = replay_run_step(run, file, capture, progress, &n);
		if (progress->bytes > 0)
			replay_progress_tell(progress);
	}
	if (r == 0)
		r = replay_run_finish(run);
	if (r < 0)
		return replay_say_failure(r);
	return n < 0 ? EXIT_CODE_INPUT : EXIT_CODE_OK;
}

void replay_tell_strange_links(const struct replay_run *run, const char *file)
{
	const char *name = capture_link_name(run->strange_link);

	run->report->unknown_links += run->strange_links;
	if (run->strange_links > 0)
		fprintf(stderr,
			"op25b-replay: %s: warning: %" PRIu64
			" packets of link type %d (%s), which is not understood, "
			"are counted as not-ip\n",
			file, run->strange_links, run->strange_link, name ? name : "without a name");
}

void replay_tell_damage(const char *file, const struct capture *capture, uint64_t packets)
{
	const struct capture_error *error = capture_failure(capture);

	fprintf(stderr,
		"op25b-replay: %s: damaged at byte %" PRIu64 "%s: %s; the %" PRIu64
		" packets before it were replayed\n",
		file, error->offset, error->unpacked ? " of its unpacked bytes" : "", error->text, packets);
}

/* What several threads cannot read is read once more from its begin: nothing of theirs is left in the report. */
static int read_counts(struct replay_run *run, const struct replay_options *options, const char *file,
		       struct capture *capture, struct replay_progress *progress)
{
	int r = run->counts_only ? replay_jobs_run(run->engine, options, capture, run->sink, progress, run)
				 : 0;

	if (r < 0)
		return replay_say_no_memory();
	if (r > 0)
		return EXIT_CODE_OK;
	return read_all(run, file, capture, progress);
}

static int run_opened(struct replay_run *run, const struct replay_options *options, const char *file,
		      struct capture *capture)
{
	struct replay_progress progress = {0};
	int code;

	if (replay_run_begin(run, run->engine, options, run->sink, run->sink->report) < 0)
		return replay_say_no_memory();
	replay_events_begin(run->sink->events, file);
	replay_progress_begin(&progress, file);
	code = read_counts(run, options, file, capture, &progress);
	if (replay_events_end(run->sink->events) < 0)
		code = replay_say_no_memory();
	replay_progress_end(&progress);
	replay_tell_strange_links(run, file);
	if (code == EXIT_CODE_INPUT)
		replay_tell_damage(file, capture, run->packets_read);
	return code;
}

int replay_run(const struct engine *engine, const struct replay_options *options, const char *file,
	       struct replay_sink *sink)
{
	struct replay_run *run = calloc(1, sizeof(*run));
	struct capture *capture = NULL;
	struct capture_error error;
	int code;

	if (!run)
		return replay_say_no_memory();
	run->engine = engine;
	run->sink = sink;
	if (capture_open(replay_synth_path(file), &capture, &error) < 0) {
		code = replay_say(file, error.text);
	} else {
		sink->opened++;
		code = run_opened(run, options, file, capture);
	}
	capture_close(capture);
	replay_run_free(run);
	free(run);
	return code;
}
