/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/query_talkers.h"
#include "store/facts.h"

enum { DAY_HOURS = 24 };

static void end_hour(struct talker_hours *hours)
{
	if (hours->attempts > hours->busiest)
		hours->busiest = hours->attempts;
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

static int add_hour(void *context, const struct fact *fact)
{
	struct reading *reading = context;
	struct talker_hours *hours = &reading->all[fact->place];
	int64_t hour = question_floor(fact->time_us, STORE_HOUR_US);

	if (hours->hours == 0 || hour != hours->hour) {
		int64_t day = day_of_hour(reading, hour);

		hours->days += hours->hours == 0 || day != hours->day;
		end_hour(hours);
		hours->hours++;
		hours->hour = hour;
		hours->day = day;
		hours->clock_hours |= UINT32_C(1) << (hour - question_floor(hour, DAY_HOURS) * DAY_HOURS);
	}
	hours->attempts += fact->sums.attempts;
	return 0;
}

int talker_hours_read(struct question *question, struct talker_hours *hours)
{
	const struct store_filter *filter = question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_HOUR, FACT_BY_HOUR, false};
	struct reading reading = {.day_of = filter->day_of, .hour = INT64_MIN, .all = hours};

	return facts_read(question, &range, add_hour, &reading);
}

void talker_hours_tell(const struct talker_hours *hours, struct store_talker *row)
{
	struct talker_hours last = *hours;

	end_hour(&last);
	row->hours_active = last.hours;
	row->days_active = last.days;
	row->clock_hours = last.clock_hours;
	row->busiest_hour = last.busiest;
}
