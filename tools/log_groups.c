/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pools and destinations: sums by what the records name. */
#include "log.h"

#include <string.h>

static const struct log_column columns[] = {
	{"name", "NAME", LOG_CELL_TEXT, 0, 16},
	{"subscribers", "SUBSCRIBERS", LOG_CELL_NUMBER, 0, 0},
	{"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 0, 0},
	{"packets", "PACKETS", LOG_CELL_NUMBER, 0, 0},
	{"packets_blocked", "BLOCKED", LOG_CELL_NUMBER, 2, 0},
	{"packets_offloaded", NULL, LOG_CELL_NUMBER, 0, 0},
	{"records", "RECORDS", LOG_CELL_NUMBER, 3, 0},
	{"first", "FIRST", LOG_CELL_TIME, 4, 0},
	{"last", "LAST", LOG_CELL_TIME, 1, 0},
};

static const struct log_column destination_columns[] = {
	{"destination", "DESTINATION", LOG_CELL_TEXT, 0, 0},
	{"subscribers", "SUBSCRIBERS", LOG_CELL_NUMBER, 0, 0},
	{"records", "RECORDS", LOG_CELL_NUMBER, 3, 0},
	{"first", "FIRST", LOG_CELL_TIME, 4, 0},
	{"last", "LAST", LOG_CELL_TIME, 1, 0},
};

struct groups {
	struct log_table *table;
	bool has_none;
};

static int write_group(void *context, const struct store_group_row *row)
{
	struct groups *groups = context;
	struct log_table *table = groups->table;

	groups->has_none = groups->has_none || !row->name || !row->name[0];
	log_table_text(table, row->name && row->name[0] ? row->name : NULL);
	log_table_number(table, row->subscribers);
	log_table_number(table, row->sums.attempts);
	log_table_number(table, row->sums.packets);
	log_table_number(table, row->sums.blocked);
	log_table_number(table, row->sums.offloaded);
	log_table_number(table, row->sums.records);
	log_table_time(table, row->sums.first_us);
	log_table_time(table, row->sums.last_us);
	return 0;
}

static int write_destination(void *context, const struct store_group_row *row)
{
	struct log_table *table = context;

	log_table_text(table, row->name);
	log_table_number(table, row->subscribers);
	log_table_number(table, row->sums.records);
	log_table_time(table, row->sums.first_us);
	log_table_time(table, row->sums.last_us);
	return 0;
}

static int end(const struct log_context *context, struct log_table *table, int r)
{
	int code = log_table_end(table);

	return r < 0 ? log_store_error(context) : code;
}

static bool find_group(const struct log_context *context, enum store_group *ret)
{
	static const struct {
		const char *name;
		enum store_group group;
	} groups[] = {{"pool", STORE_GROUP_POOL},
		      {"rule", STORE_GROUP_RULE},
		      {"reason", STORE_GROUP_REASON},
		      {"host", STORE_GROUP_HOST},
		      {"rule-kind", STORE_GROUP_RULE_KIND}};
	const char *by = log_value(context, "by");

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(by ? by : "pool", groups[i].name) == 0) {
			*ret = groups[i].group;
			return true;
		}
	}
	log_error("--by %s: pool, rule, reason, host or rule-kind", by);
	return false;
}

int log_pools(struct log_context *context, int argc, char **argv)
{
	struct groups groups = {0};
	enum store_group group;
	int code;

	if (!find_group(context, &group))
		return LOG_ERROR;
	groups.table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));
	code = end(context, groups.table,
		   store_groups(context->store, &context->filter, group, log_limit(context), write_group,
				&groups));
	if (groups.has_none && group == STORE_GROUP_POOL)
		log_note(context, "-: sources in no pool, and of records without subscribers");
	return code;
}

int log_destinations(struct log_context *context, int argc, char **argv)
{
	struct log_table *table = log_table_new(context, destination_columns,
						sizeof(destination_columns) / sizeof(destination_columns[0]));

	return end(context, table,
		   store_groups(context->store, &context->filter, STORE_GROUP_DESTINATION, log_limit(context),
				write_destination, table));
}
