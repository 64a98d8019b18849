/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who goes on sending is dropped by the kernel itself: workers mark such packets, and the ruleset puts their sources
 * into sets that count what they send from then on. This decides when: which of the two generations of sets is in
 * force, when the other one takes its place (after a time, a reload, a date of the policy), when the one that was left
 * is read out into facts and emptied. What was counted is told exactly once.
 *
 * A generation is left in this order: workers stop giving it, they have all said so (or are too slow for it), the kernel turns
 * to the other one or to none, what was on its way through the old rules has passed, each set is read, all are emptied. It
 * is given again only when every worker has said that it does not give it any more; so what arrives late counts as
 * stale, and never for a generation it is not of.
 *
 * Pure: clocks, the kernel, the workers and the records are arguments, so that a test can let any of them fail.
 */
#ifndef OP25B_DAEMON_OFFLOAD_H
#define OP25B_DAEMON_OFFLOAD_H

#include "daemon/world.h"
#include "event/event.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	OFFLOAD_NONE = -1, /* no generation */
	OFFLOAD_GENERATIONS = 2,
	OFFLOAD_GROUPS_MAX = 64,
	OFFLOAD_SHARDS = 16,    /* sets of a generation, group and family */
	OFFLOAD_HOLD_MS = 200,  /* so long a change waits for workers to stop giving the generation before */
	OFFLOAD_RETRY_MS = 200, /* after a failure */
	OFFLOAD_REST_MS =
		5000, /* after one where nothing is offloaded: the kernel may not know nf_tables at all */
	OFFLOAD_LOOK_S =
		5, /* between two looks for a ruleset with the sets of this policy, at its rules, and at the counters */
	OFFLOAD_DRAINED_S =
		60, /* a change of the rules for which a drain was asked has been made, or given up, by then */
};

/* Borrowed for the call. packets: counted for this address or prefix, host bits cleared. */
typedef void offload_element(void *context, const struct addr *subscriber, uint64_t packets);

/*
 * The kernel's part (net/learned.h). All return 0 or -errno; -ENOENT where the table, or the set asked for, does not
 * exist. A read hands on all elements of one set, or none and fails.
 */
struct offload_kernel {
	void *context; /* the first argument of each */
	/* Whether it has the sets of so many groups. */
	int (*check)(void *context, unsigned group_count);
	/* Whether the rules in force are still those of the policy in force. Asked every now and then. */
	int (*match)(void *context);
	/* From now on this generation is looked up and filled, or none. A failure may have had its effect. */
	int (*turn)(void *context, unsigned group_count, int generation);
	/* Waits until no packet is on its way through what was before. */
	int (*quiet)(void *context);
	int (*read)(void *context, unsigned generation, unsigned group, uint8_t family, unsigned shard,
		    offload_element *each, void *each_context);
	/*
	 * Empties sets from first to before end, which are numbered in the order of groups, families (IPv4 first), shards; what
	 * does not exist is no error. A failure may have had its effect.
	 */
	int (*flush)(void *context, unsigned generation, unsigned first, unsigned end);
	/* Packets dropped since the table was made: without a place in a set, or marked for what was not in force. */
	int (*counters)(void *context, uint64_t *ret_full, uint64_t *ret_stale);
};

enum offload_news {
	OFFLOAD_GONE,    /* the kernel has no sets for this policy */
	OFFLOAD_FOUND,   /* it has them again */
	OFFLOAD_FAILING, /* a call failed, and is tried again */
	OFFLOAD_WORKS,   /* it went through */
};

/* What the daemon does for it. */
struct offload_host {
	void *context; /* the first argument of each */
	/* From now on workers give this generation or none, and acknowledge the number (struct offload_now). */
	void (*tell)(void *context, uint32_t number, int generation);
	/* engine_next_date() */
	int64_t (*next_date)(void *context, const struct world *world, int64_t now_s);
	/*
	 * Fills what a fact says of a subscriber whose every SYN this world blocks at this time. False: it does not, and
	 * *ret is untouched.
	 */
	bool (*attribute)(void *context, const struct world *world, const struct addr *subscriber,
			  int64_t at_s, struct event_fact *ret);
	/* Takes a fact; what it names is borrowed for the call. */
	void (*observe)(void *context, const struct event_fact *fact);
	/* Told once, not at each try. */
	void (*say)(void *context, enum offload_news news, const char *call, int error);
};

struct offload_settings {
	const struct world *world; /* borrowed for as long as offload_uses() says so */
	unsigned group_count;      /* 0: nothing is offloaded */
	int64_t generation_ns;
	uint64_t
		told_max; /* so many elements may be told before their sets are emptied; whole sets, 1 at least */
};

struct offload_now {
	int64_t steady_ns, wall_ns;
	uint32_t acknowledged; /* the least of the workers' numbers */
	uint64_t learned;      /* packets that workers have marked so far */
};

struct offload_stats {
	int generation;     /* in force */
	bool found;         /* the kernel has the sets */
	bool settled;       /* no change of generations is under way */
	bool drained;       /* nothing is offloaded until a reload, or until other rules match the policy */
	uint64_t sources;   /* read of the generation that was emptied last */
	uint64_t rotations; /* generations emptied */
	uint64_t packets;   /* told in facts; full and stale included */
	uint64_t full;      /* packets dropped without a place in a set */
	uint64_t stale;     /* packets dropped that were marked for a generation that was not in force */
	uint64_t unattributed; /* packets in sets, of subscribers whom the policy does not block whole */
	uint64_t failures;
	int error; /* the last one, 0 once all calls went through again */
};

struct offload;

/*
 * Begins with what another daemon may have left behind in the sets. kernel and host are copied, what they point to is
 * the caller's. 0 with *ret the caller's, or -ENOMEM.
 */
int offload_new(const struct offload_kernel *kernel, const struct offload_host *host,
		const struct offload_settings *settings, struct offload **ret);
void offload_free(struct offload *offload);

/*
 * Does what is due, one call to the kernel at most. Returns when to call again on the steady clock; sooner is fine.
 */
int64_t offload_step(struct offload *offload, const struct offload_now *now);

/* Before workers get another world: they stop giving a generation. */
void offload_hold(struct offload *offload, const struct offload_now *now);
/* After they were given it. It ends a drain. */
void offload_reload(struct offload *offload, const struct offload_settings *settings);
/*
 * The same where nothing but overrides differs, if that: the generation in force ends before its time, and who is in it is
 * asked about again. A drain goes on.
 */
void offload_renew(struct offload *offload, const struct offload_settings *settings);
/* A generation may still hold what this world blocked. */
bool offload_uses(const struct offload *offload, const struct world *world);

/*
 * Turns to none and reads everything out, because the rules are about to be exchanged: until a reload, until the rules match the
 * policy where they did not, or until the change must be over and they match. At the daemon's end, for good.
 */
void offload_drain(struct offload *offload);
void offload_stop(struct offload *offload);
/* A stop that was not the end. */
void offload_resume(struct offload *offload);
/* Before a stop ends that took too long: empties what is told, or the next daemon would tell it again. */
void offload_give_up(struct offload *offload, const struct offload_now *now);
/* Nothing is in the sets, and all is told. */
bool offload_is_empty(const struct offload *offload);

void offload_stats_get(const struct offload *offload, struct offload_stats *ret);

#endif
