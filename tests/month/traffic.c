/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each kind of sender does in an hour, and what the policy says to it. */
#include "month.h"

#include <stdlib.h>

enum {
	QUIET_S = 20,        /* at the end of an hour's traffic, for the repeats of its last attempts */
	SCORE = 20,          /* local hours of the day in which people are at their machines: 8 to 21 */
	FRAGMENT_EVERY = 40, /* of a mixed sender's packets */
	DESTINATION_EVERY = 4,
	PORT_LEAST = 32768,
	PORTS = 28000,
	US_PER_S = 1000000,
};

static const int64_t repeat_us[] = {1000000, 3000000, 7000000}; /* after the first, as Linux does */

static void shoot(struct shots *out, const struct shot *shot)
{
	struct shot *grown;

	if (out->count == out->capacity) {
		size_t capacity = out->capacity ? out->capacity * 2 : 4096;

		grown = realloc(out->all, capacity * sizeof(*grown));
		if (!grown) {
			out->failed = true;
			return;
		}
		out->all = grown;
		out->capacity = capacity;
	}
	out->all[out->count++] = *shot;
}

static int64_t hour_us(const struct month *month, uint32_t hour)
{
	return (month->options.start_s + (int64_t)hour * HOUR_S) * US_PER_S;
}

/* Records of a window that opens now end within the hour. */
static uint32_t busy_s(const struct month *month)
{
	return HOUR_S - month->options.window_s - QUIET_S;
}

static int64_t moment_in(const struct month *month, uint32_t hour, struct chance *chance)
{
	uint64_t span_us = (uint64_t)busy_s(month) * US_PER_S;

	return hour_us(month, hour) + (int64_t)(chance_next(chance) % span_us);
}

static void attempt(const struct month *month, uint32_t who, int64_t us, struct chance *chance,
		    struct shots *out)
{
	const struct subscriber *s = &month->subscribers[who];
	uint32_t repeats = chance_below(chance, s->behaviour == FLOOD ? 1 : 4);
	struct shot shot = {
		.us = us,
		.who = who,
		.destination = chance_below(chance, s->span),
		.sequence = (uint32_t)chance_next(chance),
		.port = (uint16_t)(PORT_LEAST + chance_below(chance, PORTS)),
		.kind = SHOT_SYN,
	};

	if (s->mixed && chance_below(chance, FRAGMENT_EVERY) == 0) {
		shot.kind = SHOT_FRAGMENT;
		repeats = 0;
	}
	shoot(out, &shot);
	for (uint32_t i = 0; i < repeats; i++) {
		shot.us = us + repeat_us[i];
		shot.repeat++;
		shoot(out, &shot);
	}
}

/* People's hours, fewer of them at the weekend. */
static bool is_at_home(uint32_t local_hour, bool weekend, struct chance *chance)
{
	return local_hour >= 8 && local_hour < 22 && chance_percent(chance, weekend ? SCORE : 60);
}

static uint32_t attempts_of(const struct month *month, const struct subscriber *s, uint32_t hour,
			    struct chance *chance)
{
	int64_t local_s = month->options.start_s + (int64_t)hour * HOUR_S + month->options.utc_offset_s;
	uint32_t local_hour = (uint32_t)(local_s / HOUR_S % DAY_HOURS);
	bool weekend = (local_s / (HOUR_S * DAY_HOURS) + 4) % 7 % 6 == 0; /* 1970 began with a Thursday */

	switch (s->behaviour) {
	case BOT:
		return s->hours_mask >> local_hour & 1 && chance_percent(chance, 85)
			       ? s->rate / 2 + chance_below(chance, s->rate)
			       : 0;
	case CLIENT:
		return is_at_home(local_hour, weekend, chance) ? 1 + chance_below(chance, s->rate) : 0;
	case SERVER:
		return s->rate - s->rate / 8 + chance_below(chance, s->rate / 4 + 1);
	case RARE:
		return chance_below(chance, month->hours) < 3 ? 1 + chance_below(chance, 2) : 0;
	default:
		return 1;
	}
}

/* A server's queue runs evenly, everybody else's when it pleases. */
static void send_attempts(const struct month *month, uint32_t who, uint32_t hour, uint32_t count,
			  struct chance *chance, struct shots *out)
{
	uint32_t step_s = busy_s(month) / (count + 1);

	for (uint32_t i = 0; i < count; i++) {
		int64_t us = moment_in(month, hour, chance);

		if (month->subscribers[who].behaviour == SERVER && step_s > 1)
			us = hour_us(month, hour) + (int64_t)(i * step_s) * US_PER_S +
			     chance_below(chance, US_PER_S);
		attempt(month, who, us, chance, out);
	}
}

/* What the kernel counted by itself comes as a number, some times an hour. */
static void send_offloaded(const struct month *month, uint32_t who, uint32_t hour, struct chance *chance,
			   struct shots *out)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct shot shot = {.us = moment_in(month, hour, chance),
				    .who = who,
				    .destination = 1 + chance_below(chance, 5000),
				    .kind = SHOT_OFFLOADED};

		shoot(out, &shot);
	}
}

static bool passes(const struct month *month, const struct subscriber *s, uint32_t router, uint32_t hour)
{
	uint32_t now = s->router + (s->roams ? hour : 0);

	return hour >= s->from_hour && hour < s->to_hour && now % month->options.routers == router;
}

static bool is_enforced(const struct month *month, uint8_t pool, uint32_t hour)
{
	return pool != 1 || hour >= month->enforce_hour;
}

static void send_one(const struct month *month, uint32_t who, uint32_t hour, struct shots *out)
{
	const struct subscriber *s = &month->subscribers[who];
	struct chance chance = chance_for(month->options.seed, 0x10000 + who, hour);
	uint32_t count = attempts_of(month, s, hour, &chance);

	if (count == 0)
		return;
	send_attempts(month, who, hour, count, &chance, out);
	if (s->offloaded && is_enforced(month, s->pool, hour))
		send_offloaded(month, who, hour, &chance, out);
}

/* So many things happen to each router, spread over all hours by chance. */
static void happen(const struct month *month, uint32_t router, uint32_t hour, enum shot_kind kind,
		   uint32_t count, uint32_t number_max, struct shots *out)
{
	for (uint32_t i = 0; i < count; i++) {
		struct chance chance = chance_for(month->options.seed, (uint64_t)kind << 32 | router, i);
		struct shot shot = {.kind = (uint8_t)kind};

		if (chance_below(&chance, month->hours) != hour)
			continue;
		shot.us = moment_in(month, hour, &chance);
		shot.destination = 1 + chance_below(&chance, number_max);
		shoot(out, &shot);
	}
}

static void flood_unknown(const struct month *month, uint32_t router, uint32_t hour, struct shots *out)
{
	for (uint32_t flood = 0; flood < month->options.floods; flood++) {
		struct chance chance = chance_for(month->options.seed, 2, flood);
		struct shot shot = {.kind = SHOT_UNKNOWN, .destination = UNKNOWN_PACKETS};

		if (chance_below(&chance, month->hours) != hour || flood % month->options.routers != router)
			continue;
		shot.us = moment_in(month, hour, &chance);
		shoot(out, &shot);
	}
}

/* A total order, so that a seed gives the same files everywhere. */
static int compare_shots(const void *left, const void *right)
{
	const struct shot *a = left, *b = right;

	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	if (a->who != b->who)
		return a->who < b->who ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

void traffic_of_hour(const struct month *month, uint32_t router, uint32_t hour, struct shots *out)
{
	const struct options *options = &month->options;

	out->count = 0;
	for (uint32_t who = 0; who < month->subscriber_count; who++)
		if (passes(month, &month->subscribers[who], router, hour))
			send_one(month, who, hour, out);
	flood_unknown(month, router, hour, out);
	happen(month, router, hour, SHOT_NOTICE, options->notices, 100000, out);
	happen(month, router, hour, SHOT_GAP, options->gaps, 20, out);
	happen(month, router, hour, SHOT_DUPLICATE, options->duplicates, 1, out);
	if (out->count > 0)
		qsort(out->all, out->count, sizeof(*out->all), compare_shots);
}

static bool is_to_group(const struct subscriber *s, const struct shot *shot)
{
	return s->mixed && shot->kind != SHOT_OFFLOADED && shot->destination % DESTINATION_EVERY == 0;
}

struct judged traffic_judge(const struct month *month, const struct shot *shot, uint32_t hour)
{
	static const uint8_t verdicts[POOLS] = {EVENT_DROP, EVENT_RESET, EVENT_DROP};
	const struct subscriber *s = &month->subscribers[shot->who];
	bool enforced = is_enforced(month, s->pool, hour), group;
	struct judged judged = {.reason = enforced ? REASON_POOL_ENFORCE : REASON_POOL_MONITOR,
				.verdict = verdicts[s->pool],
				.monitored = !enforced,
				.pool = s->pool,
				.rule = s->pool};

	if (shot->kind == SHOT_UNKNOWN)
		return (struct judged){.reason = REASON_POOL_ENFORCE, .verdict = EVENT_DROP};
	group = is_to_group(s, shot);
	if (group)
		judged = (struct judged){.reason = REASON_DESTINATION_ENFORCE,
					 .verdict = verdicts[s->pool],
					 .pool = s->pool,
					 .rule = DESTINATION_RULE};
	if (shot->kind == SHOT_FRAGMENT) {
		judged.reason = REASON_FRAGMENT_TINY;
		judged.verdict = EVENT_DROP;
	}
	return judged;
}
