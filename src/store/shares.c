/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record adds to which way. One that met several rules counts in the way of each, by the numbers that it tells; one
 * with several reasons but one rule in the way of each reason. What is told of the whole alone is shared by packets: such
 * shares are whole numbers, and their sum is what was told.
 *
 * Several rules and several reasons are two divisions of the same packets, and nothing tells which packets had both. Laid
 * one upon the other they make ways whose sums by rule and by reason are those of the record; such ways are divided. What a
 * reason says itself is kept as far as it goes: those that monitor go with rules that did, those that enforce with rules that
 * did not, and others, such as of fragments, with what remains.
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
	uint8_t order[EVENT_LINE_REASONS_MAX];   /* of reasons, where rules have them, too */
	size_t reason;                           /* the one at hand: its place in that order */
	uint64_t reason_left;                    /* packets of it */
	bool is_counted;                         /* the record, in one way */
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
	static const struct json_text others = {.at = "others", .len = 6};

	return (struct row_names){
		.pool = part->pool,
		.rule = part->rule,
		.rule_kind = part->others ? others : part->rule_kind,
		.policy = part->policy,
		.reason = row->names.reason,
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

/* ---- several rules, and several reasons ---- */

static const struct event_line_reason *reason_at_hand(const struct shares *shares)
{
	const struct row *row = shares->row;

	return &row->reasons[shares->order[shares->reason]];
}

static bool enforces(const struct event_line_reason *reason)
{
	static const char end[] = "-enforce";
	const size_t len = sizeof(end) - 1;

	return reason->name.len >= len && memcmp(reason->name.at + reason->name.len - len, end, len) == 0;
}

/* How late packets of a reason are given out, where those that were only monitored come last. */
static unsigned lateness(const struct event_line_reason *reason)
{
	return event_line_reason_monitors(&reason->name) ? 2 : enforces(reason) ? 0 : 1;
}

/* As the rules will come, those that monitor last or first; of those alike, from the one that is shown on. */
static void order_reasons(struct shares *shares, bool monitored_first)
{
	const struct row *row = shares->row;
	size_t shown = shown_reason(row), count = 0;

	for (unsigned turn = 0; turn < 3; turn++)
		for (size_t i = 0; i < row->reason_count; i++) {
			size_t at = (shown + i) % row->reason_count;

			if (lateness(&row->reasons[at]) == (monitored_first ? 2 - turn : turn))
				shares->order[count++] = (uint8_t)at;
		}
	shares->reason_left = reason_at_hand(shares)->packets;
}

/* The next reason with packets, if there is one. */
static void find_reason(struct shares *shares)
{
	while (shares->reason_left == 0 && shares->reason + 1 < shares->row->reason_count) {
		shares->reason++;
		shares->reason_left = reason_at_hand(shares)->packets;
	}
}

/* The record itself counts where it is shown. */
static bool counts_record(const struct shares *shares, const struct event_line_part *part)
{
	const struct row *row = shares->row;

	return !shares->is_counted && part == &row->parts[shown_part(row)] &&
	       shares->order[shares->reason] == shown_reason(row);
}

/* What `packets` of the part add, `before` of which were added before. */
static int add_piece(struct shares *shares, const struct event_line_part *part, uint64_t before,
		     uint64_t packets)
{
	const struct row *row = shares->row;
	struct row_names way = part_names(row, part);
	struct rollup_sum sum = {.records = counts_record(shares, part), .packets = packets};

	way.reason = reason_at_hand(shares)->name;
	way.divided = row->part_count > 1 && row->reason_count > 1;
	sum.blocked = part->monitored ? 0 : packets;
	sum.offloaded = share(row->offloaded, shares->blocked_before, sum.blocked, row->blocked);
	sum.attempts =
		part->packets > 0 ? share(part->attempts, before, packets, part->packets) : part->attempts;
	shares->blocked_before += sum.blocked;
	shares->is_counted = shares->is_counted || sum.records > 0;
	return add(shares, &way, &sum);
}

static int divide_part(struct shares *shares, const struct event_line_part *part)
{
	uint64_t before = 0, packets;
	int r;

	do {
		find_reason(shares);
		packets = part->packets - before;
		packets = packets < shares->reason_left ? packets : shares->reason_left;
		r = add_piece(shares, part, before, packets);
		before += packets;
		shares->reason_left -= packets;
	} while (r == 0 && before < part->packets && packets > 0);
	return r;
}

/* The record, where no packet fell to the rule and the reason that it shows. */
static int add_shown(struct shares *shares)
{
	const struct row *row = shares->row;
	struct row_names way = part_names(row, &row->parts[shown_part(row)]);
	struct rollup_sum sum = {.records = 1};

	way.reason = row->reasons[shown_reason(row)].name;
	way.divided = true;
	return add(shares, &way, &sum);
}

/* The rule that is shown lies first, and those that monitored as it did, or did not. */
static int add_divided(struct shares *shares)
{
	const struct row *row = shares->row;
	const size_t count = row->part_count;
	size_t shown = shown_part(row);
	bool monitored = row->parts[shown].monitored;
	int r = 0;

	order_reasons(shares, monitored);
	for (size_t i = 0; r == 0 && i < 2 * count; i++) {
		const struct event_line_part *part = &row->parts[(shown + i) % count];

		if ((part->monitored == monitored) == (i < count))
			r = divide_part(shares, part);
	}
	return r < 0 || shares->is_counted ? r : add_shown(shares);
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

	if (row->part_count > 0 && row->reason_count > 0)
		return add_divided(&shares);
	if (row->part_count > 0)
		return add_parts(&shares);
	/* Without packets there is nothing to share by. */
	return row->reason_count > 0 && row->packets > 0 ? add_reasons(&shares) : add_whole(&shares, way);
}
