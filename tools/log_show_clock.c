/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hours and days of "op25b-log show". */
#include "log_show.h"

#include "log_text.h"
#include "log_time.h"

#include <inttypes.h>
#include <string.h>

enum {
	HOURS = 24,
	HOUR_S = 3600,
	DAY_S = 86400,
	DAYS_SHOWN = 60,
	DAYS_KEPT = 64,       /* with those behind the last packet */
	DAYS_PRINTED = 46,    /* to people: with the label and the words behind, 80 columns */
	PIECE_DAYS = 128,     /* asked at once, hour by hour */
	WINDOW_MAX_S = 86400, /* a record bears a time at most so much later than its last packet */
};

static const int64_t day_us = DAY_S * LOG_US_PER_S;

struct clock {
	const struct log_context *context;
	uint64_t hours[HOURS];
	uint64_t days[DAYS_KEPT]; /* a ring */
	size_t day_count;
	int64_t latest_us; /* the begin of the last day */
};

static void next_day(struct clock *clock)
{
	clock->days[clock->day_count++ % DAYS_KEPT] = 0;
}

/* By the clock that is shown, which may stand before 1970. */
static size_t hour_of(const struct clock *clock, int64_t us)
{
	int64_t wall_us = us % day_us + log_offset(clock->context, us) * LOG_US_PER_S;

	return (size_t)((wall_us % day_us + day_us) % day_us / (HOUR_S * LOG_US_PER_S));
}

static int add_hour(void *context, const struct store_bucket *bucket)
{
	struct clock *clock = context;
	int64_t day = log_time_day(bucket->start_us, clock->context->utc, 0);
	int64_t skipped = clock->day_count == 0 ? 0 : (day - clock->latest_us + day_us / 2) / day_us - 1;

	clock->hours[hour_of(clock, bucket->start_us)] += bucket->sums.attempts;
	/* Of days that were not asked for there is no record. */
	for (int64_t i = skipped > DAYS_KEPT ? DAYS_KEPT : skipped; i > 0; i--)
		next_day(clock);
	if (clock->day_count == 0 || day != clock->latest_us)
		next_day(clock);
	clock->latest_us = day;
	clock->days[(clock->day_count - 1) % DAYS_KEPT] += bucket->sums.attempts;
	return 0;
}

/* A record bears a later time than its last packet, so days are asked for in which there may be nothing. */
static void drop_last_days(struct clock *clock)
{
	while (clock->day_count > 1 && clock->days[(clock->day_count - 1) % DAYS_KEPT] == 0) {
		clock->day_count--;
		clock->latest_us = log_time_day(clock->latest_us, clock->context->utc, -1);
	}
}

/* "2026-03-01", of the day so many before the last. */
static void format_day(const struct clock *clock, size_t before, char out[LOG_TIME_TEXT_MAX])
{
	const size_t date = strlen("2026-03-01");

	log_time_format(log_time_day(clock->latest_us, clock->context->utc, -(int)before),
			clock->context->utc, out);
	out[date] = '\0';
}

static void print_for_people(const struct clock *clock, const uint64_t *days, size_t count)
{
	const struct log_context *context = clock->context;
	char first[LOG_TIME_TEXT_MAX], last[LOG_TIME_TEXT_MAX];
	size_t printed = count < DAYS_PRINTED ? count : DAYS_PRINTED;
	const size_t year = strlen("2026-");

	putchar('|');
	log_spark_print(stdout, clock->hours, HOURS, context->utf8);
	puts("| 0 to 23 h");
	log_show_label(context, "by day");
	putchar('|');
	log_spark_print(stdout, days + (count - printed), printed, context->utf8);
	if (printed == 0) {
		puts("|");
		return;
	}
	format_day(clock, printed - 1, first);
	format_day(clock, 0, last);
	printf("| %s to %s\n", first + year, last + year);
}

static void print_clock(struct clock *clock)
{
	uint64_t days[DAYS_SHOWN];
	char first[LOG_TIME_TEXT_MAX];
	size_t shown;

	drop_last_days(clock);
	shown = clock->day_count < DAYS_SHOWN ? clock->day_count : DAYS_SHOWN;
	for (size_t i = 0; i < shown; i++)
		days[i] = clock->days[(clock->day_count - shown + i) % DAYS_KEPT];
	if (log_show_label(clock->context, "by hour")) {
		print_for_people(clock, days, shown);
		return;
	}
	fputs(",\"attempts_by_hour\":", stdout);
	for (size_t i = 0; i < HOURS; i++)
		printf("%c%" PRIu64, i ? ',' : '[', clock->hours[i]);
	fputs("],\"attempts_by_day\":[", stdout);
	for (size_t i = 0; i < shown; i++)
		printf("%s%" PRIu64, i ? "," : "", days[i]);
	fputs("],\"first_day\":", stdout);
	if (shown == 0) {
		fputs("null", stdout);
		return;
	}
	format_day(clock, shown - 1, first);
	log_text_json(stdout, first);
}

/* Where the period may have records, from what is stored of it. False: it has none. */
static bool narrow(struct store_filter *filter, const struct store_sums *sums, int64_t now_us)
{
	int64_t end_us = sums->last_us + WINDOW_MAX_S * LOG_US_PER_S;

	if (sums->records == 0)
		return false;
	if (end_us >= now_us)
		end_us = (now_us > sums->last_us ? now_us : sums->last_us) + 1;
	if (filter->since_us < sums->first_us)
		filter->since_us = sums->first_us;
	if (filter->until_us > end_us)
		filter->until_us = end_us;
	return true;
}

/* A question of an hour is one of the store, and clocks that were wrong make periods of many years: halved until they are short. */
static int ask(const struct store_filter *whole, struct clock *clock)
{
	struct store *store = clock->context->store;
	struct store_filter filter = *whole, half;
	struct store_sums sums = {0};
	int r = store_totals(store, &filter, &sums, NULL);
	int32_t offset_s;

	if (r < 0 || !narrow(&filter, &sums, clock->context->now_us))
		return r;
	if (filter.until_us / day_us - filter.since_us / day_us > PIECE_DAYS) {
		half = filter;
		half.until_us = (filter.since_us / day_us / 2 + filter.until_us / day_us / 2) * day_us;
		filter.since_us = half.until_us;
		r = ask(&half, clock);
		return r < 0 ? r : ask(&filter, clock);
	}
	offset_s = log_offset(clock->context, filter.since_us) % HOUR_S;
	return store_timeline(store, &filter, HOUR_S, -offset_s, add_hour, clock);
}

int log_show_clock(const struct log_context *context, const struct store_filter *filter)
{
	struct clock clock = {.context = context};
	int r = ask(filter, &clock);

	if (r == 0)
		print_clock(&clock);
	return r;
}
