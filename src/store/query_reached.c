/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many different destinations subscribers tried in a period: of whole days the stored union, of what is cut from
 * records. Where the filter leaves out ways that a subscriber's day has, that day's union is of no use.
 */
#include "store/facts.h"
#include "store/query_destinations.h"

#include <stdlib.h>

struct uniting {
	struct question *question;
	struct reached *reaches;
	const struct prefix *inside; /* ADDR_NONE: wherever */
	bool whole_days;             /* of the records, only those of reaches[].by_record */
	struct known_memory *memory;
};

/* The budget is as large as needed: a set is bounded, and so are the sets by the subscribers. */
static struct known_memory memory_for_all(const struct question *question)
{
	return (struct known_memory){.budget.max = SIZE_MAX, .key = question->way_places.hash_key};
}

static bool add_address(const struct uniting *uniting, struct reached *reach, const struct addr *address)
{
	if (address->family == ADDR_NONE ||
	    (uniting->inside->addr.family != ADDR_NONE && !prefix_contains(uniting->inside, address)))
		return true;
	return known_add(&reach->known, address, uniting->memory);
}

/* False without memory. */
static bool add_told(const struct uniting *uniting, struct reached *reach, const struct fact_told *told)
{
	const bool anywhere = uniting->inside->addr.family == ADDR_NONE;
	bool added = add_address(uniting, reach, &told->dst);

	for (size_t i = 0; added && i < told->listed; i++) {
		const struct addr address = fact_told_address(told, i);

		added = add_address(uniting, reach, &address);
	}
	if (added && told->registers && anywhere)
		added = (told->named ? known_add_named_registers
				     : known_add_registers)(&reach->known, told->registers, uniting->memory);
	if ((told->registers && anywhere) || (told->exact && (told->list || told->count <= 1)))
		return added;
	reach->unknown = reach->known.partial = true;
	if (anywhere && told->count > reach->least)
		reach->least = told->count;
	return added;
}

static int unite_record(void *context, const struct fact *fact)
{
	const struct uniting *uniting = context;
	struct reached *reach = &uniting->reaches[fact->place];

	if (uniting->whole_days && !reach->by_record)
		return 0;
	return add_told(uniting, reach, fact->told) ? 0 : question_no_memory(uniting->question);
}

static int unite_records(struct uniting *uniting, int64_t since_us, int64_t until_us, bool whole_days)
{
	const struct fact_range range = {since_us, until_us, FACT_RECORD, FACT_ANY_ORDER, true};

	uniting->whole_days = whole_days;
	return facts_read(uniting->question, &range, unite_record, uniting);
}

/* ---- whole days ---- */

struct day_rows {
	const char *scan, *seek;
};

#define SELECTED(columns, table) "SELECT " columns " FROM " table " AS u WHERE u.day >= ?1 AND u.day < ?2"
#define LOOKED_UP(columns, table)                                                                            \
	"WITH RECURSIVE step(at) AS (SELECT min(day) FROM day WHERE day >= ?1 AND day < ?2 UNION ALL"        \
	" SELECT (SELECT min(day) FROM day WHERE day > step.at AND day < ?2) FROM step"                      \
	" WHERE step.at IS NOT NULL) SELECT " columns " FROM step CROSS JOIN json_each(?3) AS w"             \
	" CROSS JOIN " table " AS u ON u.day = step.at AND u.subscriber = w.value"

#define DAY_COLUMNS                                                                                          \
	"u.subscriber, NULL, u.count, u.exact, u.reach,"                                                     \
	" CASE WHEN u.exact = 1 THEN NULL ELSE (SELECT names FROM known WHERE id = " STORE_DAY_ID(           \
		"u.day", "u.subscriber") ") END"

static int open_days(struct question *question, const struct day_rows *rows, int64_t from, int64_t to,
		     sqlite3_stmt **ret)
{
	bool seek = question_seeks(question);
	int r = store_prepare(question->store, seek ? rows->seek : rows->scan, ret);

	r = r < 0 || !seek ? r : question_bind_wanted(question, *ret, 3);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(*ret, 1, from);
	(void)sqlite3_bind_int64(*ret, 2, to);
	return 0;
}

/* Who has ways that do not count. */
static int mark_mixed(const struct uniting *uniting, int64_t from, int64_t to, bool *ret_some)
{
	static const struct day_rows rows = {SELECTED("u.subscriber, u.way", "day"),
					     LOOKED_UP("u.subscriber, u.way", "day")};
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	struct question *question = uniting->question;
	int r = open_days(question, &rows, from, to, &statement);
	size_t place;

	while (r == 0 && (r = question_step(question, statement)) > 0) {
		r = 0;
		if (!question_wants(question, sqlite3_column_int64(statement, 0), &place) ||
		    question_way_place(question, sqlite3_column_int64(statement, 1)) != QUESTION_NO_WAY)
			continue;
		uniting->reaches[place].by_record = true;
		*ret_some = true;
	}
	return r;
}

/* The stored union of a day, in the form of what a record tells; *ret_family is that of the subscriber, where it matters. */
static int day_told(struct question *question, int64_t subscriber, sqlite3_stmt *statement,
		    struct fact_told *ret, uint8_t *ret_family)
{
	struct prefix who;
	int r;

	fact_told_read(statement, 1, ret);
	ret->named = sqlite3_column_int(statement, 3) == STORE_NAMED;
	*ret_family = ADDR_NONE;
	if (ret->exact || (!ret->list && !ret->registers) || subscriber == 0)
		return 0;
	r = question_subscriber(question, subscriber, &who, NULL);
	if (r < 0)
		return r;
	*ret_family = who.addr.family;
	if (!ret->list)
		return 0;
	ret->size = who.addr.family == ADDR_IP4 ? 4 : 16;
	ret->listed = (size_t)sqlite3_column_bytes(statement, 4) / ret->size;
	return 0;
}

/* False without memory. */
static bool add_names(const struct uniting *uniting, struct reached *reach, uint8_t family,
		      sqlite3_stmt *statement)
{
	size_t len = (size_t)sqlite3_column_bytes(statement, 5);

	return family == ADDR_NONE ||
	       known_unpack(&reach->known, family, sqlite3_column_blob(statement, 5), len, uniting->memory);
}

static int unite_days(const struct uniting *uniting, int64_t from, int64_t to)
{
	static const struct day_rows rows = {SELECTED(DAY_COLUMNS, "reach"), LOOKED_UP(DAY_COLUMNS, "reach")};
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	struct question *question = uniting->question;
	int r = open_days(question, &rows, from, to, &statement);
	struct fact_told told;
	uint8_t family;
	size_t place;

	while (r == 0 && (r = question_step(question, statement)) > 0) {
		int64_t subscriber = sqlite3_column_int64(statement, 0);

		r = 0;
		if (!question_wants(question, subscriber, &place) || uniting->reaches[place].by_record)
			continue;
		r = day_told(question, subscriber, statement, &told, &family);
		if (!told.exact && told.count > uniting->reaches[place].least)
			uniting->reaches[place].least = told.count;
		if (r == 0 && (!add_told(uniting, &uniting->reaches[place], &told) ||
			       !add_names(uniting, &uniting->reaches[place], family, statement)))
			r = question_no_memory(question);
	}
	return r;
}

int reached_read(struct question *question, struct reached *reaches)
{
	const struct store_filter *filter = question->filter;
	const struct prefix inside = prefix_canonical(&filter->dst);
	struct known_memory memory = memory_for_all(question);
	struct uniting uniting = {
		.question = question, .reaches = reaches, .inside = &inside, .memory = &memory};
	int64_t from = question_ceil(filter->since_us, STORE_DAY_US);
	int64_t to = question_floor(filter->until_us, STORE_DAY_US);
	bool mixed = false;
	int r = 0;

	if (from >= to || inside.addr.family != ADDR_NONE)
		return unite_records(&uniting, filter->since_us, filter->until_us, false);
	if (question->some_ways)
		r = mark_mixed(&uniting, from, to, &mixed);
	r = r < 0 ? r : unite_days(&uniting, from, to);
	r = r < 0 ? r : unite_records(&uniting, filter->since_us, from * STORE_DAY_US, false);
	if (r == 0 && mixed)
		r = unite_records(&uniting, from * STORE_DAY_US, to * STORE_DAY_US, true);
	return r < 0 ? r : unite_records(&uniting, to * STORE_DAY_US, filter->until_us, false);
}

uint64_t reached_count(const struct reached *reach, bool *ret_exact)
{
	uint64_t count = known_count(&reach->known, ret_exact);

	*ret_exact = *ret_exact && !reach->unknown;
	return count > reach->least ? count : reach->least;
}

void reached_free(struct reached *reach)
{
	struct known_memory memory = {0};

	known_free(&reach->known, &memory);
}
