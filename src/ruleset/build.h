/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to ruleset/: the ruleset under construction, shared by build.c (frame), sets.c, judge.c and learned.c. */
#ifndef OP25B_RULESET_BUILD_H
#define OP25B_RULESET_BUILD_H

#include "ruleset/classes.h"
#include "ruleset/groups.h"
#include "ruleset/model.h"

/* The IPv4 and the IPv6 set of one meaning. */
struct build_twin {
	uint32_t ip4, ip6;
};

enum { BUILD_NAMED_MAX = 8 };

/* Destinations of one family that have rules of their own. Few prefixes are asked for in a rule itself, which takes less time
 * than looking them up. */
struct build_named {
	bool looked_up; /* in this set: */
	uint32_t set;
	struct prefix prefixes[BUILD_NAMED_MAX];
	size_t count;
};

struct build_counters {
	uint32_t inbound, relay, relay_destination, inside, exempt, unlisted, established, suspect, queued,
		guarded, reset, icmp, cleared, learned_stale, learned_full;
};

struct build_chains {
	uint32_t base, later_fragment, guard, guard_known, guarded, port25, other_side, outbound,
		own_destinations, suspect, undecided, to_daemon, answer, learned, learned_syn, learn;
	uint32_t relay_on, pool_on;            /* of class 1; the further classes follow */
	uint32_t learned_shards, learn_groups; /* likewise the first of all generations and groups */
};

struct build {
	const struct policy *policy;
	struct ruleset *ruleset;
	struct interface_classes relays, pools;
	struct learn_groups groups;
	struct build_twin relay_all, relay_closing, inside, exempt, pool_all;
	struct build_named named[2];                 /* IPv4, IPv6 */
	struct build_twin *relay_twins, *pool_twins; /* of class i at [i - 1] */
	struct build_counters counters;
	struct build_chains chains;
	struct ruleset_rule scratch; /* written to once memory has run out */
	bool failed;                 /* memory has run out */
};

void build_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Each returns an index, 0 once memory has run out. */
uint32_t build_set(struct build *build, uint8_t family, const char *name, const char *comment);
uint32_t build_counter(struct build *build, const char *name, const char *comment);
/* purpose: static text. */
uint32_t build_chain(struct build *build, const char *name, const char *purpose);

/* Never NULL. Valid until the next rule of the same chain. */
struct ruleset_rule *build_rule(struct build *build, uint32_t chain, const char *comment);
/* Each adds to the rule, and returns it. */
struct ruleset_rule *build_match(struct ruleset_rule *rule, enum ruleset_match_kind kind, enum ruleset_op op,
				 uint32_t mask, uint32_t value);
struct ruleset_rule *build_on(struct ruleset_rule *rule, const char *interface);
struct ruleset_rule *build_in_set(struct ruleset_rule *rule, enum ruleset_match_kind kind, enum ruleset_op op,
				  uint32_t set);
struct ruleset_rule *build_do(struct ruleset_rule *rule, enum ruleset_statement_kind kind, uint32_t target,
			      uint32_t value);
struct ruleset_rule *build_accept(struct ruleset_rule *rule, uint32_t counter);
struct ruleset_rule *build_goto(struct ruleset_rule *rule, uint32_t chain);

/* Adds a rule that logs what the given one is for, and is the caller's to give the same matches; NULL where the policy
 * wants no such logging. prefix: static text. Valid until the next rule of the same chain. */
struct ruleset_rule *build_log(struct build *build, uint32_t chain, const char *prefix);

/* Makes and fills all sets. 0 or -ENOMEM. */
int build_sets(struct build *build);
/* Makes all chains, and fills those that look at interfaces and addresses. 0 or -ENOMEM. */
int build_judging_chains(struct build *build);
/* The guard is asked for, and the policy says where subscribers are not. */
bool build_guards(const struct build *build);
/* Interfaces of subscribers, where the policy lists them: those, and those that pools are bound to. 0 or -ENOMEM; the names
 * are the caller's to free in any case. */
int build_subscriber_sides(const struct build *build, struct interface_class *ret);

/* Of offload; without any groups they make nothing. First those chains that come before all others, and those that come
 * behind; and when all chains are there, their rules, the sets and the maps. 0 or -ENOMEM. */
void build_learned_chains(struct build *build);
void build_learn_chains(struct build *build);
int build_learned(struct build *build);
/* What becomes of marks to learn, with groups or without. */
void build_learn_answer(struct build *build);

/* Takes op25b's marks off: what comes next may be queued, and marked by the daemon alone. */
void build_clear_marks(struct build *build, uint32_t chain);

#endif
