/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of each writer's numbers: ranges seen never touch, so whatever is between two of them is a gap. And of files. */
#include "store/database.h"
#include "store/query.h"

static const char question[] =
	"SELECT name.text, source.boot, min(seen.first), max(seen.last), sum(seen.last - seen.first + 1), count(*) - 1, source.duplicates"
	" FROM source JOIN name ON name.id = source.host JOIN seen ON seen.source = source.id"
	" GROUP BY source.id ORDER BY name.text, source.id";

static struct store_source row_of(sqlite3_stmt *statement)
{
	struct store_source row = {
		.host = (const char *)sqlite3_column_text(statement, 0),
		.boot_id = (const char *)sqlite3_column_text(statement, 1),
		.first_seq = (uint64_t)sqlite3_column_int64(statement, 2),
		.last_seq = (uint64_t)sqlite3_column_int64(statement, 3),
		.records = (uint64_t)sqlite3_column_int64(statement, 4),
		.gaps = (uint64_t)sqlite3_column_int64(statement, 5),
		.duplicates = (uint64_t)sqlite3_column_int64(statement, 6),
	};

	row.missing = row.last_seq - row.first_seq + 1 - row.records;
	return row;
}

int store_sources(struct store *store, store_source_row *row, void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, question, &statement), step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_source source = row_of(statement);

		r = source.host && source.boot_id ? row(context, &source) : store_failed(store);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_failed(store);
}

int store_unread(struct store *store, store_unread_row *row, void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, "SELECT path, unread FROM file WHERE unread IS NOT NULL ORDER BY path",
			      &statement);
	int step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *path = (const char *)sqlite3_column_text(statement, 0);
		const char *why = (const char *)sqlite3_column_text(statement, 1);

		r = path && why ? row(context, path, why) : store_failed(store);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_failed(store);
}
