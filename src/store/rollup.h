/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: sums by hour and by day. Collected in memory for as long as there is room, then merged into the
 * tables in the order of their keys: most records of one batch are about few subscribers, hours and ways.
 */
#ifndef OP25B_STORE_ROLLUP_H
#define OP25B_STORE_ROLLUP_H

#include "store/names.h"

enum { ROLLUP_SUMS = 1 << 17 };

/* What one row adds to one hour, subscriber and way. */
struct rollup_sum {
	int64_t hour, subscriber, way; /* subscriber 0: overflow */
	uint64_t records, packets, blocked, offloaded, attempts;
	int64_t first_us, last_us;
};

struct rollup {
	struct store *store;
	struct rollup_sum *sums;
	size_t count;
	uint32_t *chains; /* places in sums plus one */
	sqlite3_stmt *hour, *day, *subscriber, *part;
};

/* As names_init(). */
int rollup_init(struct rollup *rollup, struct store *store);
void rollup_free(struct rollup *rollup);
/* Forgets what was not yet merged. */
void rollup_forget(struct rollup *rollup);

int rollup_add(struct rollup *rollup, const struct rollup_sum *more);
int rollup_flush(struct rollup *rollup);

/* Keeps the share with its record: only those of records that have several. */
int rollup_add_part(struct rollup *rollup, int64_t record, const struct rollup_sum *share);

/* The row's share of its way, and what it adds to others when it has several. The numbers are those of the record and of its way. */
int rollup_add_row(struct rollup *rollup, struct names *names, const struct row *row, int64_t record,
		   int64_t subscriber, int64_t way);

#endif
