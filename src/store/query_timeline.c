/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/facts.h"

#include <errno.h>

#define SECOND_US INT64_C(1000000)

enum { STEPS_MAX = 1000000 };

struct timeline {
	struct question *question;
	const struct store_steps *steps; /* NULL: each is step_us long */
	int64_t step_us, since_us, until_us;
	struct store_bucket bucket; /* the one being filled */
	uint32_t number;            /* of it */
	struct map latest;          /* by subscriber: the number of the last bucket with a row of his */
	store_bucket_row *row;
	void *context;
};

static int fill(struct timeline *timeline, const struct fact *fact)
{
	const struct map_key key = {.a = (uint64_t)fact->subscriber};
	uint32_t *latest;

	question_add(&timeline->bucket.sums, &fact->sums);
	if (fact->subscriber == 0)
		return 0;
	latest = map_put(&timeline->latest, &key, UINT32_MAX);
	if (!latest)
		return question_no_memory(timeline->question);
	timeline->bucket.subscribers += *latest != timeline->number;
	*latest = timeline->number;
	return 0;
}

/* Of the one being filled. */
static int64_t end_of_step(const struct timeline *timeline)
{
	const struct store_steps *steps = timeline->steps;
	int64_t start_us = timeline->bucket.start_us, least_us = start_us + timeline->step_us, next_us;

	if (!steps)
		return least_us;
	next_us = steps->next_us(steps->context, start_us);
	return next_us > least_us ? next_us : least_us;
}

static int tell_bucket(struct timeline *timeline)
{
	int r = timeline->row(timeline->context, &timeline->bucket);

	timeline->bucket = (struct store_bucket){.start_us = end_of_step(timeline)};
	timeline->number++;
	return r;
}

static int fill_bucket(void *context, const struct fact *fact)
{
	return fill(context, fact);
}

static int too_many(const struct timeline *timeline)
{
	return store_say(timeline->question->store, E2BIG,
			 "more than %d steps: name a shorter period or longer steps", STEPS_MAX);
}

/* How many steps of different length there are is known only when they are told. */
static int check_steps(const struct timeline *timeline)
{
	int64_t length;

	if (!timeline->steps && (__builtin_sub_overflow(timeline->until_us, timeline->since_us, &length) ||
				 length / timeline->step_us >= STEPS_MAX))
		return too_many(timeline);
	return 0;
}

/* Steps of an hour or more: each of them is a period of its own, from the coarsest sums that fit. */
static int long_steps(struct timeline *timeline)
{
	struct fact_range range = {.coarsest = FACT_DAY};
	int r = 0;

	while (r == 0 && timeline->bucket.start_us < timeline->until_us) {
		int64_t start = timeline->bucket.start_us, end = end_of_step(timeline);

		range.since_us = start > timeline->since_us ? start : timeline->since_us;
		range.until_us = end < timeline->until_us ? end : timeline->until_us;
		r = facts_read(timeline->question, &range, fill_bucket, timeline);
		r = r != 0 ? r : tell_bucket(timeline);
		r = r == 0 && timeline->number >= STEPS_MAX ? too_many(timeline) : r;
	}
	return r;
}

static int fill_in_time(void *context, const struct fact *fact)
{
	struct timeline *timeline = context;
	int r = 0;

	while (r == 0 && fact->time_us >= timeline->bucket.start_us + timeline->step_us)
		r = tell_bucket(timeline);
	return r != 0 ? r : fill(timeline, fact);
}

static int short_steps(struct timeline *timeline)
{
	const struct fact_range range = {timeline->since_us, timeline->until_us, FACT_RECORD, FACT_BY_TIME,
					 false};
	int r = facts_read(timeline->question, &range, fill_in_time, timeline);

	while (r == 0 && timeline->bucket.start_us < timeline->until_us)
		r = tell_bucket(timeline);
	return r;
}

/* Without a bound the period ends where what is stored ends. */
static int find_period(struct timeline *timeline)
{
	struct question *question = timeline->question;
	int64_t first = 0, last = -1;
	int r = store_number(question->store, "SELECT min(min_time) FROM segment", 0, &first);

	r = r < 0 ? r
		  : store_number(question->store, "SELECT coalesce(max(max_time), -1) FROM segment", -1,
				 &last);
	timeline->since_us = question->filter->since_us == INT64_MIN ? first : question->filter->since_us;
	timeline->until_us = question->filter->until_us == INT64_MAX ? last + 1 : question->filter->until_us;
	return r;
}

static int tell_timeline(struct timeline *timeline, int64_t offset_us)
{
	int r = find_period(timeline);

	if (r < 0 || timeline->since_us >= timeline->until_us)
		return r;
	r = check_steps(timeline);
	if (r < 0)
		return r;
	timeline->bucket.start_us =
		timeline->steps ? timeline->steps->first_us
				: question_floor(timeline->since_us - offset_us, timeline->step_us) *
						  timeline->step_us +
					  offset_us;
	return timeline->step_us >= STORE_HOUR_US ? long_steps(timeline) : short_steps(timeline);
}

static int ask_timeline(struct timeline *timeline, struct store *store, const struct store_filter *filter,
			int64_t offset_us)
{
	struct question question;
	int r = question_begin(&question, store, filter);

	timeline->question = &question;
	timeline->latest.hash_key = question.way_places.hash_key;
	r = r < 0 ? r : facts_require_attempts(&question);
	r = r < 0 ? r : tell_timeline(timeline, offset_us);
	map_free(&timeline->latest);
	return question_end(&question, r);
}

int store_timeline(struct store *store, const struct store_filter *filter, uint32_t step_s, int32_t offset_s,
		   store_bucket_row *row, void *context)
{
	struct timeline timeline = {.row = row, .context = context, .step_us = step_s * SECOND_US};

	if (step_s == 0)
		return store_say(store, EINVAL, "steps of no length");
	return ask_timeline(&timeline, store, filter, offset_s * SECOND_US);
}

int store_timeline_steps(struct store *store, const struct store_filter *filter,
			 const struct store_steps *steps, store_bucket_row *row, void *context)
{
	struct timeline timeline = {.row = row, .context = context, .steps = steps, .step_us = STORE_HOUR_US};

	return ask_timeline(&timeline, store, filter, 0);
}
