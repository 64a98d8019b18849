/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top and first-seen: subscribers with what the triage says of each. */
#include "log.h"

#include "log_time.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPARK_ROWS = 100, /* up to so many rows have a sparkline: each is a question of its own */
	SPARK_STEPS = 16,
	HOUR_S = 3600,
	DAY_S = 86400,
};

/* ---- sparklines ---- */

struct spark {
	uint64_t values[SPARK_STEPS];
	size_t count;
};

static int add_bucket(void *context, const struct store_bucket *bucket)
{
	struct spark *spark = context;

	if (spark->count < SPARK_STEPS)
		spark->values[spark->count++] = bucket->sums.attempts;
	return 0;
}

/* The period that sparklines show, in steps of whole hours, so that the store answers from its sums. */
struct spark_period {
	struct store_filter filter;
	uint32_t step_s;
};

static struct spark_period spark_period(const struct log_context *context, const struct log_talkers *talkers)
{
	struct spark_period period = {.filter = context->filter};
	int64_t first = INT64_MAX, last = INT64_MIN, hour_us = HOUR_S * LOG_US_PER_S, hours;

	for (size_t i = 0; i < talkers->count; i++) {
		const struct store_sums *sums = &talkers->items[i].row.sums;

		first = sums->first_us < first ? sums->first_us : first;
		last = sums->last_us > last ? sums->last_us : last;
	}
	if (period.filter.since_us == INT64_MIN)
		period.filter.since_us = first;
	if (period.filter.until_us > last)
		period.filter.until_us = last + 1;
	period.filter.min_attempts = 0;
	hours = (period.filter.until_us - period.filter.since_us + hour_us - 1) / hour_us;
	/* One step less: the first may begin before the period. */
	period.step_s = (uint32_t)(HOUR_S * (1 + (hours > 0 ? hours - 1 : 0) / (SPARK_STEPS - 1)));
	return period;
}

static int write_with_spark(const struct log_context *context, const struct spark_period *period,
			    const struct log_talker *kept, struct log_table *table)
{
	struct store_filter filter = period->filter;
	struct spark spark = {0};
	int32_t offset_s = log_offset(context, filter.since_us) % (int32_t)period->step_s;
	int r = 0;

	filter.src = kept->row.subscriber;
	if (filter.src.addr.family != ADDR_NONE)
		r = store_timeline(context->store, &filter, period->step_s, -offset_s, add_bucket, &spark);
	if (r < 0)
		return log_store_error(context);
	log_talker_write(table, context, &kept->row, spark.values, spark.count);
	return LOG_FOUND;
}

/* Of the first and the last time the one that is asked for stays where there is no room for both. */
static void choose_columns(enum store_order order, struct log_column columns[LOG_TALKER_COLUMNS_MAX])
{
	struct log_column *first = NULL, *last = NULL;
	unsigned rank;

	for (size_t i = 0; i < log_talker_column_count; i++) {
		columns[i] = log_talker_columns[i];
		if (columns[i].name && strcmp(columns[i].name, "first") == 0)
			first = &columns[i];
		if (columns[i].name && strcmp(columns[i].name, "last") == 0)
			last = &columns[i];
	}
	if (order != STORE_BY_FIRST || !first || !last)
		return;
	rank = first->rank;
	first->rank = last->rank;
	last->rank = rank;
}

static int print_kept(const struct log_context *context, enum store_order order,
		      const struct log_talkers *talkers, size_t most)
{
	struct log_column columns[LOG_TALKER_COLUMNS_MAX] = {0};
	struct log_table *table;
	size_t count = most > 0 && most < talkers->count ? most : talkers->count;
	bool sparks = context->output == LOG_TABLE && count > 0 && count <= SPARK_ROWS;
	struct spark_period period = {0};
	int code = LOG_FOUND, end;

	choose_columns(order, columns);
	table = log_table_new(context, columns, log_talker_column_count);
	if (sparks)
		period = spark_period(context, talkers);
	for (size_t i = 0; i < count && code == LOG_FOUND; i++) {
		if (sparks)
			code = write_with_spark(context, &period, &talkers->items[i], table);
		else
			log_talker_write(table, context, &talkers->items[i].row, NULL, 0);
	}
	end = log_table_end(table);
	return code == LOG_FOUND ? end : code;
}

/* ---- top ---- */

/* Without the row of packets from unknown ones. */
static uint64_t count_subscribers(const struct log_talkers *talkers, uint64_t most)
{
	uint64_t count = 0;

	for (size_t i = 0; i < talkers->count && (most == 0 || i < most); i++)
		count += talkers->items[i].row.subscriber.addr.family != ADDR_NONE;
	return count;
}

static int print_totals(const struct log_context *context, uint64_t shown)
{
	struct store_filter filter = context->filter;
	uint64_t total = 0;
	char first[LOG_TIME_TEXT_MAX], last[LOG_TIME_TEXT_MAX];
	struct store_sums sums;

	if (context->output != LOG_TABLE)
		return LOG_FOUND;
	if (store_totals(context->store, &filter, &sums, &total) < 0)
		return log_store_error(context);
	log_time_format(sums.first_us, context->utc, first);
	log_time_format(sums.last_us, context->utc, last);
	log_note(context, "%s", "");
	log_note(context,
		 "%" PRIu64 " of %" PRIu64 " subscribers%s; in all %" PRIu64 " attempts, %" PRIu64
		 " packets, %s to %s",
		 shown, total, shown < total ? " (-n 0 shows them all)" : "", sums.attempts, sums.packets,
		 first, last);
	return LOG_FOUND;
}

int log_top(struct log_context *context, int argc, char **argv)
{
	uint64_t most = log_limit(context);
	enum store_order order = STORE_BY_ATTEMPTS;
	struct log_talkers talkers = {.least_first_us = INT64_MIN};
	int code;

	if (!log_order(context, &order))
		return LOG_ERROR;
	code = log_talkers_read(context, order, most, &talkers);
	if (code == LOG_FOUND)
		code = print_kept(context, order, &talkers, most);
	if (code == LOG_FOUND)
		code = print_totals(context, count_subscribers(&talkers, 0));
	log_talkers_free(&talkers);
	return code;
}

/* ---- first-seen ---- */

/* Latest first. */
static int compare_first(const void *a, const void *b)
{
	const struct log_talker *left = a, *right = b;

	return (left->row.ever_first_us < right->row.ever_first_us) -
	       (left->row.ever_first_us > right->row.ever_first_us);
}

static int64_t end_of_period(const struct log_context *context)
{
	return context->filter.until_us < context->now_us ? context->filter.until_us : context->now_us;
}

int log_first_seen(struct log_context *context, int argc, char **argv)
{
	uint64_t most = log_limit(context);
	enum store_order order = STORE_BY_FIRST;
	struct log_talkers talkers = {0};
	int code;

	if (!log_order(context, &order))
		return LOG_ERROR;
	if (context->filter.since_us == INT64_MIN)
		context->filter.since_us = context->now_us - DAY_S * LOG_US_PER_S;
	talkers.least_first_us = context->filter.since_us;
	/* All of them: the limit is one of those that are new. */
	code = log_talkers_read(context, order, 0, &talkers);
	if (code == LOG_FOUND && order == STORE_BY_FIRST && talkers.count > 0)
		qsort(talkers.items, talkers.count, sizeof(talkers.items[0]), compare_first);
	if (code == LOG_FOUND)
		code = print_kept(context, order, &talkers, most);
	if (code == LOG_FOUND && most > 0 && talkers.count > most)
		log_note(context, "%" PRIu64 " of %" PRIu64 " subscribers (-n 0 shows them all)",
			 count_subscribers(&talkers, most), count_subscribers(&talkers, 0));
	/* Whoever is new in the first days is not so for a reason: as much time should lie before the period as in it. */
	if (code == LOG_FOUND)
		code = log_say_begin(context, 2 * context->filter.since_us - end_of_period(context));
	log_talkers_free(&talkers);
	return code;
}
