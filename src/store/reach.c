/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DAYS = 1 << 16,
	CHAINS = DAYS * 2, /* a power of two */
	SETS_BYTES = 24 << 20,
	NAMES_BYTES = 16 << 20,
	SET_MAX = 2048, /* no single record adds more */
	LIST_MAX = DESTINATIONS_EXACT_MAX * 16,
};

#define DAY_US (INT64_C(86400) * 1000000)

int reach_init(struct reach *reach, struct store *store, const struct siphash_key *key)
{
	int r;

	*reach = (struct reach){.store = store, .memory = {.budget.max = SETS_BYTES, .key = *key}};
	reach->days = malloc(DAYS * sizeof(reach->days[0]));
	reach->chains = calloc(CHAINS, sizeof(reach->chains[0]));
	if (!reach->days || !reach->chains)
		return store_say(store, ENOMEM, "not enough memory");
	r = store_prepare(store,
			  "SELECT count, exact, reach, (SELECT names FROM known WHERE id = " STORE_DAY_ID(
				  "?1", "?2") ")"
					      " FROM reach WHERE day = ?1 AND subscriber = ?2",
			  &reach->find);
	r = r < 0 ? r
		  : store_prepare(store,
				  "INSERT INTO visit(day, subscriber, first, rest) VALUES(?1, ?2, ?3, ?4)",
				  &reach->visit);
	r = r < 0 ? r
		  : store_prepare(store,
				  "INSERT OR REPLACE INTO known(id, names) VALUES(" STORE_DAY_ID(
					  "?1", "?2") ", ?3)",
				  &reach->put_names);
	r = r < 0 ? r
		  : store_prepare(store, "DELETE FROM listed WHERE bucket IN (-1, -2) AND day = ?1",
				  &reach->undo_listed);
	return r < 0 ? r
		     : store_prepare(
			       store,
			       "INSERT INTO reach(day, subscriber, count, exact, reach) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
			       " SET count = excluded.count, exact = excluded.exact, reach = excluded.reach",
			       &reach->put);
}

void reach_free(struct reach *reach)
{
	if (reach->days && reach->chains)
		reach_forget(reach);
	sqlite3_finalize(reach->find);
	sqlite3_finalize(reach->put);
	sqlite3_finalize(reach->put_names);
	sqlite3_finalize(reach->undo_listed);
	sqlite3_finalize(reach->visit);
	free(reach->days);
	free(reach->chains);
}

static void free_day(struct reach *reach, struct reach_day *day)
{
	known_free(&day->known, &reach->memory);
	visits_free(&day->visits);
}

void reach_forget(struct reach *reach)
{
	for (size_t i = 0; i < reach->count; i++)
		free_day(reach, &reach->days[i]);
	memset(reach->chains, 0, CHAINS * sizeof(reach->chains[0]));
	reach->count = 0;
}

static struct reach_day *day_of(struct reach *reach, int64_t day, int64_t subscriber, uint8_t family)
{
	uint64_t h = (uint64_t)subscriber * UINT64_C(0x9e3779b97f4a7c15);
	size_t at;

	h = (h ^ h >> 32 ^ (uint64_t)day) * UINT64_C(0xff51afd7ed558ccd);
	for (at = (size_t)(h >> 33) & (CHAINS - 1); reach->chains[at] != 0; at = (at + 1) & (CHAINS - 1)) {
		struct reach_day *known = &reach->days[reach->chains[at] - 1];

		if (known->day == day && known->subscriber == subscriber)
			return known;
	}
	reach->days[reach->count++] =
		(struct reach_day){.day = day, .subscriber = subscriber, .family = family};
	reach->chains[at] = (uint32_t)reach->count;
	return &reach->days[reach->count - 1];
}

static struct addr addr_of(const uint8_t *bytes, uint8_t family)
{
	return family == ADDR_IP4 ? addr_from_bytes4(bytes) : addr_from_bytes16(bytes);
}

/* False without memory. */
static bool add_list(struct reach *reach, struct reach_day *day, const uint8_t *list, size_t len)
{
	size_t size = day->family == ADDR_IP4 ? 4 : 16;

	for (size_t at = 0; at + size <= len; at += size)
		known_expect(&day->known, list + at, size, &reach->memory);
	for (size_t at = 0; at + size <= len; at += size) {
		struct addr addr = addr_of(list + at, day->family);

		if (!known_add(&day->known, &addr, &reach->memory))
			return false;
	}
	return true;
}

static bool add_row(struct reach *reach, struct reach_day *day, const struct row *row)
{
	bool all = row->destinations_exact;

	if (row->destinations > day->least)
		day->least = row->destinations;
	/* The packet that it shows is one of those that the registers count. */
	if (row->estimated)
		return known_add_registers(&day->known, row->reach, &reach->memory) &&
		       (row->dst.family != day->family || known_add(&day->known, &row->dst, &reach->memory));
	/* A record that tells of several but lists none has lost them for want of room. */
	if (!row->reach)
		all &= row->destinations == (row->dst.family != ADDR_NONE);
	day->inexact |= !all;
	if (row->reach)
		return add_list(reach, day, row->reach, row->reach_len);
	return row->dst.family == ADDR_NONE || known_add(&day->known, &row->dst, &reach->memory);
}

int reach_add(struct reach *reach, const struct row *row, int64_t subscriber, int64_t record)
{
	int64_t day = row->time_us / DAY_US - (row->time_us % DAY_US < 0);
	struct reach_day *found;
	int r = 0;

	if (reach->count == DAYS || reach->memory.name_bytes > NAMES_BYTES ||
	    reach->memory.budget.max - reach->memory.budget.used < SET_MAX)
		r = reach_flush(reach);
	if (r < 0)
		return r;
	found = day_of(reach, day, subscriber, row->src.family);
	if (!visits_add(&found->visits, record) || (subscriber != 0 && !add_row(reach, found, row)))
		r = store_say(reach->store, ENOMEM, "not enough memory");
	return r;
}

/* ---- into the table ---- */

/* Adds what is stored of that day. 0, 1 when that changes nothing of what is stored, or a negative errno. */
static int add_stored(struct reach *reach, struct reach_day *day)
{
	const uint8_t *bytes;
	size_t len;
	bool exact, named, added;
	int step;

	(void)sqlite3_bind_int64(reach->find, 1, day->day);
	(void)sqlite3_bind_int64(reach->find, 2, day->subscriber);
	step = sqlite3_step(reach->find);
	if (step == SQLITE_DONE)
		return 0;
	if (step != SQLITE_ROW)
		return store_failed(reach->store);
	exact = sqlite3_column_int(reach->find, 1) == 1;
	named = sqlite3_column_int(reach->find, 1) == STORE_NAMED;
	bytes = sqlite3_column_blob(reach->find, 2);
	len = (size_t)sqlite3_column_bytes(reach->find, 2);
	if (day->least < (uint64_t)sqlite3_column_int64(reach->find, 0))
		day->least = (uint64_t)sqlite3_column_int64(reach->find, 0);
	day->inexact |= !exact && !named;
	if (!exact && len == DESTINATIONS_REGISTERS)
		added = (named ? known_add_named_registers : known_add_registers)(&day->known, bytes,
										  &reach->memory) &&
			known_unpack(&day->known, day->family, sqlite3_column_blob(reach->find, 3),
				     (size_t)sqlite3_column_bytes(reach->find, 3), &reach->memory);
	else
		added = add_list(reach, day, bytes, len);
	return added ? 0 : store_say(reach->store, ENOMEM, "not enough memory");
}

/* The list's bytes at memory, or the registers: *ret_len of them. A list that is not all, and as long as registers are, would be
 * taken for such: it becomes them. */
static const uint8_t *bytes_of(struct reach *reach, struct reach_day *day, uint8_t memory[LIST_MAX],
			       size_t *ret_len)
{
	static const uint8_t none[DESTINATIONS_REGISTERS];
	struct addr list[DESTINATIONS_EXACT_MAX];
	size_t count = destinations_list(day->known.set, day->family, list), len = 0;

	for (size_t i = 0; i < count; i++)
		len += addr_to_bytes(&list[i], memory + len);
	if (day->inexact && len == DESTINATIONS_REGISTERS)
		(void)known_add_registers(&day->known, none, &reach->memory);
	*ret_len = destinations_registers(day->known.set) ? DESTINATIONS_REGISTERS : len;
	return destinations_registers(day->known.set) ? destinations_registers(day->known.set) : memory;
}

static int put_visits(struct reach *reach, const struct reach_day *day)
{
	int r = 0;

	(void)sqlite3_bind_int64(reach->visit, 1, day->day);
	(void)sqlite3_bind_int64(reach->visit, 2, day->subscriber);
	(void)sqlite3_bind_int64(reach->visit, 3, day->visits.first);
	(void)sqlite3_bind_blob(reach->visit, 4, day->visits.rest, (int)day->visits.len, SQLITE_STATIC);
	if (sqlite3_step(reach->visit) != SQLITE_DONE)
		r = store_failed(reach->store);
	(void)sqlite3_reset(reach->visit);
	return r;
}

static int put_names(struct reach *reach, const struct reach_day *day)
{
	uint8_t *names = NULL;
	size_t len = 0;
	int r = 0;

	if (!known_pack(&day->known, &names, &len))
		return store_say(reach->store, ENOMEM, "not enough memory");
	if (!names)
		return 0;
	(void)sqlite3_bind_int64(reach->put_names, 1, day->day);
	(void)sqlite3_bind_int64(reach->put_names, 2, day->subscriber);
	(void)sqlite3_bind_blob(reach->put_names, 3, names, (int)len, SQLITE_STATIC);
	if (sqlite3_step(reach->put_names) != SQLITE_DONE)
		r = store_failed(reach->store);
	(void)sqlite3_reset(reach->put_names);
	free(names);
	return r;
}

static int put_day(struct reach *reach, struct reach_day *day)
{
	uint8_t memory[LIST_MAX];
	const uint8_t *bytes;
	uint64_t count;
	size_t len;
	bool exact;
	int r = add_stored(reach, day);

	(void)sqlite3_reset(reach->find);
	r = r < 0 ? r : put_names(reach, day);
	if (r < 0)
		return r;
	bytes = bytes_of(reach, day, memory, &len);
	day->known.partial |= day->inexact;
	count = known_count(&day->known, &exact);
	exact = exact && !day->inexact;
	if (!exact && count < day->least)
		count = day->least;
	(void)sqlite3_bind_int64(reach->put, 1, day->day);
	(void)sqlite3_bind_int64(reach->put, 2, day->subscriber);
	(void)sqlite3_bind_int64(reach->put, 3, (int64_t)count);
	(void)sqlite3_bind_int64(reach->put, 4,
				 exact && destinations_registers(day->known.set) ? STORE_NAMED : exact);
	(void)sqlite3_bind_blob(reach->put, 5, bytes, (int)len, SQLITE_STATIC);
	if (sqlite3_step(reach->put) != SQLITE_DONE)
		r = store_failed(reach->store);
	(void)sqlite3_reset(reach->put);
	return r;
}

static int by_key(const void *a, const void *b)
{
	const struct reach_day *x = a, *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return x->subscriber == y->subscriber ? 0 : x->subscriber < y->subscriber ? -1 : 1;
}

/* What was made of the day does not hold any more. */
static int undo_listed(struct reach *reach, int64_t day)
{
	int r = 0;

	(void)sqlite3_bind_int64(reach->undo_listed, 1, day);
	if (sqlite3_step(reach->undo_listed) != SQLITE_DONE)
		r = store_failed(reach->store);
	(void)sqlite3_reset(reach->undo_listed);
	return r;
}

int reach_flush(struct reach *reach)
{
	size_t budget = reach->memory.budget.max;
	int r = 0;

	/* What is stored comes on top of what was collected, of one day at a time. */
	reach->memory.budget.max = SIZE_MAX;
	qsort(reach->days, reach->count, sizeof(reach->days[0]), by_key);
	for (size_t i = 0; r == 0 && i < reach->count; i++) {
		if (i == 0 || reach->days[i].day != reach->days[i - 1].day)
			r = undo_listed(reach, reach->days[i].day);
		r = r < 0 ? r : put_visits(reach, &reach->days[i]);
		if (r == 0 && reach->days[i].subscriber != 0)
			r = put_day(reach, &reach->days[i]);
		free_day(reach, &reach->days[i]);
	}
	reach->memory.budget.max = budget;
	reach_forget(reach);
	return r;
}
