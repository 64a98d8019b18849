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

static int add_hour(void *context, const struct fact *fact)
{
	struct talker_hours *all = context, *hours = &all[fact->place];
	int64_t hour = question_floor(fact->time_us, STORE_HOUR_US);
	int64_t day = question_floor(hour, DAY_HOURS);

	if (hours->hours == 0 || hour != hours->hour) {
		hours->days += hours->hours == 0 || day != question_floor(hours->hour, DAY_HOURS);
		end_hour(hours);
		hours->hours++;
		hours->hour = hour;
		hours->clock_hours |= UINT32_C(1) << (hour - day * DAY_HOURS);
	}
	hours->attempts += fact->sums.attempts;
	return 0;
}

int talker_hours_read(struct question *question, struct talker_hours *hours)
{
	const struct store_filter *filter = question->filter;
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_HOUR, FACT_BY_HOUR, false};

	return facts_read(question, &range, add_hour, hours);
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
