/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record adds to which way. One that met several rules counts in the way of each, by the numbers that it tells; one
 * with several reasons but one rule in the way of each reason. What is told of the whole alone is shared by packets: such
 * shares are whole numbers, and their sum is what was told.
 */
#include "store/rollup.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)

/* Two counts multiplied. */
__extension__ typedef unsigned __int128 wide;

struct shares {
	struct rollup *rollup;
	struct names *names;
	const struct row *row;
	int64_t record, hour, subscriber;
	uint64_t packets_before, blocked_before; /* of the shares so far */
};

/* Of `total`, the part that belongs to those from `before` to `before + part` of `whole`. */
static uint64_t share(uint64_t total, uint64_t before, uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	return (uint64_t)((wide)total * (before + part) / whole) - (uint64_t)((wide)total * before / whole);
}

static int add(struct shares *shares, const struct row_names *way, struct rollup_sum *sum)
{
	uint64_t key = block_way_key(&shares->names->key, &shares->row->host, way);
	int r = names_way(shares->names, key, &shares->row->host, way, &sum->way);

	sum->hour = shares->hour;
	sum->subscriber = shares->subscriber;
	sum->first_us = shares->row->first_us;
	sum->last_us = shares->row->last_us;
	r = r < 0 ? r : rollup_add_part(shares->rollup, shares->record, sum);
	return r < 0 ? r : rollup_add(shares->rollup, sum);
}

static bool same_text(const struct json_text *a, const struct json_text *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

static bool is_shown(const struct row_names *shown, const struct event_line_part *part)
{
	return !part->others && part->verdict == shown->verdict && part->monitored == shown->monitored &&
	       same_text(&part->rule, &shown->rule) && same_text(&part->rule_kind, &shown->rule_kind) &&
	       same_text(&part->pool, &shown->pool) && same_text(&part->policy, &shown->policy);
}

static size_t shown_part(const struct row *row)
{
	for (size_t i = 0; i < row->part_count; i++) {
		if (is_shown(&row->names, &row->parts[i]))
			return i;
	}
	return 0;
}

static struct row_names part_names(const struct row *row, const struct event_line_part *part)
{
	static const struct json_text several = {.at = "several", .len = 7},
				      others = {.at = "others", .len = 6};

	return (struct row_names){
		.pool = part->pool,
		.rule = part->rule,
		.rule_kind = part->others ? others : part->rule_kind,
		.policy = part->policy,
		.reason = row->reason_count > 0 ? several : row->names.reason,
		.verdict = part->verdict,
		.monitored = part->monitored,
	};
}

static int add_parts(struct shares *shares)
{
	const struct row *row = shares->row;
	size_t shown = shown_part(row);
	int r = 0;

	for (size_t i = 0; r == 0 && i < row->part_count; i++) {
		const struct event_line_part *part = &row->parts[i];
		struct row_names way = part_names(row, part);
		struct rollup_sum sum = {
			.records = i == shown, .packets = part->packets, .attempts = part->attempts};

		sum.blocked = part->monitored ? 0 : part->packets;
		sum.offloaded = share(row->offloaded, shares->blocked_before, sum.blocked, row->blocked);
		shares->blocked_before += sum.blocked;
		r = add(shares, &way, &sum);
	}
	return r;
}

static size_t shown_reason(const struct row *row)
{
	for (size_t i = 0; i < row->reason_count; i++) {
		if (same_text(&row->reasons[i].name, &row->names.reason))
			return i;
	}
	return 0;
}

static int add_reasons(struct shares *shares)
{
	const struct row *row = shares->row;
	size_t shown = shown_reason(row);
	int r = 0;

	for (size_t i = 0; r == 0 && i < row->reason_count; i++) {
		const uint64_t before = shares->packets_before, part = row->reasons[i].packets;
		struct row_names way = row->names;
		struct rollup_sum sum = {
			.records = i == shown,
			.packets = part,
			.blocked = share(row->blocked, before, part, row->packets),
			.offloaded = share(row->offloaded, before, part, row->packets),
			.attempts = share(row->attempts, before, part, row->packets),
		};

		way.reason = row->reasons[i].name;
		shares->packets_before += part;
		r = add(shares, &way, &sum);
	}
	return r;
}

static int add_whole(struct shares *shares, int64_t way)
{
	const struct row *row = shares->row;
	const struct rollup_sum sum = {
		.hour = shares->hour,
		.subscriber = shares->subscriber,
		.way = way,
		.records = 1,
		.packets = row->packets,
		.blocked = row->blocked,
		.offloaded = row->offloaded,
		.attempts = row->attempts,
		.first_us = row->first_us,
		.last_us = row->last_us,
	};

	return rollup_add(shares->rollup, &sum);
}

int rollup_add_row(struct rollup *rollup, struct names *names, const struct row *row, int64_t record,
		   int64_t subscriber, int64_t way)
{
	struct shares shares = {
		.rollup = rollup,
		.names = names,
		.row = row,
		.record = record,
		.hour = row->time_us / HOUR_US - (row->time_us % HOUR_US < 0),
		.subscriber = subscriber,
	};

	if (row->part_count > 0)
		return add_parts(&shares);
	/* Without packets there is nothing to share by. */
	return row->reason_count > 0 && row->packets > 0 ? add_reasons(&shares) : add_whole(&shares, way);
}
