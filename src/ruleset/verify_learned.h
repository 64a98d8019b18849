/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to ruleset/: the proof of offload. Whatever the daemon can learn is learned, in either generation, and then no
 * packet may be answered otherwise than the policy says; and what is learned must be found again.
 */
#ifndef OP25B_RULESET_VERIFY_LEARNED_H
#define OP25B_RULESET_VERIFY_LEARNED_H

#include "ruleset/groups.h"
#include "ruleset/verify_space.h"

struct verify_judge;
struct verify_answers;

/* What can be learned, at one time, of all who share a subscriber's prefix with one source. */
struct verify_learned_at {
	bool known;
	int64_t at_s;
	size_t count[RULESET_GENERATIONS];
	struct ruleset_learned items[RULESET_GENERATIONS][LEARN_GROUPS_MAX];
};

struct verify_learner {
	struct learn_groups groups;
	int32_t answer;  /* the chain of this name */
	struct addr src; /* the source that this was asked for */
	struct verify_learned_at at[VERIFY_TIMES_MAX];
};

/* The packet that the judge is turned to, with everything learned. Changes the finding when something is wrong. */
void verify_learned_case(struct verify_judge *judge, const struct verify_answers *policy,
			 struct verify_finding *finding);

/* Marks to learn never let a packet pass while nothing is in force. */
bool verify_learning_is_safe(const struct verify_judge *judge, const struct ruleset_packet *packet);

/*
 * Each group by itself, with sources that fall into all shards: marked, it is learned as the subscriber that it belongs to,
 * found again, and his neighbour is not; without room it is answered all the same. False with the case in *ret.
 */
bool verify_learned_groups(const struct verify_judge *judge, const struct verify_space *space,
			   struct verify_case *ret);

#endif
