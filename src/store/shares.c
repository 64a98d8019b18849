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
	uint64_t kernel_before,
		kernel_whole; /* packets that the kernel can have blocked by itself: so far, and all */
	bool is_counted;      /* the record, in one way */
};

/* Packets that one rule and one reason are taken to have had together. */
struct piece {
	uint64_t packets;
	uint8_t part, reason;
};

/* Each piece but the empty ones of rules without packets ends what is left of its rule or of its reason. */
enum { PIECES_MAX = 2 * EVENT_LINE_PARTS_MAX + EVENT_LINE_REASONS_MAX };

/* The division by reason, laid upon the one by rule. */
struct overlay {
	const struct row *row;
	uint64_t part_left[EVENT_LINE_PARTS_MAX], reason_left[EVENT_LINE_REASONS_MAX]; /* packets */
	struct piece pieces[PIECES_MAX];
	size_t count;
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

/* The kernel blocks by itself only what a pool's enforcement blocks (daemon/offload_harvest.c). */
static bool is_kernels(const struct json_text *reason)
{
	return json_text_is(reason, "pool-enforce");
}

/* Of the packets that the kernel blocked, what falls to `blocked` ones of a reason. */
static uint64_t offloaded_of(struct shares *shares, const struct json_text *reason, uint64_t blocked)
{
	uint64_t own = shares->kernel_whole == shares->row->blocked || is_kernels(reason) ? blocked : 0;
	uint64_t found = share(shares->row->offloaded, shares->kernel_before, own, shares->kernel_whole);

	shares->kernel_before += own;
	return found;
}

/* Records that tell more of them than the reason has packets are not understood: then it can be any. */
static void find_kernels(struct shares *shares, uint64_t of_reason)
{
	shares->kernel_whole =
		of_reason > 0 && of_reason >= shares->row->offloaded ? of_reason : shares->row->blocked;
}

static int add_parts(struct shares *shares)
{
	const struct row *row = shares->row;
	size_t shown = shown_part(row);
	int r = 0;

	find_kernels(shares, 0);
	for (size_t i = 0; r == 0 && i < row->part_count; i++) {
		const struct event_line_part *part = &row->parts[i];
		struct row_names way = part_names(row, part);
		struct rollup_sum sum = {
			.records = i == shown, .packets = part->packets, .attempts = part->attempts};

		sum.blocked = part->monitored ? 0 : part->packets;
		sum.offloaded = offloaded_of(shares, &way.reason, sum.blocked);
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

/* Packets for this reason show no flags, or none that begin a connection: they are nobody's attempt. */
static bool attempts_nothing(const struct event_line_reason *reason)
{
	static const char fragment[] = "fragment-";
	const size_t len = sizeof(fragment) - 1;

	return (reason->name.len > len && memcmp(reason->name.at, fragment, len) == 0) ||
	       json_text_is(&reason->name, "midstream") || json_text_is(&reason->name, "truncated");
}

/* Packets of a reason, by which the attempts are shared. */
static uint64_t weight(const struct event_line_reason *reason, uint64_t packets)
{
	return attempts_nothing(reason) ? 0 : packets;
}

static int add_reasons(struct shares *shares)
{
	const struct row *row = shares->row;
	size_t shown = shown_reason(row);
	uint64_t weights = 0, weights_before = 0, packets_before = 0, kernels = 0;
	int r = 0;

	for (size_t i = 0; i < row->reason_count; i++) {
		weights += weight(&row->reasons[i], row->reasons[i].packets);
		kernels += is_kernels(&row->reasons[i].name) ? row->reasons[i].packets : 0;
	}
	find_kernels(shares, kernels);
	for (size_t i = 0; r == 0 && i < row->reason_count; i++) {
		const uint64_t packets = row->reasons[i].packets;
		const uint64_t own = weight(&row->reasons[i], packets);
		struct row_names way = row->names;
		struct rollup_sum sum = {
			.records = i == shown,
			.packets = packets,
			.blocked = share(row->blocked, packets_before, packets, row->packets),
			.attempts = share(row->attempts, weights_before, own, weights),
		};

		way.reason = row->reasons[i].name;
		sum.offloaded = offloaded_of(shares, &way.reason, sum.blocked);
		packets_before += packets;
		weights_before += own;
		/* Nothing is lost of attempts that no reason can have had. */
		if (weights == 0 && i == shown)
			sum.attempts = row->attempts;
		r = add(shares, &way, &sum);
	}
	return r;
}

/* ---- several rules, and several reasons ---- */

static bool ends_with(const struct json_text *text, const char *end)
{
	const size_t len = strlen(end);

	return text->len >= len && memcmp(text->at + text->len - len, end, len) == 0;
}

/* "pool-enforce" of a pool's rule that blocks, "destination-monitor" of a destination's that monitors. */
static bool suits(const struct event_line_part *part, const struct json_text *reason)
{
	const char *phase = part->monitored ? "-monitor" : "-enforce";
	const size_t kind = part->rule_kind.len;

	return reason->len == kind + strlen(phase) && ends_with(reason, phase) &&
	       (kind == 0 || memcmp(reason->at, part->rule_kind.at, kind) == 0);
}

/* How late packets of a reason are given to rules that block, before those that monitor. */
static unsigned lateness(const struct json_text *reason)
{
	return event_line_reason_monitors(reason) ? 2 : ends_with(reason, "-enforce") ? 0 : 1;
}

static void take(struct overlay *overlay, size_t part, size_t reason)
{
	uint64_t *of_part = &overlay->part_left[part], *of_reason = &overlay->reason_left[reason];
	uint64_t packets = *of_part < *of_reason ? *of_part : *of_reason;

	if (packets == 0)
		return;
	overlay->pieces[overlay->count++] = (struct piece){packets, (uint8_t)part, (uint8_t)reason};
	*of_part -= packets;
	*of_reason -= packets;
}

/* Rules that nobody tried a connection under come last: theirs may be packets that are no attempt. */
static void lay_what_suits(struct overlay *overlay)
{
	const struct row *row = overlay->row;
	const size_t count = row->part_count;

	for (size_t i = 0; i < 2 * count; i++) {
		const struct event_line_part *part = &row->parts[i % count];

		if ((part->attempts > 0) != (i < count))
			continue;
		for (size_t reason = 0; reason < row->reason_count; reason++)
			if (suits(part, &row->reasons[reason].name))
				take(overlay, i % count, reason);
	}
}

/* What is left, in an order in which packets that were blocked meet reasons that block as far as that can be. */
static void lay_the_rest(struct overlay *overlay)
{
	const struct row *row = overlay->row;

	for (unsigned monitored = 0; monitored < 2; monitored++)
		for (unsigned late = 0; late < 3; late++)
			for (size_t part = 0; part < row->part_count; part++)
				for (size_t reason = 0; reason < row->reason_count; reason++)
					if (row->parts[part].monitored == (monitored > 0) &&
					    lateness(&row->reasons[reason].name) == late)
						take(overlay, part, reason);
	for (size_t part = 0; part < row->part_count; part++)
		if (row->parts[part].packets == 0)
			overlay->pieces[overlay->count++] =
				(struct piece){0, (uint8_t)part, (uint8_t)shown_reason(row)};
}

static void lay(struct overlay *overlay)
{
	const struct row *row = overlay->row;

	for (size_t i = 0; i < row->part_count; i++)
		overlay->part_left[i] = row->parts[i].packets;
	for (size_t i = 0; i < row->reason_count; i++)
		overlay->reason_left[i] = row->reasons[i].packets;
	lay_what_suits(overlay);
	lay_the_rest(overlay);
}

static int add_piece(struct shares *shares, const struct piece *piece, uint64_t attempts)
{
	const struct row *row = shares->row;
	const struct event_line_part *part = &row->parts[piece->part];
	struct row_names way = part_names(row, part);
	struct rollup_sum sum = {.packets = piece->packets, .attempts = attempts};

	way.reason = row->reasons[piece->reason].name;
	way.divided = row->part_count > 1 && row->reason_count > 1;
	sum.records =
		!shares->is_counted && piece->part == shown_part(row) && piece->reason == shown_reason(row);
	sum.blocked = part->monitored ? 0 : piece->packets;
	sum.offloaded = offloaded_of(shares, &way.reason, sum.blocked);
	shares->is_counted = shares->is_counted || sum.records > 0;
	return add(shares, &way, &sum);
}

/* Of those that its rule tells. All that it has go to its last piece when no reason can have had any. */
static uint64_t attempts_of(const struct overlay *overlay, size_t at)
{
	const struct row *row = overlay->row;
	const size_t part = overlay->pieces[at].part;
	uint64_t weights = 0, before = 0, own = 0;
	size_t last = at;

	for (size_t i = 0; i < overlay->count; i++) {
		const struct piece *piece = &overlay->pieces[i];

		if (piece->part != part)
			continue;
		own = weight(&row->reasons[piece->reason], piece->packets);
		before += i < at ? own : 0;
		weights += own;
		last = i;
	}
	own = weight(&row->reasons[overlay->pieces[at].reason], overlay->pieces[at].packets);
	if (weights == 0)
		return at == last ? row->parts[part].attempts : 0;
	return share(row->parts[part].attempts, before, own, weights);
}

static int add_divided(struct shares *shares)
{
	const struct row *row = shares->row;
	const struct piece shown = {0, (uint8_t)shown_part(row), (uint8_t)shown_reason(row)};
	struct overlay overlay = {.row = row};
	uint64_t kernels = 0;
	int r = 0;

	lay(&overlay);
	for (size_t i = 0; i < overlay.count; i++)
		if (!row->parts[overlay.pieces[i].part].monitored &&
		    is_kernels(&row->reasons[overlay.pieces[i].reason].name))
			kernels += overlay.pieces[i].packets;
	find_kernels(shares, kernels);
	for (size_t i = 0; r == 0 && i < overlay.count; i++)
		r = add_piece(shares, &overlay.pieces[i], attempts_of(&overlay, i));
	/* The record, where no packet fell to the rule and the reason that it shows. */
	return r < 0 || shares->is_counted ? r : add_piece(shares, &shown, 0);
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
