/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums by what the ways have in common: pool, rule, reason, ... */
#include "store/facts.h"
#include "store/query_destinations.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

struct groups {
	struct question *question;
	struct store_group_row *rows;
	size_t count, capacity;
	size_t *of_way;   /* place of the row, by the way's place */
	struct map pairs; /* group and subscriber */
};

static const char *name_of(const struct store_way *way, enum store_group by)
{
	switch (by) {
	case STORE_GROUP_POOL:
		return way->pool;
	case STORE_GROUP_RULE:
		return way->rule;
	case STORE_GROUP_REASON:
		return way->reason;
	case STORE_GROUP_HOST:
		return way->host;
	default:
		return way->rule_kind;
	}
}

struct named_way {
	const char *name;
	size_t place;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named_way *)a)->name, ((const struct named_way *)b)->name);
}

/* A row for each name, in the order of names. */
static int make_rows(struct groups *groups, enum store_group by)
{
	const struct question *question = groups->question;
	struct named_way *named = calloc(question->way_count + 1, sizeof(*named));

	groups->of_way = calloc(question->way_count + 1, sizeof(*groups->of_way));
	if (!named || !groups->of_way ||
	    !VEC_RESERVE(groups->rows, groups->capacity, question->way_count + 1)) {
		free(named);
		return question_no_memory(groups->question);
	}
	for (size_t i = 0; i < question->way_count; i++)
		named[i] = (struct named_way){name_of(&question->ways[i].way, by), i};
	qsort(named, question->way_count, sizeof(*named), by_name);
	for (size_t i = 0; i < question->way_count; i++) {
		if (i == 0 || strcmp(named[i].name, named[i - 1].name) != 0)
			groups->rows[groups->count++] = (struct store_group_row){.name = named[i].name};
		groups->of_way[named[i].place] = groups->count - 1;
	}
	free(named);
	return 0;
}

static int add_to_group(void *context, const struct fact *fact)
{
	struct groups *groups = context;
	size_t group = groups->of_way[fact->way];
	const struct map_key key = {.a = (uint64_t)fact->subscriber, .b = group};
	size_t before = groups->pairs.count;

	question_add(&groups->rows[group].sums, &fact->sums);
	if (fact->subscriber == 0)
		return 0;
	if (!map_put(&groups->pairs, &key, 0))
		return question_no_memory(groups->question);
	groups->rows[group].subscribers += groups->pairs.count > before;
	return 0;
}

/* Most attempts first, then most packets, then by name. */
static int by_attempts(const void *a, const void *b)
{
	const struct store_group_row *left = a, *right = b;

	if (left->sums.attempts != right->sums.attempts)
		return left->sums.attempts < right->sums.attempts ? 1 : -1;
	if (left->sums.packets != right->sums.packets)
		return left->sums.packets < right->sums.packets ? 1 : -1;
	return strcmp(left->name, right->name);
}

static int tell_groups(const struct groups *groups, uint64_t limit, store_group_row_taker *row, void *context)
{
	uint64_t told = 0;
	int r = 0;

	if (groups->count > 0)
		qsort(groups->rows, groups->count, sizeof(*groups->rows), by_attempts);
	for (size_t i = 0; r == 0 && i < groups->count && (limit == 0 || told < limit); i++) {
		if (groups->rows[i].sums.packets == 0 && groups->rows[i].sums.records == 0)
			continue;
		r = row(context, &groups->rows[i]);
		told++;
	}
	return r;
}

static int groups_of_ways(struct question *question, enum store_group by, uint64_t limit,
			  store_group_row_taker *row, void *context)
{
	const struct store_filter *filter = question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct groups groups = {.question = question, .pairs.hash_key = question->way_places.hash_key};
	int r = make_rows(&groups, by);

	r = r < 0 ? r : facts_read(question, &range, add_to_group, &groups);
	r = r < 0 ? r : tell_groups(&groups, limit, row, context);
	map_free(&groups.pairs);
	free(groups.rows);
	free(groups.of_way);
	return r;
}

int store_groups(struct store *store, const struct store_filter *filter, enum store_group by, uint64_t limit,
		 store_group_row_taker *row, void *context)
{
	struct question question;
	int r = question_begin(&question, store, filter);

	r = r < 0 ? r : facts_require_attempts(&question);
	if (r == 0)
		r = by == STORE_GROUP_DESTINATION ? destination_groups(&question, limit, row, context)
						  : groups_of_ways(&question, by, limit, row, context);
	return question_end(&question, r);
}
