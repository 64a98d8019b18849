/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world around daemon/offload.h, with the semantics of the real one: a kernel with two generations of sets, workers that
 * answer late, policies with dates, clocks. It knows of each packet that was blocked, and says what is wrong: a packet that
 * no fact told, or two did, or a subscriber whom the kernel goes on dropping though the policy lets him through.
 */
#ifndef OP25B_TESTS_OFFLOAD_MODEL_H
#define OP25B_TESTS_OFFLOAD_MODEL_H

#include "base/moment.h"
#include "daemon/offload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SUBSCRIBERS = 12,
	WORKERS = 3,
	BATCH = 6,
	WORLDS = 64,
	IN_FLIGHT = 8,
	ROOM = 1, /* elements that a set can hold */
	GROUPS = 3,
	MSEC = 1000000,
};

/* What a broken machine, or a kernel that is not as described, would be like: the model must see it. */
enum lie {
	LIE_NONE,
	LIE_QUIET,       /* quiet() does not wait */
	LIE_ACKNOWLEDGE, /* workers are said to have acknowledged everything at once */
	LIE_READ,        /* read() hands on the elements and fails then */
	LIE_FLUSH,       /* flush() does nothing */
	LIE_MIXED,       /* workers take a generation before the world it is for */
};

struct model_world {
	struct world world;
	struct policy policy;
	unsigned group_count;
	int64_t from_s[SUBSCRIBERS], until_s[SUBSCRIBERS]; /* blocked in between */
};

struct element {
	uint64_t packets; /* 0: none there */
	unsigned group;
	bool told, unattributed;
};

struct model_worker {
	struct model_world *world;
	int generation;
	uint32_t acknowledged;
	struct {
		unsigned subscriber;
		int generation;  /* of the mark, or OFFLOAD_NONE: dropped and observed */
		uint32_t number; /* with which it was told to the worker */
	} batch[BATCH];
	size_t count;
	uint64_t learned;
	int64_t stuck_until_ns; /* in a batch */
};

struct model {
	uint64_t seed;
	enum lie lie;
	bool steady;       /* nothing happens but reloads and dates */
	const char *wrong; /* the first thing that was */
	int64_t steady_ns, wall_ns;
	struct model_world worlds[WORLDS];
	size_t world_count;
	struct model_world *current;

	/* The kernel. */
	bool table, missing_seen, first_unreadable;
	unsigned groups;
	int turn;
	struct element sets[OFFLOAD_GENERATIONS][SUBSCRIBERS];
	struct {
		unsigned subscriber, generation;
	} flying[IN_FLIGHT]; /* through the old rules; counted when they land */
	size_t flying_count;
	uint64_t full, stale;
	uint64_t missed[SUBSCRIBERS]; /* full or stale, and not read yet */
	unsigned fail_percent;
	unsigned long calls, fail_at;
	bool fail_after; /* the call has its effect, and fails */

	/* The daemon. */
	struct offload *offload;
	int64_t next_ns;
	uint32_t told_number;
	int told_generation;
	uint32_t given[OFFLOAD_GENERATIONS]; /* the number with which it was last told */
	struct model_worker workers[WORKERS];
	bool based; /* it knows where the counters stood */
	int asked;  /* whom it could not attribute; -1 */
	struct element *reading;
	uint64_t dropped;
	unsigned gone, found, failing, works;

	/* The account: of each subscriber, blocked = told + missed_told + unattributed + lost. */
	uint64_t blocked[SUBSCRIBERS], told[SUBSCRIBERS], missed_told[SUBSCRIBERS], unattributed[SUBSCRIBERS];
	uint64_t lost[SUBSCRIBERS]; /* with a table that was deleted, or a daemon that was killed */
	uint64_t many;
	int64_t allowed_since_ns[SUBSCRIBERS]; /* -1: blocked */
	int64_t trouble_ns;                    /* so long nothing could be done in time */
};

static inline unsigned model_random(struct model *m, unsigned below)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(m->seed >> 33) % below;
}

static inline void model_wrong(struct model *m, const char *what)
{
	if (!m->wrong)
		m->wrong = what;
}

/* Who is who: even numbers are IPv4 addresses, odd ones IPv6 prefixes. */
static inline struct addr model_addr(unsigned subscriber)
{
	return subscriber % 2 == 0 ? addr_ip4(0x0a000000 + subscriber)
				   : addr_ip6(UINT64_C(0x20010db800000000) + (uint64_t)subscriber * 256, 0);
}

static inline unsigned model_subscriber(const struct addr *addr)
{
	return addr->family == ADDR_IP4 ? (unsigned)addr->lo & 0xff : (unsigned)(addr->hi >> 8) & 0xff;
}

static inline bool model_blocks(const struct model_world *world, unsigned subscriber, int64_t at_s)
{
	return at_s >= world->from_s[subscriber] && at_s < world->until_s[subscriber];
}

static inline unsigned model_group(const struct model_world *world, unsigned subscriber)
{
	return world->group_count > 0 ? subscriber % world->group_count : 0;
}

/* The one shard of a subscriber's set; few, so that sets become full. */
static inline unsigned model_shard(unsigned subscriber)
{
	return subscriber % 3;
}

static inline void model_note_allowed(struct model *m)
{
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		if (model_blocks(m->current, i, m->wall_ns / NSEC_PER_SEC))
			m->allowed_since_ns[i] = -1;
		else if (m->allowed_since_ns[i] < 0)
			m->allowed_since_ns[i] = m->steady_ns;
	}
}

/* The kernel */

static inline int model_fails(struct model *m, bool *ret_after)
{
	static const int errors[] = {-EIO, -ENOBUFS, -EINTR, -EPERM};
	bool fails = ++m->calls == m->fail_at || model_random(m, 100) < m->fail_percent;

	*ret_after = m->calls == m->fail_at ? m->fail_after : model_random(m, 2) == 0;
	if (!fails)
		return 0;
	m->trouble_ns = m->steady_ns + OFFLOAD_RETRY_MS * (int64_t)MSEC;
	return errors[model_random(m, 4)];
}

static inline void model_land(struct model *m, size_t i)
{
	struct element *element = &m->sets[m->flying[i].generation][m->flying[i].subscriber];

	/* What is not there any more counts nothing; the account will miss the packet. */
	if (element->packets > 0)
		element->packets++;
	m->flying[i] = m->flying[--m->flying_count];
}

static inline int model_check(void *context, unsigned group_count)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0)
		return r;
	return m->table && group_count <= m->groups ? 0 : -ENOENT;
}

static inline int model_match(void *context)
{
	return model_check(context, ((struct model *)context)->current->group_count);
}

static inline int model_turn(void *context, unsigned group_count, int generation)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0 && !after)
		return r;
	if (!m->table)
		return r < 0 ? r : -ENOENT;
	if (generation != OFFLOAD_NONE && group_count > m->groups)
		model_wrong(m, "turned to sets that are not those of the policy");
	m->turn = generation;
	return r;
}

static inline int model_quiet(void *context)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0 || m->lie == LIE_QUIET)
		return r;
	while (m->flying_count > 0)
		model_land(m, 0);
	return 0;
}

static inline int model_read(void *context, unsigned generation, unsigned group, uint8_t family,
			     unsigned shard, offload_element *each, void *each_context)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0 && m->lie != LIE_READ)
		return r;
	if (m->first_unreadable && generation == 0)
		return -EIO;
	if (!m->table || group >= m->groups)
		return -ENOENT;
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		struct element *element = &m->sets[generation][i];
		struct addr addr = model_addr(i);

		if (element->packets == 0 || element->group != group || addr.family != family ||
		    model_shard(i) != shard)
			continue;
		if (element->told)
			model_wrong(m, "an element was read twice");
		if (m->turn == (int)generation)
			model_wrong(m, "a generation in force was read");
		element->told = true;
		m->reading = element;
		each(each_context, &addr, element->packets);
	}
	return r;
}

static inline unsigned model_set(unsigned subscriber, unsigned group)
{
	unsigned family = model_addr(subscriber).family == ADDR_IP4 ? 0 : 1;

	return (group * 2 + family) * OFFLOAD_SHARDS + model_shard(subscriber);
}

static inline int model_flush(void *context, unsigned generation, unsigned first, unsigned end)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0 && !after)
		return r;
	if (!m->table)
		return r < 0 ? r : -ENOENT;
	if (m->turn == (int)generation)
		model_wrong(m, "a generation in force was emptied");
	for (unsigned i = 0; i < SUBSCRIBERS && m->lie != LIE_FLUSH; i++) {
		unsigned set = model_set(i, m->sets[generation][i].group);

		if (set >= first && set < end)
			m->sets[generation][i] = (struct element){0};
	}
	return r;
}

static inline int model_counters(void *context, uint64_t *full, uint64_t *stale)
{
	struct model *m = context;
	bool after;
	int r = model_fails(m, &after);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		*(m->based ? &m->missed_told[i] : &m->lost[i]) += m->missed[i];
		m->missed[i] = 0;
	}
	m->based = true;
	m->missing_seen = !m->table;
	if (!m->table)
		return -ENOENT;
	*full = m->full;
	*stale = m->stale;
	return 0;
}

/* A marked packet reaches the chain that learns. */
static inline void model_learn(struct model *m, const struct model_world *world, unsigned subscriber,
			       int generation, uint32_t number)
{
	struct element *set = m->sets[generation];
	size_t in_set = 0;

	m->blocked[subscriber]++;
	if (!m->table) {
		m->lost[subscriber]++;
		return;
	}
	for (unsigned i = 0; i < SUBSCRIBERS; i++)
		in_set += set[i].packets > 0 && model_shard(i) == model_shard(subscriber) &&
			  i % 2 == subscriber % 2;
	if (m->turn != generation || model_group(world, subscriber) >= m->groups) {
		m->stale++;
		m->missed[subscriber]++;
	} else if (set[subscriber].packets == 0 && in_set >= ROOM) {
		m->full++;
		m->missed[subscriber]++;
	} else {
		if (number != m->given[generation])
			model_wrong(m, "a mark came late, and was taken for one of the present generation");
		set[subscriber].packets++;
		set[subscriber].group = model_group(world, subscriber);
	}
}

/* The table and all that was counted in it goes, or comes anew. */
static inline void model_set_table(struct model *m, bool there)
{
	m->trouble_ns = m->steady_ns + 2 * OFFLOAD_LOOK_S * NSEC_PER_SEC;
	while (m->flying_count > 0)
		model_land(m, 0);
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		for (unsigned g = 0; g < OFFLOAD_GENERATIONS; g++)
			if (!m->sets[g][i].told)
				m->lost[i] += m->sets[g][i].packets;
		m->lost[i] += m->missed[i];
		m->missed[i] = 0;
	}
	memset(m->sets, 0, sizeof(m->sets));
	m->full = m->stale = 0;
	m->turn = OFFLOAD_NONE;
	m->table = there;
	m->missing_seen = false;
	m->groups = model_random(m, 3) == 0 ? GROUPS - 1 : GROUPS;
}

/* The daemon around the machine */

static inline void model_tell(void *context, uint32_t number, int generation)
{
	struct model *m = context;

	m->told_number = number;
	m->told_generation = generation;
	if (generation != OFFLOAD_NONE)
		m->given[generation] = number;
}

static inline int64_t model_next_date(void *context, const struct world *world, int64_t now_s)
{
	const struct model_world *mine = (const struct model_world *)(const void *)world;
	int64_t next_s = MOMENT_NEVER;

	(void)context;
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		if (mine->from_s[i] > now_s && mine->from_s[i] < next_s)
			next_s = mine->from_s[i];
		if (mine->until_s[i] > now_s && mine->until_s[i] < next_s)
			next_s = mine->until_s[i];
	}
	return next_s;
}

static inline bool model_attribute(void *context, const struct world *world, const struct addr *subscriber,
				   int64_t at_s, struct event_fact *ret)
{
	struct model *m = context;
	const struct model_world *mine = (const struct model_world *)(const void *)world;
	unsigned i = model_subscriber(subscriber);

	if (!offload_uses(m->offload, world))
		model_wrong(m, "a world was asked that could have been freed");
	m->asked = (int)i;
	if (!model_blocks(mine, i, at_s))
		return false;
	m->asked = -1;
	*ret = (struct event_fact){.src = *subscriber, .verdict = EVENT_DROP, .reason = REASON_POOL_ENFORCE};
	return true;
}

static inline void model_observe(void *context, const struct event_fact *fact)
{
	struct model *m = context;

	if (fact->time_ns > m->wall_ns)
		model_wrong(m, "a fact of the future");
	if (fact->many.packets == 0) {
		m->told[model_subscriber(&fact->src)] += fact->offloaded;
		return;
	}
	m->many += fact->many.packets;
	if (m->asked >= 0) {
		if (m->steady)
			model_wrong(m, "a subscriber was blocked, and not found in the policy of that time");
		m->unattributed[m->asked] += fact->many.packets;
		m->reading->unattributed = true;
	}
	m->asked = -1;
}

static inline void model_say(void *context, enum offload_news news, const char *call, int error)
{
	struct model *m = context;

	(void)call;
	(void)error;
	m->gone += news == OFFLOAD_GONE;
	m->found += news == OFFLOAD_FOUND;
	m->failing += news == OFFLOAD_FAILING;
	m->works += news == OFFLOAD_WORKS;
}

static inline struct offload_now model_now(const struct model *m)
{
	struct offload_now now = {m->steady_ns, m->wall_ns, m->told_number, 0};

	for (size_t i = 0; i < WORKERS; i++) {
		now.learned += m->workers[i].learned;
		if (m->lie != LIE_ACKNOWLEDGE && (int32_t)(m->workers[i].acknowledged - now.acknowledged) < 0)
			now.acknowledged = m->workers[i].acknowledged;
	}
	return now;
}

static inline struct offload_settings model_settings(const struct model *m)
{
	return (struct offload_settings){.world = &m->current->world,
					 .group_count = m->current->group_count,
					 .generation_ns = 2 * NSEC_PER_SEC,
					 .told_max = 2};
}

/* A policy in which everybody is blocked now, always, later, or no more. */
static inline struct model_world *model_new_world(struct model *m)
{
	struct model_world *world = &m->worlds[m->world_count++ % WORLDS];
	int64_t at_s = m->wall_ns / NSEC_PER_SEC;

	*world = (struct model_world){.world.policy = &world->policy,
				      .group_count = model_random(m, 8) == 0 ? 0 : GROUPS};
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		unsigned kind = model_random(m, 8);

		world->from_s[i] = kind == 0 ? at_s + model_random(m, 8) : 0;
		world->until_s[i] = kind == 1 ? at_s + model_random(m, 8) : kind == 2 ? 0 : MOMENT_NEVER;
	}
	return world;
}

static inline void model_start(struct model *m)
{
	const struct offload_kernel kernel = {m,           model_check, model_match, model_turn,
					      model_quiet, model_read,  model_flush, model_counters};
	const struct offload_host host = {
		m, model_tell, model_next_date, model_attribute, model_observe, model_say};
	const struct offload_settings settings = model_settings(m);

	m->told_number = 0;
	m->told_generation = OFFLOAD_NONE;
	m->based = false;
	for (size_t i = 0; i < WORKERS; i++)
		m->workers[i] = (struct model_worker){.world = m->current, .generation = OFFLOAD_NONE};
	if (offload_new(&kernel, &host, &settings, &m->offload) < 0)
		abort();
	m->next_ns = m->steady_ns;
	m->trouble_ns = m->steady_ns;
}

/*
 * With it dies what it told of sets that it had not emptied: records are written at a window's end, from its memory.
 * Packets that its workers have not answered are dropped by the kernel and not ours to tell.
 */
static inline void model_kill(struct model *m)
{
	offload_free(m->offload);
	m->offload = NULL;
	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		for (unsigned g = 0; g < OFFLOAD_GENERATIONS; g++) {
			struct element *element = &m->sets[g][i];

			if (!element->told)
				continue;
			*(element->unattributed ? &m->unattributed[i] : &m->told[i]) -= element->packets;
			m->many -= element->unattributed ? element->packets : 0;
			element->told = element->unattributed = false;
		}
		m->lost[i] += m->missed[i];
		m->missed[i] = 0;
	}
}

static inline void model_step(struct model *m)
{
	const struct offload_now now = model_now(m);

	if (m->offload && m->steady_ns >= m->next_ns)
		m->next_ns = offload_step(m->offload, &now);
}

static inline void model_pass(struct model *m, int64_t ns)
{
	m->steady_ns += ns;
	m->wall_ns += ns;
	if (!m->offload)
		m->trouble_ns = m->steady_ns;
	model_note_allowed(m);
	if (m->offload && m->next_ns > m->steady_ns + NSEC_PER_SEC)
		model_wrong(m, "it does not want to be called for more than a second");
}

/* A worker answers its batch. */
static inline void model_finish(struct model *m, struct model_worker *worker)
{
	if (worker->stuck_until_ns > m->steady_ns)
		return;
	for (size_t i = 0; i < worker->count; i++) {
		unsigned subscriber = worker->batch[i].subscriber;

		m->dropped++;
		if (worker->batch[i].generation == OFFLOAD_NONE) {
			m->blocked[subscriber]++;
			m->told[subscriber]++;
			continue;
		}
		model_learn(m, worker->world, subscriber, worker->batch[i].generation,
			    worker->batch[i].number);
		worker->learned++;
	}
	worker->count = 0;
}

/* As worker.c does: a generation counts only with the world that it was told with. */
static inline void model_adopt(struct model *m, struct model_worker *worker)
{
	if (worker->count > 0)
		return;
	if (m->lie != LIE_MIXED || model_random(m, 3) == 0)
		worker->world = m->current;
	worker->generation = m->told_generation;
	worker->acknowledged = m->told_number;
}

static inline void model_judge(struct model *m, unsigned subscriber)
{
	struct model_worker *worker = &m->workers[subscriber % WORKERS];
	int generation = worker->generation;

	if (worker->count == BATCH)
		model_finish(m, worker);
	if (worker->count == BATCH)
		return;
	if (worker->count == 0) {
		model_adopt(m, worker);
		generation = worker->generation;
	}
	if (!model_blocks(worker->world, subscriber, m->wall_ns / NSEC_PER_SEC))
		return;
	if (worker->world->group_count == 0 || model_random(m, 3) == 0)
		generation = OFFLOAD_NONE;
	worker->batch[worker->count].subscriber = subscriber;
	worker->batch[worker->count].number = worker->acknowledged;
	worker->batch[worker->count++].generation = generation;
}

/* A SYN: the kernel drops it, or asks. */
static inline void model_packet(struct model *m, unsigned subscriber)
{
	int64_t since_ns = m->allowed_since_ns[subscriber];

	if (m->turn == OFFLOAD_NONE || m->sets[m->turn][subscriber].packets == 0) {
		if (m->offload)
			model_judge(m, subscriber);
		return;
	}
	m->blocked[subscriber]++;
	if (since_ns < m->trouble_ns)
		since_ns = m->allowed_since_ns[subscriber] < 0 ? m->steady_ns : m->trouble_ns;
	if (m->steady_ns - since_ns > NSEC_PER_SEC)
		model_wrong(m, "dropped a second after the policy let him through");
	if (m->flying_count < IN_FLIGHT && model_random(m, 4) == 0) {
		m->flying[m->flying_count].subscriber = subscriber;
		m->flying[m->flying_count++].generation = (unsigned)m->turn;
	} else {
		m->sets[m->turn][subscriber].packets++;
	}
}

static inline void model_reload(struct model *m)
{
	struct offload_now now = model_now(m);
	struct offload_settings settings;

	offload_hold(m->offload, &now);
	m->current = model_new_world(m);
	model_note_allowed(m);
	/* Some workers are slow; they take the new world later. */
	for (size_t i = 0; i < WORKERS; i++) {
		if (model_random(m, 8) == 0)
			continue;
		model_finish(m, &m->workers[i]);
		model_adopt(m, &m->workers[i]);
	}
	settings = model_settings(m);
	offload_reload(m->offload, &settings);
	m->next_ns = m->steady_ns;
}

/* Lets time pass until the sets are empty and all is told; false when that takes too long. */
static inline bool model_wait_empty(struct model *m, int64_t ns)
{
	for (int64_t until_ns = m->steady_ns + ns; m->steady_ns < until_ns;) {
		model_step(m);
		if (offload_is_empty(m->offload))
			return true;
		model_pass(m, MSEC);
		if (model_random(m, 20) == 0)
			model_packet(m, model_random(m, SUBSCRIBERS));
		if (model_random(m, 4) == 0) {
			struct model_worker *worker = &m->workers[model_random(m, WORKERS)];

			model_finish(m, worker);
			model_adopt(m, worker);
		}
	}
	return false;
}

static inline void model_check_account(struct model *m)
{
	uint64_t many = 0;

	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		if (m->blocked[i] > m->told[i] + m->missed_told[i] + m->unattributed[i] + m->lost[i])
			model_wrong(m, "a packet was blocked and not told");
		if (m->blocked[i] < m->told[i] + m->missed_told[i] + m->unattributed[i] + m->lost[i])
			model_wrong(m, "a packet was told twice");
		many += m->missed_told[i] + m->unattributed[i];
	}
	if (many != m->many)
		model_wrong(m, "the counters were not told as they stood");
}

#endif
