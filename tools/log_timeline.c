/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timeline: what was blocked in steps of time. */
#include "log.h"

#include "log_time.h"

#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	USUAL_STEPS = 48, /* at most so many, where no step is named */
	STEPS_MAX = 100000,
	SPARK_MAX = 120,
	LONG_DAYS = 400,      /* of longer periods the part with records is shown */
	LONGEST_DAYS = 24000, /* a step */
	DAY_S = 86400,
	MONTH_S = 30 * DAY_S,
};

static const struct log_column columns[] = {
	{"start", "FROM", LOG_CELL_TIME, 0, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 0, 0},
	{"packets", "PACKETS", LOG_CELL_NUMBER, 0, 0},
	{"packets_blocked", NULL, LOG_CELL_NUMBER, 0, 0},
	{"packets_offloaded", NULL, LOG_CELL_NUMBER, 0, 0},
	{"records", NULL, LOG_CELL_NUMBER, 0, 0},
	{"subscribers", "SUBSCRIBERS", LOG_CELL_NUMBER, 0, 0},
	{NULL, "", LOG_CELL_BAR, 1, 0},
};

struct buckets {
	struct store_bucket *items;
	size_t count, capacity;
};

static int keep_bucket(void *context, const struct store_bucket *bucket)
{
	struct buckets *buckets = context;

	if (!VEC_RESERVE(buckets->items, buckets->capacity, buckets->count + 1))
		return -ENOMEM;
	buckets->items[buckets->count++] = *bucket;
	return 0;
}

/* The shortest of these that makes no more than the usual number of steps; of many years, so many of the last. */
static uint32_t usual_step_s(int64_t length_s)
{
	static const uint32_t steps[] = {60,       300,       900,   3600,      3 * 3600,
					 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400};
	size_t i = 0, last = sizeof(steps) / sizeof(steps[0]) - 1;

	while (i < last && length_s / steps[i] >= USUAL_STEPS)
		i++;
	if (length_s / steps[i] >= USUAL_STEPS) {
		int64_t months = length_s / MONTH_S / USUAL_STEPS + 1, most = LONGEST_DAYS * DAY_S / MONTH_S;

		return (uint32_t)((months < most ? months : most) * MONTH_S);
	}
	return steps[i];
}

static int find_step(const struct log_context *context, int64_t length_us, uint32_t *ret_s)
{
	const char *text = log_value(context, "step");
	int64_t step_us;

	if (!text) {
		*ret_s = usual_step_s(length_us / LOG_US_PER_S);
		return LOG_FOUND;
	}
	if (log_span_parse(text, &step_us) < 0 || step_us < LOG_US_PER_S || step_us % LOG_US_PER_S != 0 ||
	    step_us / LOG_US_PER_S > INT32_MAX)
		return log_error("--step %s: not a length of whole seconds, like 5min, 1h or 1d", text);
	*ret_s = (uint32_t)(step_us / LOG_US_PER_S);
	if (length_us / step_us >= STEPS_MAX)
		return log_error("--step %s: more than %d steps", text, STEPS_MAX);
	return LOG_FOUND;
}

/* Nobody wants to see years without any record: the longest window lies between a packet and its record. */
static void narrow(struct store_filter *filter, const struct store_sums *sums)
{
	const int64_t day_us = DAY_S * LOG_US_PER_S;
	bool is_long = filter->since_us != INT64_MIN && filter->until_us != INT64_MAX &&
		       filter->until_us / day_us - filter->since_us / day_us > LONG_DAYS;

	if (filter->since_us == INT64_MIN || (is_long && filter->since_us < sums->first_us))
		filter->since_us = sums->first_us;
	if (is_long && filter->until_us > sums->last_us + day_us)
		filter->until_us = sums->last_us + day_us;
}

/* A clock that was wrong once would make steps of years. *ret_left: records that are left out. */
static int leave_out(const struct log_context *context, struct store_filter *filter, uint64_t *ret_left)
{
	int64_t since_us = filter->since_us, until_us = filter->until_us;
	struct store_sums all, kept;

	if (store_bulk(context->store, filter, LONG_DAYS, context->now_us, &since_us, &until_us) < 0)
		return log_store_error(context);
	since_us = filter->since_us == INT64_MIN ? since_us : filter->since_us;
	until_us = filter->until_us == INT64_MAX ? until_us : filter->until_us;
	if (since_us == filter->since_us && until_us == filter->until_us)
		return LOG_FOUND;
	if (store_totals(context->store, filter, &all, NULL) < 0)
		return log_store_error(context);
	filter->since_us = since_us;
	filter->until_us = until_us;
	if (store_totals(context->store, filter, &kept, NULL) < 0)
		return log_store_error(context);
	*ret_left = all.records - kept.records;
	return LOG_FOUND;
}

static void say_left(const struct log_context *context, uint64_t left)
{
	char text[200];

	if (left == 0)
		return;
	snprintf(text, sizeof(text),
		 "left out: %" PRIu64
		 " record%s of times more than %d days away from most others; --since and --until show %s",
		 left, left == 1 ? "" : "s", LONG_DAYS, left == 1 ? "it" : "them");
	log_remark(context, text);
}

/* From the first of these records, where no time is named. The end is then that of all that is stored: silence tells, too. */
static int find_period(const struct log_context *context, struct store_filter *filter, int64_t *ret_length_us)
{
	struct store_sums sums;
	int r = store_totals(context->store, filter, &sums, NULL);

	if (r < 0)
		return log_store_error(context);
	if (sums.records == 0)
		return LOG_NOTHING;
	narrow(filter, &sums);
	*ret_length_us = (filter->until_us == INT64_MAX ? sums.last_us : filter->until_us) - filter->since_us;
	return LOG_FOUND;
}

static void print_spark(const struct log_context *context, const struct buckets *buckets)
{
	uint64_t values[SPARK_MAX];
	size_t most = context->width > 0 && context->width < SPARK_MAX ? context->width : SPARK_MAX;
	size_t each = (buckets->count + most - 1) / most, count = 0;

	if (context->output != LOG_TABLE)
		return;
	for (size_t i = 0; i < buckets->count; i++) {
		count = i / each + 1;
		if (i % each == 0)
			values[count - 1] = 0;
		values[count - 1] += buckets->items[i].sums.attempts;
	}
	log_page(context);
	log_spark_print(stdout, values, count, context->utf8);
	fputs("\n\n", stdout);
}

static int print_buckets(const struct log_context *context, const struct buckets *buckets)
{
	uint64_t most = 0, shown = log_limit(context);
	size_t first = shown > 0 && buckets->count > shown ? buckets->count - (size_t)shown : 0;
	struct log_table *table;

	for (size_t i = 0; i < buckets->count; i++)
		if (buckets->items[i].sums.attempts > most)
			most = buckets->items[i].sums.attempts;
	print_spark(context, buckets);
	table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = first; i < buckets->count; i++) {
		const struct store_bucket *bucket = &buckets->items[i];

		log_table_time(table, bucket->start_us);
		log_table_number(table, bucket->sums.attempts);
		log_table_number(table, bucket->sums.packets);
		log_table_number(table, bucket->sums.blocked);
		log_table_number(table, bucket->sums.offloaded);
		log_table_number(table, bucket->sums.records);
		log_table_number(table, bucket->subscribers);
		log_table_bar(table, bucket->sums.attempts, most);
	}
	return log_table_end(table);
}

struct days {
	const struct log_context *context;
	int count;
};

static int64_t next_days(void *context, int64_t start_us)
{
	const struct days *days = context;

	return log_time_day(start_us, days->context->utc, days->count);
}

/* Steps begin where local days and hours do; days also where clocks change within the period. */
static int ask(const struct log_context *context, const struct store_filter *filter, uint32_t step_s,
	       struct buckets *buckets)
{
	struct days days = {.context = context, .count = (int)(step_s / DAY_S)};
	struct store_steps steps = {.next_us = next_days, .context = &days};

	if (step_s % DAY_S != 0)
		return store_timeline(context->store, filter, step_s,
				      -(log_offset(context, filter->since_us) % (int32_t)step_s), keep_bucket,
				      buckets);
	steps.first_us = log_time_days_begin(filter->since_us, context->utc, days.count);
	return store_timeline_steps(context->store, filter, &steps, keep_bucket, buckets);
}

int log_timeline(struct log_context *context, int argc, char **argv)
{
	struct store_filter filter = context->filter;
	struct buckets buckets = {0};
	int64_t length_us = 0;
	uint32_t step_s = 1;
	uint64_t left = 0;
	int code = leave_out(context, &filter, &left), r;

	if (code == LOG_FOUND)
		code = find_period(context, &filter, &length_us);
	if (code == LOG_NOTHING) {
		code = log_table_end(log_table_new(context, columns, sizeof(columns) / sizeof(columns[0])));
		say_left(context, left);
		return code;
	}
	if (code == LOG_FOUND)
		code = find_step(context, length_us, &step_s);
	if (code != LOG_FOUND)
		return code;
	r = ask(context, &filter, step_s, &buckets);
	if (r == -ENOMEM)
		code = log_error("no memory");
	else
		code = r < 0 ? log_store_error(context) : print_buckets(context, &buckets);
	free(buckets.items);
	say_left(context, left);
	return code;
}
