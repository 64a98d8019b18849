/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/record_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char record_row_insert[] =
	"INSERT INTO record(source, seq, kind, way, subscriber, time, first, last, packets, blocked, offloaded, attempts,"
	" sport, dport, iface, window_s, destinations, exact, src, dst, reach, detail)"
	" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

enum { FIRST_BLOB = 19 };

static void bind_blob(sqlite3_stmt *statement, int column, const void *bytes, size_t len)
{
	if (len > 0)
		(void)sqlite3_bind_blob(statement, column, bytes, (int)len, SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(statement, column);
}

static int bind_detail(sqlite3_stmt *statement, int column, const struct row *row)
{
	const struct json_text *reasons = &row->reasons_as_written, *rules = &row->rules_as_written;
	char *text = NULL;
	int len;

	if (reasons->len == 0 && rules->len == 0) {
		(void)sqlite3_bind_null(statement, column);
		return 0;
	}
	len = asprintf(&text, "{%s%.*s%s%s%.*s}", reasons->len ? "\"reasons\":" : "", (int)reasons->len,
		       reasons->len ? reasons->at : "", reasons->len && rules->len ? "," : "",
		       rules->len ? "\"rules\":" : "", (int)rules->len, rules->len ? rules->at : "");
	if (len < 0)
		return -ENOMEM;
	(void)sqlite3_bind_text(statement, column, text, len, free);
	return 0;
}

int record_row_bind(sqlite3_stmt *statement, const struct row *row, struct record_numbers *numbers)
{
	const int64_t values[] = {
		numbers->source,
		(int64_t)row->seq,
		row->kind,
		numbers->way,
		numbers->subscriber,
		row->time_us,
		row->first_us,
		row->last_us,
		(int64_t)row->packets,
		(int64_t)row->blocked,
		(int64_t)row->offloaded,
		(int64_t)row->attempts,
		row->sport,
		row->dport,
		numbers->iface,
		row->window_s,
		(int64_t)row->destinations,
		row->destinations_exact,
	};
	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++)
		(void)sqlite3_bind_int64(statement, i + 1, values[i]);
	if (numbers->subscriber == 0)
		(void)sqlite3_bind_null(statement, 5);
	bind_blob(statement, FIRST_BLOB, numbers->src, addr_to_bytes(&row->src, numbers->src));
	bind_blob(statement, FIRST_BLOB + 1, numbers->dst, addr_to_bytes(&row->dst, numbers->dst));
	bind_blob(statement, FIRST_BLOB + 2, row->reach, row->reach_len);
	return bind_detail(statement, FIRST_BLOB + 3, row);
}

static void bind_time(sqlite3_stmt *statement, int column, bool known, int64_t us)
{
	if (known)
		(void)sqlite3_bind_int64(statement, column, us);
	else
		(void)sqlite3_bind_null(statement, column);
}

void record_row_bind_notice(sqlite3_stmt *statement, const struct row *row, int64_t source, int64_t what,
			    int64_t state)
{
	const struct event_line *line = row->line;

	(void)sqlite3_bind_int64(statement, 1, source);
	(void)sqlite3_bind_int64(statement, 2, (int64_t)row->seq);
	(void)sqlite3_bind_int64(statement, 3, row->time_us);
	(void)sqlite3_bind_int64(statement, 4, what);
	(void)sqlite3_bind_int64(statement, 5, state);
	bind_time(statement, 6, line->is_period, line->first_us);
	bind_time(statement, 7, line->is_over, line->last_us);
	bind_time(statement, 8, line->has_unjudged, (int64_t)line->unjudged);
	bind_time(statement, 9, line->is_period, line->open);
	(void)sqlite3_bind_text(statement, 10, row->written.at, (int)row->written.len, SQLITE_STATIC);
}
