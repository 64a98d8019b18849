/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subscribers as rows: what several commands say of each. */
#include "log.h"

#include "log_time.h"
#include "log_why.h"

#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *log_subscriber_text(const struct prefix *subscriber, char out[PREFIX_TEXT_MAX])
{
	if (subscriber->addr.family == ADDR_NONE)
		snprintf(out, PREFIX_TEXT_MAX, "(unknown)");
	else
		subscriber_format(subscriber, out);
	return out;
}

const char *log_destinations_text(uint64_t destinations, bool exact, char out[24])
{
	snprintf(out, 24, "%s%" PRIu64, exact ? "" : "~", destinations);
	return out;
}

unsigned log_class_colour(enum triage_class class)
{
	static const unsigned colours[] = {
		[TRIAGE_BOT] = 31,
		[TRIAGE_CLIENT] = 33,
		[TRIAGE_SERVER] = 36,
	};

	return (size_t) class < sizeof(colours) / sizeof(colours[0]) ? colours[class] : 0;
}

const struct log_column log_talker_columns[] = {
	{"subscriber", "SUBSCRIBER", LOG_CELL_TEXT, 0, 0},
	{"class", "CLASS", LOG_CELL_TEXT, 0, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 0, 0},
	{"packets", "PACKETS", LOG_CELL_NUMBER, 7, 0},
	{"packets_blocked", NULL, LOG_CELL_NUMBER, 0, 0},
	{"packets_offloaded", NULL, LOG_CELL_NUMBER, 0, 0},
	{"records", NULL, LOG_CELL_NUMBER, 0, 0},
	{NULL, "TO", LOG_CELL_RIGHT, 3, 0},
	{"destinations", NULL, LOG_CELL_NUMBER, 0, 0},
	{"destinations_exact", NULL, LOG_CELL_BOOL, 0, 0},
	{"hours_active", "HOURS", LOG_CELL_NUMBER, 9, 0},
	{"days_active", NULL, LOG_CELL_NUMBER, 0, 0},
	{"first", "FIRST", LOG_CELL_TIME, 8, 0},
	{"last", "LAST", LOG_CELL_TIME, 2, 0},
	{"ever_first", NULL, LOG_CELL_TIME, 0, 0},
	{"pool", "POOL", LOG_CELL_TEXT, 5, 0},
	{"rule", "RULE", LOG_CELL_TEXT, 11, 0},
	{"rule_kind", NULL, LOG_CELL_TEXT, 0, 0},
	{"reason", "REASON", LOG_CELL_TEXT, 10, 0},
	{"verdict", NULL, LOG_CELL_TEXT, 0, 0},
	{"monitored", NULL, LOG_CELL_BOOL, 0, 0},
	{"several_ways", NULL, LOG_CELL_BOOL, 0, 0},
	{"host", NULL, LOG_CELL_TEXT, 0, 0},
	{NULL, "ACTIVITY", LOG_CELL_SPARK, 4, 0},
	{NULL, "WHY", LOG_CELL_TEXT, 1, 0},
	{"evidence", "EVIDENCE", LOG_CELL_TEXT, 6, 30},
};

const size_t log_talker_column_count = sizeof(log_talker_columns) / sizeof(log_talker_columns[0]);
_Static_assert(sizeof(log_talker_columns) / sizeof(log_talker_columns[0]) <= LOG_TALKER_COLUMNS_MAX,
	       "all of them must fit what keeps a copy");

static void write_sums(struct log_table *table, const struct store_talker *row)
{
	char text[24];

	log_table_number(table, row->sums.attempts);
	log_table_number(table, row->sums.packets);
	log_table_number(table, row->sums.blocked);
	log_table_number(table, row->sums.offloaded);
	log_table_number(table, row->sums.records);
	log_table_text(table, log_destinations_text(row->destinations, row->destinations_exact, text));
	log_table_number(table, row->destinations);
	log_table_bool(table, row->destinations_exact);
	log_table_number(table, row->hours_active);
	log_table_number(table, row->days_active);
	log_table_time(table, row->sums.first_us);
	log_table_time(table, row->sums.last_us);
	log_table_time(table, row->ever_first_us);
}

/* "" of a name that is not there: none. */
static const char *name_or_none(const char *name)
{
	return name && name[0] ? name : NULL;
}

static void write_way(struct log_table *table, const struct store_talker *row)
{
	log_table_text(table, name_or_none(row->way.pool));
	log_table_text(table, name_or_none(row->way.rule));
	log_table_text(table, name_or_none(row->way.rule_kind));
	log_table_text(table, name_or_none(row->way.reason));
	log_table_text(table, name_or_none(row->way.verdict));
	log_table_bool(table, row->way.monitored);
	log_table_bool(table, row->several_ways);
	log_table_text(table, name_or_none(row->way.host));
}

void log_talker_write(struct log_table *table, const struct log_context *context,
		      const struct store_talker *row, const uint64_t *spark, size_t spark_count)
{
	char text[PREFIX_TEXT_MAX], why[LOG_WHY_MAX];
	struct triage triage;

	triage_judge(row, &context->limits, &triage);
	log_table_text(table, log_subscriber_text(&row->subscriber, text));
	log_table_text(table, triage_class_name(triage.class));
	log_table_paint(table, log_class_colour(triage.class));
	write_sums(table, row);
	write_way(table, row);
	log_table_spark(table, spark, spark_count);
	log_why(&triage, &context->limits, why);
	log_table_text(table, why);
	log_table_text(table, triage.evidence);
}

static void list_texts(struct store_way *way, const char **list[LOG_WAY_TEXTS])
{
	const char **texts[LOG_WAY_TEXTS] = {&way->host,   &way->pool,    &way->rule,  &way->rule_kind,
					     &way->reason, &way->verdict, &way->policy};

	memcpy(list, texts, sizeof(texts));
}

static int keep(void *context, const struct store_talker *row)
{
	struct log_talkers *talkers = context;
	const char **texts[LOG_WAY_TEXTS];
	struct log_talker *kept;

	if (row->ever_first_us < talkers->least_first_us)
		return 0;
	if (!VEC_RESERVE(talkers->items, talkers->capacity, talkers->count + 1))
		return -ENOMEM;
	kept = &talkers->items[talkers->count++];
	*kept = (struct log_talker){.row = *row};
	list_texts(&kept->row.way, texts);
	for (size_t i = 0; i < LOG_WAY_TEXTS; i++) {
		kept->texts[i] = strdup(*texts[i] ? *texts[i] : "");
		*texts[i] = kept->texts[i];
		if (!kept->texts[i])
			return -ENOMEM;
	}
	return 0;
}

int log_talkers_read(const struct log_context *context, enum store_order order, uint64_t limit,
		     struct log_talkers *talkers)
{
	int r = store_talkers(context->store, &context->filter, order, limit, keep, talkers, NULL);

	if (r == -ENOMEM)
		return log_error("no memory");
	return r < 0 ? log_store_error(context) : LOG_FOUND;
}

void log_talkers_free(struct log_talkers *talkers)
{
	for (size_t i = 0; i < talkers->count; i++)
		for (size_t j = 0; j < LOG_WAY_TEXTS; j++)
			free(talkers->items[i].texts[j]);
	free(talkers->items);
}

int log_say_begin(const struct log_context *context, int64_t since_us)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	char text[LOG_TIME_TEXT_MAX];
	struct store_sums sums;

	if (context->output != LOG_TABLE)
		return LOG_FOUND;
	if (store_totals(context->store, &all, &sums, NULL) < 0)
		return log_store_error(context);
	if (sums.records == 0 || since_us >= sums.first_us)
		return LOG_FOUND;
	log_time_format(sums.first_us, context->utc, text);
	log_note(context, "records begin at %s: of whom was blocked before nothing is known", text);
	return LOG_FOUND;
}
