/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-ask STORE FILE...: puts record files into a store, asks it everything that queries.py knows the truth of, and prints
 * the answers as JSON. */
#include "store/query.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct asked {
	json_t *rows; /* an object by name, or a list */
};

static json_t *sums_of(const struct store_sums *sums)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "records", (json_int_t)sums->records,
			 "packets", (json_int_t)sums->packets, "blocked", (json_int_t)sums->blocked,
			 "offloaded", (json_int_t)sums->offloaded, "attempts", (json_int_t)sums->attempts,
			 "first_us", (json_int_t)sums->first_us, "last_us", (json_int_t)sums->last_us);
}

static int take_group(void *context, const struct store_group_row *row)
{
	struct asked *asked = context;
	json_t *sums = sums_of(&row->sums);

	json_object_set_new(sums, "subscribers", json_integer((json_int_t)row->subscribers));
	return json_object_set_new(asked->rows, row->name, sums);
}

static int take_bucket(void *context, const struct store_bucket *row)
{
	struct asked *asked = context;
	json_t *sums = sums_of(&row->sums);

	json_object_set_new(sums, "subscribers", json_integer((json_int_t)row->subscribers));
	json_object_set_new(sums, "start_s", json_integer((json_int_t)(row->start_us / 1000000)));
	return json_array_append_new(asked->rows, sums);
}

static int take_talker(void *context, const struct store_talker *row)
{
	struct asked *asked = context;
	json_t *sums = sums_of(&row->sums);
	char text[PREFIX_TEXT_MAX] = "";
	unsigned bits = addr_bits(row->subscriber.addr.family);

	if (bits > 0)
		(void)prefix_format(&row->subscriber, text);
	if (bits > 0 && row->subscriber.len == bits) /* a host is told without its length */
		*strchr(text, '/') = '\0';
	json_object_set_new(sums, "pool", json_string(row->way.pool));
	json_object_set_new(sums, "destinations", json_integer((json_int_t)row->destinations));
	json_object_set_new(sums, "destinations_exact", json_boolean(row->destinations_exact));
	json_object_set_new(sums, "several_ways", json_boolean(row->several_ways));
	json_object_set_new(sums, "hours_active", json_integer(row->hours_active));
	json_object_set_new(sums, "days_active", json_integer(row->days_active));
	json_object_set_new(sums, "clock_hours", json_integer(row->clock_hours));
	json_object_set_new(sums, "ever_first_us", json_integer((json_int_t)row->ever_first_us));
	return json_object_set_new(asked->rows, text, sums);
}

static int take_notice(void *context, const struct store_notice *row)
{
	struct asked *asked = context;

	return json_array_append_new(asked->rows, json_pack("{s:s, s:s, s:s, s:I}", "host", row->host,
							    "boot_id", row->boot_id, "kind", row->what,
							    "packets", (json_int_t)row->packets));
}

static int take_record(void *context, const struct store_record *row)
{
	struct asked *asked = context;
	char id[300];

	snprintf(id, sizeof(id), "%s %s %" PRIu64, row->host, row->boot_id, row->seq);
	return json_array_append_new(asked->rows, json_string(id));
}

static int ask_groups(struct store *store, const struct store_filter *filter, json_t *answers)
{
	static const struct {
		const char *name;
		enum store_group by;
	} groups[] = {{"pools", STORE_GROUP_POOL},
		      {"rules", STORE_GROUP_RULE},
		      {"reasons", STORE_GROUP_REASON},
		      {"hosts", STORE_GROUP_HOST}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct asked asked = {json_object()};

		r = store_groups(store, filter, groups[i].by, 0, take_group, &asked);
		json_object_set_new(answers, groups[i].name, asked.rows);
	}
	return r;
}

static int ask_lists(struct store *store, const struct store_filter *filter, json_t *answers)
{
	struct asked hours = {json_array()}, talkers = {json_object()}, notices = {json_array()};
	struct asked records = {json_array()};
	int r = store_timeline(store, filter, 3600, 0, take_bucket, &hours);

	r = r ? r : store_talkers(store, filter, STORE_BY_ATTEMPTS, 0, take_talker, &talkers, NULL);
	r = r ? r : store_notices(store, filter, take_notice, &notices);
	r = r ? r : store_records(store, filter, false, 0, take_record, &records);
	json_object_set_new(answers, "hours", hours.rows);
	json_object_set_new(answers, "subscribers", talkers.rows);
	json_object_set_new(answers, "notices", notices.rows);
	json_object_set_new(answers, "records", records.rows);
	return r;
}

/* The same of the whole, and of a part that cuts hours and days: since and until are its ends. */
static int ask(struct store *store, const struct store_filter *filter, json_t *answers)
{
	struct store_sums sums;
	uint64_t subscribers;
	json_t *totals;
	int r = store_totals(store, filter, &sums, &subscribers);

	if (r < 0)
		return r;
	totals = sums_of(&sums);
	json_object_set_new(totals, "subscribers", json_integer((json_int_t)subscribers));
	json_object_set_new(answers, "totals", totals);
	r = ask_groups(store, filter, answers);
	return r ? r : ask_lists(store, filter, answers);
}

static int ingest(struct store *store, char **paths, int count)
{
	const struct store_ingest_config config = {.paths = (const char *const *)paths,
						   .path_count = (unsigned)count};
	struct store_ingested ingested;

	return store_ingest(store, &config, &ingested);
}

static int answer(struct store *store, char **argv, int argc)
{
	struct store_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	json_t *answers = json_object();
	int r;

	if (strcmp(argv[2], "-") != 0)
		filter.since_us = strtoll(argv[2], NULL, 10);
	if (strcmp(argv[3], "-") != 0)
		filter.until_us = strtoll(argv[3], NULL, 10);
	r = ingest(store, argv + 4, argc - 4);
	r = r ? r : ask(store, &filter, answers);
	if (r)
		fprintf(stderr, "op25b-ask: %s\n", store_error(store));
	else
		json_dumpf(answers, stdout, 0);
	json_decref(answers);
	return r ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct store *store;
	char *error;
	int result;

	if (argc < 4) {
		fprintf(stderr, "usage: op25b-ask STORE SINCE_US|- UNTIL_US|- [FILE...]\n");
		return 2;
	}
	if (store_open(argv[1], true, &store, &error) < 0) {
		fprintf(stderr, "op25b-ask: %s\n", error ? error : "no memory");
		free(error);
		return 2;
	}
	result = answer(store, argv, argc);
	store_close(store);
	return result;
}
