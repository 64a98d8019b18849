/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/facts.h"
#include "store/visits.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include "event/destinations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct reading {
	struct question *question;
	const struct fact_range *range;
	fact_taker *take;
	void *context;
};

/* Some 70,000 years: so that an hour more is a time, too. */
#define TIME_MAX (INT64_MAX / 4)

struct hours {
	int64_t *list;
	size_t count, capacity;
};

#define SUMS "records, packets, blocked, offloaded, attempts, first, last"
/* A record of several ways is a row for each of them. */
#define RECORD                                                                                                 \
	"r.time, r.id, coalesce(r.subscriber, 0), coalesce(p.way, r.way), coalesce(p.records, 1),"             \
	" coalesce(p.packets, r.packets), coalesce(p.blocked, r.blocked), coalesce(p.offloaded, r.offloaded)," \
	" coalesce(p.attempts, r.attempts), r.first, r.last"
#define TOLD "r.dst, r.destinations, r.exact, r.reach"
#define OF_RECORDS                                                                                           \
	" FROM segment AS s CROSS JOIN record AS r"                                                          \
	" LEFT JOIN part AS p ON p.record = CASE WHEN r.detail IS NULL THEN NULL ELSE r.id END"              \
	" WHERE s.max_time >= ?1 AND s.min_time < ?2"                                                        \
	" AND r.id >= s.first_id AND r.id <= s.last_id AND r.time >= ?1 AND r.time < ?2"
#define OF_VISITS                                                                                            \
	" FROM json_each(?3) AS i CROSS JOIN record AS r ON r.id = i.value"                                  \
	" LEFT JOIN part AS p ON p.record = CASE WHEN r.detail IS NULL THEN NULL ELSE r.id END"              \
	" WHERE r.time >= ?1 AND r.time < ?2"
/* The numbers of the hours or days with rows, found one from the other: there may be millions of rows, but few of these. */
#define STEPS(table, unit)                                                                                   \
	"WITH RECURSIVE step(at) AS (SELECT min(" unit ") FROM " table " WHERE " unit " >= ?1 AND " unit     \
	" < ?2 UNION ALL SELECT (SELECT min(" unit ") FROM " table " WHERE " unit " > step.at AND " unit     \
	" < ?2) FROM step WHERE step.at IS NOT NULL)"
#define SCAN(unit)                                                                                           \
	"SELECT " unit ", 0, subscriber, way, " SUMS " FROM " unit " WHERE " unit " >= ?1 AND " unit         \
	" < ?2 ORDER BY " unit ", subscriber, way"
#define SEEK(unit)                                                                                           \
	STEPS(unit, unit)                                                                                    \
	" SELECT u." unit ", 0, u.subscriber, u.way, " SUMS " FROM step CROSS JOIN json_each(?3) AS w"       \
	" CROSS JOIN " unit " AS u ON u." unit " = step.at AND u.subscriber = w.value"

static const char hours_sql[] = STEPS("hour", "hour") " SELECT at FROM step WHERE at IS NOT NULL";
static const char visit_days_sql[] =
	STEPS("visit", "day") " SELECT at FROM step WHERE at IS NOT NULL ORDER BY at";
static const char visits_sql[] = "SELECT v.first, v.rest FROM json_each(?2) AS w CROSS JOIN visit AS v"
				 " ON v.day = ?1 AND v.subscriber = w.value";

/* ---- what a record tells ---- */

static size_t address_size(const struct fact_told *told, size_t bytes)
{
	if (told->dst.family != ADDR_NONE)
		return told->dst.family == ADDR_IP4 ? 4 : 16;
	if (told->exact && told->count > 0 && (bytes == told->count * 4 || bytes == told->count * 16))
		return bytes / told->count;
	return bytes % 16 == 0 ? 16 : 4;
}

/* No hash has more zero bits than this; where a register says so, the store is damaged, and they tell nothing. */
static bool are_registers(const uint8_t *bytes)
{
	uint8_t greatest = 0;

	for (size_t i = 0; i < DESTINATIONS_REGISTERS; i++)
		greatest = bytes[i] > greatest ? bytes[i] : greatest;
	return greatest < 64;
}

void fact_told_read(sqlite3_stmt *statement, int column, struct fact_told *ret)
{
	const uint8_t *reach = sqlite3_column_blob(statement, column + 3);
	size_t bytes = (size_t)sqlite3_column_bytes(statement, column + 3);

	*ret = (struct fact_told){.dst = question_address(statement, column),
				  .count = (uint64_t)sqlite3_column_int64(statement, column + 1),
				  .exact = sqlite3_column_int(statement, column + 2) == 1};
	if (!reach)
		return;
	if (!ret->exact && bytes == DESTINATIONS_REGISTERS) {
		ret->registers = are_registers(reach) ? reach : NULL;
		return;
	}
	ret->size = address_size(ret, bytes);
	ret->listed = bytes / ret->size;
	ret->list = reach;
}

struct addr fact_told_address(const struct fact_told *told, size_t i)
{
	const uint8_t *bytes = told->list + i * told->size;

	return told->size == 4 ? addr_from_bytes4(bytes) : addr_from_bytes16(bytes);
}

int facts_told(struct question *question, int64_t record, struct fact_told *ret)
{
	int r = 0;

	if (!question->told)
		r = store_prepare(question->store, "SELECT " TOLD " FROM record AS r WHERE r.id = ?1",
				  &question->told);
	if (r < 0)
		return r;
	(void)sqlite3_reset(question->told);
	(void)sqlite3_bind_int64(question->told, 1, record);
	r = question_step(question, question->told);
	if (r < 0)
		return r;
	*ret = (struct fact_told){0};
	if (r > 0)
		fact_told_read(question->told, 0, ret);
	return 0;
}

static bool tells_inside(const struct fact_told *told, const struct prefix *outer)
{
	bool inside = told->dst.family != ADDR_NONE && prefix_contains(outer, &told->dst);

	for (size_t i = 0; !inside && i < told->listed; i++) {
		const struct addr address = fact_told_address(told, i);

		inside = prefix_contains(outer, &address);
	}
	return inside;
}

/* Whether some of the record's destinations do not, or may not, lie inside. */
static bool tells_outside(const struct fact_told *told, const struct prefix *outer)
{
	bool inside = told->exact && told->count == (told->listed > 0 ? told->listed : 1) &&
		      (told->dst.family == ADDR_NONE || prefix_contains(outer, &told->dst));

	for (size_t i = 0; inside && i < told->listed; i++) {
		const struct addr address = fact_told_address(told, i);

		inside = prefix_contains(outer, &address);
	}
	return !inside;
}

/* ---- rows ---- */

struct store_sums fact_sums(sqlite3_stmt *row, int column)
{
	return (struct store_sums){
		.records = (uint64_t)sqlite3_column_int64(row, column),
		.packets = (uint64_t)sqlite3_column_int64(row, column + 1),
		.blocked = (uint64_t)sqlite3_column_int64(row, column + 2),
		.offloaded = (uint64_t)sqlite3_column_int64(row, column + 3),
		.attempts = (uint64_t)sqlite3_column_int64(row, column + 4),
		.first_us = sqlite3_column_int64(row, column + 5),
		.last_us = sqlite3_column_int64(row, column + 6),
	};
}

static bool looks_at_destinations(const struct reading *reading)
{
	return reading->question->filter->dst.addr.family != ADDR_NONE;
}

/* Whether what the row tells counts: 1, 0, or a negative errno. */
static int read_told(const struct reading *reading, sqlite3_stmt *row, struct fact *fact,
		     struct fact_told *told)
{
	const struct prefix outer = prefix_canonical(&reading->question->filter->dst);
	int r = 0;

	if (reading->range->tell)
		fact_told_read(row, 11, told);
	else if (looks_at_destinations(reading))
		r = facts_told(reading->question, fact->record, told);
	else
		return 1;
	fact->told = told;
	if (r < 0 || !looks_at_destinations(reading))
		return r < 0 ? r : 1;
	if (reading->question->left_out && tells_outside(told, &outer))
		reading->question->left_out[fact->place] = true;
	return tells_inside(told, &outer);
}

static void leave_out(const struct reading *reading, int64_t subscriber)
{
	size_t place;

	if (reading->question->left_out && question_wants(reading->question, subscriber, &place))
		reading->question->left_out[place] = true;
}

static int take_row(const struct reading *reading, sqlite3_stmt *row, enum fact_grain grain)
{
	static const int64_t units[] = {
		[FACT_RECORD] = 1, [FACT_HOUR] = STORE_HOUR_US, [FACT_DAY] = STORE_DAY_US};
	ptrdiff_t way = question_way_place(reading->question, sqlite3_column_int64(row, 3));
	struct fact fact = {.grain = grain, .subscriber = sqlite3_column_int64(row, 2)};
	struct fact_told told;
	int r;

	if (way == QUESTION_NO_WAY)
		leave_out(reading, fact.subscriber);
	if (way == QUESTION_NO_WAY || !question_wants(reading->question, fact.subscriber, &fact.place))
		return 0;
	fact.way = (size_t)way;
	fact.time_us = sqlite3_column_int64(row, 0) * units[grain];
	fact.record = sqlite3_column_int64(row, 1);
	r = grain == FACT_RECORD ? read_told(reading, row, &fact, &told) : 1;
	if (r <= 0)
		return r;
	fact.sums = fact_sums(row, 4);
	return reading->take(reading->context, &fact);
}

static int take_rows(const struct reading *reading, sqlite3_stmt *statement, enum fact_grain grain)
{
	int r;

	while ((r = question_step(reading->question, statement)) > 0) {
		r = take_row(reading, statement, grain);
		if (r != 0)
			return r;
	}
	return r;
}

/* from, to: hours or days. */
static int read_sums(const struct reading *reading, enum fact_grain grain, int64_t from, int64_t to)
{
	static const char *const scans[] = {[FACT_HOUR] = SCAN("hour"), [FACT_DAY] = SCAN("day")};
	static const char *const seeks[] = {[FACT_HOUR] = SEEK("hour"), [FACT_DAY] = SEEK("day")};
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	bool seek = question_seeks(reading->question);
	int r;

	if (from >= to)
		return 0;
	r = store_prepare(reading->question->store, seek ? seeks[grain] : scans[grain], &statement);
	r = r < 0 || !seek ? r : question_bind_wanted(reading->question, statement, 3);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, from);
	(void)sqlite3_bind_int64(statement, 2, to);
	return take_rows(reading, statement, grain);
}

/* ---- records ---- */

static int prepare_records(const struct reading *reading, sqlite3_stmt **ret)
{
	static const char *const orders[] = {
		[FACT_ANY_ORDER] = "",
		[FACT_BY_HOUR] = "",
		[FACT_BY_TIME] = " ORDER BY r.time, r.id",
		[FACT_BACKWARD] = " ORDER BY r.time DESC, r.id DESC",
	};
	bool seek = question_seeks(reading->question);
	enum fact_order order = reading->range->order;
	char sql[1200];

	/* Of a day's visits all hours are read at once. */
	if (seek && order == FACT_BY_HOUR)
		order = FACT_BY_TIME;
	snprintf(sql, sizeof(sql), "SELECT " RECORD "%s%s%s", reading->range->tell ? ", " TOLD : "",
		 seek ? OF_VISITS : OF_RECORDS, orders[order]);
	return store_prepare(reading->question->store, sql, ret);
}

static int read_slice(const struct reading *reading, sqlite3_stmt *statement, int64_t since_us,
		      int64_t until_us)
{
	(void)sqlite3_reset(statement);
	(void)sqlite3_bind_int64(statement, 1, since_us);
	(void)sqlite3_bind_int64(statement, 2, until_us);
	return take_rows(reading, statement, FACT_RECORD);
}

/* The hours (or days) of the range that have rows. */
static int find_units(const struct reading *reading, const char *sql, int64_t from, int64_t to,
		      struct hours *ret)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	struct question *question = reading->question;
	int r = store_prepare(question->store, sql, &statement);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, from);
	(void)sqlite3_bind_int64(statement, 2, to);
	while ((r = question_step(question, statement)) > 0) {
		if (!VEC_RESERVE(ret->list, ret->capacity, ret->count + 1))
			return question_no_memory(question);
		ret->list[ret->count++] = sqlite3_column_int64(statement, 0);
	}
	return r;
}

/* How many hours from place `at` on are read at once. */
static size_t run_of_hours(const struct reading *reading, const struct hours *hours, size_t at)
{
	size_t run = 1;

	if (reading->range->order != FACT_ANY_ORDER)
		return 1;
	while (at + run < hours->count && hours->list[at + run] == hours->list[at] + (int64_t)run)
		run++;
	return run;
}

static int read_hours(const struct reading *reading, const struct hours *hours, int64_t since_us,
		      int64_t until_us)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = prepare_records(reading, &statement);
	size_t run;

	for (size_t i = 0; r == 0 && i < hours->count; i += run) {
		size_t at = reading->range->order == FACT_BACKWARD ? hours->count - 1 - i : i;
		int64_t from = hours->list[at] * STORE_HOUR_US, to;

		run = run_of_hours(reading, hours, at);
		to = from + (int64_t)run * STORE_HOUR_US;
		r = read_slice(reading, statement, from > since_us ? from : since_us,
			       to < until_us ? to : until_us);
	}
	return r;
}

/* ---- records of few subscribers ---- */

/* Ids as a JSON list. */
struct id_list {
	char *text;
	size_t len, capacity;
};

static bool list_id(struct id_list *list, int64_t id)
{
	if (!VEC_RESERVE(list->text, list->capacity, list->len + 24))
		return false;
	list->len += (size_t)snprintf(list->text + list->len, 24, "%c%" PRId64, list->len ? ',' : '[', id);
	return true;
}

/* Of the wanted's visits on that day. */
static int list_visits(const struct reading *reading, sqlite3_stmt *visits, int64_t day, struct id_list *list)
{
	int r;

	list->len = 0;
	(void)sqlite3_reset(visits);
	(void)sqlite3_bind_int64(visits, 1, day);
	while ((r = question_step(reading->question, visits)) > 0) {
		const uint8_t *rest = sqlite3_column_blob(visits, 1);
		size_t len = (size_t)sqlite3_column_bytes(visits, 1), at = 0;
		int64_t id = sqlite3_column_int64(visits, 0);

		for (; id != 0; id = visits_next(rest, len, &at, id))
			if (!list_id(list, id))
				return question_no_memory(reading->question);
	}
	if (r == 0 && list->len > 0)
		list->text[list->len++] = ']';
	return r;
}

static int read_visits(const struct reading *reading, const struct hours *days, int64_t since_us,
		       int64_t until_us)
{
	sqlite3_stmt *records CLEANUP_STATEMENT = NULL, *visits CLEANUP_STATEMENT = NULL;
	struct id_list list = {0};
	int r = prepare_records(reading, &records);

	r = r < 0 ? r : store_prepare(reading->question->store, visits_sql, &visits);
	r = r < 0 ? r : question_bind_wanted(reading->question, visits, 2);
	for (size_t i = 0; r == 0 && i < days->count; i++) {
		size_t at = reading->range->order == FACT_BACKWARD ? days->count - 1 - i : i;

		r = list_visits(reading, visits, days->list[at], &list);
		if (r < 0 || list.len == 0)
			continue;
		(void)sqlite3_reset(records);
		if (sqlite3_bind_text(records, 3, list.text, (int)list.len, SQLITE_STATIC) != SQLITE_OK)
			r = store_failed(reading->question->store);
		r = r < 0 ? r : read_slice(reading, records, since_us, until_us);
	}
	free(list.text);
	return r;
}

static int read_records(const struct reading *reading, int64_t since_us, int64_t until_us)
{
	bool seek = question_seeks(reading->question);
	int64_t unit = seek ? STORE_DAY_US : STORE_HOUR_US;
	struct hours units = {0};
	int r = 0;

	if (since_us < until_us)
		r = find_units(reading, seek ? visit_days_sql : hours_sql, question_floor(since_us, unit),
			       question_ceil(until_us, unit), &units);
	if (r == 0 && units.count > 0)
		r = seek ? read_visits(reading, &units, since_us, until_us)
			 : read_hours(reading, &units, since_us, until_us);
	free(units.list);
	return r;
}

/* ---- the period in parts ---- */

static int read_by_hour(const struct reading *reading, int64_t since_us, int64_t until_us)
{
	int64_t from = question_ceil(since_us, STORE_HOUR_US), to = question_floor(until_us, STORE_HOUR_US);
	int r;

	if (reading->range->coarsest == FACT_RECORD || from > to)
		return read_records(reading, since_us, until_us);
	r = read_records(reading, since_us, from * STORE_HOUR_US);
	r = r != 0 ? r : read_sums(reading, FACT_HOUR, from, to);
	return r != 0 ? r : read_records(reading, to * STORE_HOUR_US, until_us);
}

static int read_by_day(const struct reading *reading, int64_t since_us, int64_t until_us)
{
	int64_t from = question_ceil(since_us, STORE_DAY_US), to = question_floor(until_us, STORE_DAY_US);
	int r;

	if (reading->range->coarsest != FACT_DAY || from >= to)
		return read_by_hour(reading, since_us, until_us);
	r = read_by_hour(reading, since_us, from * STORE_DAY_US);
	r = r != 0 ? r : read_sums(reading, FACT_DAY, from, to);
	return r != 0 ? r : read_by_hour(reading, to * STORE_DAY_US, until_us);
}

int facts_read(struct question *question, const struct fact_range *range, fact_taker *take, void *context)
{
	struct fact_range wanted = *range;
	const struct reading reading = {question, &wanted, take, context};

	wanted.since_us = wanted.since_us < -TIME_MAX ? -TIME_MAX : wanted.since_us;
	wanted.until_us = wanted.until_us > TIME_MAX ? TIME_MAX : wanted.until_us;
	if (wanted.since_us >= wanted.until_us || (question->only_wanted && question->wanted_count == 0))
		return 0;
	if (looks_at_destinations(&reading)) {
		wanted.coarsest = FACT_RECORD;
		wanted.tell = wanted.order < FACT_BY_TIME;
	}
	return read_by_day(&reading, wanted.since_us, wanted.until_us);
}
