/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compare: who came, went and grew between two periods. */
#include "log.h"

#include "log_time.h"

#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, USUAL_FACTOR = 2, FACTOR_MAX = 1000000 };

/* In the order in which they are printed. */
enum change { CHANGE_NEW, CHANGE_BACK, CHANGE_GROWN, CHANGE_SHRUNK, CHANGE_SAME, CHANGE_GONE, CHANGES };

static const char *const change_names[CHANGES] = {"new", "back", "grown", "shrunk", "same", "gone"};
static const unsigned change_colours[CHANGES] = {31, 33, 33, 0, 0, 32};

struct side {
	struct prefix subscriber;
	uint64_t attempts, packets, destinations;
	bool exact;
	enum triage_class class;
	int64_t ever_first_us;
};

struct sides {
	const struct triage_limits *limits;
	struct side *items;
	size_t count, capacity;
};

struct row {
	struct side before, now; /* one of them without attempts and packets: not there */
	enum change change;
};

struct rows {
	struct row *items;
	size_t count, capacity;
	uint64_t counts[CHANGES];
};

struct comparison {
	struct store_filter before, now;
	uint64_t factor, least;
	bool all;
};

static const struct log_column columns[] = {
	{"change", "CHANGE", LOG_CELL_TEXT, 0, 0},
	{"subscriber", "SUBSCRIBER", LOG_CELL_TEXT, 0, 0},
	{"class", "CLASS", LOG_CELL_TEXT, 1, 0},
	{"attempts_before", "BEFORE", LOG_CELL_NUMBER, 0, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 0, 0},
	{"packets_before", "PACKETS BEFORE", LOG_CELL_NUMBER, 5, 0},
	{"packets", "PACKETS", LOG_CELL_NUMBER, 4, 0},
	{"destinations_before", NULL, LOG_CELL_NUMBER, 0, 0},
	{NULL, "TO", LOG_CELL_RIGHT, 2, 0},
	{"destinations", NULL, LOG_CELL_NUMBER, 0, 0},
	{"ever_first", "EVER FIRST", LOG_CELL_TIME, 3, 0},
};

static int keep_side(void *context, const struct store_talker *row)
{
	struct sides *sides = context;
	struct triage triage;

	if (!VEC_RESERVE(sides->items, sides->capacity, sides->count + 1))
		return -ENOMEM;
	triage_judge(row, sides->limits, &triage);
	sides->items[sides->count++] = (struct side){
		.subscriber = row->subscriber,
		.attempts = row->sums.attempts,
		.packets = row->sums.packets,
		.destinations = row->destinations,
		.exact = row->destinations_exact,
		.class = triage.class,
		.ever_first_us = row->ever_first_us,
	};
	return 0;
}

static int compare_sides(const void *a, const void *b)
{
	return prefix_compare(&((const struct side *)a)->subscriber, &((const struct side *)b)->subscriber);
}

static int read_side(const struct log_context *context, const struct store_filter *filter, struct sides *ret)
{
	int r = store_talkers(context->store, filter, STORE_BY_ATTEMPTS, 0, keep_side, ret, NULL);

	if (r < 0)
		return r == -ENOMEM ? log_error("no memory") : log_store_error(context);
	if (ret->count > 0)
		qsort(ret->items, ret->count, sizeof(ret->items[0]), compare_sides);
	return LOG_FOUND;
}

/* ---- what the two say ---- */

static double length_of(const struct store_filter *filter)
{
	return (double)(filter->until_us - filter->since_us);
}

/* Packets where there were no attempts: what the kernel blocked by itself may be a number of packets alone. */
static double weight_of(const struct side *side)
{
	return side->attempts ? (double)side->attempts : (double)side->packets;
}

/* Periods of different length are compared by what came in the same time. */
static enum change judge(const struct comparison *comparison, const struct side *before,
			 const struct side *now)
{
	double scale = length_of(&comparison->now) / length_of(&comparison->before),
	       factor = (double)comparison->factor;

	if (!now)
		return CHANGE_GONE;
	if (!before)
		return now->ever_first_us >= comparison->now.since_us ? CHANGE_NEW : CHANGE_BACK;
	if (weight_of(now) >= weight_of(before) * scale * factor)
		return CHANGE_GROWN;
	return weight_of(now) * factor <= weight_of(before) * scale ? CHANGE_SHRUNK : CHANGE_SAME;
}

/* Unknown ones are a row, and nobody knows how many they are. */
static bool is_subscriber(const struct side *side)
{
	return side && side->subscriber.addr.family != ADDR_NONE;
}

static int add_row(struct rows *rows, const struct comparison *comparison, const struct side *before,
		   const struct side *now)
{
	struct row row = {0};

	if ((before ? before->attempts : 0) < comparison->least &&
	    (now ? now->attempts : 0) < comparison->least)
		return 0;
	row.change = judge(comparison, before, now);
	rows->counts[row.change] += is_subscriber(now ? now : before);
	if (!comparison->all && (row.change == CHANGE_SAME || row.change == CHANGE_SHRUNK))
		return 0;
	if (before) {
		row.before = *before;
		row.now = (struct side){.subscriber = before->subscriber,
					.ever_first_us = before->ever_first_us,
					.exact = true};
	}
	if (now)
		row.now = *now;
	if (!VEC_RESERVE(rows->items, rows->capacity, rows->count + 1))
		return -ENOMEM;
	rows->items[rows->count++] = row;
	return 0;
}

/* Both are sorted by subscriber. */
static int join(struct rows *rows, const struct comparison *comparison, const struct sides *before,
		const struct sides *now)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < before->count || j < now->count)) {
		int order = i == before->count ? 1
			    : j == now->count  ? -1
					       : compare_sides(&before->items[i], &now->items[j]);

		r = add_row(rows, comparison, order <= 0 ? &before->items[i] : NULL,
			    order >= 0 ? &now->items[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

/* By what happened; then most attempts now, then before. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = (int)left->change - (int)right->change;

	order = order ? order : compare_numbers(left->now.attempts, right->now.attempts);
	order = order ? order : compare_numbers(left->before.attempts, right->before.attempts);
	return order ? order : prefix_compare(&left->now.subscriber, &right->now.subscriber);
}

/* ---- output ---- */

static void write_row(struct log_table *table, const struct row *row)
{
	const struct side *shown = row->change == CHANGE_GONE ? &row->before : &row->now;
	char text[PREFIX_TEXT_MAX], to[24];

	log_table_text(table, change_names[row->change]);
	log_table_paint(table, change_colours[row->change]);
	log_table_text(table, log_subscriber_text(&row->now.subscriber, text));
	log_table_text(table, triage_class_name(shown->class));
	log_table_paint(table, log_class_colour(shown->class));
	log_table_number(table, row->before.attempts);
	log_table_number(table, row->now.attempts);
	log_table_number(table, row->before.packets);
	log_table_number(table, row->now.packets);
	log_table_number(table, row->before.destinations);
	log_table_text(table, log_destinations_text(shown->destinations, shown->exact, to));
	log_table_number(table, row->now.destinations);
	log_table_time(table, row->now.ever_first_us);
}

static void print_period(const struct log_context *context, const char *what,
			 const struct store_filter *filter, const struct sides *sides)
{
	char since[LOG_TIME_TEXT_MAX], until[LOG_TIME_TEXT_MAX];
	uint64_t attempts = 0, subscribers = 0;

	for (size_t i = 0; i < sides->count; i++) {
		attempts += sides->items[i].attempts;
		subscribers += is_subscriber(&sides->items[i]);
	}
	log_time_format(filter->since_us, context->utc, since);
	log_time_format(filter->until_us, context->utc, until);
	log_note(context, "%s %s to %s: %" PRIu64 " subscribers, %" PRIu64 " attempts", what, since, until,
		 subscribers, attempts);
}

static int print_rows(const struct log_context *context, const struct rows *rows)
{
	uint64_t most = log_limit(context);
	struct log_table *table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));

	for (size_t i = 0; i < rows->count && (most == 0 || i < most); i++)
		write_row(table, &rows->items[i]);
	return log_table_end(table);
}

static int print_comparison(const struct log_context *context, const struct comparison *comparison,
			    const struct sides *before, const struct sides *now)
{
	struct rows rows = {0};
	int code;

	if (join(&rows, comparison, before, now) < 0) {
		free(rows.items);
		return log_error("no memory");
	}
	if (rows.count > 0)
		qsort(rows.items, rows.count, sizeof(rows.items[0]), compare_rows);
	print_period(context, "before:", &comparison->before, before);
	print_period(context, "now:   ", &comparison->now, now);
	log_note(context,
		 "%" PRIu64 " new, %" PRIu64 " back, %" PRIu64 " grown, %" PRIu64 " gone, %" PRIu64
		 " shrunk, %" PRIu64 " about the same",
		 rows.counts[CHANGE_NEW], rows.counts[CHANGE_BACK], rows.counts[CHANGE_GROWN],
		 rows.counts[CHANGE_GONE], rows.counts[CHANGE_SHRUNK], rows.counts[CHANGE_SAME]);
	code = log_say_begin(context, comparison->before.since_us);
	log_note(context, "%s", "");
	code = code == LOG_FOUND ? print_rows(context, &rows) : code;
	free(rows.items);
	return code;
}

/* ---- the two periods ---- */

static int find_periods(const struct log_context *context, struct comparison *ret)
{
	struct store_filter *before = &ret->before, *now = &ret->now;

	ret->least = context->filter.min_attempts;
	*now = context->filter;
	/* Who had many in one period counts in both. */
	now->min_attempts = 0;
	if (now->until_us == INT64_MAX)
		now->until_us = context->now_us;
	if (now->since_us == INT64_MIN)
		now->since_us = now->until_us - DAY_S * LOG_US_PER_S;
	*before = *now;
	before->until_us = now->since_us;
	if (log_moment(context, "against-until", log_value(context, "against-until"), true,
		       &before->until_us) != LOG_FOUND)
		return LOG_ERROR;
	before->since_us = before->until_us - (now->until_us - now->since_us);
	if (log_moment(context, "against-since", log_value(context, "against-since"), false,
		       &before->since_us) != LOG_FOUND)
		return LOG_ERROR;
	if (before->since_us >= before->until_us || now->since_us >= now->until_us)
		return log_error("a period of no length cannot be compared");
	return LOG_FOUND;
}

int log_compare(struct log_context *context, int argc, char **argv)
{
	struct comparison comparison = {.factor = USUAL_FACTOR, .all = log_value(context, "all") != NULL};
	struct sides before = {.limits = &context->limits}, now = before;
	int code = find_periods(context, &comparison);

	if (code == LOG_FOUND && !log_number(context, "factor", FACTOR_MAX, &comparison.factor))
		code = LOG_ERROR;
	if (code == LOG_FOUND)
		code = read_side(context, &comparison.before, &before);
	if (code == LOG_FOUND)
		code = read_side(context, &comparison.now, &now);
	if (code == LOG_FOUND)
		code = print_comparison(context, &comparison, &before, &now);
	free(before.items);
	free(now.items);
	return code;
}
