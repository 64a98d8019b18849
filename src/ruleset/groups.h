/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subscribers whom the kernel may block by itself (offload) are learned in groups: it looks a source up only where it can
 * come from, by as many bits as make a subscriber, and answers as the pool says. Daemon and ruleset number the groups
 * alike, because the number stands in a packet's mark (ruleset/marks.h).
 */
#ifndef OP25B_RULESET_GROUPS_H
#define OP25B_RULESET_GROUPS_H

#include "ruleset/model.h"

enum {
	LEARN_GROUPS_MAX = 64, /* pools beyond are not offloaded */
	LEARN_SHARDS = RULESET_SHARDS,
};

#define LEARN_TURN_MAP        "learn_turn"    /* mark to chain: learn_group_name() */
#define LEARNED_FULL_COUNTER  "learned-full"  /* a source that found no room: blocked, and not learned */
#define LEARNED_STALE_COUNTER "learned-stale" /* a mark that is not in force: blocked, and not learned */

struct learn_group {
	uint32_t interface_class; /* 0: bound to no interface; else see ruleset/classes.h */
	enum policy_action action;
	uint8_t ip6_len; /* bits of an IPv6 subscriber */
};

struct learn_groups {
	struct learn_group items[LEARN_GROUPS_MAX];
	size_t count;
	int16_t *of_rule; /* the group of each rule of the policy, by its index; -1: of none */
	int16_t unlisted; /* likewise of sources in no pool */
	/* A digest of all that a look-up depends on: the groups, the interfaces, the destinations that rules name; and of how
	 * long an element stays, which must be longer than a generation. It stands in the ruleset, so that the daemon learns
	 * only where kernel and policy agree about these. */
	uint64_t layout;
};

/* What the digest follows, as 16 hexadecimal digits, in the comment of the last rule of chain LEARN_CHAIN. */
#define LEARN_CHAIN    "learn"
#define LEARNED_LAYOUT "layout "

/*
 * The groups of a policy, numbered by their first pool in its order, unlisted sources last; none where nothing is offloaded
 * (gateway mode monitor, or no `offload`). 0 or -ENOMEM; give back with learn_groups_free() in any case.
 */
int learn_groups_collect(const struct policy *policy, struct learn_groups *ret);
void learn_groups_free(struct learn_groups *groups);

/* How long an element stays that nobody reads: those who never leave are forgotten in time, should the daemon be gone. */
uint32_t learned_stay_s(const struct policy *policy);

/* "learned_turn_0_ip4": the map of the shards in force. family: enum addr_family. */
void learned_turn_name(char out[RULESET_NAME_MAX], unsigned group, uint8_t family);
/* "learned_0_0_15_ip4": a set of learned sources, and the chain that looks them up. */
void learned_shard_name(char out[RULESET_NAME_MAX], unsigned generation, unsigned group, unsigned shard,
			uint8_t family);
/* Whether a set or map of this name is one of those above, or the map of marks. */
bool learned_is_name(const char *name);
/* "learn_0_0": the chain that learns. */
void learn_group_name(char out[RULESET_NAME_MAX], unsigned generation, unsigned group);

#endif
