/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: the destinations of each subscriber's days, united in memory for as long as there is room, and which
 * records they are of.
 */
#ifndef OP25B_STORE_REACH_H
#define OP25B_STORE_REACH_H

#include "store/block.h"
#include "store/database.h"
#include "store/known.h"
#include "store/visits.h"

struct reach_day {
	int64_t day, subscriber;
	struct known known;
	struct visits visits;
	uint64_t least; /* the most that a single record told */
	bool inexact;   /* there were more than the set holds */
	uint8_t family;
};

struct reach {
	struct store *store;
	struct reach_day *days;
	size_t count;
	uint32_t *chains; /* places in days plus one */
	struct known_memory memory;
	sqlite3_stmt *find, *put, *put_names, *visit, *undo_listed;
};

/* As names_init(). */
int reach_init(struct reach *reach, struct store *store, const struct siphash_key *key);
void reach_free(struct reach *reach);
void reach_forget(struct reach *reach);

/* What a record of that number tells of the subscriber's destinations. Subscriber 0: overflow, which has none. */
int reach_add(struct reach *reach, const struct row *row, int64_t subscriber, int64_t record);
int reach_flush(struct reach *reach);

#endif
