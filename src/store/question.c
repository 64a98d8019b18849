/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/question.h"

#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAY_TEXTS = 7 };

int question_no_memory(struct question *question)
{
	return store_say(question->store, ENOMEM, "%s: not enough memory for the answer",
			 question->store->path);
}

int question_step(struct question *question, sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement);

	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : store_failed(question->store);
}

static struct map_key key_of(int64_t id)
{
	return (struct map_key){.a = (uint64_t)id};
}

/* ---- ways ---- */

static bool text_counts(const char *wanted, const char *found)
{
	return !wanted || strcmp(wanted, found) == 0;
}

static bool way_counts(const struct store_filter *filter, const struct store_way *way)
{
	return text_counts(filter->pool, way->pool) && text_counts(filter->rule, way->rule) &&
	       text_counts(filter->reason, way->reason) && text_counts(filter->host, way->host);
}

void question_join_divided(struct question *question)
{
	struct store_filter any_reason = *question->filter;

	any_reason.reason = NULL;
	for (size_t i = 0; i < question->way_count; i++) {
		struct question_way *way = &question->ways[i];

		way->counts = way->counts || (way->way.divided && way_counts(&any_reason, &way->way));
	}
}

/* All texts of the row in one piece of memory. False without memory. */
static bool way_read(sqlite3_stmt *statement, struct question_way *ret)
{
	const char **const texts[WAY_TEXTS] = {&ret->way.host,      &ret->way.pool,   &ret->way.rule,
					       &ret->way.rule_kind, &ret->way.reason, &ret->way.verdict,
					       &ret->way.policy};
	size_t len = 0;
	char *at;

	for (int i = 0; i < WAY_TEXTS; i++)
		len += (size_t)sqlite3_column_bytes(statement, 2 + i) + 1;
	at = ret->texts = malloc(len);
	for (int i = 0; at && i < WAY_TEXTS; i++) {
		const char *text = (const char *)sqlite3_column_text(statement, 2 + i);
		size_t bytes = (size_t)sqlite3_column_bytes(statement, 2 + i);

		if (text)
			memcpy(at, text, bytes);
		at[bytes] = '\0';
		*texts[i] = at;
		at += bytes + 1;
	}
	ret->way.monitored = sqlite3_column_int(statement, 1) != 0;
	ret->way.divided = sqlite3_column_int(statement, 10) != 0;
	return at;
}

static int way_add(struct question *question, sqlite3_stmt *statement)
{
	const struct map_key key = key_of(sqlite3_column_int64(statement, 0));
	struct question_way way = {.id = (int64_t)key.a, .kin = sqlite3_column_int64(statement, 9)};

	if (!VEC_RESERVE(question->ways, question->way_capacity, question->way_count + 1) ||
	    !way_read(statement, &way))
		return question_no_memory(question);
	way.counts = way_counts(question->filter, &way.way);
	question->some_ways = question->some_ways || !way.counts;
	question->ways[question->way_count] = way;
	if (!map_put(&question->way_places, &key, (uint32_t)question->way_count++))
		return question_no_memory(question);
	return 0;
}

static int ways_load(struct question *question)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(
		question->store,
		"SELECT w.id, w.monitored, h.text, p.text, r.text, k.text, a.text, v.text, d.text,"
		" min(w.id) OVER (PARTITION BY w.pool, w.rule, w.rule_kind, w.reason, w.verdict, w.monitored), w.divided"
		" FROM way AS w LEFT JOIN name AS h ON h.id = w.host"
		" LEFT JOIN name AS p ON p.id = w.pool LEFT JOIN name AS r ON r.id = w.rule"
		" LEFT JOIN name AS k ON k.id = w.rule_kind LEFT JOIN name AS a ON a.id = w.reason"
		" LEFT JOIN name AS v ON v.id = w.verdict LEFT JOIN name AS d ON d.id = w.policy"
		" ORDER BY w.id",
		&statement);

	while (r == 0 && (r = question_step(question, statement)) > 0)
		r = way_add(question, statement);
	return r;
}

/* Numbers mostly count from 1 without a gap; they are looked up for every row. NULL: there is none. */
static const struct question_way *find_way(const struct question *question, int64_t id)
{
	const struct map_key key = key_of(id);
	const uint32_t *place;

	if (id > 0 && (uint64_t)id <= question->way_count && question->ways[id - 1].id == id)
		return &question->ways[id - 1];
	place = map_find(&question->way_places, &key);
	return place ? &question->ways[*place] : NULL;
}

ptrdiff_t question_way_place(const struct question *question, int64_t way)
{
	const struct question_way *found = find_way(question, way);

	return found && found->counts ? found - question->ways : QUESTION_NO_WAY;
}

int question_shown_way(struct question *question, int64_t way, struct store_way *ret)
{
	const struct question_way *found = find_way(question, way);

	if (!found)
		return store_damaged(question->store, "a record of a way that it does not have");
	*ret = found->way;
	return 0;
}

/* ---- subscribers ---- */

void question_want_none(struct question *question)
{
	question->only_wanted = true;
	question->wanted_count = 0;
	map_free(&question->wanted_places);
}

int question_want(struct question *question, int64_t subscriber)
{
	const struct map_key key = key_of(subscriber);
	const uint32_t *place;

	if (!VEC_RESERVE(question->wanted, question->wanted_capacity, question->wanted_count + 1))
		return question_no_memory(question);
	place = map_put(&question->wanted_places, &key, (uint32_t)question->wanted_count);
	if (!place)
		return question_no_memory(question);
	if (*place == question->wanted_count)
		question->wanted[question->wanted_count++] = subscriber;
	return 0;
}

bool question_wants(const struct question *question, int64_t subscriber, size_t *ret_place)
{
	const struct map_key key = key_of(subscriber);
	const uint32_t *place;

	*ret_place = 0;
	if (!question->only_wanted)
		return true;
	place = map_find(&question->wanted_places, &key);
	if (place)
		*ret_place = *place;
	return place;
}

bool question_seeks(const struct question *question)
{
	return question->only_wanted && question->wanted_count <= QUESTION_SEEK_MAX;
}

int question_bind_wanted(struct question *question, sqlite3_stmt *statement, int parameter)
{
	char list[QUESTION_SEEK_MAX * 24 + 3];
	size_t at = 0;

	list[at++] = '[';
	for (size_t i = 0; i < question->wanted_count && i < QUESTION_SEEK_MAX; i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%lld", i ? "," : "",
				       (long long)question->wanted[i]);
	list[at++] = ']';
	if (sqlite3_bind_text(statement, parameter, list, (int)at, SQLITE_TRANSIENT) != SQLITE_OK)
		return store_failed(question->store);
	return 0;
}

static int want_rows(struct question *question, sqlite3_stmt *statement)
{
	int r;

	while ((r = question_step(question, statement)) > 0) {
		r = question_want(question, sqlite3_column_int64(statement, 0));
		if (r < 0)
			return r;
	}
	return r;
}

static int bind_address(struct question *question, sqlite3_stmt *statement, int parameter,
			const struct addr *address)
{
	uint8_t bytes[16];
	size_t len = addr_to_bytes(address, bytes);

	if (sqlite3_bind_blob(statement, parameter, bytes, (int)len, SQLITE_TRANSIENT) != SQLITE_OK)
		return store_failed(question->store);
	return 0;
}

static int want_inside(struct question *question, const struct prefix *outer)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	const struct addr last = prefix_last(outer);
	int r = store_prepare(question->store,
			      "SELECT id FROM subscriber WHERE address >= ?1 AND address <= ?2"
			      " AND length(address) = length(?1) AND len >= ?3",
			      &statement);

	r = r < 0 ? r : bind_address(question, statement, 1, &outer->addr);
	r = r < 0 ? r : bind_address(question, statement, 2, &last);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 3, outer->len);
	return want_rows(question, statement);
}

/* Subscribers that contain it: at most one a length. */
static int want_around(struct question *question, const struct prefix *inner)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(question->store, "SELECT id FROM subscriber WHERE address = ?1 AND len = ?2",
			      &statement);

	for (unsigned len = 0; r == 0 && len < inner->len; len++) {
		const struct addr masked = addr_mask(&inner->addr, len);

		(void)sqlite3_reset(statement);
		r = bind_address(question, statement, 1, &masked);
		(void)sqlite3_bind_int(statement, 2, (int)len);
		r = r < 0 ? r : want_rows(question, statement);
	}
	return r;
}

static int want_source(struct question *question)
{
	const struct prefix wanted = prefix_canonical(&question->filter->src);
	int r;

	if (wanted.addr.family == ADDR_NONE)
		return 0;
	question_want_none(question);
	r = want_inside(question, &wanted);
	return r < 0 ? r : want_around(question, &wanted);
}

struct addr question_address(sqlite3_stmt *statement, int column)
{
	const uint8_t *bytes = sqlite3_column_blob(statement, column);

	switch (sqlite3_column_bytes(statement, column)) {
	case 4:
		return addr_from_bytes4(bytes);
	case 16:
		return addr_from_bytes16(bytes);
	default:
		return (struct addr){0};
	}
}

/* Overflow stands in no table of subscribers: its first day with a row tells. */
static int overflow_first(struct question *question, int64_t *ret_first_us)
{
	return store_number(
		question->store,
		"WITH RECURSIVE step(at) AS (SELECT min(day) FROM day UNION ALL"
		" SELECT (SELECT min(day) FROM day WHERE day > step.at) FROM step WHERE step.at IS NOT NULL)"
		" SELECT min(d.first) FROM step CROSS JOIN day AS d ON d.day = step.at AND d.subscriber = 0",
		0, ret_first_us);
}

int question_subscriber(struct question *question, int64_t id, struct prefix *ret, int64_t *ret_first_us)
{
	int r = 0;

	if (id == 0) {
		*ret = (struct prefix){0};
		return ret_first_us ? overflow_first(question, ret_first_us) : 0;
	}
	if (!question->who)
		r = store_prepare(question->store,
				  "SELECT address, len, first_us FROM subscriber WHERE id = ?1",
				  &question->who);
	if (r < 0)
		return r;
	(void)sqlite3_reset(question->who);
	(void)sqlite3_bind_int64(question->who, 1, id);
	r = question_step(question, question->who);
	if (r < 0)
		return r;
	*ret = (struct prefix){0};
	if (r > 0)
		*ret = (struct prefix){question_address(question->who, 0),
				       (uint8_t)sqlite3_column_int(question->who, 1)};
	if (ret->addr.family == ADDR_NONE || ret->len > addr_bits(ret->addr.family))
		return store_damaged(question->store, "a record of a subscriber that it does not have");
	if (ret_first_us)
		*ret_first_us = sqlite3_column_int64(question->who, 2);
	return 0;
}

/* ---- begin and end ---- */

int question_begin(struct question *question, struct store *store, const struct store_filter *filter)
{
	struct siphash_key key;
	int r = 0;

	store->error[0] = '\0';
	sqlite3_randomness(sizeof(key), &key);
	*question = (struct question){.store = store,
				      .filter = filter,
				      .own_transaction = sqlite3_get_autocommit(store->db) != 0,
				      .way_places.hash_key = key,
				      .wanted_places.hash_key = key};
	if (question->own_transaction)
		r = store_run(store, "BEGIN");
	r = r < 0 ? r : ways_load(question);
	return r < 0 ? r : want_source(question);
}

int question_end(struct question *question, int r)
{
	for (size_t i = 0; i < question->way_count; i++)
		free(question->ways[i].texts);
	free(question->ways);
	free(question->wanted);
	map_free(&question->way_places);
	map_free(&question->wanted_places);
	sqlite3_finalize(question->told);
	sqlite3_finalize(question->who);
	if (question->own_transaction && !sqlite3_get_autocommit(question->store->db))
		(void)sqlite3_exec(question->store->db, "COMMIT", NULL, NULL, NULL);
	return r;
}

void question_add(struct store_sums *sums, const struct store_sums *more)
{
	bool none = sums->packets == 0 && sums->records == 0;

	sums->first_us = none || more->first_us < sums->first_us ? more->first_us : sums->first_us;
	sums->last_us = none || more->last_us > sums->last_us ? more->last_us : sums->last_us;
	sums->records += more->records;
	sums->packets += more->packets;
	sums->blocked += more->blocked;
	sums->offloaded += more->offloaded;
	sums->attempts += more->attempts;
}
