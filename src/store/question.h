/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: one question while it is answered. It sees one state of the store from begin to end, whatever is
 * added meanwhile, and knows which subscribers and which ways count, so that each query only says what it makes of the rows.
 */
#ifndef OP25B_STORE_QUESTION_H
#define OP25B_STORE_QUESTION_H

#include "store/database.h"
#include "store/query.h"

#include "base/map.h"

#define STORE_HOUR_US (INT64_C(3600) * 1000000)
#define STORE_DAY_US  (24 * STORE_HOUR_US)

enum {
	/* Of so few subscribers each one's rows are looked up; of more, all rows are gone through. */
	QUESTION_SEEK_MAX = 100,
	QUESTION_NO_WAY = -1,
};

struct question_way {
	int64_t id;
	struct store_way way; /* texts in `texts` */
	char *texts;
	int64_t kin; /* the same number for ways that differ in nothing but the gateway and the policy's digest */
	bool counts;
};

struct question {
	struct store *store;
	const struct store_filter *filter;
	bool own_transaction;
	struct question_way *ways;
	size_t way_count, way_capacity;
	struct map way_places; /* by id */
	bool some_ways;        /* not all count */
	/* Only these subscribers count, if only_wanted is set; the map tells each one's place here by id. 0: overflow. */
	bool only_wanted;
	int64_t *wanted;
	size_t wanted_count, wanted_capacity;
	struct map wanted_places;
	bool *left_out; /* by place, borrowed; NULL: nobody asks. Of the wanted: something of him did not count */
	sqlite3_stmt *told, *who; /* of facts_told() and question_subscriber() */
};

/* 0 or a negative errno with store_error() told. question_end() in any case; returns r. */
int question_begin(struct question *question, struct store *store, const struct store_filter *filter);
int question_end(struct question *question, int r);
/* From now on only those that question_want() names count. */
void question_want_none(struct question *question);
int question_want(struct question *question, int64_t subscriber);
/* Whether it counts; *ret_place is its place in `wanted` if only some are, else 0. */
bool question_wants(const struct question *question, int64_t subscriber, size_t *ret_place);
/* The place of the way in `ways`, QUESTION_NO_WAY when it does not count. */
ptrdiff_t question_way_place(const struct question *question, int64_t way);
/* From now on divided ways count whatever their reason: which records have it is to be found otherwise. */
void question_join_divided(struct question *question);
/* A way whether it counts or not. */
int question_shown_way(struct question *question, int64_t way, struct store_way *ret);
/* Whether few enough are wanted to look each of them up. */
bool question_seeks(const struct question *question);

/* Out of memory, in words. */
int question_no_memory(struct question *question);
/* 1: a row, 0: no more, or a negative errno. */
int question_step(struct question *question, sqlite3_stmt *statement);
/* The wanted as a JSON list, for json_each() in a statement. */
int question_bind_wanted(struct question *question, sqlite3_stmt *statement, int parameter);

/* An address as stored; ADDR_NONE when it is none. */
struct addr question_address(sqlite3_stmt *statement, int column);
/* Who a subscriber is; 0: ADDR_NONE. *ret_first_us, if not NULL: when he was first seen in all that is stored. */
int question_subscriber(struct question *question, int64_t id, struct prefix *ret, int64_t *ret_first_us);

/* sums += more, with the earliest and latest time; all zeroes: none yet. */
void question_add(struct store_sums *sums, const struct store_sums *more);

static inline int64_t question_floor(int64_t value, int64_t unit)
{
	return value / unit - (value % unit < 0);
}

static inline int64_t question_ceil(int64_t value, int64_t unit)
{
	return value / unit + (value % unit > 0);
}

#endif
