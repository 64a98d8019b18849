/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to ruleset/: one packet of the space, from the kernel's side and from the policy's. */
#ifndef OP25B_RULESET_VERIFY_JUDGE_H
#define OP25B_RULESET_VERIFY_JUDGE_H

#include "ruleset/verify_learned.h"
#include "ruleset/verify_space.h"

/* decide() at each of the times. */
struct verify_answers {
	bool known;
	struct decision at[VERIFY_TIMES_MAX];
	bool never_blocked; /* not even recorded as if */
};

enum { VERIFY_FLOWS = 3 };

struct verify_judge {
	const struct policy *policy;
	const struct ruleset *ruleset;
	const struct engine *engine;
	const struct verify_times *times;
	uint32_t *bases; /* the base chains in the order of their priorities */
	size_t base_count;
	bool every_date; /* the times are all that matter */
	struct verify_learner *learner;

	/* Of the packet at hand, whatever its conntrack state and mark. */
	struct engine_interface interface;
	enum engine_flow queued_flow; /* what the daemon takes it for */
	bool guarded;                 /* the guard may have it queued */
	struct packet ours;
	int64_t at_s[VERIFY_TIMES_MAX];
	size_t at_count;
	struct verify_answers policy_says[VERIFY_FLOWS]; /* by enum engine_flow */
	struct verify_answers daemon_says;
};

/* The packet as the kernel sees it. */
void verify_judge_seen(const struct verify_case *packet, struct ruleset_packet *ret);
enum verify_end verify_end_of(enum verdict verdict);

/* 0 or -ENOMEM; bases and what the learner holds are freed by the caller. */
int verify_judge_init(struct verify_judge *judge);
/* Turns to another packet; conntrack state and mark of it do not matter yet. */
void verify_judge_packet(struct verify_judge *judge, const struct verify_case *packet);
/* Judges the packet turned to. ret: what is found; its kind is VERIFY_AGREES if kernel and policy agree. */
void verify_judge_case(struct verify_judge *judge, const struct verify_case *packet,
		       struct verify_finding *ret);
/* What excuses a finding, or VERIFY_LIMIT_NONE. */
enum verify_limit verify_judge_limit(const struct verify_judge *judge, const struct verify_finding *finding);

#endif
