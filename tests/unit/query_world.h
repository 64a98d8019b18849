/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the queries share: random records, as values and in a store's tables, and which of them a filter counts,
 * told slowly by looking at each record.
 */
#ifndef OP25B_TESTS_QUERY_WORLD_H
#define OP25B_TESTS_QUERY_WORLD_H

#include "store/known.h"
#include "store/listed_days.h"
#include "store/query.h"
#include "store/store.h"
#include "store/visits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)
#define EPOCH_US  (INT64_C(20000) * DAY_US) /* the first day with records */

enum {
	WORLD_RECORDS = 500,
	WORLD_DAYS = 5,
	WORLD_SUBSCRIBERS = 14, /* the first is overflow */
	WORLD_WAYS = 9,
	WORLD_DESTINATIONS = 150,
	WORLD_SEGMENT = 4,
	TOLD_MAX = 150,
	PARTS_MAX = 3,
};

/* What a record adds to one way. */
struct made_part {
	unsigned way;
	struct store_sums sums;
};

struct made {
	unsigned source, way, subscriber, seq;
	int64_t time_us;
	struct store_sums sums;
	struct made_part parts[PARTS_MAX]; /* the first is the way that is shown */
	unsigned part_count;
	struct addr dst;
	struct addr met[TOLD_MAX]; /* all that were met; told when the record is exact */
	unsigned met_count;
	bool exact, listed;
};

struct world {
	char directory[64], path[96];
	struct store *store;
	sqlite3 *db;
	uint64_t seed;
	struct prefix subscribers[WORLD_SUBSCRIBERS];
	struct made records[WORLD_RECORDS];
	uint64_t attempts[WORLD_SUBSCRIBERS]; /* of the filter in question, see world_count() */
};

static const char *const way_texts[WORLD_WAYS][7] = {
	/* host, pool, rule, rule_kind, reason, verdict, policy */
	{"gw1", "homes", "homes", "pool", "enforce", "drop", "aaaa"},
	{"gw1", "homes", "homes", "pool", "enforce", "drop", "bbbb"},
	{"gw1", "homes", "abroad", "destination", "destination-date", "drop", "bbbb"},
	{"gw2", "homes", "homes", "pool", "enforce", "drop", "bbbb"},
	{"gw2", "mobile", "mobile", "pool", "enforce", "reset", "bbbb"},
	{"gw2", "mobile", "mobile", "pool", "monitor", "accept", "bbbb"},
	{"gw1", "", "unlisted", "unlisted", "unlisted", "drop", "aaaa"},
	{"gw2", "", "", "", "overflow", "drop", "bbbb"},
	{"gw2", "dsl", "dsl", "pool", "tiny", "drop", ""},
};
static const char *const boots[] = {"b-1", "b-2", "b-3"};

static inline uint64_t world_random(struct world *world, uint64_t below)
{
	world->seed = world->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (world->seed >> 33) % below;
}

static inline void world_sql(struct world *world, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(world->db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

/* ---- random records ---- */

static inline struct addr made_destination(struct world *world, uint8_t family)
{
	uint64_t number = world_random(world, world_random(world, 2) ? 12 : WORLD_DESTINATIONS);

	return family == ADDR_IP4 ? addr_ip4((uint32_t)(UINT32_C(0xcb007100) + number))
				  : addr_ip6(UINT64_C(0x20010db8000000ff) + (number & 3), number);
}

static inline void make_destinations(struct world *world, struct made *made, uint8_t family)
{
	unsigned kind = (unsigned)world_random(world, 8);

	made->exact = true;
	made->met_count = kind < 3    ? 1
			  : kind == 7 ? 66 + (unsigned)world_random(world, 80)
				      : 2 + (unsigned)world_random(world, 20);
	for (unsigned i = 0, tries = 0; i < made->met_count; tries++) {
		struct addr address = made_destination(world, family);
		bool known = false;

		if (kind == 7)
			address.lo = (address.lo & ~UINT64_C(0xff)) + (i + tries) % WORLD_DESTINATIONS;
		for (unsigned j = 0; j < i; j++)
			known = known || addr_equal(&made->met[j], &address);
		if (!known)
			made->met[i++] = address;
		else if (tries > 5000)
			made->met_count = i;
	}
	made->exact = made->met_count <= DESTINATIONS_EXACT_MAX;
	/* Older records only say how many there were. */
	made->listed = made->met_count == 1 || world_random(world, 10) > 0;
	made->dst = made->met[world_random(world, made->met_count)];
}

/* Some of what the part before it has. */
static inline void split_part(struct world *world, struct made_part *from, struct made_part *to)
{
	uint64_t *const old[] = {&from->sums.attempts, &from->sums.packets, &from->sums.blocked,
				 &from->sums.offloaded};
	uint64_t *const new[] = {&to->sums.attempts, &to->sums.packets, &to->sums.blocked,
				 &to->sums.offloaded};

	to->sums = from->sums;
	to->sums.records = 0;
	for (unsigned i = 0; i < 4; i++) {
		*new[i] = i == 1 ? 1 + world_random(world, *old[i] - 1) : world_random(world, *old[i] + 1);
		*old[i] -= *new[i];
	}
}

static inline void make_parts(struct world *world, struct made *made)
{
	made->parts[0] = (struct made_part){made->way, made->sums};
	made->part_count = 1;
	if (world_random(world, 4) > 0)
		return;
	for (unsigned i = 1; i < PARTS_MAX && made->parts[i - 1].sums.packets > 1; i++) {
		split_part(world, &made->parts[i - 1], &made->parts[i]);
		made->parts[i].way = (made->way + 2 + i * 3) % WORLD_WAYS;
		made->part_count++;
	}
}

static inline void make_record(struct world *world, struct made *made, unsigned number)
{
	unsigned way = (unsigned)world_random(world, WORLD_WAYS);
	unsigned subscriber = way == 7 ? 0 : 1 + (unsigned)world_random(world, WORLD_SUBSCRIBERS - 1);
	/* Mostly rising, as records come; some on the edge of an hour. */
	int64_t time = EPOCH_US + number * (WORLD_DAYS * DAY_US / WORLD_RECORDS) +
		       (int64_t)world_random(world, 3 * 3600 * 1000) * 1000;

	*made = (struct made){.source = (unsigned)world_random(world, 3), .way = way, .seq = number};
	made->subscriber = subscriber;
	if (world_random(world, 8) == 0)
		time = time / (number % 3 ? HOUR_US : DAY_US) * (number % 3 ? HOUR_US : DAY_US) - number % 2;
	if (time < EPOCH_US)
		time = EPOCH_US;
	made->time_us = time;
	made->sums.records = 1;
	made->sums.attempts = 1 + world_random(world, 50);
	made->sums.packets = made->sums.attempts * 3;
	made->sums.blocked = world_random(world, made->sums.packets + 1);
	made->sums.offloaded = world_random(world, made->sums.blocked + 1);
	made->sums.first_us = time - (int64_t)world_random(world, 300) * SECOND_US;
	made->sums.last_us = time - (int64_t)world_random(world, 3);
	make_parts(world, made);
	if (subscriber != 0)
		make_destinations(world, made, world->subscribers[subscriber].addr.family);
	else
		made->exact = made->listed = true;
}

static inline void make_subscribers(struct world *world)
{
	for (unsigned i = 1; i < WORLD_SUBSCRIBERS; i++) {
		struct prefix prefix = {addr_ip4(UINT32_C(0xc6336400) + i * 3), 32};

		if (i % 2)
			prefix = (struct prefix){addr_ip6(UINT64_C(0x20010db800010000) + (i << 8), 0),
						 i % 3 ? 56 : 64};
		/* Its first bytes are those of the IPv4 ones. */
		if (i == WORLD_SUBSCRIBERS - 1)
			prefix.addr.hi = UINT64_C(0xc633640600000000);
		world->subscribers[i] = prefix_canonical(&prefix);
	}
}

/* ---- into tables ---- */

static inline void bind_address(sqlite3_stmt *statement, int parameter, const struct addr *address)
{
	uint8_t bytes[16];
	size_t len = addr_to_bytes(address, bytes);

	if (len > 0)
		sqlite3_bind_blob(statement, parameter, bytes, (int)len, SQLITE_TRANSIENT);
}

static inline void bind_set(sqlite3_stmt *statement, int parameter, const struct destinations *set,
			    uint8_t family)
{
	struct addr list[DESTINATIONS_EXACT_MAX];
	uint8_t bytes[DESTINATIONS_EXACT_MAX * 16];
	size_t count = destinations_list(set, family, list), len = 0;

	if (destinations_registers(set)) {
		sqlite3_bind_blob(statement, parameter, destinations_registers(set), DESTINATIONS_REGISTERS,
				  SQLITE_TRANSIENT);
		return;
	}
	for (size_t i = 0; i < count; i++)
		len += addr_to_bytes(&list[i], bytes + len);
	sqlite3_bind_blob(statement, parameter, bytes, (int)len, SQLITE_TRANSIENT);
}

static inline void add_met(struct destinations **set, const struct made *made)
{
	struct destinations_budget budget = {.max = SIZE_MAX};

	for (unsigned i = 0; i < made->met_count; i++)
		assert_true(destinations_add(set, &made->met[i], &budget));
}

static inline void insert_numbers(sqlite3_stmt *statement, int parameter, const int64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sqlite3_bind_int64(statement, parameter + (int)i, values[i]);
}

static inline void insert_record(struct world *world, sqlite3_stmt *statement, const struct made *made)
{
	struct destinations_budget budget = {.max = SIZE_MAX};
	struct destinations *set = NULL;
	const struct store_sums *sums = &made->sums;
	unsigned kind = made->subscriber == 0 ? 2 : made->seq % 2;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	insert_numbers(statement, 1,
		       (const int64_t[]){made->source + 1, made->seq, kind, made->way + 1, made->subscriber,
					 made->time_us, sums->first_us, sums->last_us, (int64_t)sums->packets,
					 (int64_t)sums->blocked, (int64_t)sums->offloaded,
					 (int64_t)sums->attempts},
		       12);
	bind_address(statement, 13, &made->dst);
	sqlite3_bind_int64(statement, 14, made->met_count);
	sqlite3_bind_int(statement, 15, made->exact);
	if (made->met_count > 1 && made->listed) {
		add_met(&set, made);
		bind_set(statement, 16, set, made->dst.family);
		destinations_free(set, &budget);
	}
	if (made->part_count > 1)
		sqlite3_bind_text(statement, 17, "{\"rules\":[]}", -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
}

static inline void insert_parts(struct world *world, const struct made *made, int64_t id)
{
	char sql[300];

	for (unsigned i = 0; made->part_count > 1 && i < made->part_count; i++) {
		const struct store_sums *sums = &made->parts[i].sums;

		snprintf(sql, sizeof(sql), "INSERT INTO part VALUES(%lld, %u, %d, %llu, %llu, %llu, %llu)",
			 (long long)id, made->parts[i].way + 1, i == 0, (unsigned long long)sums->packets,
			 (unsigned long long)sums->blocked, (unsigned long long)sums->offloaded,
			 (unsigned long long)sums->attempts);
		world_sql(world, sql);
	}
}

static inline void insert_records(struct world *world)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(
			world->db,
			"INSERT INTO record(source, seq, kind, way, subscriber, time, first, last,"
			" packets, blocked, offloaded, attempts, dst, destinations, exact, reach, sport, dport, iface, window_s, detail)"
			" VALUES(?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
			" 1024 + ?2, 25, (SELECT id FROM name WHERE text = 'eth0'), 300, ?17)",
			-1, &statement, NULL),
		SQLITE_OK);
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		insert_record(world, statement, &world->records[i]);
		insert_parts(world, &world->records[i], sqlite3_last_insert_rowid(world->db));
	}
	sqlite3_finalize(statement);
}

static inline void insert_name(struct world *world, const char *text)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO name(text) VALUES('%s')", text);
	world_sql(world, sql);
}

static inline void insert_ways(struct world *world)
{
	char sql[1000];

	for (unsigned i = 0; i < WORLD_WAYS; i++) {
		size_t at = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO way VALUES(%u", i + 1);

		for (unsigned j = 0; j < 7; j++) {
			insert_name(world, way_texts[i][j]);
			if (j == 6)
				at += (size_t)snprintf(sql + at, sizeof(sql) - at, ", %d", i == 5);
			at += (size_t)snprintf(sql + at, sizeof(sql) - at,
					       ", (SELECT id FROM name WHERE text = '%s')", way_texts[i][j]);
		}
		snprintf(sql + at, sizeof(sql) - at, ", 0)");
		world_sql(world, sql);
	}
	for (unsigned i = 0; i < 3; i++) {
		snprintf(
			sql, sizeof(sql),
			"INSERT INTO source(id, host, boot) VALUES(%u, (SELECT id FROM name WHERE text = 'gw%u'), '%s')",
			i + 1, i % 2 + 1, boots[i]);
		world_sql(world, sql);
	}
}

static inline void insert_subscribers(struct world *world)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(
			world->db,
			"INSERT INTO subscriber SELECT ?1, ?2, ?3, min(first), max(last) FROM record WHERE subscriber = ?1",
			-1, &statement, NULL),
		SQLITE_OK);
	for (unsigned i = 1; i < WORLD_SUBSCRIBERS; i++) {
		sqlite3_reset(statement);
		sqlite3_bind_int64(statement, 1, i);
		bind_address(statement, 2, &world->subscribers[i].addr);
		sqlite3_bind_int(statement, 3, world->subscribers[i].len);
		assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	}
	sqlite3_finalize(statement);
}

/* What the record tells: by name, as far as it does, and by registers. */
static inline void unite_made(struct known *known, const struct made *made, struct known_memory *memory)
{
	struct destinations *set = NULL;

	for (unsigned i = 0; made->exact && made->listed && i < made->met_count; i++)
		assert_true(known_add(known, &made->met[i], memory));
	if (!made->exact && made->listed) {
		add_met(&set, made);
		assert_true(known_add_registers(known, destinations_registers(set), memory));
		destinations_free(set, &(struct destinations_budget){.used = SIZE_MAX});
	}
	assert_true(known_add(known, &made->dst, memory));
}

static inline void insert_known(struct world *world, unsigned subscriber, int64_t day,
				const struct known *known)
{
	sqlite3_stmt *statement = NULL;
	uint8_t *packed;
	size_t len;

	assert_true(known_pack(known, &packed, &len));
	if (!packed)
		return;
	assert_int_equal(sqlite3_prepare_v2(world->db, "INSERT INTO known VALUES(?1 * 4294967296 + ?2, ?3)",
					    -1, &statement, NULL),
			 SQLITE_OK);
	insert_numbers(statement, 1, (const int64_t[]){day, subscriber}, 2);
	sqlite3_bind_blob(statement, 3, packed, (int)len, free);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
}

/* The union of a day; what older records do not list is missing in it, and it says so. */
static inline void insert_reach_of(struct world *world, sqlite3_stmt *statement, unsigned subscriber,
				   int64_t day)
{
	struct known_memory memory = {.budget.max = SIZE_MAX, .key = {3, 4}};
	struct known union_of_all = {0};
	bool known = true, exact;
	uint64_t least = 0, count;

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world->records[i];

		if (made->subscriber != subscriber || made->time_us / DAY_US != day)
			continue;
		known = known && made->listed;
		unite_made(&union_of_all, made, &memory);
		if (!made->listed && made->met_count > least)
			least = made->met_count;
	}
	union_of_all.partial = union_of_all.partial || !known;
	count = known_count(&union_of_all, &exact);
	if (count > 0) {
		sqlite3_reset(statement);
		insert_numbers(statement, 1,
			       (const int64_t[]){day, subscriber, (int64_t)(count > least ? count : least),
						 !exact || !known                           ? 0
						 : destinations_registers(union_of_all.set) ? 2
											    : 1},
			       4);
		bind_set(statement, 5, union_of_all.set, world->subscribers[subscriber].addr.family);
		assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	}
	insert_known(world, subscriber, day, &union_of_all);
	known_free(&union_of_all, &memory);
}

static inline void insert_reach(struct world *world)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(world->db, "INSERT INTO reach VALUES(?1, ?2, ?3, ?4, ?5)", -1,
					    &statement, NULL),
			 SQLITE_OK);
	for (unsigned subscriber = 1; subscriber < WORLD_SUBSCRIBERS; subscriber++)
		for (int64_t day = EPOCH_US / DAY_US; day <= EPOCH_US / DAY_US + WORLD_DAYS; day++)
			insert_reach_of(world, statement, subscriber, day);
	sqlite3_finalize(statement);
}

static inline void insert_visits_of(struct world *world, sqlite3_stmt *statement, unsigned subscriber,
				    int64_t day)
{
	struct visits visits = {0};

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world->records[i];

		if (made->subscriber == subscriber && made->time_us / DAY_US == day)
			assert_true(visits_add(&visits, i + 1));
	}
	if (visits.first) {
		sqlite3_reset(statement);
		insert_numbers(statement, 1, (const int64_t[]){day, subscriber, visits.first}, 3);
		sqlite3_bind_blob(statement, 4, visits.rest, (int)visits.len, SQLITE_TRANSIENT);
		assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	}
	visits_free(&visits);
}

static inline void insert_visits(struct world *world)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(world->db, "INSERT INTO visit VALUES(?1, ?2, ?3, ?4)", -1,
					    &statement, NULL),
			 SQLITE_OK);
	for (unsigned subscriber = 0; subscriber < WORLD_SUBSCRIBERS; subscriber++)
		for (int64_t day = EPOCH_US / DAY_US; day <= EPOCH_US / DAY_US + WORLD_DAYS; day++)
			insert_visits_of(world, statement, subscriber, day);
	sqlite3_finalize(statement);
}

static inline void insert_sums(struct world *world)
{
	char sql[1000];

	world_sql(
		world,
		"INSERT INTO hour SELECT time / 3600000000, coalesce(subscriber, 0), coalesce(p.way, r.way), sum(coalesce(p.records, 1)),"
		" sum(coalesce(p.packets, r.packets)), sum(coalesce(p.blocked, r.blocked)), sum(coalesce(p.offloaded, r.offloaded)),"
		" sum(coalesce(p.attempts, r.attempts)), min(first), max(last) FROM record AS r LEFT JOIN part AS p ON p.record = r.id"
		" GROUP BY 1, 2, 3");
	world_sql(
		world,
		"INSERT INTO day SELECT hour / 24, subscriber, way, sum(records), sum(packets), sum(blocked),"
		" sum(offloaded), sum(attempts), min(first), max(last) FROM hour GROUP BY 1, 2, 3");
	snprintf(
		sql, sizeof(sql),
		"INSERT INTO segment SELECT min(id), max(id), min(time), max(time) FROM record GROUP BY id / %d",
		WORLD_SEGMENT);
	world_sql(world, sql);
}

static inline bool always(void *context)
{
	return context != NULL;
}

/* The days as the store itself sums them up; some of them are as if something had been stored since. */
static inline void insert_listed(struct world *world)
{
	char sql[100];

	assert_int_equal(listed_days_make(world->store, &(struct siphash_key){5, 6}, always, world), 0);
	snprintf(sql, sizeof(sql), "DELETE FROM listed WHERE bucket = -1 AND day %% 4 = %u",
		 (unsigned)(world->seed % 8));
	world_sql(world, sql);
}

static inline void world_open(struct world *world, uint64_t seed)
{
	char *error = NULL;

	*world = (struct world){.seed = seed};
	snprintf(world->directory, sizeof(world->directory), "query-test-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof(world->path), "%s/records.db", world->directory);
	assert_int_equal(store_open(world->path, true, &world->store, &error), 0);
	assert_int_equal(sqlite3_open(world->path, &world->db), SQLITE_OK);
	make_subscribers(world);
	for (unsigned i = 0; i < WORLD_RECORDS; i++)
		make_record(world, &world->records[i], i);
	world_sql(world, "BEGIN");
	insert_ways(world);
	insert_name(world, "eth0");
	insert_records(world);
	insert_subscribers(world);
	insert_reach(world);
	insert_visits(world);
	insert_sums(world);
	world_sql(world, "COMMIT");
	insert_listed(world);
}

static inline void world_close(struct world *world)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[128];

	sqlite3_close(world->db);
	store_close(world->store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", world->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(world->directory), 0);
}

/* ---- which records count ---- */

/* What the record tells by name: place i of it; false: no more. */
static inline bool made_told(const struct made *made, unsigned i, struct addr *ret)
{
	bool all = made->exact && made->listed;

	if (i >= (all ? made->met_count : made->dst.family != ADDR_NONE))
		return false;
	*ret = all ? made->met[i] : made->dst;
	return true;
}

static inline bool inside(const struct prefix *outer, const struct addr *address)
{
	const struct prefix canonical = prefix_canonical(outer);

	return outer->addr.family == ADDR_NONE || prefix_contains(&canonical, address);
}

static inline bool text_fits(const char *wanted, const char *found)
{
	return !wanted || strcmp(wanted, found) == 0;
}

static inline bool source_fits(const struct world *world, const struct store_filter *filter,
			       unsigned subscriber)
{
	const struct prefix wanted = prefix_canonical(&filter->src);

	if (wanted.addr.family == ADDR_NONE)
		return true;
	return subscriber != 0 && (prefix_covers(&wanted, &world->subscribers[subscriber]) ||
				   prefix_covers(&world->subscribers[subscriber], &wanted));
}

/* Whether the record fits but for its ways. */
static inline bool rest_fits(const struct world *world, const struct store_filter *filter,
			     const struct made *made)
{
	bool told = filter->dst.addr.family == ADDR_NONE;
	struct addr address;

	for (unsigned i = 0; !told && made_told(made, i, &address); i++)
		told = inside(&filter->dst, &address);
	return told && made->time_us >= filter->since_us && made->time_us < filter->until_us &&
	       source_fits(world, filter, made->subscriber);
}

static inline bool way_fits(const struct store_filter *filter, unsigned number)
{
	const char *const *way = way_texts[number];

	return text_fits(filter->host, way[0]) && text_fits(filter->pool, way[1]) &&
	       text_fits(filter->rule, way[2]) && text_fits(filter->reason, way[4]);
}

/* Before made_counts() of this filter. */
static inline void world_count(struct world *world, const struct store_filter *filter)
{
	memset(world->attempts, 0, sizeof(world->attempts));
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world->records[i];

		for (unsigned j = 0; rest_fits(world, filter, made) && j < made->part_count; j++)
			if (way_fits(filter, made->parts[j].way))
				world->attempts[made->subscriber] += made->parts[j].sums.attempts;
	}
}

static inline bool part_counts(const struct world *world, const struct store_filter *filter,
			       const struct made *made, unsigned part)
{
	return rest_fits(world, filter, made) && way_fits(filter, made->parts[part].way) &&
	       world->attempts[made->subscriber] >= filter->min_attempts;
}

static inline void sum_up(struct store_sums *sums, const struct store_sums *more)
{
	if (sums->packets == 0 || more->first_us < sums->first_us)
		sums->first_us = more->first_us;
	if (sums->packets == 0 || more->last_us > sums->last_us)
		sums->last_us = more->last_us;
	sums->records += more->records;
	sums->packets += more->packets;
	sums->blocked += more->blocked;
	sums->offloaded += more->offloaded;
	sums->attempts += more->attempts;
}

/* Adds what counts of it; false: nothing does. */
static inline bool sum_up_made(const struct world *world, const struct store_filter *filter,
			       const struct made *made, struct store_sums *sums)
{
	bool any = false;

	for (unsigned i = 0; i < made->part_count; i++) {
		if (!part_counts(world, filter, made, i))
			continue;
		sum_up(sums, &made->parts[i].sums);
		any = true;
	}
	return any;
}

static inline bool made_counts(const struct world *world, const struct store_filter *filter,
			       const struct made *made)
{
	return sum_up_made(world, filter, made, &(struct store_sums){0});
}

static inline void assert_sums(const struct store_sums *found, const struct store_sums *wanted)
{
	assert_int_equal(found->records, wanted->records);
	assert_int_equal(found->packets, wanted->packets);
	assert_int_equal(found->blocked, wanted->blocked);
	assert_int_equal(found->offloaded, wanted->offloaded);
	assert_int_equal(found->attempts, wanted->attempts);
	assert_int_equal(found->first_us, wanted->first_us);
	assert_int_equal(found->last_us, wanted->last_us);
}

/* ---- random filters ---- */

static inline int64_t random_edge(struct world *world)
{
	int64_t edge = EPOCH_US + (int64_t)world_random(world, WORLD_DAYS * 86400) * SECOND_US;

	switch (world_random(world, 4)) {
	case 0:
		return edge / DAY_US * DAY_US;
	case 1:
		return edge / HOUR_US * HOUR_US;
	case 2: /* the very time of a record */
		return world->records[world_random(world, WORLD_RECORDS)].time_us;
	default:
		return edge + (int64_t)world_random(world, 1000000);
	}
}

static inline struct prefix random_source(struct world *world)
{
	struct prefix source = world->subscribers[1 + world_random(world, WORLD_SUBSCRIBERS - 1)];
	unsigned bits = addr_bits(source.addr.family);

	source.addr.lo |=
		source.addr.family == ADDR_IP6; /* a host in it; as people write it, with host bits */
	switch (world_random(world, 4)) {
	case 0:
		source.len = (uint8_t)bits;
		break;
	case 1:
		source.len = (uint8_t)(source.len + (source.len < bits));
		break;
	default:
		source.len = (uint8_t)(source.len - world_random(world, 12));
	}
	return source;
}

/* As many as one of the subscribers has in all. */
static inline uint64_t all_attempts(struct world *world)
{
	unsigned subscriber = (unsigned)world_random(world, WORLD_SUBSCRIBERS);
	uint64_t attempts = 0;

	for (unsigned i = 0; i < WORLD_RECORDS; i++)
		attempts += world->records[i].subscriber == subscriber ? world->records[i].sums.attempts : 0;
	return attempts;
}

static inline struct store_filter random_filter(struct world *world)
{
	static const char *const pools[] = {"homes", "mobile", "", "none"};
	struct store_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	const char *const *way = way_texts[world_random(world, WORLD_WAYS)];

	if (world_random(world, 15) == 0) {
		filter.min_attempts = all_attempts(world);
		return filter;
	}
	if (world_random(world, 3))
		filter.since_us = random_edge(world);
	if (world_random(world, 3))
		filter.until_us = random_edge(world);
	if (world_random(world, 4) == 0)
		filter.src = random_source(world);
	if (world_random(world, 5) == 0)
		filter.dst = (struct prefix){
			made_destination(world, world_random(world, 2) ? ADDR_IP4 : ADDR_IP6), 0};
	if (filter.dst.addr.family != ADDR_NONE)
		filter.dst.len = (uint8_t)(addr_bits(filter.dst.addr.family) - world_random(world, 6));
	if (world_random(world, 5) == 0)
		filter.pool = pools[world_random(world, 4)];
	if (world_random(world, 8) == 0)
		filter.rule = way[2];
	if (world_random(world, 8) == 0)
		filter.reason = way[4];
	if (world_random(world, 8) == 0)
		filter.host = way[0];
	if (world_random(world, 4) == 0)
		filter.min_attempts = world_random(world, 1500);
	return filter;
}

#endif
