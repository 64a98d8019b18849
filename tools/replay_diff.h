/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay diff: what becomes of the same packets under two policies, subscriber by subscriber. */
#ifndef OP25B_TOOLS_REPLAY_DIFF_H
#define OP25B_TOOLS_REPLAY_DIFF_H

#include "base/siphash.h"
#include "engine/engine.h"
#include "replay_synth.h"

#include <stdio.h>

enum diff_output { DIFF_TABLE, DIFF_JSON, DIFF_CSV };

/* A packet's, and by the gravest of its packets a subscriber's. */
enum diff_change {
	DIFF_SAME,
	DIFF_OTHER_REASON,  /* the same verdict */
	DIFF_OTHER_VERDICT, /* blocked before and after, but answered otherwise */
	DIFF_NEWLY_ALLOWED,
	DIFF_NEWLY_BLOCKED,
	DIFF_CHANGES,
};

enum { DIFF_DATES_MAX = 4096 };

struct diff_options {
	const char *old_path, *new_path;
	const char *interface;
	enum diff_output output;
	bool has_at, has_sweep;
	struct moment at, from, to; /* of a sweep: both are in it */
	int64_t step_s;             /* 0: only the policies' own dates */
	struct replay_synth synth;
	char *const *files;
	int file_count;
};

struct diff_row {
	struct prefix subscriber; /* family ADDR_NONE: packets that show no source */
	bool used;
	enum diff_change change;
	uint64_t packets[DIFF_CHANGES];
	struct decision before, after; /* of the first packet of that change */
	uint64_t *blocked; /* sweep: a bit a date under the old policy, then as many words for the new one */
};

/* A hash table with open addressing. Zeroed but for its key: empty. */
struct diff_rows {
	struct siphash_key key;
	struct diff_row *places;
	size_t capacity, count;
	size_t words; /* of each half of a row's bits */
};

/* The row of a subscriber, made when there is none; NULL without memory. */
struct diff_row *diff_rows_get(struct diff_rows *rows, const struct prefix *subscriber);
/* By address, at the table's begin; nothing may be added after that. */
void diff_rows_sort(struct diff_rows *rows);
void diff_rows_free(struct diff_rows *rows);

/* Prints the difference; rows must be sorted. Returns whether somebody is newly blocked. */
bool diff_print(const struct diff_rows *rows, enum diff_output output, FILE *out);

/* The dates of a sweep, ascending. */
struct diff_dates {
	int64_t s[DIFF_DATES_MAX];
	size_t count;
};

/* False: more than DIFF_DATES_MAX. */
bool diff_dates_find(const struct diff_options *options, const struct engine *before,
		     const struct engine *after, struct diff_dates *ret);
/* Marks the dates at which the engine blocks the packet. bits: one half of a row's. */
void diff_sweep_packet(const struct diff_dates *dates, const struct engine *engine,
		       const struct packet *packet, struct engine_interface interface, uint64_t *bits);
/* Returns whether somebody is newly blocked at some date. */
bool diff_sweep_print(const struct diff_options *options, const struct diff_dates *dates,
		      const struct diff_rows *rows, const struct policy *before, const struct policy *after,
		      FILE *out);

#endif
