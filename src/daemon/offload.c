/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/offload.h"

#include "base/moment.h"

#include <errno.h>
#include <stdlib.h>

enum {
	FAMILIES = 2,
	SETS_PER_GROUP = FAMILIES * OFFLOAD_SHARDS,
	NSEC_PER_MSEC = 1000000,
	LOOK_NS =
		1000000, /* between two looks whether workers have acknowledged, while the kernel is to turn */
	SLEW_NS = 2000000,   /* by so much less may the clock go on while it is corrected without a step */
	REST_NS = 500000000, /* while nothing is due: the clock may be set at any time */
	WAIT_NS = 10000000,  /* while only the next generation waits for it */
};

enum stage {
	STAGE_FREE,    /* the sets are empty */
	STAGE_TURNED,  /* in force */
	STAGE_LEFT,    /* the kernel has turned away, but packets may still be on their way through */
	STAGE_READING, /* quiet */
	STAGE_READ,    /* told; to be emptied */
};

struct generation {
	enum stage stage;
	const struct world *world; /* that decided what is in it */
	unsigned group_count;
	int64_t began_s;
	int64_t left_ns;      /* wall clock, when the kernel turned away */
	uint32_t left_number; /* workers that have acknowledged this one do not give it any more */
	unsigned next_set;    /* those before are told */
	unsigned first_told;  /* those before are emptied, too */
	uint64_t sources;
	uint64_t told; /* elements in sets that are told, and not emptied */
};

enum phase {
	PHASE_RUN,
	PHASE_HOLD, /* workers were told none; the kernel has not turned */
	PHASE_TURN,
};

enum call { CALL_CHECK, CALL_TURN, CALL_QUIET, CALL_READ, CALL_FLUSH, CALL_COUNTERS, CALLS };

static const char *const call_names[CALLS] = {"check", "turn", "wait", "read", "flush", "count"};

struct offload {
	struct offload_kernel kernel;
	struct offload_host host;
	struct offload_settings settings;
	struct offload_now now;
	struct generation generations[OFFLOAD_GENERATIONS];
	int turned; /* in force in the kernel */
	int told;   /* to the workers */
	uint32_t number;
	enum phase phase;
	bool checked; /* it has the sets of these settings */
	bool gone_said;
	bool leave; /* the one in force, before its time */
	bool stopping;
	unsigned harvest; /* the generation whose turn it is, when both wait to be read */
	int64_t hold_until_ns, retry_ns, look_ns, counters_ns;
	int64_t since_ns;        /* the one in force may have elements since */
	uint64_t learned_before; /* the workers' count when it began */
	int64_t offset_ns;       /* of the wall clock from the steady one */
	int64_t asked_s, date_s; /* the next date of the policy at this time */
	bool counters_based;
	uint64_t full, stale; /* as last read */
	unsigned failing;     /* a bit each call */
	struct offload_stats stats;
};

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

static int64_t now_s(const struct offload *offload)
{
	return offload->now.wall_ns / NSEC_PER_SEC;
}

/* Remembers how a call went; true when it has to be made again. -ENOENT is an answer. */
static bool failed(struct offload *offload, enum call call, int r)
{
	unsigned bit = 1U << (unsigned)call;
	bool fails = r < 0 && r != -ENOENT;

	if (fails) {
		offload->stats.failures++;
		offload->stats.error = r;
		offload->retry_ns = offload->now.steady_ns + OFFLOAD_RETRY_MS * (int64_t)NSEC_PER_MSEC;
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
	offload->stats.drained = false;
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
	offload->stats.drained = true;
	offload->counters_ns = 0;
}

void offload_stop(struct offload *offload)
{
	offload->stopping = true;
	offload->counters_ns = 0;
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
	if (now_s(offload) == offload->asked_s)
		return;
	offload->asked_s = now_s(offload);
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
							   .began_s = now_s(offload)};
	offload->turned = number;
	offload->leave = false;
	offload->since_ns = offload->now.steady_ns;
	offload->learned_before = offload->now.learned;
	offload->asked_s = now_s(offload);
	offload->date_s =
		offload->host.next_date(offload->host.context, offload->settings.world, offload->asked_s);
	tell(offload, number);
}

static void look_later(struct offload *offload)
{
	offload->checked = false;
	offload->look_ns = offload->now.steady_ns + OFFLOAD_LOOK_S * NSEC_PER_SEC;
}

static void note_gone(struct offload *offload)
{
	look_later(offload);
	if (offload->gone_said || !is_wanted(offload))
		return;
	offload->gone_said = true;
	offload->host.say(offload->host.context, OFFLOAD_GONE, "", -ENOENT);
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
	if (failed(offload, CALL_CHECK, r)) {
		offload->retry_ns = 0;
		look_later(offload);
	} else if (r < 0) {
		note_gone(offload);
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
	if (failed(offload, CALL_TURN, r))
		return;
	offload->phase = PHASE_RUN;
	leave_generation(offload);
	if (r == -ENOENT)
		note_gone(offload);
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

/* Reading */

static void observe_many(struct offload *offload, const struct world *world, uint64_t packets)
{
	struct event_fact fact = {
		.time_ns = offload->now.wall_ns,
		.verdict = EVENT_DROP,
		.reason = REASON_POOL_ENFORCE,
		.names = {"", "", "", world->policy->digest},
	};

	offload->stats.packets += packets;
	while (packets > 0) {
		fact.many.packets = packets < UINT32_MAX ? (uint32_t)packets : UINT32_MAX;
		fact.many.attempts = fact.many.packets;
		offload->host.observe(offload->host.context, &fact);
		packets -= fact.many.packets;
	}
}

/* A generation's time is from when it began to when it was left; for what was found at the start, only now. */
static bool attribute(struct offload *offload, const struct generation *generation,
		      const struct addr *subscriber, struct event_fact *ret)
{
	const int64_t times[] = {generation->began_s, generation->left_ns / NSEC_PER_SEC, now_s(offload)};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] != 0 && offload->host.attribute(offload->host.context, generation->world,
							     subscriber, times[i], ret))
			return true;
	return false;
}

static void take_element(void *context, const struct addr *subscriber, uint64_t packets)
{
	struct offload *offload = context;
	struct generation *generation = &offload->generations[offload->harvest];
	struct event_fact fact = {0};

	generation->sources++;
	generation->told++;
	if (packets == 0)
		return;
	if (!attribute(offload, generation, subscriber, &fact)) {
		offload->stats.unattributed += packets;
		observe_many(offload, generation->world, packets);
		return;
	}
	fact.time_ns = offload->now.wall_ns;
	if (generation->left_ns != 0 && generation->left_ns < fact.time_ns)
		fact.time_ns = generation->left_ns;
	fact.offloaded = packets;
	offload->stats.packets += packets;
	offload->host.observe(offload->host.context, &fact);
}

/* Where one shard is missing, all are; and what another daemon left has no gaps between its groups. */
static unsigned set_after_missing(const struct generation *generation, unsigned set)
{
	if (generation->began_s == 0 && set % SETS_PER_GROUP == 0)
		return generation->group_count * SETS_PER_GROUP;
	return (set / OFFLOAD_SHARDS + 1) * OFFLOAD_SHARDS;
}

static void read_set(struct offload *offload, struct generation *generation)
{
	unsigned set = generation->next_set, rest = set % SETS_PER_GROUP;
	int r = offload->kernel.read(offload->kernel.context, offload->harvest, set / SETS_PER_GROUP,
				     rest < OFFLOAD_SHARDS ? ADDR_IP4 : ADDR_IP6, rest % OFFLOAD_SHARDS,
				     take_element, offload);

	if (failed(offload, CALL_READ, r))
		return;
	generation->next_set = r == -ENOENT ? set_after_missing(generation, set) : set + 1;
	if (generation->next_set >= generation->group_count * SETS_PER_GROUP)
		generation->stage = STAGE_READ;
}

/* What is told, so that little is told twice by who comes next, and no call takes long. */
static void flush(struct offload *offload, struct generation *generation)
{
	bool all = generation->stage == STAGE_READ;
	unsigned end = all ? generation->group_count * SETS_PER_GROUP : generation->next_set;
	int r = offload->kernel.flush(offload->kernel.context, offload->harvest, generation->first_told, end);

	if (failed(offload, CALL_FLUSH, r))
		return;
	generation->first_told = end;
	generation->told = 0;
	if (!all)
		return;
	generation->stage = STAGE_FREE;
	if (generation->began_s != 0) {
		offload->stats.sources = generation->sources;
		offload->stats.rotations++;
	}
	offload->counters_ns = 0;
}

static bool waits_to_be_read(const struct generation *generation)
{
	return generation->stage != STAGE_FREE && generation->stage != STAGE_TURNED;
}

static bool harvest_is_due(const struct offload *offload)
{
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++)
		if (waits_to_be_read(&offload->generations[i]))
			return true;
	return false;
}

static void harvest(struct offload *offload)
{
	struct generation *generation = &offload->generations[offload->harvest];

	if (!waits_to_be_read(generation)) {
		offload->harvest = !offload->harvest;
		generation = &offload->generations[offload->harvest];
	}
	if (generation->stage == STAGE_LEFT) {
		if (!failed(offload, CALL_QUIET, offload->kernel.quiet(offload->kernel.context)))
			generation->stage = STAGE_READING;
	} else if (generation->stage == STAGE_READING && generation->told < offload->settings.told_max) {
		read_set(offload, generation);
	} else {
		flush(offload, generation);
	}
	/* What cannot be read now must not keep the other one from being read in time. */
	if (offload->failing != 0)
		offload->harvest = !offload->harvest;
}

void offload_give_up(struct offload *offload, const struct offload_now *now)
{
	offload->now = *now;
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++) {
		struct generation *generation = &offload->generations[i];

		if (!waits_to_be_read(generation) || generation->next_set == generation->first_told)
			continue;
		offload->harvest = i;
		flush(offload, generation);
	}
}

static uint64_t grown(uint64_t before, uint64_t after)
{
	/* Another table began anew. */
	return after >= before ? after - before : after;
}

static void read_counters(struct offload *offload)
{
	uint64_t full = 0, stale = 0, more_full, more_stale;
	int r = offload->kernel.counters(offload->kernel.context, &full, &stale);

	if (failed(offload, CALL_COUNTERS, r))
		return;
	offload->counters_ns = offload->now.steady_ns + OFFLOAD_LOOK_S * NSEC_PER_SEC;
	if (r == -ENOENT) {
		note_gone(offload);
		offload->leave = offload->turned != OFFLOAD_NONE;
	}
	more_full = grown(offload->full, full);
	more_stale = grown(offload->stale, stale);
	offload->full = full;
	offload->stale = stale;
	/* What stood there at the start was another daemon's. */
	if (!offload->counters_based) {
		offload->counters_based = true;
		return;
	}
	offload->stats.full += more_full;
	offload->stats.stale += more_stale;
	observe_many(offload, offload->settings.world, more_full + more_stale);
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
		return offload->retry_ns;
	if (offload->phase == PHASE_TURN || harvest_is_due(offload) || counters_are_due(offload) ||
	    (offload->phase == PHASE_RUN && leaving_is_due(offload)))
		return now_ns;
	if (offload->phase == PHASE_HOLD)
		return now_ns + LOOK_NS;
	if (offload->turned == OFFLOAD_NONE)
		return is_wanted(offload) && !has_gone(offload) ? now_ns + WAIT_NS : next_ns;
	if (may_hold(offload))
		next_ns = earlier(next_ns, offload->since_ns + offload->settings.generation_ns);
	if (offload->date_s - now_s(offload) <= 1)
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
	if (offload->counters_based && harvest_is_due(offload))
		harvest(offload);
	else if (counters_are_due(offload))
		read_counters(offload);
	return next_step_ns(offload);
}
