/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destinations that records list. There may be millions of them, of which the ones met most often matter. So a first pass finds those (the
 * "frequent" algorithm of Misra and Gries, "Finding repeated elements", 1982, that makes room for many at a time), and a second counts those that can be among
 * the most frequent.
 */
#include "store/query_destinations.h"
#include "store/facts.h"

#include "base/vec.h"

#include <stdlib.h>

struct destination {
	struct addr address;
	uint64_t records;
	int64_t first_us, last_us;
	uint64_t subscribers;
};

struct table {
	struct question *question;
	struct prefix inside; /* ADDR_NONE: wherever */
	struct map places;
	struct destination *list;
	size_t count, capacity;
	size_t max;
	uint64_t taken;   /* from each count, to make room */
	struct map pairs; /* destination and subscriber */
	/* What the pass makes of a destination: 0 or a negative errno. */
	int (*count_one)(struct table *table, const struct fact *fact, const struct addr *address);
	int64_t latest; /* the record that was counted last */
	bool more;      /* the records know of others */
};

static struct map_key key_of(const struct addr *address)
{
	return (struct map_key){address->hi, address->lo, address->family};
}

static bool wanted(const struct table *table, const struct addr *address)
{
	return address->family != ADDR_NONE &&
	       (table->inside.addr.family == ADDR_NONE || prefix_contains(&table->inside, address));
}

/* Each destination of the record once. */
static int take_destinations(void *context, const struct fact *fact)
{
	struct table *table = context;
	const struct fact_told *told = fact->told;
	bool listed = false;
	int r = 0;

	if (fact->record == table->latest)
		return 0;
	table->latest = fact->record;
	for (size_t i = 0; r == 0 && i < told->listed; i++) {
		const struct addr address = fact_told_address(told, i);

		listed = listed || addr_equal(&address, &told->dst);
		if (wanted(table, &address))
			r = table->count_one(table, fact, &address);
	}
	if (r == 0 && !listed && wanted(table, &told->dst))
		r = table->count_one(table, fact, &told->dst);
	table->more = table->more || !told->exact || (!told->list && told->count > 1);
	return r;
}

static int read_all(struct table *table,
		    int (*count_one)(struct table *, const struct fact *, const struct addr *))
{
	const struct store_filter *filter = table->question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_RECORD, FACT_ANY_ORDER,
					 true};

	table->count_one = count_one;
	table->latest = 0;
	return facts_read(table->question, &range, take_destinations, table);
}

/* ---- the table ---- */

/* Its place, which is table->count when it is new and stands there now. NULL without memory. */
static struct destination *find_or_add(struct table *table, const struct addr *address)
{
	const struct map_key key = key_of(address);
	const uint32_t *place;

	if (!VEC_RESERVE(table->list, table->capacity, table->count + 1))
		return NULL;
	place = map_put(&table->places, &key, (uint32_t)table->count);
	if (!place)
		return NULL;
	if (*place == table->count)
		table->list[table->count++] = (struct destination){.address = *address};
	return &table->list[*place];
}

/* The map anew, after the list has changed. */
static int index_again(struct table *table)
{
	map_free(&table->places);
	for (size_t i = 0; i < table->count; i++) {
		const struct map_key key = key_of(&table->list[i].address);

		if (!map_put(&table->places, &key, (uint32_t)i))
			return question_no_memory(table->question);
	}
	return 0;
}

static int by_records(const void *a, const void *b)
{
	const struct destination *left = a, *right = b;

	if (left->records != right->records)
		return left->records < right->records ? 1 : -1;
	return addr_compare(&left->address, &right->address);
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(&((const struct destination *)a)->address,
			    &((const struct destination *)b)->address);
}

static void sort(struct table *table, int (*compare)(const void *, const void *))
{
	if (table->count > 0)
		qsort(table->list, table->count, sizeof(*table->list), compare);
}

static void free_table(struct table *table)
{
	map_free(&table->places);
	map_free(&table->pairs);
	free(table->list);
}

static struct table table_for(struct question *question, size_t max)
{
	return (struct table){.question = question,
			      .inside = prefix_canonical(&question->filter->dst),
			      .places.hash_key = question->way_places.hash_key,
			      .pairs.hash_key = question->way_places.hash_key,
			      .max = max};
}

/* ---- by destination ---- */

/* The rarer half goes, and what it counted goes from the others' counts: one that is met often enough is never lost. */
static int make_room(struct table *table)
{
	uint64_t less;
	size_t kept = 0;

	sort(table, by_records);
	less = table->list[table->count / 2].records;
	for (size_t i = 0; i < table->count; i++) {
		if (table->list[i].records <= less)
			continue;
		table->list[kept] = table->list[i];
		table->list[kept++].records -= less;
	}
	table->count = kept;
	table->taken += less;
	return index_again(table);
}

static void count_record(struct destination *destination, const struct fact *fact)
{
	const struct store_sums *sums = &fact->sums;

	if (destination->records == 0 || sums->first_us < destination->first_us)
		destination->first_us = sums->first_us;
	if (destination->records == 0 || sums->last_us > destination->last_us)
		destination->last_us = sums->last_us;
	destination->records++;
}

static int find_one(struct table *table, const struct fact *fact, const struct addr *address)
{
	struct destination *destination;
	int r = table->count >= table->max ? make_room(table) : 0;

	if (r < 0)
		return r;
	destination = find_or_add(table, address);
	if (!destination)
		return question_no_memory(table->question);
	count_record(destination, fact);
	return 0;
}

static int count_candidate(struct table *table, const struct fact *fact, const struct addr *address)
{
	const struct map_key key = key_of(address);
	const uint32_t *place = map_find(&table->places, &key);
	size_t before = table->pairs.count;

	if (!place)
		return 0;
	count_record(&table->list[*place], fact);
	if (fact->subscriber == 0)
		return 0;
	if (!map_put(&table->pairs, &(struct map_key){.a = (uint64_t)fact->subscriber, .b = *place}, 0))
		return question_no_memory(table->question);
	table->list[*place].subscribers += table->pairs.count > before;
	return 0;
}

/* Leaves those that can be among the first `limit`: a count is too small by at most what was taken from it. */
static int keep_candidates(struct table *table, uint64_t limit)
{
	uint64_t least = 0;
	size_t kept = 0;

	sort(table, by_records);
	if (limit > 0 && limit < table->count)
		least = table->list[limit - 1].records;
	while (kept < table->count && table->list[kept].records + table->taken >= least) {
		table->list[kept] = (struct destination){.address = table->list[kept].address};
		kept++;
	}
	table->count = kept;
	return index_again(table);
}

static int tell_groups(const struct table *table, store_group_row_taker *row, void *context)
{
	char text[ADDR_TEXT_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < table->count; i++) {
		const struct destination *destination = &table->list[i];
		const struct store_group_row told = {
			.name = text,
			.sums = {.records = destination->records,
				 .first_us = destination->first_us,
				 .last_us = destination->last_us},
			.subscribers = destination->subscribers,
		};

		(void)addr_format(&destination->address, text);
		r = row(context, &told);
	}
	return r;
}

int destination_groups(struct question *question, uint64_t limit, store_group_row_taker *row, void *context)
{
	struct table table = table_for(question, DESTINATION_GROUPS_MAX);
	int r = read_all(&table, find_one);

	r = r < 0 ? r : keep_candidates(&table, limit);
	r = r < 0 ? r : read_all(&table, count_candidate);
	sort(&table, by_records);
	if (limit > 0 && limit < table.count)
		table.count = (size_t)limit;
	r = r < 0 ? r : tell_groups(&table, row, context);
	free_table(&table);
	return r;
}

/* ---- of one subscriber ---- */

static int list_one(struct table *table, const struct fact *fact, const struct addr *address)
{
	const struct map_key key = key_of(address);

	(void)fact;
	if (table->count >= table->max && !map_find(&table->places, &key)) {
		table->more = true;
		return 0;
	}
	return find_or_add(table, address) ? 0 : question_no_memory(table->question);
}

static int want_one(struct question *question, const struct prefix *subscriber)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	uint8_t bytes[16];
	size_t len = addr_to_bytes(&subscriber->addr, bytes), place;
	int64_t id;
	int r = store_prepare(question->store, "SELECT id FROM subscriber WHERE address = ?1 AND len = ?2",
			      &statement);

	if (r < 0)
		return r;
	if (sqlite3_bind_blob(statement, 1, bytes, (int)len, SQLITE_STATIC) != SQLITE_OK)
		return store_failed(question->store);
	(void)sqlite3_bind_int(statement, 2, subscriber->len);
	r = question_step(question, statement);
	if (r < 0)
		return r;
	id = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
	if (r == 0 || !question_wants(question, id, &place)) {
		question_want_none(question);
		return 0;
	}
	question_want_none(question);
	return question_want(question, id);
}

int store_subscriber_destinations(struct store *store, const struct prefix *subscriber,
				  const struct store_filter *filter, store_destination_row *row,
				  void *context, bool *ret_more)
{
	struct question question;
	struct table table;
	int r = question_begin(&question, store, filter);

	table = table_for(&question, DESTINATION_LIST_MAX);
	r = r < 0 ? r : facts_require_attempts(&question);
	r = r < 0 ? r : want_one(&question, subscriber);
	r = r < 0 ? r : read_all(&table, list_one);
	sort(&table, by_address);
	if (r == 0)
		*ret_more = table.more;
	for (size_t i = 0; r == 0 && i < table.count; i++)
		r = row(context, &table.list[i].address);
	free_table(&table);
	return question_end(&question, r);
}
