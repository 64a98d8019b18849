/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/exitcode.h"
#include "base/ifpattern.h"
#include "base/moment.h"
#include "base/vec.h"
#include "capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BATCH = 64,
	PROGRESS_PACKETS = 1 << 18,        /* between two words about progress */
	PROGRESS_BYTES = 64 * 1024 * 1024, /* smaller files are through before anybody wonders */
	RECORD_HEADER = 16,
	FIRST_PLACES = 64,
};

struct named_interface {
	char name[IF_NAME_MAX];
	struct engine_interface resolved;
};

/* A batch of packets on their way through the engine, and what is known of the file. */
struct run {
	const struct engine *engine;
	const struct replay_options *options;
	const char *file;
	struct replay_sink *sink;
	struct capture *capture;

	struct packet packets[BATCH];
	struct engine_context contexts[BATCH];
	struct decision decisions[BATCH];
	uint64_t numbers[BATCH];
	int64_t times_ns[BATCH];
	size_t interfaces_of[BATCH]; /* index into interfaces */
	size_t filled;

	struct named_interface *interfaces; /* [0] is the unknown one, or what the options say for all */
	size_t interface_count, interface_capacity;
	uint32_t *places; /* hash table of indexes into interfaces, by name; 0: an empty place */
	size_t place_count;
	struct siphash_key key; /* a capture's writer must not choose the places */

	uint64_t packets_read, bytes_read;
	uint64_t file_bytes; /* 0: no progress is shown */
	uint64_t strange_links;
	int strange_link;
};

static int say(const char *file, const char *text)
{
	fprintf(stderr, "op25b-replay: %s: %s\n", file, text);
	return EXIT_CODE_INPUT;
}

static int say_no_memory(void)
{
	fputs("op25b-replay: out of memory\n", stderr);
	return EXIT_CODE_SYSTEM;
}

/* ---- interfaces ---- */

static int add_interface(struct run *run, const char *name)
{
	struct named_interface *added;

	if (!VEC_RESERVE(run->interfaces, run->interface_capacity, run->interface_count + 1))
		return -ENOMEM;
	added = &run->interfaces[run->interface_count++];
	*added = (struct named_interface){0};
	if (!name)
		return 0;
	memcpy(added->name, name, strnlen(name, IF_NAME_MAX - 1));
	added->resolved = engine_resolve_interface(run->engine, added->name);
	return 0;
}

static int first_interface(struct run *run)
{
	int r = add_interface(run, run->options->interface);

	if (r == 0 && run->options->direction == REPLAY_INBOUND)
		run->interfaces[0].resolved.side = ENGINE_SIDE_UPSTREAM;
	return r;
}

static uint32_t *find_place(const struct run *run, const char *name)
{
	uint64_t words[IF_NAME_MAX / sizeof(uint64_t)] = {0};
	size_t mask = run->place_count - 1, at;

	memcpy(words, name, strnlen(name, IF_NAME_MAX - 1));
	at = siphash_words(&run->key, words, sizeof(words) / sizeof(words[0])) & mask;
	while (run->places[at] != 0 &&
	       strncmp(run->interfaces[run->places[at]].name, name, IF_NAME_MAX - 1) != 0)
		at = (at + 1) & mask;
	return &run->places[at];
}

/* Room for one more with half of the places left free. */
static int reserve_place(struct run *run)
{
	size_t count = run->place_count > 0 ? run->place_count * 2 : FIRST_PLACES;
	uint32_t *places;

	if ((run->interface_count + 1) * 2 <= run->place_count)
		return 0;
	places = calloc(count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(run->places);
	run->places = places;
	run->place_count = count;
	for (size_t i = 1; i < run->interface_count; i++)
		*find_place(run, run->interfaces[i].name) = (uint32_t)i;
	return 0;
}

/* The index of the interface that a record came in by, or -ENOMEM. */
static int interface_of(struct run *run, const char *name, size_t *ret)
{
	uint32_t *place;
	int r;

	*ret = 0;
	if (!name || run->options->interface || run->options->direction != REPLAY_AS_CAPTURED)
		return 0;
	r = reserve_place(run);
	if (r < 0)
		return r;
	place = find_place(run, name);
	if (*place == 0) {
		r = add_interface(run, name);
		if (r < 0)
			return r;
		*place = (uint32_t)(run->interface_count - 1);
	}
	*ret = *place;
	return 0;
}

/* ---- packets ---- */

static int hand_on(struct run *run, size_t at)
{
	struct replay_sink *sink = run->sink;
	const char *interface = run->interfaces[run->interfaces_of[at]].name;
	struct replay_packet judged = {
		.file = run->file,
		.number = run->numbers[at],
		.time_ns = run->times_ns[at],
		.interface = interface[0] ? interface : NULL,
		.packet = &run->packets[at],
		.decision = &run->decisions[at],
	};
	int r = replay_report_add(sink->report, &judged);

	if (r == 0 && sink->total)
		r = replay_report_add(sink->total, &judged);
	replay_events_add(sink->events, &judged);
	if (sink->list && sink->list_json)
		replay_list_print_json(&judged, sink->list);
	else if (sink->list)
		replay_list_print(&judged, sink->total != NULL, sink->list);
	return r;
}

static int judge_batch(struct run *run)
{
	int r = 0;

	decide_batch(run->engine, run->packets, run->contexts, run->decisions, run->filled);
	for (size_t i = 0; i < run->filled && r == 0; i++)
		r = hand_on(run, i);
	run->filled = 0;
	return r;
}

static int64_t whole_seconds(int64_t ns)
{
	return ns / NSEC_PER_SEC - (ns % NSEC_PER_SEC < 0);
}

static int take_record(struct run *run, const struct capture_record *record)
{
	size_t at = run->filled;
	int r = interface_of(run, record->interface, &run->interfaces_of[at]);

	if (r < 0)
		return r;
	packet_parse_link(record->link, record->bytes, record->len, record->wire_len, &run->packets[at]);
	run->contexts[at] = (struct engine_context){
		.interface = run->interfaces[run->interfaces_of[at]].resolved,
		.now_s = whole_seconds(record->time_ns),
	};
	run->numbers[at] = record->number;
	run->times_ns[at] = record->time_ns;
	if (record->link == PACKET_LINK_UNKNOWN) {
		run->strange_links++;
		run->strange_link = record->link_type;
	}
	run->filled++;
	return run->filled == BATCH ? judge_batch(run) : 0;
}

/* ---- progress, for people who wait ---- */

static uint64_t bytes_worth_telling(const char *file)
{
	struct stat status;

	if (!isatty(STDERR_FILENO) || strcmp(file, "-") == 0 || stat(file, &status) < 0)
		return 0;
	return status.st_size >= PROGRESS_BYTES ? (uint64_t)status.st_size : 0;
}

static void tell_progress(struct run *run, const struct capture_record *record)
{
	uint64_t percent;

	run->packets_read++;
	run->bytes_read += record->len + RECORD_HEADER;
	if (run->file_bytes == 0 || run->packets_read % PROGRESS_PACKETS != 0)
		return;
	percent = run->bytes_read * 100 / run->file_bytes;
	fprintf(stderr, "\r%s: %" PRIu64 " packets, about %" PRIu64 " %%", run->file, run->packets_read,
		percent < 99 ? percent : 99);
}

static void end_progress(const struct run *run)
{
	if (run->file_bytes > 0)
		fprintf(stderr, "\r\033[K");
}

/* ---- the file ---- */

static int read_all(struct run *run)
{
	struct capture_record record;
	int more, r = 0;

	while ((more = capture_next(run->capture, &record)) > 0 && r == 0) {
		r = take_record(run, &record);
		tell_progress(run, &record);
	}
	if (r == 0)
		r = judge_batch(run);
	if (r < 0)
		return say_no_memory();
	return more < 0 ? EXIT_CODE_INPUT : EXIT_CODE_OK;
}

static void tell_strange_links(const struct run *run)
{
	const char *name = capture_link_name(run->strange_link);

	if (run->strange_links > 0)
		fprintf(stderr,
			"op25b-replay: %s: warning: %" PRIu64
			" packets of link type %d (%s), which is not understood, "
			"are counted as not-ip\n",
			run->file, run->strange_links, run->strange_link, name ? name : "without a name");
}

static void tell_damage(const struct run *run)
{
	const struct capture_error *error = capture_failure(run->capture);

	fprintf(stderr,
		"op25b-replay: %s: damaged at byte %" PRIu64 "%s: %s; the %" PRIu64
		" packets before it were replayed\n",
		run->file, error->offset, error->unpacked ? " of its unpacked bytes" : "", error->text, run->packets_read);
}

static int run_opened(struct run *run)
{
	int code;

	if (first_interface(run) < 0 || replay_events_begin(run->sink->events, run->file) < 0)
		return say_no_memory();
	code = read_all(run);
	replay_events_end(run->sink->events);
	end_progress(run);
	tell_strange_links(run);
	if (code == EXIT_CODE_INPUT)
		tell_damage(run);
	return code;
}

int replay_run(const struct engine *engine, const struct replay_options *options, const char *file,
	       struct replay_sink *sink)
{
	struct run *run = calloc(1, sizeof(*run));
	struct capture_error error;
	int code;

	if (!run)
		return say_no_memory();
	run->engine = engine;
	run->options = options;
	run->file = file;
	run->sink = sink;
	(void)!getrandom(&run->key, sizeof(run->key), GRND_NONBLOCK);
	run->file_bytes = bytes_worth_telling(file);
	if (capture_open(file, &run->capture, &error) < 0) {
		code = say(file, error.text);
	} else {
		sink->opened++;
		code = run_opened(run);
	}
	capture_close(run->capture);
	free(run->interfaces);
	free(run->places);
	free(run);
	return code;
}
