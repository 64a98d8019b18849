/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/audit.h"

#include "store/database.h"

#include <stddef.h>

static const char gaps_question[] =
	"SELECT host, boot, last + 1, next - 1 FROM"
	" (SELECT name.text AS host, source.boot AS boot, source.id AS id, seen.last AS last,"
	" lead(seen.first) OVER (PARTITION BY source.id ORDER BY seen.first) AS next"
	" FROM source JOIN name ON name.id = source.host JOIN seen ON seen.source = source.id)"
	" WHERE next IS NOT NULL ORDER BY host, id, last";

int store_gaps(struct store *store, store_gap_row *row, void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, gaps_question, &statement), step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct store_gap gap = {
			.host = (const char *)sqlite3_column_text(statement, 0),
			.boot_id = (const char *)sqlite3_column_text(statement, 1),
			.first = (uint64_t)sqlite3_column_int64(statement, 2),
			.last = (uint64_t)sqlite3_column_int64(statement, 3),
		};

		r = gap.host && gap.boot_id ? row(context, &gap) : store_failed(store);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_failed(store);
}

/* A statement of one row, with the source and the two bounds bound. */
static int ask(struct store *store, const char *sql, int64_t source, uint64_t first, uint64_t end,
	       sqlite3_stmt **ret)
{
	int r = store_prepare(store, sql, ret);

	if (r < 0)
		return r;
	if (sqlite3_bind_int64(*ret, 1, source) != SQLITE_OK ||
	    sqlite3_bind_int64(*ret, 2, (int64_t)first) != SQLITE_OK ||
	    sqlite3_bind_int64(*ret, 3, (int64_t)end) != SQLITE_OK || sqlite3_step(*ret) != SQLITE_ROW)
		return store_failed(store);
	return 0;
}

static int find_source(struct store *store, const char *host, const char *boot_id, int64_t *ret)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store,
			      "SELECT source.id FROM source JOIN name ON name.id = source.host"
			      " WHERE name.text = ? AND source.boot = ?",
			      &statement);

	if (r < 0)
		return r;
	if (sqlite3_bind_text(statement, 1, host, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_bind_text(statement, 2, boot_id, -1, SQLITE_STATIC) != SQLITE_OK)
		return store_failed(store);
	r = sqlite3_step(statement);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return store_failed(store);
	*ret = r == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
	return 0;
}

static int count_numbers(struct store *store, int64_t source, uint64_t first, uint64_t end,
			 struct store_share *share)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = ask(store,
		    "SELECT total(min(last, ?3 - 1) - max(first, ?2) + 1) FROM seen"
		    " WHERE source = ?1 AND last >= ?2 AND first < ?3",
		    source, first, end, &statement);

	if (r == 0)
		share->numbers = (uint64_t)sqlite3_column_int64(statement, 0);
	return r;
}

static int add_records(struct store *store, int64_t source, uint64_t first, uint64_t end,
		       struct store_share *share)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = ask(store,
		    "SELECT sum(packets), sum(blocked), sum(attempts) FROM record"
		    " WHERE source = ?1 AND seq >= ?2 AND seq < ?3",
		    source, first, end, &statement);

	if (r < 0)
		return r;
	share->packets = (uint64_t)sqlite3_column_int64(statement, 0);
	share->blocked = (uint64_t)sqlite3_column_int64(statement, 1);
	share->attempts = (uint64_t)sqlite3_column_int64(statement, 2);
	return 0;
}

int store_share_of(struct store *store, const char *host, const char *boot_id, uint64_t first, uint64_t end,
		   struct store_share *ret)
{
	struct store_share share = {0};
	int64_t source = -1;
	int r = store_run(store, "BEGIN");

	if (r < 0)
		return r;
	r = find_source(store, host, boot_id, &source);
	if (r == 0 && source >= 0)
		r = count_numbers(store, source, first, end, &share);
	if (r == 0 && source >= 0)
		r = add_records(store, source, first, end, &share);
	(void)sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
	if (r == 0)
		*ret = share;
	return r;
}
