/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a generation that was left is read out into facts and emptied, and the packets that found no place in one. */
#include "daemon/offload_machine.h"

#include <errno.h>

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
	const int64_t times[] = {generation->began_s, generation->left_ns / NSEC_PER_SEC,
				 offload_now_s(offload)};

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

	if (offload_failed(offload, CALL_READ, r))
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

	if (offload_failed(offload, CALL_FLUSH, r))
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

bool offload_harvest_is_due(const struct offload *offload)
{
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS; i++)
		if (waits_to_be_read(&offload->generations[i]))
			return true;
	return false;
}

void offload_harvest(struct offload *offload)
{
	struct generation *generation = &offload->generations[offload->harvest];

	if (!waits_to_be_read(generation)) {
		offload->harvest = !offload->harvest;
		generation = &offload->generations[offload->harvest];
	}
	if (generation->stage == STAGE_LEFT) {
		if (!offload_failed(offload, CALL_QUIET, offload->kernel.quiet(offload->kernel.context)))
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

void offload_read_counters(struct offload *offload)
{
	uint64_t full = 0, stale = 0, more_full, more_stale;
	int r = offload->kernel.counters(offload->kernel.context, &full, &stale);

	if (offload_failed(offload, CALL_COUNTERS, r))
		return;
	offload->counters_ns = offload->now.steady_ns + OFFLOAD_LOOK_S * NSEC_PER_SEC;
	if (r == -ENOENT) {
		offload_note_gone(offload);
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
