/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each exemption was used. What an exemption lets pass makes no record, so without this nobody could say which of
 * them are needed. Counted by the exemption's name, over reloads; only what is queued can be: exemptions that the kernel
 * follows by itself (policy_exemption_is_settled()) are not.
 */
#ifndef OP25B_DAEMON_USES_H
#define OP25B_DAEMON_USES_H

#include "policy/policy.h"

#include <jansson.h>
#include <stdatomic.h>

enum { USES_TOLD_MAX = 10000 }; /* rows of an answer */

/* Written by all workers: few packets are exempt, and a subscriber's all go to one worker. */
struct use {
	char name[POLICY_NAME_MAX + 1];
	size_t holders; /* policies that have it */
	_Atomic uint64_t packets, attempts;
	_Atomic int64_t first_ns, last_ns; /* wall clock; first 0: never */
};

/* All zeroes is an empty one. The main thread's, but for what struct use counts. */
struct uses {
	struct use **items; /* by name */
	size_t count, capacity;
	int64_t since_s; /* when counting began */

	/* Of the file: uses_state.h. */
	uint64_t saved; /* packets that it tells */
	int64_t save_ns;
	int error;
};

/* The counters of a policy's rules, by rule; what is no exemption has none. */
struct uses_of {
	struct uses *uses;
	struct use **of_rule; /* NULL: the policy exempts nobody */
	size_t rules;
};

/* Begins or goes on counting for the policy. 0 with *ret to be given back by uses_leave(); -ENOMEM with nothing changed. */
int uses_join(struct uses *uses, const struct policy *policy, struct uses_of *ret);
/* Counts of names that no policy has any more are forgotten. All zeroes is fine. */
void uses_leave(struct uses_of *of);
void uses_free(struct uses *uses);

/* Any thread. */
static inline void use_count(struct use *use, bool attempt, int64_t wall_ns)
{
	int64_t never = 0;

	atomic_fetch_add_explicit(&use->packets, 1, memory_order_relaxed);
	if (attempt)
		atomic_fetch_add_explicit(&use->attempts, 1, memory_order_relaxed);
	if (atomic_load_explicit(&use->first_ns, memory_order_relaxed) == 0)
		(void)atomic_compare_exchange_strong(&use->first_ns, &never, wall_ns);
	atomic_store_explicit(&use->last_ns, wall_ns, memory_order_relaxed);
}

/* {"since", "exemptions": [...]} of the policy in force: those that were used. NULL without memory. */
struct gateway;
json_t *uses_json(const struct gateway *gateway);
/* One use, with its times in UTC for files, or local ones for people. NULL without memory. */
json_t *uses_row_json(const struct use *use, bool utc);
json_t *uses_moment_json(int64_t s, bool utc);

#endif
