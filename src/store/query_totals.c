/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/facts.h"

#include "base/vec.h"

#include <stdlib.h>

struct attempts {
	int64_t subscriber;
	uint64_t attempts;
};

struct people {
	struct question *question;
	struct map places;
	struct attempts *list;
	size_t count, capacity;
};

static int count_attempts(void *context, const struct fact *fact)
{
	struct people *people = context;
	const struct map_key key = {.a = (uint64_t)fact->subscriber};
	const uint32_t *place;

	if (!VEC_RESERVE(people->list, people->capacity, people->count + 1))
		return question_no_memory(people->question);
	place = map_put(&people->places, &key, (uint32_t)people->count);
	if (!place)
		return question_no_memory(people->question);
	if (*place == people->count)
		people->list[people->count++] = (struct attempts){.subscriber = fact->subscriber};
	people->list[*place].attempts += fact->sums.attempts;
	return 0;
}

int facts_require_attempts(struct question *question)
{
	const struct store_filter *filter = question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct people people = {.question = question, .places.hash_key = question->way_places.hash_key};
	int r = 0;

	if (filter->min_attempts == 0)
		return 0;
	r = facts_read(question, &range, count_attempts, &people);
	if (r == 0)
		question_want_none(question);
	for (size_t i = 0; r == 0 && i < people.count; i++)
		if (people.list[i].attempts >= filter->min_attempts)
			r = question_want(question, people.list[i].subscriber);
	map_free(&people.places);
	free(people.list);
	return r;
}

struct totals {
	struct question *question;
	struct store_sums sums;
	struct map subscribers;
};

static int add_to_totals(void *context, const struct fact *fact)
{
	struct totals *totals = context;
	const struct map_key key = {.a = (uint64_t)fact->subscriber};

	question_add(&totals->sums, &fact->sums);
	if (fact->subscriber != 0 && !map_put(&totals->subscribers, &key, 0))
		return question_no_memory(totals->question);
	return 0;
}

int store_totals(struct store *store, const struct store_filter *filter, struct store_sums *ret,
		 uint64_t *ret_subscribers)
{
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct question question;
	struct totals totals = {.question = &question};
	int r = question_begin(&question, store, filter);

	totals.subscribers.hash_key = question.way_places.hash_key;
	r = r < 0 ? r : facts_require_attempts(&question);
	r = r < 0 ? r : facts_read(&question, &range, add_to_totals, &totals);
	if (r == 0) {
		*ret = totals.sums;
		if (ret_subscribers)
			*ret_subscribers = totals.subscribers.count;
	}
	map_free(&totals.subscribers);
	return question_end(&question, r);
}
