/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: which numbers of each writer are stored, as ranges in the database. Numbers come in order nearly
 * always, so of each writer only the range that grows is held, and whether a record is there already is known without
 * any look-up; memory does not depend on how many gaps there are.
 */
#ifndef OP25B_STORE_SEEN_H
#define OP25B_STORE_SEEN_H

#include "store/names.h"

enum { SEEN_SOURCES_MAX = 1024 };

struct seen_source {
	int64_t id;
	bool valid;           /* the range means something */
	bool dirty;           /* and differs from what the database has */
	uint64_t first, last; /* the range */
	uint64_t next;        /* where the one behind it begins, UINT64_MAX: there is none */
	uint64_t duplicates;  /* not yet in the database */
};

struct seen {
	struct store *store;
	struct names *names;
	struct cache sources; /* places in the array below */
	struct seen_source *items;
	size_t count;
	sqlite3_stmt *find, *add, *before, *behind, *put, *drop, *count_duplicates;
};

/* As names_init(). */
int seen_init(struct seen *seen, struct store *store, struct names *names);
void seen_free(struct seen *seen);
void seen_forget(struct seen *seen);

/* Adds the row's number. 0: it is new; 1: it is stored already; or a negative errno. *ret_source: number of its writer. */
int seen_add(struct seen *seen, const struct row *row, int64_t *ret_source);
/* Writes what has changed. */
int seen_flush(struct seen *seen);

#endif
