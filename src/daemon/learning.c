/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/learning.h"

#include "base/vec.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/records.h"
#include "daemon/say.h"
#include "record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	STOP_LOOK_NS = 1000000,
	CLOCKS_APART_NS = 500000,
	CLOCK_TRIES = 5,
	LEARNING_TOLD_MAX = 1 << 16, /* elements: what is emptied in one call takes a tenth of a second */
};

_Static_assert((int)OFFLOAD_NONE == (int)LEARNED_NONE &&
		       (int)OFFLOAD_GENERATIONS == (int)LEARNED_GENERATIONS &&
		       (int)OFFLOAD_SHARDS == (int)LEARN_SHARDS &&
		       (int)OFFLOAD_GROUPS_MAX == (int)LEARN_GROUPS_MAX,
	       "the machine counts as the kernel's sets do");

/* The kernel */

static int check(struct learning *learning, unsigned group_count)
{
	const struct learn_groups groups = {.count = group_count};

	return learned_check(learning->kernel, &groups);
}

/* How many groups the table has sets of: 0 with *ret, -ENOENT when it has none of offload's, or another -errno. */
static int count_groups(struct learning *learning, unsigned *ret)
{
	unsigned have = 0, lack = LEARN_GROUPS_MAX + 1;
	int r = check(learning, 0);

	if (r < 0)
		return r;
	while (lack - have > 1) {
		unsigned middle = have + (lack - have) / 2;

		r = check(learning, middle);
		if (r == 0)
			have = middle;
		else if (r == -ENOENT)
			lack = middle;
		else
			return r;
	}
	*ret = have;
	return 0;
}

/* Rules of another policy might look up where this one makes exceptions. */
static int check_layout(struct learning *learning)
{
	uint64_t layout = 0;
	int r = learned_layout(learning->kernel, &layout);

	if (r < 0)
		return r;
	return layout == learning->layout ? 0 : -ENOENT;
}

static struct learning *learning_of(void *context)
{
	struct gateway *gateway = context;

	return &gateway->learning;
}

static int check_all(void *context, unsigned group_count)
{
	struct learning *learning = learning_of(context);
	int r = check(learning, group_count);

	return r == 0 && group_count > 0 ? check_layout(learning) : r;
}

static int match(void *context)
{
	return check_layout(learning_of(context));
}

/* The table has other groups than was thought: after a start, or when another ruleset was loaded. */
static int turn_anew(struct learning *learning, unsigned group_count, int generation)
{
	struct learn_groups groups = {.count = 0};
	unsigned have = 0;
	int r = count_groups(learning, &have);

	if (r < 0)
		return r;
	groups.count = have;
	if (generation != LEARNED_NONE && (have < group_count || check_layout(learning) < 0)) {
		r = learned_switch(learning->kernel, &groups, LEARNED_NONE);
		return r == 0 ? -ENOENT : r;
	}
	return learned_switch(learning->kernel, &groups, generation);
}

/* Also what another policy's groups had in force is turned away from. */
static int turn(void *context, unsigned group_count, int generation)
{
	struct learning *learning = learning_of(context);
	unsigned wanted = generation == LEARNED_NONE ? 0 : group_count;
	unsigned before = learning->groups_in_force;
	struct learn_groups groups = {.count = wanted > before ? wanted : before};
	int r = generation == LEARNED_NONE ? 0 : check_layout(learning);

	if (r == 0)
		r = learned_switch(learning->kernel, &groups, generation);
	if (r == -ENOENT)
		r = turn_anew(learning, group_count, generation);
	/* After a failure it is not certain what is in force. */
	learning->groups_in_force = r == 0 ? wanted : LEARN_GROUPS_MAX;
	return r;
}

static int quiet(void *context)
{
	learned_quiet();
	return 0;
}

static void end_reading(struct gateway *gateway, unsigned generation, unsigned set)
{
	struct learning_reading *reading = &gateway->learning.reading;

	if (gateway->learning.state)
		handover_state_set_read(gateway->learning.state, generation, set, reading->packets);
	event_observe(gateway->collector, reading->facts, reading->count);
}

/* A set that the process before has read, and not emptied, is empty for the machine: it is told, or due. */
static int read_set(void *context, unsigned generation, unsigned group, uint8_t family, unsigned shard,
		    offload_element *each, void *each_context)
{
	struct gateway *gateway = context;
	struct learning *learning = &gateway->learning;
	struct learning_reading *reading = &learning->reading;
	unsigned set = group * LEARNED_SETS_PER_GROUP + (family == ADDR_IP4 ? 0 : LEARN_SHARDS) + shard;
	int r;

	if (learning->state && handover_state_set_is_read(learning->state, generation, set))
		return 0;
	reading->active = true;
	reading->count = 0;
	memset(reading->packets, 0, sizeof(reading->packets));
	r = learned_read(learning->kernel, generation, group, shard, family, each, each_context);
	reading->active = false;
	if (r == 0)
		end_reading(gateway, generation, set);
	return r;
}

static int flush_what_is_there(struct learning *learning, unsigned generation, unsigned first, unsigned end)
{
	unsigned have = 0;
	int r = learned_flush(learning->kernel, generation, first, end);

	if (r != -ENOENT)
		return r;
	r = count_groups(learning, &have);
	if (r < 0)
		return r;
	have *= LEARNED_SETS_PER_GROUP;
	end = have < end ? have : end;
	return first < end ? learned_flush(learning->kernel, generation, first, end) : 0;
}

static int flush(void *context, unsigned generation, unsigned first, unsigned end)
{
	struct learning *learning = learning_of(context);
	int r = flush_what_is_there(learning, generation, first, end);

	if (r == 0 && learning->state)
		handover_state_emptied(learning->state, generation, first, end);
	free(learning->reading.facts);
	learning->reading = (struct learning_reading){.active = false};
	return r;
}

static bool is_another_table(const struct handover_unplaced *before, const struct handover_unplaced *now)
{
	return now->full < before->full || now->stale < before->stale;
}

/* Where the machine is to count from at its first look: where the process before has ended. */
static struct handover_unplaced first_look(const struct learning *learning,
					   const struct handover_unplaced *now)
{
	struct handover_unplaced before;

	if (!learning->state)
		return *now;
	if (handover_state_lives(learning->state) > 1 &&
	    handover_state_unplaced_before(learning->state, &before) && !is_another_table(&before, now))
		return before;
	handover_state_unplaced(learning->state, 0, 0, now);
	return *now;
}

/* The machine tells by how much they have grown since its first look. */
static int counters(void *context, uint64_t *ret_full, uint64_t *ret_stale)
{
	const struct handover_unplaced none = {.full = 0};
	struct learning *learning = learning_of(context);
	struct handover_unplaced now = none;
	int r = learned_counters(learning->kernel, &now.full, &now.stale);

	if (r < 0 && r != -ENOENT)
		return r;
	if (!learning->based)
		now = first_look(learning, &now);
	else if (learning->state && is_another_table(&learning->unplaced, &now))
		handover_state_unplaced(learning->state, 0, 0, &none);
	learning->based = true;
	learning->unplaced = now;
	*ret_full = now.full;
	*ret_stale = now.stale;
	return r;
}

/* The daemon */

static void tell(void *context, uint32_t number, int generation)
{
	struct gateway *gateway = context;

	atomic_store_explicit(&gateway->hub.learn, hub_learn(number, generation), memory_order_release);
	for (size_t i = 0; i < gateway->worker_count; i++)
		worker_wake(gateway->workers[i]);
}

static int64_t next_date(void *context, const struct world *world, int64_t now_s)
{
	return engine_next_date(world->engine, now_s);
}

static bool attribute(void *context, const struct world *world, const struct addr *subscriber, int64_t at_s,
		      struct event_fact *ret)
{
	struct decision decision;

	if (!engine_whole_source(world->engine, subscriber, at_s, &decision))
		return false;
	record_fill_source(world->policy, subscriber, &decision, ret);
	return true;
}

/* Without memory it is told at once: then a kill in that moment has it told twice. */
static bool put_aside(struct learning_reading *reading, const struct event_fact *fact)
{
	if (!VEC_RESERVE(reading->facts, reading->capacity, reading->count + 1))
		return false;
	reading->facts[reading->count++] = *fact;
	return true;
}

static void observe(void *context, const struct event_fact *fact)
{
	struct gateway *gateway = context;
	struct learning *learning = &gateway->learning;
	uint64_t packets = fact->offloaded + fact->many.packets;

	if (learning->reading.active) {
		learning->reading.packets[fact->reason % EVENT_REASONS_MAX] += packets;
		if (put_aside(&learning->reading, fact))
			return;
	} else if (learning->state) {
		handover_state_unplaced(learning->state, fact->reason, packets, &learning->unplaced);
	}
	event_observe(gateway->collector, fact, 1);
}

static void say_news(void *context, enum offload_news news, const char *call, int error)
{
	const struct gateway *gateway = context;

	/* A policy without offload only looks for what another one may have left behind. */
	if (gateway->world->groups.count == 0)
		return;
	switch (news) {
	case OFFLOAD_GONE:
		say(SAY_WARNING,
		    "offload: the ruleset in the kernel has no sets for this policy, so every packet is "
		    "queued: load it with op25b-rules apply");
		break;
	case OFFLOAD_FOUND:
		say(SAY_NOTICE, "offload: the ruleset in the kernel has the sets for this policy");
		break;
	case OFFLOAD_FAILING:
		say(SAY_ERROR, "offload: %s: %s; it is tried again", call, strerror(-error));
		break;
	case OFFLOAD_WORKS:
		say(SAY_NOTICE, "offload: %s: works again", call);
		break;
	default:
		break;
	}
}

static struct offload_settings settings_of(const struct gateway *gateway)
{
	return (struct offload_settings){.world = gateway->world,
					 .group_count = (unsigned)gateway->world->groups.count,
					 .generation_ns =
						 gateway->world->policy->gateway.offload_s * NSEC_PER_SEC,
					 .told_max = LEARNING_TOLD_MAX};
}

/* Both at one time: a pause between the two would look like a clock that was set back. */
static void read_clocks(struct offload_now *now)
{
	for (int i = 0; i < CLOCK_TRIES; i++) {
		now->steady_ns = clock_steady_ns();
		now->wall_ns = clock_wall_ns();
		if (clock_steady_ns() - now->steady_ns < CLOCKS_APART_NS)
			return;
	}
}

static struct offload_now now_of(const struct gateway *gateway)
{
	struct offload_now now = {.acknowledged = hub_learn_number(atomic_load(&gateway->hub.learn))};
	struct ledger_counts counts = {0};

	for (size_t i = 0; i < gateway->worker_count; i++) {
		uint32_t number = worker_acknowledged(gateway->workers[i]);

		if ((int32_t)(number - now.acknowledged) < 0)
			now.acknowledged = number;
		ledger_collect(worker_ledger(gateway->workers[i]), &counts);
	}
	now.learned = counts.values[LEDGER_LEARNED];
	read_clocks(&now);
	return now;
}

static void set_timer(const struct learning *learning, int64_t at_ns)
{
	const struct itimerspec at = {.it_value.tv_sec = (time_t)(at_ns / NSEC_PER_SEC),
				      .it_value.tv_nsec = (long)(at_ns % NSEC_PER_SEC)};

	(void)timerfd_settime(learning->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

int learning_start(struct gateway *gateway)
{
	struct learning *learning = &gateway->learning;
	const struct offload_kernel kernel = {gateway, check_all, match, turn,
					      quiet,   read_set,  flush, counters};
	const struct offload_host host = {gateway, tell, next_date, attribute, observe, say_news};
	const struct offload_settings settings = settings_of(gateway);
	int r;

	learning->state = gateway->handover.state;
	learning->family = gateway->world->policy->gateway.family;
	learning->layout = gateway->world->groups.layout;
	learning->groups_in_force = LEARN_GROUPS_MAX;
	learning->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (learning->timer_fd < 0)
		return -errno;
	r = learned_open(learning->family, &learning->kernel);
	if (r == 0)
		r = offload_new(&kernel, &host, &settings, &learning->offload);
	if (r == 0)
		set_timer(learning, clock_steady_ns());
	return r;
}

static void answer_drains(struct learning *learning, enum control_error error)
{
	for (size_t i = 0; i < learning->drain_count; i++) {
		if (error == CONTROL_OK)
			control_call_answer(learning->drains[i], json_pack("{s:b}", "drained", 1));
		else
			control_call_refuse(learning->drains[i], error, NULL,
					    "what the kernel has learned is not read out to the end");
	}
	learning->drain_count = 0;
}

void learning_free(struct gateway *gateway)
{
	struct learning *learning = &gateway->learning;

	answer_drains(learning, CONTROL_FAILED);
	offload_free(learning->offload);
	learned_close(learning->kernel);
	free(learning->reading.facts);
	if (learning->timer_fd >= 0)
		close(learning->timer_fd);
}

static void look_at_drains(struct learning *learning, const struct offload_now *now)
{
	if (learning->drain_count == 0)
		return;
	if (offload_is_empty(learning->offload))
		answer_drains(learning, CONTROL_OK);
	else if (now->steady_ns > learning->drain_until_ns)
		answer_drains(learning, CONTROL_FAILED);
}

void learning_step(struct gateway *gateway)
{
	const struct offload_now now = now_of(gateway);

	set_timer(&gateway->learning, offload_step(gateway->learning.offload, &now));
	look_at_drains(&gateway->learning, &now);
}

void learning_hold(struct gateway *gateway)
{
	const struct offload_now now = now_of(gateway);

	offload_hold(gateway->learning.offload, &now);
}

void learning_reload(struct gateway *gateway)
{
	const struct offload_settings settings = settings_of(gateway);

	/* Who asked for a drain will not get what he asked for. */
	answer_drains(&gateway->learning, CONTROL_FAILED);
	gateway->learning.layout = gateway->world->groups.layout;
	offload_reload(gateway->learning.offload, &settings);
	learning_step(gateway);
}

/* What an operator asks for he expects to hold when he is answered. False when the kernel was not willing in time. */
static bool settle(struct gateway *gateway)
{
	const struct timespec pause = {.tv_nsec = STOP_LOOK_NS};
	int64_t until_ns = clock_steady_ns() + LEARNING_SETTLE_MS * INT64_C(1000000);

	for (;;) {
		struct offload_stats stats;

		learning_step(gateway);
		offload_stats_get(gateway->learning.offload, &stats);
		if (stats.settled)
			return true;
		if (clock_steady_ns() > until_ns)
			return false;
		nanosleep(&pause, NULL);
	}
}

bool learning_flush(struct gateway *gateway)
{
	const struct offload_settings settings = settings_of(gateway);

	offload_renew(gateway->learning.offload, &settings);
	return settle(gateway);
}

void learning_drain(struct gateway *gateway, struct control_call *call)
{
	struct learning *learning = &gateway->learning;

	if (learning->drain_count == CONTROL_CLIENTS_MAX) {
		control_call_refuse(call, CONTROL_BUSY, NULL, "too many drains are asked for");
		return;
	}
	learning->drains[learning->drain_count++] = call;
	learning->drain_until_ns = clock_steady_ns() + LEARNING_DRAIN_S * NSEC_PER_SEC;
	offload_drain(learning->offload);
	learning_step(gateway);
}

static bool is_failing(const struct gateway *gateway)
{
	struct offload_stats stats;

	offload_stats_get(gateway->learning.offload, &stats);
	return stats.error != 0;
}

static bool work_until_empty(struct gateway *gateway, int64_t until_ns, int64_t fails_until_ns)
{
	const struct timespec pause = {.tv_nsec = STOP_LOOK_NS};

	for (;;) {
		const struct offload_now now = now_of(gateway);
		int64_t next_ns = offload_step(gateway->learning.offload, &now);

		if (offload_is_empty(gateway->learning.offload))
			return true;
		if (now.steady_ns > (is_failing(gateway) ? fails_until_ns : until_ns)) {
			offload_give_up(gateway->learning.offload, &now);
			return false;
		}
		records_gather(gateway);
		if (next_ns > now.steady_ns)
			nanosleep(&pause, NULL);
	}
}

void learning_stop(struct gateway *gateway)
{
	int64_t now_ns = clock_steady_ns();

	offload_stop(gateway->learning.offload);
	if (!work_until_empty(gateway, now_ns + LEARNING_STOP_S * NSEC_PER_SEC,
			      now_ns + LEARNING_FAILS_S * NSEC_PER_SEC))
		say(SAY_ERROR,
		    "offload: what the kernel has learned could not be read out to the end; the next "
		    "start reads it, within the time that its sets keep it");
}

void learning_finish(struct gateway *gateway)
{
	if (!gateway->learning.offload)
		return;
	offload_stop(gateway->learning.offload);
	(void)work_until_empty(gateway, clock_steady_ns(), clock_steady_ns());
}

void learning_resume(struct gateway *gateway)
{
	offload_resume(gateway->learning.offload);
	learning_step(gateway);
}

json_t *learning_json(const struct gateway *gateway, const struct ledger_counts *counts)
{
	struct offload_stats stats;
	uint64_t dropped = counts->values[LEDGER_DROPPED], learned = counts->values[LEDGER_LEARNED];
	uint64_t packets;

	offload_stats_get(gateway->learning.offload, &stats);
	packets = stats.packets + gateway->handover.offloaded_before;
	return json_pack(
		"{s:b, s:b, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "wanted",
		gateway->world->groups.count > 0, "ready", stats.found, "drained", stats.drained,
		"generation", stats.generation == OFFLOAD_NONE ? json_null() : json_integer(stats.generation),
		"groups", (json_int_t)gateway->world->groups.count, "sources", (json_int_t)stats.sources,
		"rotations", (json_int_t)stats.rotations, "learned", (json_int_t)learned, "packets",
		(json_int_t)stats.packets, "full", (json_int_t)stats.full, "stale", (json_int_t)stats.stale,
		"unattributed", (json_int_t)stats.unattributed, "blocked",
		(json_int_t)(dropped - learned + packets), "failures", (json_int_t)stats.failures, "error",
		stats.error ? json_string(strerror(-stats.error)) : json_null());
}

json_t *learning_generations_json(const struct gateway *gateway)
{
	uint32_t first = 0, last = 0;

	if (!learned_generation_ids(gateway->learning.kernel, &first, &last))
		return json_pack("{s:n, s:n}", "first", "last");
	return json_pack("{s:I, s:I}", "first", (json_int_t)first, "last", (json_int_t)last);
}
