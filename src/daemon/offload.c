/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/offload_machine.h"

#include "base/moment.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LOOK_NS = 1000000,   /* between two looks whether workers have acknowledged */
	SLEW_NS = 2000000,   /* by so much less may the clock go on while it is corrected without a step */
	REST_NS = 500000000, /* while nothing is due: the clock may be set at any time */
	WAIT_NS = 10000000,  /* while only the next generation waits for it */
};

static const char *const call_names[CALLS] = {"check", "match", "turn", "wait", "read", "flush", "count"};

int offload_new(const struct offload_kernel *kernel, const struct offload_host *host,
		const struct offload_settings *settings, struct offload **ret)
{
	struct offload *offload = calloc(1, sizeof(*offload));

	if (!offload)
		return -ENOMEM;
	offload->kernel = *kernel;
	offload->host = *host;
	offload->settings = *settings;
	offload->turned = offload->told = OFFLOAD_NONE;
	offload->phase = PHASE_TURN;
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++)
		offload->generations[i] = (struct generation){
			.stage = STAGE_LEFT, .world = settings->world, .group_count = OFFLOAD_GROUPS_MAX};
	*ret = offload;
	return 0;
}

void offload_free(struct offload *offload)
{
	free(offload);
}

/* Where nothing is to be offloaded nobody waits, but for an end of the daemon. */
static int64_t retry_ms(const struct offload *offload)
{
	bool waits =
		offload->settings.group_count > 0 || offload->turned != OFFLOAD_NONE || offload->stopping;

	return waits ? OFFLOAD_RETRY_MS : OFFLOAD_REST_MS;
}

/* Remembers how a call went; true when it has to be made again. -ENOENT is an answer. */
bool offload_failed(struct offload *offload, enum call call, int r)
{
	unsigned bit = 1U << (unsigned)call;
	bool fails = r < 0 && r != -ENOENT;

	if (fails) {
		offload->stats.failures++;
		offload->stats.error = r;
		offload->retry_ns = offload->now.steady_ns + retry_ms(offload) * NSEC_PER_MSEC;
	}
	if (fails && (offload->failing & bit) == 0) {
		offload->failing |= bit;
		offload->host.say(offload->host.context, OFFLOAD_FAILING, call_names[call], r);
	} else if (!fails && (offload->failing & bit) != 0) {
		offload->failing &= ~bit;
		offload->host.say(offload->host.context, OFFLOAD_WORKS, call_names[call], 0);
	}
	if (offload->failing == 0)
		offload->stats.error = 0;
	return fails;
}

static void tell(struct offload *offload, int generation)
{
	offload->told = generation;
	offload->host.tell(offload->host.context, ++offload->number, generation);
}

static bool acknowledged(const struct offload *offload, uint32_t number)
{
	/* Numbers come round. */
	return (int32_t)(offload->now.acknowledged - number) >= 0;
}

static bool is_wanted(const struct offload *offload)
{
	return offload->settings.group_count > 0 && !offload->stats.drained && !offload->stopping;
}

static bool has_gone(const struct offload *offload)
{
	return !offload->checked && offload->now.steady_ns < offload->look_ns;
}

/* Which generation can be taken, or OFFLOAD_NONE. */
static int choose(const struct offload *offload)
{
	if (!is_wanted(offload) || has_gone(offload) || !offload->counters_based)
		return OFFLOAD_NONE;
	for (int i = 0; i < OFFLOAD_GENERATIONS; i++)
		if (offload->generations[i].stage == STAGE_FREE &&
		    acknowledged(offload, offload->generations[i].left_number))
			return i;
	return OFFLOAD_NONE;
}

void offload_hold(struct offload *offload, const struct offload_now *now)
{
	offload->now = *now;
	if (offload->told == OFFLOAD_NONE)
		return;
	tell(offload, OFFLOAD_NONE);
	offload->generations[offload->turned].left_number = offload->number;
	offload->phase = PHASE_HOLD;
	offload->hold_until_ns = now->steady_ns + OFFLOAD_HOLD_MS * (int64_t)NSEC_PER_MSEC;
}

void offload_reload(struct offload *offload, const struct offload_settings *settings)
{
	offload->settings = *settings;
	offload->checked = false;
	offload->look_ns = 0;
	offload->retry_ns = 0;
	offload->stats.drained = false;
}

void offload_renew(struct offload *offload, const struct offload_settings *settings)
{
	offload->settings = *settings;
	offload->leave = offload->turned != OFFLOAD_NONE;
}

bool offload_uses(const struct offload *offload, const struct world *world)
{
	if (offload->settings.world == world)
		return true;
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++)
		if (offload->generations[i].stage != STAGE_FREE && offload->generations[i].world == world)
			return true;
	return false;
}

void offload_drain(struct offload *offload)
{
	offload->matched = offload->checked;
	offload->stats.drained = true;
	offload->drained_ns = offload->now.steady_ns;
	offload->counters_ns = 0;
}

void offload_stop(struct offload *offload)
{
	offload->stopping = true;
	offload->retry_ns = 0;
	offload->counters_ns = 0;
}

void offload_resume(struct offload *offload)
{
	offload->stopping = false;
}

static bool is_harvested(const struct offload *offload)
{
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++)
		if (offload->generations[i].stage != STAGE_FREE)
			return false;
	return true;
}

bool offload_is_empty(const struct offload *offload)
{
	return offload->phase == PHASE_RUN && is_harvested(offload) && offload->counters_ns != 0;
}

void offload_stats_get(const struct offload *offload, struct offload_stats *ret)
{
	*ret = offload->stats;
	ret->generation = offload->turned;
	ret->found = offload->checked;
	ret->settled = offload->phase == PHASE_RUN && !offload->leave;
}

/* Time */

/*
 * A date that has passed, or is to come again because the clock was set back, changes what is blocked. A clock set back by
 * little may have come to the date once more since the last look, hence the second reason.
 */
static void look_at_dates(struct offload *offload)
{
	int64_t offset_ns = offload->now.wall_ns - offload->now.steady_ns;
	int64_t date_s;

	if (offset_ns < offload->offset_ns - SLEW_NS)
		offload->leave = offload->turned != OFFLOAD_NONE;
	offload->offset_ns = offset_ns;
	if (offload_now_s(offload) == offload->asked_s)
		return;
	offload->asked_s = offload_now_s(offload);
	date_s = offload->host.next_date(offload->host.context, offload->settings.world, offload->asked_s);
	if (date_s != offload->date_s)
		offload->leave = offload->turned != OFFLOAD_NONE;
	offload->date_s = date_s;
}

static bool may_hold(const struct offload *offload)
{
	return offload->turned != OFFLOAD_NONE && offload->now.learned != offload->learned_before;
}

static bool leaving_is_due(const struct offload *offload)
{
	if (offload->turned == OFFLOAD_NONE)
		return false;
	return offload->leave || !is_wanted(offload) ||
	       (may_hold(offload) &&
		offload->now.steady_ns - offload->since_ns >= offload->settings.generation_ns);
}

/* Turning */

static void leave_generation(struct offload *offload)
{
	struct generation *generation;

	if (offload->turned == OFFLOAD_NONE)
		return;
	generation = &offload->generations[offload->turned];
	generation->stage = STAGE_LEFT;
	generation->left_ns = offload->now.wall_ns;
	generation->next_set = generation->first_told = 0;
	generation->sources = generation->told = 0;
	offload->turned = OFFLOAD_NONE;
	offload->leave = false;
}

static void enter_generation(struct offload *offload, int number)
{
	offload->generations[number] = (struct generation){.stage = STAGE_TURNED,
							   .world = offload->settings.world,
							   .group_count = offload->settings.group_count,
							   .began_s = offload_now_s(offload)};
	offload->turned = number;
	offload->leave = false;
	offload->since_ns = offload->now.steady_ns;
	offload->learned_before = offload->now.learned;
	offload->asked_s = offload_now_s(offload);
	offload->date_s =
		offload->host.next_date(offload->host.context, offload->settings.world, offload->asked_s);
	tell(offload, number);
}

static void look_later(struct offload *offload)
{
	offload->checked = false;
	offload->look_ns = offload->now.steady_ns + OFFLOAD_LOOK_S * NSEC_PER_SEC;
}

void offload_note_gone(struct offload *offload)
{
	look_later(offload);
	if (offload->gone_said || !is_wanted(offload))
		return;
	offload->gone_said = true;
	offload->host.say(offload->host.context, OFFLOAD_GONE, "", -ENOENT);
}

static void note_rules_changed(struct offload *offload)
{
	offload_note_gone(offload);
	offload->leave = true;
}

static void note_found(struct offload *offload)
{
	offload->checked = true;
	if (offload->gone_said)
		offload->host.say(offload->host.context, OFFLOAD_FOUND, "", 0);
	offload->gone_said = false;
}

static void check(struct offload *offload)
{
	int r = offload->kernel.check(offload->kernel.context, offload->settings.group_count);

	/* A look that fails is no reason to keep the kernel at the old generation. */
	if (offload_failed(offload, CALL_CHECK, r)) {
		offload->retry_ns = 0;
		look_later(offload);
	} else if (r < 0) {
		offload_note_gone(offload);
	} else {
		note_found(offload);
	}
}

static void turn(struct offload *offload)
{
	int target = choose(offload);
	int r;

	if (target != OFFLOAD_NONE && !offload->checked) {
		check(offload);
		return;
	}
	r = offload->kernel.turn(offload->kernel.context, offload->settings.group_count, target);
	if (offload_failed(offload, CALL_TURN, r))
		return;
	offload->phase = PHASE_RUN;
	leave_generation(offload);
	if (r == -ENOENT)
		offload_note_gone(offload);
	else if (target != OFFLOAD_NONE)
		enter_generation(offload, target);
}

/* True when a call was made. */
static bool proceed(struct offload *offload)
{
	if (offload->phase == PHASE_RUN && leaving_is_due(offload))
		offload_hold(offload, &offload->now);
	else if (offload->phase == PHASE_RUN && offload->turned == OFFLOAD_NONE &&
		 choose(offload) != OFFLOAD_NONE)
		offload->phase = PHASE_TURN;
	if (offload->phase == PHASE_HOLD &&
	    (acknowledged(offload, offload->number) || offload->now.steady_ns >= offload->hold_until_ns))
		offload->phase = PHASE_TURN;
	if (offload->phase != PHASE_TURN)
		return false;
	turn(offload);
	return true;
}

/* Somebody may have loaded the rules of another policy, with which sources are dropped that this one lets through. */
static bool match_is_due(const struct offload *offload)
{
	bool drained = offload->stats.drained && offload->settings.group_count > 0 && !offload->stopping;

	return (offload->turned != OFFLOAD_NONE || drained) && offload->now.steady_ns >= offload->match_ns;
}

static void end_drain(struct offload *offload)
{
	offload->stats.drained = false;
	offload->checked = false;
	offload->look_ns = 0;
}

static void note_match(struct offload *offload, bool match)
{
	bool over = offload->now.steady_ns - offload->drained_ns >= OFFLOAD_DRAINED_S * NSEC_PER_SEC;

	if (offload->turned != OFFLOAD_NONE && !match) {
		note_rules_changed(offload);
	} else if (offload->turned == OFFLOAD_NONE && offload->stats.drained) {
		if (match && (over || !offload->matched))
			end_drain(offload);
		offload->matched = match;
	}
}

static void look_at_rules(struct offload *offload)
{
	int r = offload->kernel.match(offload->kernel.context);
	bool fails = offload_failed(offload, CALL_MATCH, r);

	offload->match_ns = offload->now.steady_ns + OFFLOAD_LOOK_S * NSEC_PER_SEC;
	if (fails)
		offload->retry_ns = 0;
	else
		note_match(offload, r == 0);
}

static bool counters_are_due(const struct offload *offload)
{
	return !offload->counters_based || offload->now.steady_ns >= offload->counters_ns;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_step_ns(const struct offload *offload)
{
	int64_t now_ns = offload->now.steady_ns, next_ns = now_ns + REST_NS;

	if (now_ns < offload->retry_ns)
		return earlier(next_ns, offload->retry_ns);
	if (offload->phase == PHASE_TURN || offload_harvest_is_due(offload) || counters_are_due(offload) ||
	    match_is_due(offload) || (offload->phase == PHASE_RUN && leaving_is_due(offload)))
		return now_ns;
	if (offload->phase == PHASE_HOLD)
		return now_ns + LOOK_NS;
	if (offload->turned == OFFLOAD_NONE)
		return is_wanted(offload) && !has_gone(offload) ? now_ns + WAIT_NS : next_ns;
	if (may_hold(offload))
		next_ns = earlier(next_ns, offload->since_ns + offload->settings.generation_ns);
	if (offload->date_s - offload_now_s(offload) <= 1)
		next_ns = earlier(next_ns, now_ns + offload->date_s * NSEC_PER_SEC - offload->now.wall_ns);
	return next_ns;
}

int64_t offload_step(struct offload *offload, const struct offload_now *now)
{
	offload->now = *now;
	look_at_dates(offload);
	if (offload->turned != OFFLOAD_NONE && !may_hold(offload))
		offload->since_ns = now->steady_ns;
	if (now->steady_ns < offload->retry_ns)
		return next_step_ns(offload);
	if (proceed(offload))
		return next_step_ns(offload);
	if (offload->counters_based && offload_harvest_is_due(offload))
		offload_harvest(offload);
	else if (counters_are_due(offload))
		offload_read_counters(offload);
	else if (match_is_due(offload))
		look_at_rules(offload);
	return next_step_ns(offload);
}
