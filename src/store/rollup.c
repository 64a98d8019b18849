/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHAINS = ROLLUP_SUMS * 2, /* a power of two */
	HOURS_A_DAY = 24,
};

#define SUM_COLUMNS "records, packets, blocked, offloaded, attempts, first, last"
#define MERGE                                                                                                    \
	" ON CONFLICT DO UPDATE SET records = records + excluded.records, packets = packets + excluded.packets," \
	" blocked = blocked + excluded.blocked, offloaded = offloaded + excluded.offloaded,"                     \
	" attempts = attempts + excluded.attempts, first = min(first, excluded.first), last = max(last, excluded.last)"

int rollup_init(struct rollup *rollup, struct store *store)
{
	int r;

	*rollup = (struct rollup){.store = store};
	rollup->sums = malloc(ROLLUP_SUMS * sizeof(rollup->sums[0]));
	rollup->chains = calloc(CHAINS, sizeof(rollup->chains[0]));
	if (!rollup->sums || !rollup->chains)
		return store_say(store, ENOMEM, "not enough memory");
	r = store_prepare(store,
			  "INSERT INTO hour(hour, subscriber, way, " SUM_COLUMNS
			  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)" MERGE,
			  &rollup->hour);
	r = r < 0 ? r
		  : store_prepare(store,
				  "INSERT INTO day(day, subscriber, way, " SUM_COLUMNS
				  ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)" MERGE,
				  &rollup->day);
	r = r < 0 ? r
		  : store_prepare(
			    store,
			    "UPDATE subscriber SET first_us = min(ifnull(first_us, ?2), ?2), last_us = max(ifnull(last_us, ?3), ?3)"
			    " WHERE id = ?1 AND (first_us IS NULL OR first_us > ?2 OR last_us < ?3)",
			    &rollup->subscriber);
	return r < 0 ? r
		     : store_prepare(
			       store,
			       "INSERT INTO part(record, way, records, packets, blocked, offloaded, attempts) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
			       " ON CONFLICT DO UPDATE SET records = records + excluded.records, packets = packets + excluded.packets,"
			       " blocked = blocked + excluded.blocked, offloaded = offloaded + excluded.offloaded,"
			       " attempts = attempts + excluded.attempts",
			       &rollup->part);
}

void rollup_free(struct rollup *rollup)
{
	sqlite3_finalize(rollup->hour);
	sqlite3_finalize(rollup->day);
	sqlite3_finalize(rollup->subscriber);
	sqlite3_finalize(rollup->part);
	free(rollup->sums);
	free(rollup->chains);
}

void rollup_forget(struct rollup *rollup)
{
	memset(rollup->chains, 0, CHAINS * sizeof(rollup->chains[0]));
	rollup->count = 0;
}

static void merge(struct rollup_sum *sum, const struct rollup_sum *more)
{
	sum->records += more->records;
	sum->packets += more->packets;
	sum->blocked += more->blocked;
	sum->offloaded += more->offloaded;
	sum->attempts += more->attempts;
	if (more->first_us < sum->first_us)
		sum->first_us = more->first_us;
	if (more->last_us > sum->last_us)
		sum->last_us = more->last_us;
}

static bool same_key(const struct rollup_sum *a, const struct rollup_sum *b)
{
	return a->hour == b->hour && a->subscriber == b->subscriber && a->way == b->way;
}

/* Numbers of the database's own making: nobody outside chooses them, so no key is needed. */
static size_t chain_of(const struct rollup_sum *sum)
{
	uint64_t h = (uint64_t)sum->subscriber * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ (uint64_t)sum->hour) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 32 ^ (uint64_t)sum->way) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (size_t)(h >> 33) & (CHAINS - 1);
}

int rollup_add(struct rollup *rollup, const struct rollup_sum *more)
{
	size_t at;

	if (rollup->count == ROLLUP_SUMS) {
		int r = rollup_flush(rollup);

		if (r < 0)
			return r;
	}
	for (at = chain_of(more); rollup->chains[at] != 0; at = (at + 1) & (CHAINS - 1)) {
		struct rollup_sum *sum = &rollup->sums[rollup->chains[at] - 1];

		if (same_key(sum, more)) {
			merge(sum, more);
			return 0;
		}
	}
	rollup->sums[rollup->count++] = *more;
	rollup->chains[at] = (uint32_t)rollup->count;
	return 0;
}

/* ---- into the tables ---- */

static int by_time(const void *a, const void *b)
{
	const struct rollup_sum *x = a, *y = b;

	if (x->hour != y->hour)
		return x->hour < y->hour ? -1 : 1;
	if (x->subscriber != y->subscriber)
		return x->subscriber < y->subscriber ? -1 : 1;
	return x->way == y->way ? 0 : x->way < y->way ? -1 : 1;
}

static int by_subscriber(const void *a, const void *b)
{
	const struct rollup_sum *x = a, *y = b;

	return x->subscriber == y->subscriber ? 0 : x->subscriber < y->subscriber ? -1 : 1;
}

static int step(struct rollup *rollup, sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : store_failed(rollup->store);

	(void)sqlite3_reset(statement);
	return r;
}

static int put(struct rollup *rollup, sqlite3_stmt *statement, const struct rollup_sum *sum)
{
	const int64_t values[] = {sum->hour,
				  sum->subscriber,
				  sum->way,
				  (int64_t)sum->records,
				  (int64_t)sum->packets,
				  (int64_t)sum->blocked,
				  (int64_t)sum->offloaded,
				  (int64_t)sum->attempts,
				  sum->first_us,
				  sum->last_us};

	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++)
		(void)sqlite3_bind_int64(statement, i + 1, values[i]);
	return step(rollup, statement);
}

int rollup_add_part(struct rollup *rollup, int64_t record, const struct rollup_sum *share)
{
	const int64_t values[] = {record,
				  share->way,
				  (int64_t)share->records,
				  (int64_t)share->packets,
				  (int64_t)share->blocked,
				  (int64_t)share->offloaded,
				  (int64_t)share->attempts};

	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++)
		(void)sqlite3_bind_int64(rollup->part, i + 1, values[i]);
	return step(rollup, rollup->part);
}

static int64_t day_of(int64_t hour)
{
	return hour / HOURS_A_DAY - (hour % HOURS_A_DAY < 0);
}

/* Sums that have become equal in their keys become one. */
static void unite(struct rollup *rollup)
{
	size_t kept = 0;

	for (size_t i = 1; i < rollup->count; i++) {
		if (same_key(&rollup->sums[kept], &rollup->sums[i]))
			merge(&rollup->sums[kept], &rollup->sums[i]);
		else
			rollup->sums[++kept] = rollup->sums[i];
	}
	rollup->count = rollup->count > 0 ? kept + 1 : 0;
}

static int put_all(struct rollup *rollup, sqlite3_stmt *statement)
{
	int r = 0;

	qsort(rollup->sums, rollup->count, sizeof(rollup->sums[0]), by_time);
	unite(rollup);
	for (size_t i = 0; r == 0 && i < rollup->count; i++)
		r = put(rollup, statement, &rollup->sums[i]);
	return r;
}

static int put_subscribers(struct rollup *rollup)
{
	int r = 0;

	for (size_t i = 0; i < rollup->count; i++)
		rollup->sums[i].hour = rollup->sums[i].way = 0;
	qsort(rollup->sums, rollup->count, sizeof(rollup->sums[0]), by_subscriber);
	unite(rollup);
	for (size_t i = 0; r == 0 && i < rollup->count; i++) {
		const struct rollup_sum *sum = &rollup->sums[i];

		if (sum->subscriber == 0)
			continue;
		(void)sqlite3_bind_int64(rollup->subscriber, 1, sum->subscriber);
		(void)sqlite3_bind_int64(rollup->subscriber, 2, sum->first_us);
		(void)sqlite3_bind_int64(rollup->subscriber, 3, sum->last_us);
		r = step(rollup, rollup->subscriber);
	}
	return r;
}

int rollup_flush(struct rollup *rollup)
{
	int r = put_all(rollup, rollup->hour);

	for (size_t i = 0; i < rollup->count; i++)
		rollup->sums[i].hour = day_of(rollup->sums[i].hour);
	r = r < 0 ? r : put_all(rollup, rollup->day);
	r = r < 0 ? r : put_subscribers(rollup);
	rollup_forget(rollup);
	return r;
}
