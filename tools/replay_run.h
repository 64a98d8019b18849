/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of a run: from records to decisions. One thread's worth of it is a struct replay_run; replay_run.c drives one
 * over a file, replay_jobs.c several over the parts of a file, replay_merge.c one over several files by time.
 */
#ifndef OP25B_TOOLS_REPLAY_RUN_H
#define OP25B_TOOLS_REPLAY_RUN_H

#include "replay.h"

#include "base/ifpattern.h"
#include "capture/capture.h"

#include <stdatomic.h>

enum { REPLAY_BATCH = 64 };

/* ---- interfaces by name ---- */

struct replay_interface {
	char name[IF_NAME_MAX]; /* empty: unknown */
	struct engine_interface resolved;
};

/* Begins zeroed. */
struct replay_interfaces {
	const struct engine *engine;
	bool as_captured;               /* else every packet came in by the first one */
	struct replay_interface *items; /* [0] is the unknown one, or what the options say for all */
	size_t count, capacity;
	uint32_t *places; /* hash table of indexes into items, by name; 0: an empty place */
	size_t place_count;
	struct siphash_key key; /* a capture's writer must not choose the places */
};

/* 0 or -ENOMEM; to be freed in both cases. */
int replay_interfaces_begin(struct replay_interfaces *interfaces, const struct engine *engine,
			    const struct replay_options *options);
/* The index of the interface that a record came in by. 0 or -ENOMEM. */
int replay_interfaces_find(struct replay_interfaces *interfaces, const char *name, size_t *ret);
void replay_interfaces_free(struct replay_interfaces *interfaces);

/* ---- progress, for people who wait ---- */

/* A bar on standard error where that is a terminal. Any thread may add, one tells. */
struct replay_progress {
	const char *file;
	uint64_t bytes; /* of the whole file; 0: nothing is shown */
	atomic_uint_fast64_t done_bytes, done_packets;
	int64_t told_ms;
};

void replay_progress_begin(struct replay_progress *progress, const char *file);
void replay_progress_tell(struct replay_progress *progress);
void replay_progress_end(const struct replay_progress *progress);

/* ---- a batch of packets on their way through the engine ---- */

struct replay_run {
	const struct engine *engine;
	struct replay_sink *sink;
	struct replay_report *report;
	struct replay_interfaces interfaces;

	struct packet packets[REPLAY_BATCH];
	struct engine_context contexts[REPLAY_BATCH];
	struct decision decisions[REPLAY_BATCH];
	/* Of the sinks that look at single packets; the summary needs none of it. */
	struct {
		const char *file;
		uint64_t number, merged_number;
		int64_t time_ns;
		size_t interface; /* index */
		const struct capture_record *record;
	} about[REPLAY_BATCH];
	size_t filled;
	/* Of a run that only counts, the plain ones: they came in the same second by the same interface. */
	struct {
		struct packet_lot4 lot;
		struct engine_answers answers; /* to earlier lots */
		size_t interface;              /* index */
		int64_t now_s;
	} plain;
	struct capture_record records[REPLAY_BATCH]; /* of the last step */
	bool counts_only;                            /* nothing but the report is wanted */
	bool merged; /* of several files: packets_read is a packet's place among all */

	uint64_t packets_read;
	uint64_t strange_links;
	int strange_link;
};

/* A zeroed run; report may differ from the sink's. 0 or -ENOMEM; to be freed in both cases. */
int replay_run_begin(struct replay_run *run, const struct engine *engine,
		     const struct replay_options *options, struct replay_sink *sink,
		     struct replay_report *report);
/*
 * Takes records of one file, at most REPLAY_BATCH. Their bytes may go when it returns: only counts may still be
 * outstanding, up to the next call or replay_run_finish(). 0 or a negative errno.
 */
int replay_run_take(struct replay_run *run, const char *file, const struct capture_record *records,
		    size_t count);
/*
 * Takes the next records of a capture, any number, and tells the progress of them (which is not shown). 0 with *ret as
 * capture_next_many() gives it, or a negative errno of replay_run_take().
 */
int replay_run_step(struct replay_run *run, const char *file, struct capture *capture,
		    struct replay_progress *progress, int *ret);
int replay_run_finish(struct replay_run *run);
void replay_run_free(struct replay_run *run);

/* Messages, and the exit codes that go with them. */
int replay_say(const char *file, const char *text);
/* Of a negative errno of replay_run_take(). */
int replay_say_failure(int error);
void replay_tell_strange_links(const struct replay_run *run, const char *file);
void replay_tell_damage(const char *file, const struct capture *capture, uint64_t packets);

/* ---- several threads ---- */

/*
 * Adds the counts of an opened capture to those of totals by several threads. 1 when that was possible; 0: nothing was
 * added, and the capture, which is untouched, is to be read in one go; -ENOMEM.
 */
int replay_jobs_run(const struct engine *engine, const struct replay_options *options,
		    const struct capture *capture, struct replay_sink *sink, struct replay_progress *progress,
		    struct replay_run *totals);

#endif
