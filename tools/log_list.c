/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list and tail: the records themselves. */
#include "log.h"

#include "log_time.h"

#include "base/siphash.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	FOLLOW_MS = 1000,
	LATE_S = 600, /* records that come so much later than others of their time are still told */
	TEXTS = 12,   /* of a record */
};

static const struct log_column columns[] = {
	{"time", "TIME", LOG_CELL_TIME, 0, 0},
	{"host", "HOST", LOG_CELL_TEXT, 7, 0},
	{"boot_id", NULL, LOG_CELL_TEXT, 0, 0},
	{"seq", NULL, LOG_CELL_NUMBER, 0, 0},
	{"kind", "KIND", LOG_CELL_TEXT, 5, 0},
	{"subscriber", "SUBSCRIBER", LOG_CELL_TEXT, 0, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 0, 0},
	{"packets", "PACKETS", LOG_CELL_NUMBER, 1, 0},
	{"packets_blocked", NULL, LOG_CELL_NUMBER, 0, 0},
	{"packets_offloaded", NULL, LOG_CELL_NUMBER, 0, 0},
	{NULL, "TO", LOG_CELL_RIGHT, 2, 0},
	{"destinations", NULL, LOG_CELL_NUMBER, 0, 0},
	{"destinations_exact", NULL, LOG_CELL_BOOL, 0, 0},
	{"src_ip", NULL, LOG_CELL_TEXT, 0, 0},
	{"src_port", NULL, LOG_CELL_NUMBER, 0, 0},
	{"dest_ip", "DESTINATION", LOG_CELL_TEXT, 3, 0},
	{"dest_port", NULL, LOG_CELL_NUMBER, 0, 0},
	{"iface", NULL, LOG_CELL_TEXT, 0, 0},
	{"verdict", "VERDICT", LOG_CELL_TEXT, 4, 0},
	{"monitored", NULL, LOG_CELL_BOOL, 0, 0},
	{"pool", "POOL", LOG_CELL_TEXT, 6, 0},
	{"rule", "RULE", LOG_CELL_TEXT, 8, 0},
	{"rule_kind", NULL, LOG_CELL_TEXT, 0, 0},
	{"reason", NULL, LOG_CELL_TEXT, 0, 0},
	{NULL, "REASON", LOG_CELL_TEXT, 0, 13},
	{"policy", NULL, LOG_CELL_TEXT, 0, 0},
	{"first", NULL, LOG_CELL_TIME, 0, 0},
	{"last", NULL, LOG_CELL_TIME, 0, 0},
	{"window_s", NULL, LOG_CELL_NUMBER, 0, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static const char *name_or_none(const char *name)
{
	return name && name[0] ? name : NULL;
}

static void write_address(struct log_table *table, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (addr->family != ADDR_NONE)
		addr_format(addr, text);
	log_table_text(table, addr->family == ADDR_NONE ? NULL : text);
}

static void write_way(struct log_table *table, const struct store_way *way)
{
	const char *reason = name_or_none(way->reason);
	char verdict[64], marked[256];

	/* As in op25b-replay --list: what enforcement would have done stands in brackets. The reason is in them, too: it is
	 * there however narrow the terminal. */
	snprintf(verdict, sizeof(verdict), way->monitored ? "(%s)" : "%s", way->verdict);
	snprintf(marked, sizeof(marked), way->monitored ? "(%s)" : "%s", reason ? reason : "-");
	log_table_text(table, verdict);
	log_table_bool(table, way->monitored);
	log_table_text(table, name_or_none(way->pool));
	log_table_text(table, name_or_none(way->rule));
	log_table_text(table, name_or_none(way->rule_kind));
	log_table_text(table, reason);
	log_table_text(table, marked);
	log_table_text(table, name_or_none(way->policy));
}

static void write_counts(struct log_table *table, const struct store_record *record)
{
	char text[24];

	log_table_number(table, record->sums.attempts);
	log_table_number(table, record->sums.packets);
	log_table_number(table, record->sums.blocked);
	log_table_number(table, record->sums.offloaded);
	log_table_text(table, log_destinations_text(record->destinations, record->destinations_exact, text));
	log_table_number(table, record->destinations);
	log_table_bool(table, record->destinations_exact);
}

static int write_record(void *context, const struct store_record *record)
{
	struct log_table *table = context;
	char text[PREFIX_TEXT_MAX];

	log_table_time(table, record->time_us);
	log_table_text(table, name_or_none(record->way.host));
	log_table_text(table, name_or_none(record->boot_id));
	log_table_number(table, record->seq);
	log_table_text(table, name_or_none(record->kind));
	log_table_text(table, log_subscriber_text(&record->subscriber, text));
	write_counts(table, record);
	write_address(table, &record->src);
	log_table_number(table, record->sport);
	write_address(table, &record->dst);
	log_table_number(table, record->dport);
	log_table_text(table, name_or_none(record->iface));
	write_way(table, &record->way);
	log_table_time(table, record->sums.first_us);
	log_table_time(table, record->sums.last_us);
	log_table_number(table, record->window_s);
	return 0;
}

int log_list(struct log_context *context, int argc, char **argv)
{
	struct log_table *table = log_table_new(context, columns, COLUMNS);
	bool latest_first = log_value(context, "reverse") == NULL;
	int r = store_records(context->store, &context->filter, latest_first, log_limit(context),
			      write_record, table);
	int code = log_table_end(table);

	return r < 0 ? log_store_error(context) : code;
}

/* ---- tail ---- */

struct kept {
	struct store_record record;
	char *texts[TEXTS];
};

struct tail {
	struct kept *items;
	size_t count, capacity;
};

static void list_texts(struct store_record *record, const char **list[TEXTS])
{
	const char **texts[TEXTS] = {&record->host,       &record->boot_id,     &record->kind,
				     &record->iface,      &record->detail,      &record->way.host,
				     &record->way.pool,   &record->way.rule,    &record->way.rule_kind,
				     &record->way.reason, &record->way.verdict, &record->way.policy};

	memcpy(list, texts, sizeof(texts));
}

static int keep_record(void *context, const struct store_record *record)
{
	struct tail *tail = context;
	const char **texts[TEXTS];
	struct kept *kept;

	if (!VEC_RESERVE(tail->items, tail->capacity, tail->count + 1))
		return -ENOMEM;
	kept = &tail->items[tail->count++];
	*kept = (struct kept){.record = *record};
	list_texts(&kept->record, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		kept->texts[i] = strdup(*texts[i] ? *texts[i] : "");
		*texts[i] = kept->texts[i];
		if (!kept->texts[i])
			return -ENOMEM;
	}
	return 0;
}

static void tail_free(struct tail *tail)
{
	for (size_t i = 0; i < tail->count; i++)
		for (size_t j = 0; j < TEXTS; j++)
			free(tail->items[i].texts[j]);
	free(tail->items);
}

/* ---- tail -f ---- */

/* Which records of the last minutes were told: their names' hashes, sorted. */
struct told {
	uint64_t *names;
	size_t count, capacity;
};

struct follower {
	const struct log_context *context;
	struct told before, now;
	struct log_table *table; /* NULL: nothing is printed */
	int64_t latest_us;
};

static uint64_t name_record(const struct store_record *record)
{
	static const struct siphash_key key = {0};
	uint64_t words[16] = {record->seq};
	char *names = (char *)(words + 1);

	snprintf(names, sizeof(words) - sizeof(words[0]), "%s/%s", record->boot_id, record->host);
	return siphash_words(&key, words, sizeof(words) / sizeof(words[0]));
}

static int compare_names(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int follow_record(void *context, const struct store_record *record)
{
	struct follower *follower = context;
	uint64_t name = name_record(record);

	if (!VEC_RESERVE(follower->now.names, follower->now.capacity, follower->now.count + 1))
		return -ENOMEM;
	follower->now.names[follower->now.count++] = name;
	if (record->time_us > follower->latest_us)
		follower->latest_us = record->time_us;
	if (follower->table &&
	    !(follower->before.count > 0 &&
	      bsearch(&name, follower->before.names, follower->before.count, sizeof(name), compare_names)))
		write_record(follower->table, record);
	return 0;
}

/* Tells what has come since the last round. Without a table it only learns what is there. */
static int follow_once(struct follower *follower)
{
	struct store_filter filter = follower->context->filter;
	int64_t late = follower->latest_us - LATE_S * LOG_US_PER_S;
	struct told told = follower->before;
	int r;

	if (filter.since_us < late)
		filter.since_us = late;
	follower->now.count = 0;
	r = store_records(follower->context->store, &filter, false, 0, follow_record, follower);
	if (r < 0)
		return r == -ENOMEM ? log_error("no memory") : log_store_error(follower->context);
	if (follower->now.count > 0)
		qsort(follower->now.names, follower->now.count, sizeof(uint64_t), compare_names);
	follower->before = follower->now;
	follower->now = told;
	return LOG_FOUND;
}

/* Late is what is older than the others stored, not than now: the files of another machine may come hours later. */
static int find_latest(void *context, const struct store_record *record)
{
	struct follower *follower = context;

	follower->latest_us =
		record->time_us < follower->context->now_us ? record->time_us : follower->context->now_us;
	return 0;
}

static int follow_first(struct follower *follower)
{
	const struct log_context *context = follower->context;

	if (store_records(context->store, &context->filter, true, 1, find_latest, follower) < 0)
		return log_store_error(context);
	return follow_once(follower);
}

/* What is told as the last ones is not told again, though it may have come after the first round. */
static int note_told(struct told *told, const struct tail *tail)
{
	if (tail->count == 0)
		return 0;
	if (!VEC_RESERVE(told->names, told->capacity, told->count + tail->count))
		return -ENOMEM;
	for (size_t i = 0; i < tail->count; i++)
		told->names[told->count++] = name_record(&tail->items[i].record);
	qsort(told->names, told->count, sizeof(told->names[0]), compare_names);
	return 0;
}

static int print_last(struct follower *follower, struct log_table *table, uint64_t most)
{
	const struct log_context *context = follower->context;
	struct tail tail = {0};
	int r = store_records(context->store, &context->filter, true, most, keep_record, &tail);

	if (r == 0)
		r = note_told(&follower->before, &tail);
	for (size_t i = r == 0 ? tail.count : 0; i-- > 0;)
		write_record(table, &tail.items[i].record);
	tail_free(&tail);
	return r == -ENOMEM ? log_error("no memory") : r < 0 ? log_store_error(context) : LOG_FOUND;
}

static int follow(struct log_context *context, struct follower *follower, struct log_table *table)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L - 1};
	int code = LOG_FOUND;

	follower->table = table;
	while (code == LOG_FOUND) {
		log_table_flush(table);
		if (fflush(stdout) != 0)
			break;
		nanosleep(&pause, NULL);
		if (context->writable && context->fill)
			code = log_store_fill(context, NULL);
		if (code == LOG_FOUND)
			code = follow_once(follower);
	}
	return code;
}

/* What is not yet here may be wider than the first rows: subscribers of IPv6, counts of a flood, all reasons. */
static void expect_widths(size_t widths[COLUMNS])
{
	static const struct {
		const char *title, *widest;
	} expected[] = {
		{"SUBSCRIBER", "2001:db8:100:4200::/56"},
		{"ATTEMPTS", "10000000"},
		{"PACKETS", "1000000"},
		{"TO", "10000"},
		{"KIND", "overflow"},
		{"DESTINATION", "2001:db8:100:4200::25"},
		{"REASON", "(destination-enforce)"},
		{"VERDICT", "monitor"},
	};

	for (size_t i = 0; i < COLUMNS; i++)
		for (size_t j = 0; j < sizeof(expected) / sizeof(expected[0]) && columns[i].title; j++)
			if (strcmp(columns[i].title, expected[j].title) == 0)
				widths[i] = strlen(expected[j].widest);
}

int log_tail(struct log_context *context, int argc, char **argv)
{
	size_t widths[COLUMNS] = {0};
	bool follows = log_value(context, "follow") != NULL;
	struct follower follower = {.context = context};
	struct log_table *table;
	int code, end;

	/* What goes on has no end to put a bracket at, and no page. */
	if (follows && context->output == LOG_JSON)
		context->output = LOG_NDJSON;
	context->pager = context->pager && !follows;
	table = log_table_new(context, columns, COLUMNS);
	expect_widths(widths);
	if (follows)
		log_table_expect(table, widths);
	code = follows ? follow_first(&follower) : LOG_FOUND;
	if (code == LOG_FOUND)
		code = print_last(&follower, table, log_limit(context));
	if (code == LOG_FOUND && follows)
		code = follow(context, &follower, table);
	end = log_table_end(table);
	free(follower.before.names);
	free(follower.now.names);
	return code == LOG_FOUND ? end : code;
}
