/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work queue's table, in a file of its own beside the store. */
#include "store/work.h"

#include "store/database.h"

#include <errno.h>
#include <string.h>

/* What the queue failed with is the store's error. 0 or r. */
static int told(struct store *store, const struct store *work, int r)
{
	return r < 0 && work->error[0] != '\0' ? store_say(store, -r, "%s", work->error) : r;
}

static bool bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
	if (!text)
		return sqlite3_bind_null(statement, parameter) == SQLITE_OK;
	return sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_grace(sqlite3_stmt *statement, int parameter, int64_t grace_us)
{
	if (grace_us < 0)
		return sqlite3_bind_null(statement, parameter) == SQLITE_OK;
	return sqlite3_bind_int64(statement, parameter, grace_us) == SQLITE_OK;
}

static int insert(struct store *work, const struct work_event *event)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(work,
			      "INSERT INTO work(subscriber_text, time, who, what, ticket, note, grace)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?)",
			      &statement);

	if (r < 0)
		return r;
	if (!bind_text(statement, 1, event->subscriber) ||
	    sqlite3_bind_int64(statement, 2, event->time_us) != SQLITE_OK ||
	    !bind_text(statement, 3, event->who) || !bind_text(statement, 4, work_what_name(event->what)) ||
	    !bind_text(statement, 5, event->ticket) || !bind_text(statement, 6, event->note) ||
	    !bind_grace(statement, 7, event->grace_us) || sqlite3_step(statement) != SQLITE_DONE)
		return store_failed(work);
	return 0;
}

int store_work_add(struct store *store, const struct work_event *event)
{
	struct store *work = NULL;
	int r = store_work_open(store, &work);

	if (r < 0)
		return r;
	if (!work)
		return store_say(store, EACCES, "%s: it was opened for reading alone", store->path);
	return told(store, work, insert(work, event));
}

/* What a later version may have entered changes nothing here, and is shown as a note. */
static enum work_what what_of(const char *name)
{
	for (unsigned i = 0; i < WORK_WHATS; i++)
		if (strcmp(name, work_what_name((enum work_what)i)) == 0)
			return (enum work_what)i;
	return WORK_NOTE;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

static int give_row(struct store *store, sqlite3_stmt *statement, store_work_row *row, void *context)
{
	const char *what = text_of(statement, 3);
	struct work_event event = {
		.subscriber = text_of(statement, 0),
		.time_us = sqlite3_column_int64(statement, 1),
		.who = text_of(statement, 2),
		.ticket = text_of(statement, 4),
		.note = text_of(statement, 5),
		.grace_us = sqlite3_column_type(statement, 6) == SQLITE_NULL
				    ? WORK_GRACE_UNSAID
				    : sqlite3_column_int64(statement, 6),
	};

	if (!event.subscriber || !event.who || !what)
		return store_failed(store);
	event.what = what_of(what);
	return row(context, &event);
}

/* Who may only read may meet a file to which nobody has written since graces are kept. */
static int prepare_events(struct store *work, sqlite3_stmt **ret)
{
	int64_t has_grace = 0;
	int r = store_number(work, "SELECT count(*) FROM pragma_table_info('work') WHERE name = 'grace'", 0,
			     &has_grace);

	if (r < 0)
		return r;
	return store_prepare(
		work,
		has_grace ? "SELECT subscriber_text, time, who, what, ticket, note, grace FROM work"
			    " ORDER BY subscriber_text, time, id"
			  : "SELECT subscriber_text, time, who, what, ticket, note, NULL FROM work"
			    " ORDER BY subscriber_text, time, id",
		ret);
}

static int read_events(struct store *work, store_work_row *row, void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = prepare_events(work, &statement);
	int step;

	if (r < 0)
		return r;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		r = give_row(work, statement, row, context);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_failed(work);
}

int store_work_events(struct store *store, store_work_row *row, void *context)
{
	struct store *work = NULL;
	int r = store_work_open(store, &work);

	if (r < 0 || !work)
		return r;
	work->error[0] = '\0';
	return told(store, work, read_events(work, row, context));
}

/* 1, 0, or as store_failed(). */
static int is_stored(struct store *store, sqlite3_stmt *statement, const struct prefix *prefix)
{
	uint8_t bytes[16];
	size_t len = addr_to_bytes(&prefix->addr, bytes);
	int step;

	(void)sqlite3_reset(statement);
	if (sqlite3_bind_blob(statement, 1, bytes, (int)len, SQLITE_TRANSIENT) != SQLITE_OK ||
	    sqlite3_bind_int(statement, 2, prefix->len) != SQLITE_OK)
		return store_failed(store);
	step = sqlite3_step(statement);
	return step == SQLITE_ROW ? 1 : step == SQLITE_DONE ? 0 : store_failed(store);
}

int store_work_find(struct store *store, const struct prefix *given, struct prefix *ret)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, "SELECT 1 FROM subscriber WHERE address = ? AND len = ?", &statement);

	for (int len = given->len; r == 0 && len >= 0; len--) {
		struct prefix prefix = {addr_mask(&given->addr, (unsigned)len), (uint8_t)len};

		r = is_stored(store, statement, &prefix);
		if (r == 1)
			*ret = prefix;
	}
	return r;
}
