/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is stored at all, whatever is asked: names, and how new the newest record is. */
#include "store/database.h"
#include "store/query.h"

static const char *sql_of(enum store_group by)
{
	switch (by) {
	case STORE_GROUP_POOL:
		return "SELECT text FROM name WHERE id != 0 AND id IN (SELECT pool FROM way) ORDER BY text";
	case STORE_GROUP_RULE:
		return "SELECT text FROM name WHERE id != 0 AND id IN (SELECT rule FROM way) ORDER BY text";
	case STORE_GROUP_REASON:
		return "SELECT text FROM name WHERE id != 0 AND id IN (SELECT reason FROM way) ORDER BY text";
	case STORE_GROUP_HOST:
		return "SELECT text FROM name WHERE id != 0 AND id IN (SELECT host FROM way) ORDER BY text";
	default:
		return "SELECT text FROM name WHERE id != 0 AND id IN (SELECT rule_kind FROM way) ORDER BY text";
	}
}

int store_names(struct store *store, enum store_group by, store_name_row *row, void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, sql_of(by), &statement), step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);

		r = name ? row(context, name) : store_failed(store);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_failed(store);
}

int store_latest(struct store *store, int64_t *ret_us)
{
	return store_number(store, "SELECT max(max_time) FROM segment HAVING max(max_time) IS NOT NULL",
			    INT64_MIN, ret_us);
}
