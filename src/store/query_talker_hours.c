/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/query_talkers.h"
#include "store/facts.h"

enum { DAY_HOURS = 24 };

/* Whole hours between the packets of this hour and those before. */
static uint32_t silence_before(const struct talker_hours *hours)
{
	int64_t whole = question_floor(hours->first_us, STORE_HOUR_US) -
			question_floor(hours->until_us, STORE_HOUR_US) - 1;

	return whole > UINT32_MAX ? UINT32_MAX : whole > 0 ? (uint32_t)whole : 0;
}

/* The silence whose last hour behind it is this one is known to be a rest, if there were hours enough before it. */
static void note_silence(struct talker_hours *hours)
{
	uint32_t first_behind = hours->hours - STORE_REST_SIDE_H + 1, silence;

	hours->silences_h[hours->hours % STORE_REST_SIDE_H] = silence_before(hours);
	if (hours->hours < 2 * STORE_REST_SIDE_H)
		return;
	silence = hours->silences_h[first_behind % STORE_REST_SIDE_H];
	hours->rest_h = silence > hours->rest_h ? silence : hours->rest_h;
}

/* A record tells of the time up to a day before its own, so the packets' times say when there was silence. */
static void end_hour(struct talker_hours *hours)
{
	if (hours->attempts > hours->busiest)
		hours->busiest = hours->attempts;
	if (hours->hours > 1)
		note_silence(hours);
	if (hours->hours == 1 || hours->last_us > hours->until_us)
		hours->until_us = hours->last_us;
	hours->attempts = 0;
}

struct reading {
	int64_t (*day_of)(int64_t us);
	int64_t hour, day; /* the latest one: hours come one behind the other, and many facts lie in each */
	struct talker_hours *all;
};

static int64_t day_of_hour(struct reading *reading, int64_t hour)
{
	if (hour != reading->hour)
		reading->day = reading->day_of ? reading->day_of(hour * STORE_HOUR_US)
					       : question_floor(hour, DAY_HOURS);
	reading->hour = hour;
	return reading->day;
}

static void begin_hour(struct reading *reading, struct talker_hours *hours, int64_t hour,
		       const struct store_sums *sums)
{
	int64_t day = day_of_hour(reading, hour);

	hours->days += hours->hours == 0 || day != hours->day;
	if (hours->hours > 0)
		end_hour(hours);
	hours->hours++;
	hours->hour = hour;
	hours->day = day;
	hours->clock_hours |= UINT32_C(1) << (hour - question_floor(hour, DAY_HOURS) * DAY_HOURS);
	hours->first_us = sums->first_us;
	hours->last_us = sums->last_us;
}

static int add_hour(void *context, const struct fact *fact)
{
	struct reading *reading = context;
	struct talker_hours *hours = &reading->all[fact->place];
	int64_t hour = question_floor(fact->time_us, STORE_HOUR_US);

	if (hours->hours == 0 || hour != hours->hour)
		begin_hour(reading, hours, hour, &fact->sums);
	if (fact->sums.first_us < hours->first_us)
		hours->first_us = fact->sums.first_us;
	if (fact->sums.last_us > hours->last_us)
		hours->last_us = fact->sums.last_us;
	hours->attempts += fact->sums.attempts;
	return 0;
}

int talker_hours_read(struct question *question, struct talker_hours *hours, bool *left_out)
{
	const struct store_filter *filter = question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_HOUR, FACT_BY_HOUR, false};
	struct reading reading = {.day_of = filter->day_of, .hour = INT64_MIN, .all = hours};
	int r;

	question->left_out = left_out;
	r = facts_read(question, &range, add_hour, &reading);
	question->left_out = NULL;
	return r;
}

void talker_hours_tell(const struct talker_hours *hours, struct store_talker *row)
{
	struct talker_hours last = *hours;

	end_hour(&last);
	row->hours_active = last.hours;
	row->days_active = last.days;
	row->clock_hours = last.clock_hours;
	row->busiest_hour = last.busiest;
	row->rest_h = last.rest_h;
}
