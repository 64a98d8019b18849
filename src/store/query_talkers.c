/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First the sums of all subscribers, in memory for the subscribers; then, of those that are told, what costs more: hours,
 * destinations, names.
 */
#include "store/query_talkers.h"
#include "store/facts.h"
#include "store/query_destinations.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* What of a talker's packets went which way; a list by `next`. */
struct share {
	uint32_t way, next; /* of the same talker, NO_SHARE: no more */
	uint64_t packets;
};

#define NO_SHARE UINT32_MAX

struct talker {
	int64_t subscriber;
	struct store_sums sums;
	uint64_t rank; /* what it is ordered by */
	uint32_t shares;
};

struct talkers {
	struct question *question;
	enum store_order order;
	struct talker *list;
	size_t count, capacity;
	struct map places; /* by subscriber */
	struct share *shares;
	size_t share_count, share_capacity;
};

static int count_share(struct talkers *talkers, struct talker *talker, const struct fact *fact)
{
	uint32_t at = talker->shares;

	while (at != NO_SHARE && talkers->shares[at].way != fact->way)
		at = talkers->shares[at].next;
	if (at == NO_SHARE) {
		if (!VEC_RESERVE(talkers->shares, talkers->share_capacity, talkers->share_count + 1))
			return question_no_memory(talkers->question);
		at = (uint32_t)talkers->share_count++;
		talkers->shares[at] = (struct share){.way = (uint32_t)fact->way, .next = talker->shares};
		talker->shares = at;
	}
	talkers->shares[at].packets += fact->sums.packets;
	return 0;
}

static int count_fact(void *context, const struct fact *fact)
{
	struct talkers *talkers = context;
	const struct map_key key = {.a = (uint64_t)fact->subscriber};
	const uint32_t *place;

	if (!VEC_RESERVE(talkers->list, talkers->capacity, talkers->count + 1))
		return question_no_memory(talkers->question);
	place = map_put(&talkers->places, &key, (uint32_t)talkers->count);
	if (!place)
		return question_no_memory(talkers->question);
	if (*place == talkers->count)
		talkers->list[talkers->count++] =
			(struct talker){.subscriber = fact->subscriber, .shares = NO_SHARE};
	question_add(&talkers->list[*place].sums, &fact->sums);
	return count_share(talkers, &talkers->list[*place], fact);
}

static void drop_below_least(struct talkers *talkers)
{
	size_t kept = 0;

	for (size_t i = 0; i < talkers->count; i++)
		if (talkers->list[i].sums.attempts >= talkers->question->filter->min_attempts)
			talkers->list[kept++] = talkers->list[i];
	talkers->count = kept;
	map_free(&talkers->places);
}

/* ---- order ---- */

/* Times before 1970 stand before later ones, too. */
static uint64_t rank_of_time(int64_t us)
{
	return (uint64_t)us ^ UINT64_C(1) << 63;
}

static int want_from(struct talkers *talkers, size_t count)
{
	int r = 0;

	question_want_none(talkers->question);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = question_want(talkers->question, talkers->list[i].subscriber);
	return r;
}

static int rank_by_destinations(struct talkers *talkers)
{
	struct reached *reaches = calloc(talkers->count + 1, sizeof(*reaches));
	int r = reaches ? want_from(talkers, talkers->count) : question_no_memory(talkers->question);
	bool exact;

	r = r < 0 ? r : reached_read(talkers->question, reaches);
	for (size_t i = 0; reaches && i < talkers->count; i++) {
		talkers->list[i].rank = reached_count(&reaches[i], &exact);
		reached_free(&reaches[i]);
	}
	free(reaches);
	return r;
}

static int rank_by_first(struct talkers *talkers)
{
	struct prefix subscriber;
	int64_t first_us;
	int r = 0;

	for (size_t i = 0; r == 0 && i < talkers->count; i++) {
		r = question_subscriber(talkers->question, talkers->list[i].subscriber, &subscriber,
					&first_us);
		if (r == 0)
			talkers->list[i].rank = rank_of_time(first_us);
	}
	return r;
}

static int rank(struct talkers *talkers)
{
	if (talkers->order == STORE_BY_DESTINATIONS)
		return rank_by_destinations(talkers);
	if (talkers->order == STORE_BY_FIRST)
		return rank_by_first(talkers);
	for (size_t i = 0; i < talkers->count; i++) {
		struct talker *talker = &talkers->list[i];

		talker->rank = talkers->order == STORE_BY_PACKETS ? talker->sums.packets
			       : talkers->order == STORE_BY_LAST  ? rank_of_time(talker->sums.last_us)
								  : talker->sums.attempts;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct talker *left = a, *right = b;

	if (left->rank != right->rank)
		return left->rank < right->rank ? 1 : -1;
	if (left->sums.attempts != right->sums.attempts)
		return left->sums.attempts < right->sums.attempts ? 1 : -1;
	return (left->subscriber > right->subscriber) - (left->subscriber < right->subscriber);
}

/* ---- rows ---- */

static void fill_way(const struct talkers *talkers, const struct talker *talker, struct store_talker *row)
{
	const struct question_way *ways = talkers->question->ways;
	const struct share *most = &talkers->shares[talker->shares];

	for (uint32_t at = talker->shares; at != NO_SHARE; at = talkers->shares[at].next) {
		const struct share *share = &talkers->shares[at];

		row->several_ways = row->several_ways || ways[share->way].kin != ways[most->way].kin;
		if (share->packets > most->packets ||
		    (share->packets == most->packets && share->way < most->way))
			most = share;
	}
	row->way = ways[most->way].way;
}

static int fill_row(const struct talkers *talkers, size_t i, const struct reached *reach,
		    struct talker_hours *hours, struct store_talker *row)
{
	const struct talker *talker = &talkers->list[i];

	*row = (struct store_talker){.sums = talker->sums};
	row->destinations = reached_count(reach, &row->destinations_exact);
	fill_way(talkers, talker, row);
	talker_hours_tell(hours, row);
	return question_subscriber(talkers->question, talker->subscriber, &row->subscriber,
				   &row->ever_first_us);
}

/* The first `count` in the list. */
static int tell(struct talkers *talkers, size_t count, store_talker_row *take, void *context)
{
	struct reached *reaches = calloc(count + 1, sizeof(*reaches));
	struct talker_hours *hours = calloc(count + 1, sizeof(*hours));
	bool *left_out = calloc(count + 1, sizeof(*left_out));
	struct store_talker row;
	int r = reaches && hours && left_out ? want_from(talkers, count)
					     : question_no_memory(talkers->question);

	r = r < 0 ? r : talker_hours_read(talkers->question, hours, left_out);
	r = r < 0 ? r : reached_read(talkers->question, reaches);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = fill_row(talkers, i, &reaches[i], &hours[i], &row);
		row.in_part = left_out && left_out[i];
		r = r < 0 ? r : take(context, &row);
	}
	for (size_t i = 0; reaches && i < count; i++)
		reached_free(&reaches[i]);
	free(reaches);
	free(hours);
	free(left_out);
	return r;
}

int store_talkers(struct store *store, const struct store_filter *filter, enum store_order order,
		  uint64_t limit, store_talker_row *row, void *context, uint64_t *ret_total)
{
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct question question;
	struct talkers talkers = {.question = &question, .order = order};
	int r = question_begin(&question, store, filter);

	talkers.places.hash_key = question.way_places.hash_key;
	r = r < 0 ? r : facts_read(&question, &range, count_fact, &talkers);
	drop_below_least(&talkers);
	r = r < 0 ? r : rank(&talkers);
	if (r == 0) {
		if (talkers.count > 0)
			qsort(talkers.list, talkers.count, sizeof(*talkers.list), compare);
		if (ret_total)
			*ret_total = talkers.count;
		r = tell(&talkers, limit && limit < talkers.count ? (size_t)limit : talkers.count, row,
			 context);
	}
	free(talkers.list);
	free(talkers.shares);
	return question_end(&question, r);
}

/* ---- of those that are named ---- */

static int want_named(struct question *question, const struct prefix *who, size_t count)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(question->store, "SELECT id FROM subscriber WHERE address = ? AND len = ?",
			      &statement);
	uint8_t bytes[16];

	question_want_none(question);
	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t len = addr_to_bytes(&who[i].addr, bytes);

		(void)sqlite3_reset(statement);
		if (sqlite3_bind_blob(statement, 1, bytes, (int)len, SQLITE_TRANSIENT) != SQLITE_OK ||
		    sqlite3_bind_int(statement, 2, who[i].len) != SQLITE_OK)
			return store_failed(question->store);
		r = question_step(question, statement);
		if (r > 0)
			r = question_want(question, sqlite3_column_int64(statement, 0));
	}
	return r;
}

/* So few that each is looked up. */
static int tell_named(struct store *store, const struct prefix *who, size_t count, store_talker_row *row,
		      void *context)
{
	const struct store_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	const struct fact_range range = {filter.since_us, filter.until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct question question;
	struct talkers talkers = {.question = &question};
	int r = question_begin(&question, store, &filter);

	talkers.places.hash_key = question.way_places.hash_key;
	r = r < 0 ? r : want_named(&question, who, count);
	r = r < 0 ? r : facts_read(&question, &range, count_fact, &talkers);
	r = r != 0 ? r : tell(&talkers, talkers.count, row, context);
	map_free(&talkers.places);
	free(talkers.list);
	free(talkers.shares);
	return question_end(&question, r);
}

int store_talkers_named(struct store *store, const struct prefix *who, size_t count, store_talker_row *row,
			void *context)
{
	int r = 0;

	for (size_t at = 0, some; r == 0 && at < count; at += some) {
		some = count - at < QUESTION_SEEK_MAX ? count - at : QUESTION_SEEK_MAX;
		r = tell_named(store, who + at, some, row, context);
	}
	return r;
}
