/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destinations that records list. Days that are over have their sums (store/listed.h). Where a filter leaves out ways or
 * subscribers, these tell nothing: then there may be millions of them, of which the ones met most often matter. So a first pass finds those (the
 * "frequent" algorithm of Misra and Gries, "Finding repeated elements", 1982, that makes room for many at a time), and a second counts those that can be among
 * the most frequent.
 */
#include "store/query_destinations.h"
#include "store/facts.h"
#include "store/listed.h"

#include "base/vec.h"

#include <stdlib.h>

struct destination {
	struct addr address;
	uint64_t records;
	int64_t first_us, last_us;
	uint64_t subscribers;
};

/* Records of more pairs than are held at once are gone through several times, at most so many. */
enum { PARTS_MAX = 4 };

struct table {
	struct question *question;
	struct prefix inside; /* ADDR_NONE: wherever */
	struct map places;
	struct destination *list;
	size_t count, capacity;
	size_t max;
	uint64_t taken;                /* from each count, to make room */
	struct map pairs;              /* destination and subscriber */
	struct listed_pairs *pairs_of; /* of days that are not summed up */
	unsigned part, parts;          /* of the buckets */
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

/* The first `limit` of the table, and what became of it. */
static int end_groups(struct table *table, int r, uint64_t limit, store_group_row_taker *row, void *context)
{
	sort(table, by_records);
	if (limit > 0 && limit < table->count)
		table->count = (size_t)limit;
	r = r < 0 ? r : tell_groups(table, row, context);
	free_table(table);
	return r;
}

/* From records alone. */
static int groups_of_records(struct question *question, uint64_t limit, store_group_row_taker *row,
			     void *context)
{
	struct table table = table_for(question, DESTINATION_GROUPS_MAX);
	int r = read_all(&table, find_one);

	r = r < 0 ? r : keep_candidates(&table, limit);
	r = r < 0 ? r : read_all(&table, count_candidate);
	return end_groups(&table, r, limit, row, context);
}

/* ---- by destination, of days that are summed up ---- */

static int count_pair(struct table *table, const struct fact *fact, const struct addr *address)
{
	const struct store_sums *sums = &fact->sums;

	if (listed_bucket(address) % table->parts != table->part)
		return 0;
	return listed_pairs_add(table->pairs_of, address, (uint32_t)fact->subscriber, sums->first_us,
				sums->last_us)
		       ? 0
		       : question_no_memory(table->question);
}

/* What lies between the days: a record belongs to the time that it bears. */
static int read_between(struct table *table, int64_t since_us, int64_t until_us)
{
	const struct fact_range range = {since_us, until_us, FACT_RECORD, FACT_ANY_ORDER, true};

	table->count_one = count_pair;
	table->latest = 0;
	return since_us < until_us ? facts_read(table->question, &range, take_destinations, table) : 0;
}

static int prepare_days(struct question *question, const char *sql, sqlite3_stmt **ret)
{
	const struct store_filter *filter = question->filter;
	int r = store_prepare(question->store, sql, ret);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(*ret, 1, question_ceil(filter->since_us, STORE_DAY_US));
	(void)sqlite3_bind_int64(*ret, 2, question_floor(filter->until_us, STORE_DAY_US));
	return 0;
}

/* Everything but the days that are summed up. */
static int read_rest(struct table *table)
{
	static const char sql[] =
		"SELECT day FROM listed WHERE bucket = -1 AND day >= ?1 AND day < ?2 ORDER BY day";
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	const struct store_filter *filter = table->question->filter;
	int64_t since_us = filter->since_us;
	int r = prepare_days(table->question, sql, &statement), step = 0;

	while (r == 0 && (step = question_step(table->question, statement)) > 0) {
		int64_t day = sqlite3_column_int64(statement, 0);

		r = read_between(table, since_us, day * STORE_DAY_US);
		since_us = (day + 1) * STORE_DAY_US;
	}
	r = r < 0 ? r : step;
	r = r < 0 ? r : read_between(table, since_us, filter->until_us);
	return r == 0 && !listed_pairs_settle(table->pairs_of) ? question_no_memory(table->question) : r;
}

/* Keeps the greatest: now and then all others go. */
static int keep_greatest(struct table *table, const struct listed *listed, uint8_t family, size_t most)
{
	for (size_t i = 0; i < listed->count; i++) {
		const struct listed_entry *entry = &listed->entries[i];
		const struct addr address = {entry->hi, entry->lo, family};

		if (!wanted(table, &address))
			continue;
		if (table->count >= most * 2) {
			sort(table, by_records);
			table->count = most;
		}
		if (!VEC_RESERVE(table->list, table->capacity, table->count + 1))
			return question_no_memory(table->question);
		table->list[table->count++] = (struct destination){address, entry->records, entry->first_us,
								   entry->last_us, entry->people_count};
	}
	return 0;
}

/* What the days say of one bucket, united with what the records between them say. */
static int unite_bucket(struct table *table, sqlite3_stmt *statement, unsigned bucket, struct listed *sum)
{
	struct listed day = {0};
	bool kept = listed_pairs_take(table->pairs_of, bucket, sum);
	int r = 0;

	(void)sqlite3_reset(statement);
	(void)sqlite3_bind_int(statement, 3, (int)bucket);
	while (kept && (r = question_step(table->question, statement)) > 0)
		kept = listed_unpack(&day, sqlite3_column_int64(statement, 0) * STORE_DAY_US,
				     sqlite3_column_blob(statement, 1),
				     (size_t)sqlite3_column_bytes(statement, 1)) &&
		       listed_add(sum, &day);
	listed_free(&day);
	return kept ? r : question_no_memory(table->question);
}

static int unite_buckets(struct table *table, size_t most)
{
	static const char sql[] =
		"SELECT d.day, l.entries FROM listed AS d CROSS JOIN listed AS l ON l.bucket = ?3 AND l.day = d.day"
		" WHERE d.bucket = -1 AND d.day >= ?1 AND d.day < ?2";
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	struct listed sum = {0};
	int r = prepare_days(table->question, sql, &statement);

	for (unsigned bucket = table->part; r == 0 && bucket < LISTED_BUCKETS; bucket += table->parts) {
		r = unite_bucket(table, statement, bucket, &sum);
		r = r < 0 ? r : keep_greatest(table, &sum, listed_family(bucket), most);
	}
	listed_free(&sum);
	return r;
}

/* Days tell nothing of some subscribers or ways alone. */
static bool is_about_all(const struct question *question)
{
	return !question->only_wanted && !question->some_ways && question->filter->min_attempts == 0;
}

/* A part of the buckets after the other. 1: there are too many pairs for so few parts. */
static int unite_parts(struct table *table, size_t most)
{
	int r = 0;

	table->count = 0;
	for (table->part = 0; r == 0 && table->part < table->parts; table->part++) {
		listed_pairs_forget(table->pairs_of);
		r = read_rest(table);
		if (r == 0 && table->pairs_of->full)
			return 1;
		if (r == 0)
			listed_pairs_sort(table->pairs_of);
		r = r < 0 ? r : unite_buckets(table, most);
	}
	return r;
}

/* As unite_parts(), with as many parts as it takes, up to PARTS_MAX. */
static int unite_all(struct table *table, size_t most)
{
	struct question *question = table->question;
	int r = 1;

	table->pairs_of = calloc(1, sizeof(*table->pairs_of));
	if (!table->pairs_of || !listed_pairs_init(table->pairs_of, &question->way_places.hash_key))
		r = question_no_memory(question);
	for (table->parts = 1; r == 1 && table->parts <= PARTS_MAX; table->parts *= 2)
		r = unite_parts(table, most);
	if (table->pairs_of)
		listed_pairs_free(table->pairs_of);
	free(table->pairs_of);
	return r;
}

int destination_groups(struct question *question, uint64_t limit, store_group_row_taker *row, void *context)
{
	struct table table = table_for(question, DESTINATION_GROUPS_MAX);
	size_t most = limit > 0 && limit < table.max ? (size_t)limit : table.max;
	int r = is_about_all(question) ? unite_all(&table, most) : 1;

	if (r <= 0)
		return end_groups(&table, r, limit, row, context);
	free_table(&table);
	return groups_of_records(question, limit, row, context);
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
