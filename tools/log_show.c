/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show: everything about a subscriber. */
#include "log_show.h"

#include "log_text.h"
#include "log_time.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECORDS_SHOWN = 5,
	DESTINATIONS_SHOWN = 20, /* to people */
	LABEL = 14,
};

/* ---- lines for people, members for programs ---- */

bool log_show_label(const struct log_context *context, const char *name)
{
	if (context->output != LOG_TABLE)
		return false;
	fputs("  ", stdout);
	for (size_t i = 0; i < LABEL; i++)
		putchar(i >= strlen(name) || name[i] == '_' ? ' ' : name[i]);
	return true;
}

void log_show_line(const struct log_context *context, const char *format, ...)
{
	const struct log_wrap wrap = {.begin = LABEL + 2, .indent = LABEL + 2, .width = context->width};
	va_list arguments;
	char *text = NULL;
	int len;

	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (len < 0)
		return;
	log_text_wrap(stdout, text, context->utf8, wrap);
	free(text);
}

void log_show_text(const struct log_context *context, const char *name, const char *text)
{
	if (log_show_label(context, name)) {
		log_show_line(context, "%s", text);
	} else {
		printf(",\"%s\":", name);
		log_text_json(stdout, text);
	}
}

void log_show_time(const struct log_context *context, const char *name, int64_t us)
{
	char text[LOG_TIME_TEXT_MAX];

	if (context->output == LOG_TABLE)
		log_time_format(us, context->utc, text);
	else
		log_time_format_exact(us, context->utc, text);
	log_show_text(context, name, text);
}

/* ---- the head ---- */

static void show_class(const struct log_context *context, const struct store_talker *row)
{
	struct triage triage;
	unsigned colour;

	triage_judge(row, &context->limits, &triage);
	colour = context->colour ? log_class_colour(triage.class) : 0;
	if (!log_show_label(context, "class"))
		printf(",\"class\":\"%s\"", triage_class_name(triage.class));
	else if (colour)
		printf("\033[%um%s\033[0m\n", colour, triage_class_name(triage.class));
	else
		puts(triage_class_name(triage.class));
	log_show_text(context, "evidence", triage.evidence);
}

static void show_sums(const struct log_context *context, const struct store_talker *row)
{
	const struct store_sums *sums = &row->sums;

	if (log_show_label(context, "attempts"))
		log_show_line(context, "%" PRIu64 ", in %" PRIu64 " packets and %" PRIu64 " records",
			      sums->attempts, sums->packets, sums->records);
	else
		printf(",\"attempts\":%" PRIu64 ",\"packets\":%" PRIu64 ",\"records\":%" PRIu64,
		       sums->attempts, sums->packets, sums->records);
	if (log_show_label(context, "blocked"))
		log_show_line(context, "%" PRIu64 " packets, %" PRIu64 " of them by the kernel itself",
			      sums->blocked, sums->offloaded);
	else
		printf(",\"packets_blocked\":%" PRIu64 ",\"packets_offloaded\":%" PRIu64, sums->blocked,
		       sums->offloaded);
	log_show_time(context, "first", sums->first_us);
	log_show_time(context, "last", sums->last_us);
	log_show_time(context, "ever_first", row->ever_first_us);
	if (log_show_label(context, "active"))
		log_show_line(context,
			      "in %" PRIu32 " hours of %" PRIu32 " days; at most %" PRIu64
			      " attempts in an hour",
			      row->hours_active, row->days_active, row->busiest_hour);
	else
		printf(",\"hours_active\":%" PRIu32 ",\"days_active\":%" PRIu32 ",\"busiest_hour\":%" PRIu64,
		       row->hours_active, row->days_active, row->busiest_hour);
}

/* ---- the ways ---- */

struct list {
	const struct log_context *context;
	const char *name;
	uint64_t count;
};

/* The begin of a list's next element: its label only before the first. */
static void next_element(struct list *list)
{
	if (list->context->output == LOG_TABLE)
		log_show_label(list->context, list->count == 0 ? list->name : "");
	else
		fputs(list->count == 0 ? "" : ",", stdout);
	list->count++;
}

static int show_group(void *context, const struct store_group_row *row)
{
	struct list *list = context;

	next_element(list);
	if (list->context->output == LOG_TABLE) {
		log_show_line(list->context, "%s: %" PRIu64 " attempts, %" PRIu64 " packets",
			      row->name && row->name[0] ? row->name : "-", row->sums.attempts,
			      row->sums.packets);
		return 0;
	}
	fputs("{\"name\":", stdout);
	log_text_json(stdout, row->name ? row->name : "");
	printf(",\"attempts\":%" PRIu64 ",\"packets\":%" PRIu64 ",\"records\":%" PRIu64 "}",
	       row->sums.attempts, row->sums.packets, row->sums.records);
	return 0;
}

static int show_ways(const struct log_context *context, const struct store_filter *filter)
{
	static const struct {
		const char *name;
		enum store_group group;
	} groups[] = {{"pools", STORE_GROUP_POOL},
		      {"rules", STORE_GROUP_RULE},
		      {"rule_kinds", STORE_GROUP_RULE_KIND},
		      {"reasons", STORE_GROUP_REASON},
		      {"hosts", STORE_GROUP_HOST}};
	int r = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && r == 0; i++) {
		struct list list = {.context = context, .name = groups[i].name};

		if (context->output != LOG_TABLE)
			printf(",\"%s\":[", groups[i].name);
		r = store_groups(context->store, filter, groups[i].group, 0, show_group, &list);
		if (context->output != LOG_TABLE)
			putchar(']');
	}
	return r;
}

/* ---- destinations, records ---- */

static int show_destination(void *context, const struct addr *destination)
{
	struct list *list = context;
	char text[ADDR_TEXT_MAX];

	addr_format(destination, text);
	if (list->context->output == LOG_TABLE && list->count >= DESTINATIONS_SHOWN) {
		list->count++;
		return 0;
	}
	next_element(list);
	printf(list->context->output == LOG_TABLE ? "%s\n" : "\"%s\"", text);
	return 0;
}

/* An estimate may be lower than the number of those that are known by name. */
static void end_destinations(const struct log_context *context, const struct store_talker *row,
			     uint64_t count, bool more)
{
	if (!row->destinations_exact && count > row->destinations && log_show_label(context, ""))
		log_show_line(context, "%" PRIu64 " are listed by records, so the estimate is too low",
			      count);
	if (count > DESTINATIONS_SHOWN && log_show_label(context, ""))
		log_show_line(context, "and %" PRIu64 " more, which --json lists",
			      count - DESTINATIONS_SHOWN);
	if (more && log_show_label(context, ""))
		log_show_line(context, "and others, which the records do not list");
}

static int show_destinations(const struct log_context *context, const struct store_filter *filter,
			     const struct store_talker *row)
{
	struct list list = {.context = context, .name = ""};
	char text[24];
	bool more = false;
	int r;

	log_destinations_text(row->destinations, row->destinations_exact, text);
	if (log_show_label(context, "destinations"))
		printf("%s distinct\n", text);
	else
		printf(",\"destinations\":%" PRIu64 ",\"destinations_exact\":%s,\"destination_list\":[",
		       row->destinations, row->destinations_exact ? "true" : "false");
	r = store_subscriber_destinations(context->store, &row->subscriber, filter, show_destination, &list,
					  &more);
	if (context->output != LOG_TABLE)
		printf("],\"destination_list_whole\":%s", more ? "false" : "true");
	else
		end_destinations(context, row, list.count, more);
	return r;
}

static int show_record(void *context, const struct store_record *record)
{
	struct list *list = context;
	char text[LOG_TIME_TEXT_MAX];

	next_element(list);
	if (list->context->output == LOG_TABLE) {
		log_time_format(record->time_us, list->context->utc, text);
		log_show_line(list->context, "%s: %" PRIu64 " attempts, %" PRIu64 " packets, %s", text,
			      record->sums.attempts, record->sums.packets, record->way.reason);
		return 0;
	}
	log_time_format_exact(record->time_us, list->context->utc, text);
	printf("{\"time\":\"%s\",\"kind\":", text);
	log_text_json(stdout, record->kind);
	fputs(",\"host\":", stdout);
	log_text_json(stdout, record->way.host);
	fputs(",\"boot_id\":", stdout);
	log_text_json(stdout, record->boot_id);
	printf(",\"seq\":%" PRIu64 ",\"attempts\":%" PRIu64 ",\"packets\":%" PRIu64 "}", record->seq,
	       record->sums.attempts, record->sums.packets);
	return 0;
}

static int show_records(const struct log_context *context, const struct store_filter *filter)
{
	struct list list = {.context = context, .name = "latest"};
	int r;

	if (context->output != LOG_TABLE)
		fputs(",\"latest_records\":[", stdout);
	r = store_records(context->store, filter, true, RECORDS_SHOWN, show_record, &list);
	if (context->output != LOG_TABLE)
		putchar(']');
	return r;
}

/* ---- the whole ---- */

static void show_name(const struct log_context *context, const struct prefix *subscriber)
{
	char text[PREFIX_TEXT_MAX];

	log_subscriber_text(subscriber, text);
	if (context->output == LOG_TABLE)
		printf(context->colour ? "\033[1m%s\033[0m\n" : "%s\n", text);
	else
		printf("{\"subscriber\":\"%s\"", text);
}

static int show_subscriber(const struct log_context *context, const struct log_show_cases *cases,
			   const struct store_talker *row)
{
	struct store_filter filter = context->filter;
	int r;

	filter.src = row->subscriber;
	filter.min_attempts = 0;
	show_name(context, &row->subscriber);
	show_class(context, row);
	show_sums(context, row);
	r = show_ways(context, &filter);
	r = r ? r : log_show_clock(context, &filter);
	r = r ? r : show_destinations(context, &filter, row);
	if (context->output != LOG_TABLE)
		log_show_policy_pools(context, &row->subscriber);
	log_show_exemptions(context, &row->subscriber);
	r = r ? r : log_show_work(context, cases, &row->subscriber);
	r = r ? r : show_records(context, &filter);
	if (context->output != LOG_TABLE)
		putchar('}');
	return r < 0 ? log_store_error(context) : LOG_FOUND;
}

static int show_all(const struct log_context *context, const struct log_talkers *talkers)
{
	struct log_show_cases cases = {0};
	int code = LOG_FOUND;

	log_show_cases_read(context, &cases);
	log_page(context);
	for (size_t i = 0; i < talkers->count && code == LOG_FOUND; i++) {
		if (context->output == LOG_JSON)
			fputs(i ? ",\n " : "[\n ", stdout);
		else if (context->output == LOG_TABLE && i > 0)
			putchar('\n');
		code = show_subscriber(context, &cases, &talkers->items[i].row);
		if (context->output == LOG_NDJSON)
			putchar('\n');
	}
	if (context->output == LOG_JSON)
		fputs("\n]\n", stdout);
	log_show_cases_free(&cases);
	return code;
}

static bool has_filters(const struct store_filter *filter)
{
	return filter->since_us != INT64_MIN || filter->until_us != INT64_MAX || filter->min_attempts > 0 ||
	       filter->dst.addr.family != ADDR_NONE || filter->pool || filter->rule || filter->reason ||
	       filter->host;
}

/* Who is exempt makes no records, but there is something to say of him. */
static int show_without_records(const struct log_context *context, const struct log_show_cases *cases,
				const struct prefix *subscriber)
{
	int r;

	log_page(context);
	fputs(context->output == LOG_JSON ? "[\n " : "", stdout);
	show_name(context, subscriber);
	if (log_show_label(context, "records"))
		log_show_line(context, "%s",
			      has_filters(&context->filter) ? "none with these filters" : "no records");
	else
		fputs(",\"attempts\":0,\"packets\":0,\"records\":0", stdout);
	log_show_policy_pools(context, subscriber);
	log_show_exemptions(context, subscriber);
	r = log_show_work(context, cases, subscriber);
	fputs(context->output == LOG_TABLE ? "" : "}\n", stdout);
	fputs(context->output == LOG_JSON ? "]\n" : "", stdout);
	return r < 0 ? log_store_error(context) : LOG_NOTHING;
}

/* LOG_NOTHING or LOG_ERROR; *ret_known: something was shown. */
static int show_known_otherwise(const struct log_context *context, bool *ret_known)
{
	struct prefix subscriber = context->filter.src;
	struct log_show_cases cases = {0};
	int code = LOG_NOTHING;
	bool known = log_show_policy_knows(context, &subscriber);

	log_show_cases_read(context, &cases);
	*ret_known = known || log_show_is_a_case(&cases, &subscriber);
	if (*ret_known)
		code = show_without_records(context, &cases, &subscriber);
	log_show_cases_free(&cases);
	return code;
}

/* Of nobody, and where rows are wanted: those of top. */
static int show_rows(const struct log_context *context, const struct log_talkers *talkers)
{
	struct log_table *table = log_table_new(context, log_talker_columns, log_talker_column_count);

	for (size_t i = 0; i < talkers->count; i++)
		log_talker_write(table, context, &talkers->items[i].row, NULL, 0);
	return log_table_end(table);
}

int log_show(struct log_context *context, int argc, char **argv)
{
	struct log_talkers talkers = {.least_first_us = INT64_MIN};
	bool known = false;
	int code;

	if (context->filter.src.addr.family != ADDR_NONE)
		return log_error("show takes no --src: its argument says whom it is about");
	if (!log_subscriber(argv[1], &context->filter.src))
		return LOG_ERROR;
	code = log_talkers_read(context, STORE_BY_ATTEMPTS, log_limit(context), &talkers);
	if (code == LOG_FOUND && context->output != LOG_CSV && talkers.count == 0)
		code = show_known_otherwise(context, &known);
	if (code == LOG_FOUND || (code == LOG_NOTHING && !known))
		code = context->output == LOG_CSV || talkers.count == 0 ? show_rows(context, &talkers)
									: show_all(context, &talkers);
	log_talkers_free(&talkers);
	return code;
}
