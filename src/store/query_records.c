/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/facts.h"

#include "event/line.h"

#include <string.h>

struct listing {
	struct question *question;
	sqlite3_stmt *details, *reasons;
	bool joins;     /* divided ways count by their rule, and the reason is looked up */
	uint64_t left;  /* of the limit */
	int64_t latest; /* the record that was told last */
	store_record_row *row;
	void *context;
};

enum { LISTING_ENDED = 1 };

static const char details_sql[] =
	"SELECT r.kind, h.text, s.boot, r.seq, r.src, r.sport, r.dst, r.dport, i.text, r.window_s, r.destinations, r.exact, r.detail,"
	" r.way, 1, r.packets, r.blocked, r.offloaded, r.attempts, r.first, r.last"
	" FROM record AS r LEFT JOIN source AS s ON s.id = r.source LEFT JOIN name AS h ON h.id = s.host"
	" LEFT JOIN name AS i ON i.id = r.iface WHERE r.id = ?1";

static const char reasons_sql[] =
	"SELECT count(*) FROM part AS p JOIN way AS w ON w.id = p.way JOIN name AS n ON n.id = w.reason"
	" WHERE p.record = ?1 AND p.packets > 0 AND n.text = ?2";

/* By enum event_line_kind. */
static const char *kind_name(int kind)
{
	static const char *const names[] = {
		[EVENT_LINE_FIRST] = "first",
		[EVENT_LINE_SUMMARY] = "summary",
		[EVENT_LINE_OVERFLOW] = "overflow",
	};

	return kind >= 0 && kind <= EVENT_LINE_OVERFLOW ? names[kind] : "";
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

static struct store_record record_of(sqlite3_stmt *row)
{
	return (struct store_record){
		.kind = kind_name(sqlite3_column_int(row, 0)),
		.host = text_of(row, 1),
		.boot_id = text_of(row, 2),
		.seq = (uint64_t)sqlite3_column_int64(row, 3),
		.src = question_address(row, 4),
		.sport = (uint16_t)sqlite3_column_int(row, 5),
		.dst = question_address(row, 6),
		.dport = (uint16_t)sqlite3_column_int(row, 7),
		.iface = text_of(row, 8),
		.window_s = (uint32_t)sqlite3_column_int64(row, 9),
		.destinations = (uint64_t)sqlite3_column_int64(row, 10),
		.destinations_exact = sqlite3_column_int(row, 11) != 0,
		.detail = (const char *)sqlite3_column_text(row, 12),
		.sums = fact_sums(row, 14),
	};
}

/* Whether a record of divided ways has the reason asked for: 1, 0, or a negative errno. */
static int has_reason(struct listing *listing, const struct fact *fact)
{
	int r;

	if (!listing->joins || !listing->question->ways[fact->way].way.divided)
		return 1;
	(void)sqlite3_reset(listing->reasons);
	(void)sqlite3_bind_int64(listing->reasons, 1, fact->record);
	if (sqlite3_bind_text(listing->reasons, 2, listing->question->filter->reason, -1, SQLITE_STATIC) !=
	    SQLITE_OK)
		return store_failed(listing->question->store);
	r = question_step(listing->question, listing->reasons);
	return r > 0 ? sqlite3_column_int64(listing->reasons, 0) > 0 : r;
}

static int list_record(void *context, const struct fact *fact)
{
	struct listing *listing = context;
	struct question *question = listing->question;
	struct store_record record;
	int r;

	if (fact->record == listing->latest)
		return 0;
	r = has_reason(listing, fact);
	if (r <= 0)
		return r;
	listing->latest = fact->record;
	(void)sqlite3_reset(listing->details);
	(void)sqlite3_bind_int64(listing->details, 1, fact->record);
	r = question_step(question, listing->details);
	if (r <= 0)
		return r;
	record = record_of(listing->details);
	r = question_shown_way(question, sqlite3_column_int64(listing->details, 13), &record.way);
	if (r < 0)
		return r;
	record.time_us = fact->time_us;
	r = question_subscriber(question, fact->subscriber, &record.subscriber, NULL);
	r = r < 0 ? r : listing->row(listing->context, &record);
	return r == 0 && --listing->left == 0 ? LISTING_ENDED : r;
}

static int list(struct listing *listing, bool latest_first)
{
	const struct store_filter *filter = listing->question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_RECORD,
					 latest_first ? FACT_BACKWARD : FACT_BY_TIME, false};
	int r = store_prepare(listing->question->store, details_sql, &listing->details);

	r = r < 0 ? r : store_prepare(listing->question->store, reasons_sql, &listing->reasons);
	listing->joins = filter->reason && (filter->rule || filter->pool);
	if (listing->joins)
		question_join_divided(listing->question);
	r = r < 0 ? r : facts_read(listing->question, &range, list_record, listing);
	sqlite3_finalize(listing->details);
	sqlite3_finalize(listing->reasons);
	return r;
}

int store_records(struct store *store, const struct store_filter *filter, bool latest_first, uint64_t limit,
		  store_record_row *row, void *context)
{
	struct question question;
	struct listing listing = {.question = &question, .left = limit, .row = row, .context = context};
	int r = question_begin(&question, store, filter);

	r = r < 0 ? r : facts_require_attempts(&question);
	r = r < 0 ? r : list(&listing, latest_first);
	/* Left at 0 by the last row: no row's own answer. */
	if (limit > 0 && listing.left == 0 && r == LISTING_ENDED)
		r = 0;
	return question_end(&question, r);
}

static struct store_notice notice_of(sqlite3_stmt *row)
{
	return (struct store_notice){
		.host = text_of(row, 0),
		.boot_id = text_of(row, 1),
		.seq = (uint64_t)sqlite3_column_int64(row, 2),
		.time_us = sqlite3_column_int64(row, 3),
		.first_us = sqlite3_column_int64(row, 4),
		.last_us = sqlite3_column_int64(row, 5),
		.what = text_of(row, 6),
		.state = text_of(row, 7),
		.packets = (uint64_t)sqlite3_column_int64(row, 8),
		.open = sqlite3_column_int(row, 9) != 0,
		.json = text_of(row, 10),
	};
}

int store_notices(struct store *store, const struct store_filter *filter, store_notice_row *row,
		  void *context)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r;

	store->error[0] = '\0';
	r = store_prepare(
		store,
		"SELECT h.text, s.boot, n.seq, n.time, n.first, n.last, w.text, t.text, n.packets, n.open, n.json"
		" FROM notice AS n JOIN source AS s ON s.id = n.source LEFT JOIN name AS h ON h.id = s.host"
		" LEFT JOIN name AS w ON w.id = n.what LEFT JOIN name AS t ON t.id = n.state"
		" WHERE n.time >= ?1 AND n.time < ?2 AND (?3 IS NULL OR h.text = ?3) ORDER BY n.time, n.id",
		&statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, filter->since_us);
	(void)sqlite3_bind_int64(statement, 2, filter->until_us);
	if (sqlite3_bind_text(statement, 3, filter->host, -1, SQLITE_STATIC) != SQLITE_OK)
		return store_failed(store);
	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct store_notice notice = notice_of(statement);

		r = row(context, &notice);
		if (r != 0)
			return r;
	}
	return r == SQLITE_DONE ? 0 : store_failed(store);
}
