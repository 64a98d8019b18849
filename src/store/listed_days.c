/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/listed_days.h"

#include "store/facts.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

/* A day of more pairs than are held at once is gone through several times, each for a part of the buckets. */
enum { PARTS_MAX = 4 };

struct making {
	struct store *store;
	struct listed_pairs pairs;
	sqlite3_stmt *records, *put;
	int64_t day;
	unsigned part, parts;
};

static const char records_sql[] =
	"SELECT r.subscriber, r.first, r.last, r.dst, r.destinations, r.exact, r.reach"
	" FROM segment AS s CROSS JOIN record AS r WHERE s.max_time >= ?1 AND s.min_time < ?2"
	" AND r.id >= s.first_id AND r.id <= s.last_id AND r.time >= ?1 AND r.time < ?2";
static const char put_sql[] = "INSERT OR REPLACE INTO listed(bucket, day, entries) VALUES(?1, ?2, ?3)";
/* The days from one to the next: there are few of them, and many rows. */
static const char days_sql[] =
	"WITH RECURSIVE step(at) AS (SELECT min(day) FROM day UNION ALL"
	" SELECT (SELECT min(day) FROM day WHERE day > step.at) FROM step WHERE step.at IS NOT NULL)"
	" SELECT at FROM step WHERE at < (SELECT max(day) FROM day) AND NOT EXISTS"
	" (SELECT 1 FROM listed WHERE bucket IN (-1, -2) AND day = at)";

static int no_memory(const struct making *making)
{
	return store_say(making->store, ENOMEM, "not enough memory");
}

static bool add(struct making *making, const struct addr *address)
{
	sqlite3_stmt *record = making->records;

	if (address->family == ADDR_NONE || listed_bucket(address) % making->parts != making->part)
		return true;
	return listed_pairs_add(&making->pairs, address, (uint32_t)sqlite3_column_int64(record, 0),
				sqlite3_column_int64(record, 1), sqlite3_column_int64(record, 2));
}

/* Each destination of the record once. */
static bool add_record(struct making *making)
{
	struct fact_told told;
	bool kept = true, listed = false;

	fact_told_read(making->records, 3, &told);
	for (size_t i = 0; kept && i < told.listed; i++) {
		const struct addr address = fact_told_address(&told, i);

		listed = listed || addr_equal(&address, &told.dst);
		kept = add(making, &address);
	}
	return kept && (listed || add(making, &told.dst));
}

static int read_part(struct making *making)
{
	int step;

	listed_pairs_forget(&making->pairs);
	(void)sqlite3_reset(making->records);
	(void)sqlite3_bind_int64(making->records, 1, making->day * STORE_DAY_US);
	(void)sqlite3_bind_int64(making->records, 2, (making->day + 1) * STORE_DAY_US);
	while (!making->pairs.full && (step = sqlite3_step(making->records)) == SQLITE_ROW)
		if (!add_record(making))
			return no_memory(making);
	if (!making->pairs.full && step != SQLITE_DONE)
		return store_failed(making->store);
	(void)sqlite3_reset(making->records);
	return listed_pairs_settle(&making->pairs) ? 0 : no_memory(making);
}

static int put(struct making *making, int bucket, const uint8_t *bytes, size_t len)
{
	int r = 0;

	(void)sqlite3_bind_int(making->put, 1, bucket);
	(void)sqlite3_bind_int64(making->put, 2, making->day);
	(void)sqlite3_bind_blob(making->put, 3, bytes, (int)len, SQLITE_STATIC);
	if (sqlite3_step(making->put) != SQLITE_DONE)
		r = store_failed(making->store);
	(void)sqlite3_reset(making->put);
	return r;
}

static int put_bucket(struct making *making, unsigned bucket, struct listed *listed)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	int r;

	if (!listed_pairs_take(&making->pairs, bucket, listed) ||
	    !listed_pack(listed, making->day * STORE_DAY_US, &bytes, &len))
		return no_memory(making);
	r = put(making, (int)bucket, bytes, len);
	free(bytes);
	return r;
}

static int put_part(struct making *making)
{
	struct listed listed = {0};
	int r = 0;

	listed_pairs_sort(&making->pairs);
	for (unsigned bucket = making->part; r == 0 && bucket < LISTED_BUCKETS; bucket += making->parts)
		r = put_bucket(making, bucket, &listed);
	listed_free(&listed);
	return r;
}

/* 1: there are too many pairs for so few parts. */
static int make_parts(struct making *making)
{
	int r = 0;

	for (making->part = 0; r == 0 && making->part < making->parts; making->part++) {
		r = read_part(making);
		if (r == 0 && making->pairs.full)
			return 1;
		r = r < 0 ? r : put_part(making);
	}
	return r < 0 ? r : put(making, LISTED_WHOLE, NULL, 0);
}

static int make_day(struct making *making)
{
	int r = store_run(making->store, "BEGIN IMMEDIATE"), ended;

	if (r < 0)
		return r;
	r = 1;
	for (making->parts = 1; r == 1 && making->parts <= PARTS_MAX; making->parts *= 2)
		r = make_parts(making);
	(void)sqlite3_reset(making->records);
	if (r < 0) {
		(void)sqlite3_exec(making->store->db, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	ended = store_run(making->store, r == 1 ? "ROLLBACK" : "COMMIT");
	return ended < 0 || r == 0 ? ended : put(making, LISTED_TOO_MANY, NULL, 0);
}

static int find_days(struct store *store, int64_t **ret, size_t *ret_count)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	size_t capacity = 0;
	int r = store_prepare(store, days_sql, &statement), step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!VEC_RESERVE(*ret, capacity, *ret_count + 1))
			return store_say(store, ENOMEM, "not enough memory");
		(*ret)[(*ret_count)++] = sqlite3_column_int64(statement, 0);
	}
	return step == SQLITE_DONE ? 0 : store_failed(store);
}

int listed_days_make(struct store *store, const struct siphash_key *key, bool (*more)(void *context),
		     void *context)
{
	struct making making = {.store = store};
	int64_t *days = NULL;
	size_t count = 0;
	int r = find_days(store, &days, &count);

	if (r == 0 && count > 0) {
		r = listed_pairs_init(&making.pairs, key) ? 0 : no_memory(&making);
		r = r < 0 ? r : store_prepare(store, records_sql, &making.records);
		r = r < 0 ? r : store_prepare(store, put_sql, &making.put);
	}
	for (size_t i = 0; r == 0 && i < count && more(context); i++) {
		making.day = days[i];
		r = make_day(&making);
	}
	sqlite3_finalize(making.records);
	sqlite3_finalize(making.put);
	listed_pairs_free(&making.pairs);
	free(days);
	return r;
}
