/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_judge.h"

#include "ruleset/marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A packet on its way through the kernel's base chains. */
struct journey {
	struct ruleset_packet packet;
	size_t base; /* of the chain it is in */
	int32_t counter;
	bool queued;
	enum verify_end end; /* meaningless while queued */
};

static bool runs_before(const struct ruleset *ruleset, uint32_t a, uint32_t b)
{
	if (ruleset->chains[a].early != ruleset->chains[b].early)
		return ruleset->chains[a].early;
	return ruleset->chains[a].priority < ruleset->chains[b].priority;
}

int verify_judge_init(struct verify_judge *judge)
{
	const struct ruleset *ruleset = judge->ruleset;

	judge->bases = calloc(ruleset->chain_count + 1, sizeof(*judge->bases));
	if (!judge->bases)
		return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->chain_count; i++) {
		size_t at = judge->base_count;

		if (!ruleset->chains[i].base)
			continue;
		for (; at > 0 && runs_before(ruleset, i, judge->bases[at - 1]); at--)
			judge->bases[at] = judge->bases[at - 1];
		judge->bases[at] = i;
		judge->base_count++;
	}
	judge->learner->answer = ruleset_find_chain(ruleset, "answer");
	return learn_groups_collect(judge->policy, &judge->learner->groups);
}

static struct decision ask(const struct verify_judge *judge, enum engine_flow flow, bool port25,
			   int64_t now_s)
{
	struct engine_context context = {
		.interface = judge->interface, .flow = flow, .port25 = port25, .now_s = now_s};

	return decide(judge->engine, &judge->ours, &context);
}

/* Where all dates are too many: those at which the answer to a SYN, or to this packet, changes. */
static void walk_times(struct verify_judge *judge)
{
	int64_t now_s = judge->times->s[0];

	judge->at_s[0] = now_s;
	judge->at_count = 1;
	while (judge->at_count + 2 <= VERIFY_TIMES_MAX) {
		struct decision policy = ask(judge, ENGINE_FLOW_NEW, false, now_s);
		struct decision daemon = ask(judge, judge->queued_flow, true, now_s);

		now_s = policy.next_change_s < daemon.next_change_s ? policy.next_change_s
								    : daemon.next_change_s;
		if (now_s == MOMENT_NEVER)
			return;
		judge->at_s[judge->at_count++] = now_s - 1;
		judge->at_s[judge->at_count++] = now_s;
	}
}

void verify_judge_packet(struct verify_judge *judge, const struct verify_case *packet)
{
	judge->ours = packet->form->ours;
	judge->ours.src = packet->src;
	judge->ours.dst = packet->dst;
	judge->queued_flow = engine_queued_flow(judge->engine, &judge->ours, &judge->interface);
	judge->guarded =
		judge->policy->gateway.triangular_guard && packet->form->answer &&
		(judge->interface.side == ENGINE_SIDE_UPSTREAM || judge->interface.side == ENGINE_SIDE_OTHER);
	for (size_t i = 0; i < VERIFY_FLOWS; i++)
		judge->policy_says[i].known = false;
	judge->daemon_says.known = false;
	if (judge->times->walked) {
		walk_times(judge);
		return;
	}
	memcpy(judge->at_s, judge->times->s, judge->times->count * sizeof(judge->at_s[0]));
	judge->at_count = judge->times->count;
}

static const struct verify_answers *answers_of(const struct verify_judge *judge,
					       struct verify_answers *answers, enum engine_flow flow,
					       bool port25)
{
	if (answers->known)
		return answers;
	answers->known = true;
	answers->never_blocked = true;
	for (size_t i = 0; i < judge->at_count; i++) {
		answers->at[i] = ask(judge, flow, port25, judge->at_s[i]);
		if (answers->at[i].would != VERDICT_ACCEPT)
			answers->never_blocked = false;
	}
	return answers;
}

/* Full knowledge: what conntrack does not know as part of a connection is new to it. */
static enum engine_flow flow_of(const struct verify_judge *judge, uint32_t ct_state)
{
	if (!judge->policy->gateway.conntrack)
		return ENGINE_FLOW_UNKNOWN;
	return ct_state == RULESET_CT_ESTABLISHED || ct_state == RULESET_CT_RELATED ? ENGINE_FLOW_ESTABLISHED
										    : ENGINE_FLOW_NEW;
}

/* Through the base chains from the one the journey is at, until it is queued or ends. */
static void travel(const struct verify_judge *judge, struct journey *journey)
{
	journey->queued = false;
	for (; journey->base < judge->base_count; journey->base++) {
		struct ruleset_result result =
			ruleset_evaluate(judge->ruleset, judge->bases[journey->base], &journey->packet);

		journey->packet.mark = result.mark;
		if (result.counter >= 0)
			journey->counter = result.counter;
		switch (result.outcome) {
		case RULESET_ACCEPTED:
			continue;
		case RULESET_QUEUED:
			journey->queued = true;
			return;
		case RULESET_RESET:
			journey->end = VERIFY_ANSWERED_RESET;
			return;
		case RULESET_ICMP:
			journey->end = VERIFY_ANSWERED_ICMP;
			return;
		case RULESET_DROPPED:
			journey->end = VERIFY_DROPPED;
			return;
		case RULESET_ENDLESS:
			journey->end = VERIFY_NEVER;
			return;
		}
	}
	journey->end = VERIFY_PASSED;
}

/* What becomes of a queued packet once the daemon has answered. */
static enum verify_end answer_queued(const struct verify_judge *judge, const struct journey *queued,
				     enum verdict verdict, uint32_t *ret_mark)
{
	struct journey journey = *queued;

	if (verdict == VERDICT_DROP)
		return VERIFY_DROPPED;
	if (verdict == VERDICT_RESET)
		journey.packet.mark = MARK_RESET;
	else if (verdict == VERDICT_ICMP)
		journey.packet.mark = MARK_ICMP;
	journey.base++;
	travel(judge, &journey);
	*ret_mark = journey.packet.mark;
	return journey.queued ? VERIFY_NEVER : journey.end;
}

enum verify_end verify_end_of(enum verdict verdict)
{
	static const enum verify_end ends[VERDICTS] = {
		[VERDICT_ACCEPT] = VERIFY_PASSED,
		[VERDICT_DROP] = VERIFY_DROPPED,
		[VERDICT_RESET] = VERIFY_ANSWERED_RESET,
		[VERDICT_ICMP] = VERIFY_ANSWERED_ICMP,
	};

	return ends[verdict];
}

/* A mark of somebody else's stays; one of ours does not stay on what is ours. */
static bool mark_is_wrong(const struct verify_case *packet, uint32_t mark)
{
	if ((packet->mark & MARK_MASK) != MARK_BASE)
		return mark != packet->mark;
	return packet->form->port25 && (mark & MARK_MASK) == MARK_BASE;
}

static void found(const struct verify_judge *judge, enum verify_kind kind,
		  const struct verify_answers *policy, size_t at, struct verify_finding *finding)
{
	finding->kind = kind;
	finding->at_s = judge->at_s[at];
	finding->expected = policy->at[at];
}

/* True when the counter stands for a reason that the policy gives at no date. */
static bool is_miscounted(const struct verify_judge *judge, int32_t counter,
			  const struct verify_answers *policy)
{
	static const struct {
		const char *counter;
		enum reason reason, or_reason;
	} rows[] = {
		{"accepted-inbound", REASON_INBOUND, REASON_INBOUND},
		/* Beside the subscriber side an address of a relay is counted as one, wherever it comes from. */
		{"accepted-relay", REASON_RELAY, REASON_INBOUND},
		{"accepted-relay-destination", REASON_RELAY_DESTINATION, REASON_RELAY_DESTINATION},
		{"accepted-inside", REASON_INSIDE, REASON_INSIDE},
		{"accepted-exempt", REASON_EXEMPT, REASON_EXEMPT},
		/* An exemption with a date or a destination is not looked for where the source is in no pool. */
		{"accepted-unlisted", REASON_UNLISTED_ACCEPT, REASON_EXEMPT},
	};
	const char *name = counter < 0 ? "" : judge->ruleset->counters[counter].name;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].counter, name) != 0)
			continue;
		for (size_t j = 0; j < judge->at_count; j++) {
			enum reason reason = policy->at[j].reason;

			if (reason == rows[i].reason || reason == rows[i].or_reason ||
			    reason == REASON_FRAGMENT_LATER)
				return false;
		}
		return judge->every_date;
	}
	return false;
}

/* The kernel's own answer holds at every date. */
static void judge_settled(const struct verify_judge *judge, const struct journey *journey,
			  const struct verify_answers *policy, struct verify_finding *finding)
{
	bool passed = journey->end == VERIFY_PASSED;
	enum verify_kind kind = finding->packet.form->port25 ? VERIFY_OUTCOME : VERIFY_TOUCHED;

	if (journey->end == VERIFY_NEVER)
		kind = VERIFY_ENDLESS;
	if (!passed) {
		/* It can be right at no date: a ruleset knows no dates, and refuses nothing by itself. */
		found(judge, kind, policy, 0, finding);
		return;
	}
	if (is_miscounted(judge, journey->counter, policy))
		found(judge, VERIFY_COUNTED, policy, 0, finding);
	if (mark_is_wrong(&finding->packet, journey->packet.mark))
		found(judge, VERIFY_MARK, policy, 0, finding);
	for (size_t i = 0; !policy->never_blocked && i < judge->at_count; i++) {
		if (policy->at[i].would != VERDICT_ACCEPT) {
			found(judge, VERIFY_LEAK, policy, i, finding);
			return;
		}
	}
}

static bool same_for_ever(const struct verify_judge *judge, const struct verify_answers *policy)
{
	for (size_t i = 1; i < judge->at_count; i++) {
		if (policy->at[i].reason != policy->at[0].reason || policy->at[i].rule != policy->at[0].rule)
			return false;
	}
	return true;
}

/* What the ruleset promises to settle itself: it must go on while the daemon is down. */
static bool kernel_settles_reason(const struct verify_judge *judge, const struct decision *decision)
{
	const struct policy_rule *rule = decision->rule < 0 ? NULL : &judge->policy->rules[decision->rule];

	switch (decision->reason) {
	case REASON_INBOUND:
	case REASON_RELAY:
	case REASON_INSIDE:
	case REASON_UNLISTED_ACCEPT:
		return true;
	case REASON_RELAY_DESTINATION:
		return rule && !rule->has_subscribers_until;
	case REASON_EXEMPT:
		return rule && policy_exemption_is_settled(rule);
	default:
		return false;
	}
}

/* Likewise of an answer that the policy lets in. */
static bool kernel_settles_answer(const struct verify_judge *judge, const struct decision *decision)
{
	const struct policy_rule *rule = decision->rule < 0 ? NULL : &judge->policy->rules[decision->rule];

	if (!rule || rule->kind == POLICY_RELAY || rule->kind == POLICY_INSIDE)
		return true;
	return policy_exemption_is_settled(rule);
}

static bool is_needless(const struct verify_judge *judge, const struct verify_case *packet,
			const struct verify_answers *policy, enum engine_flow flow)
{
	const struct verify_form *form = packet->form;
	bool opens = (form->kernel.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	bool open_flow = form->sound && !form->kernel.frag6 && !opens && flow != ENGINE_FLOW_NEW &&
			 judge->policy->gateway.established == POLICY_ESTABLISHED_DRAIN;

	if (!judge->every_date || !policy->never_blocked)
		return false;
	/* A broken answer is queued by its flags alone. */
	if (judge->guarded)
		return form->sound && same_for_ever(judge, policy) &&
		       kernel_settles_answer(judge, &policy->at[0]);
	return open_flow || (same_for_ever(judge, policy) && kernel_settles_reason(judge, &policy->at[0]));
}

/* A reload alone may give a pool another action: the chain that answers has to be ready for both. */
static bool answers_are_ready(const struct verify_judge *judge, const struct journey *queued)
{
	uint32_t mark;

	return answer_queued(judge, queued, VERDICT_RESET, &mark) == VERIFY_ANSWERED_RESET &&
	       answer_queued(judge, queued, VERDICT_ICMP, &mark) == VERIFY_ANSWERED_ICMP;
}

static void judge_queued(struct verify_judge *judge, const struct journey *journey,
			 const struct verify_answers *policy, struct verify_finding *finding)
{
	const struct verify_answers *daemon =
		answers_of(judge, &judge->daemon_says, judge->queued_flow, true);
	enum verify_end ends[VERDICTS];
	uint32_t marks[VERDICTS] = {0};
	bool known[VERDICTS] = {false};

	for (size_t i = 0; i < judge->at_count; i++) {
		enum verdict verdict = daemon->at[i].verdict;

		if (!known[verdict])
			ends[verdict] = answer_queued(judge, journey, verdict, &marks[verdict]);
		known[verdict] = true;
		if (i == 0)
			finding->end = ends[verdict];
		if (ends[verdict] != verify_end_of(policy->at[i].verdict) ||
		    daemon->at[i].would != policy->at[i].would) {
			finding->end = ends[verdict];
			found(judge, VERIFY_OUTCOME, policy, i, finding);
			return;
		}
		if (ends[verdict] == VERIFY_PASSED && mark_is_wrong(&finding->packet, marks[verdict]))
			found(judge, VERIFY_MARK, policy, i, finding);
	}
	if (packet_is_port25(&finding->packet.form->ours) && !answers_are_ready(judge, journey))
		found(judge, VERIFY_ANSWER, policy, 0, finding);
	if (packet_is_port25(&finding->packet.form->ours) &&
	    !verify_learning_is_safe(judge, &journey->packet))
		found(judge, VERIFY_UNLEARNED, policy, 0, finding);
	if (judge->ruleset->queue.bypass != (judge->policy->gateway.fail == POLICY_FAIL_OPEN))
		found(judge, VERIFY_FAIL, policy, 0, finding);
	if (is_needless(judge, &finding->packet, policy, flow_of(judge, finding->packet.ct_state)))
		found(judge, VERIFY_NEEDLESS, policy, 0, finding);
	if (!finding->packet.form->port25 && !judge->guarded)
		found(judge, VERIFY_TOUCHED, policy, 0, finding);
}

void verify_judge_seen(const struct verify_case *packet, struct ruleset_packet *ret)
{
	*ret = packet->form->kernel;
	ret->src = packet->src;
	ret->dst = packet->dst;
	ret->interface = packet->interface;
	ret->ct_state = packet->ct_state;
	ret->ct_known = (packet->ct_state & (RULESET_CT_INVALID | RULESET_CT_UNTRACKED)) == 0;
	ret->ct_reply = packet->ct_reply;
	ret->mark = packet->mark;
}

void verify_judge_case(struct verify_judge *judge, const struct verify_case *packet,
		       struct verify_finding *ret)
{
	enum engine_flow flow = flow_of(judge, packet->ct_state);
	const struct verify_answers *policy = answers_of(judge, &judge->policy_says[flow], flow, false);
	struct journey journey = {.counter = -1};

	verify_judge_seen(packet, &journey.packet);
	travel(judge, &journey);
	*ret = (struct verify_finding){
		.kind = VERIFY_AGREES,
		.packet = *packet,
		.at_s = judge->at_s[0],
		.queued = journey.queued,
		.counter = journey.counter,
		.end = journey.end,
		.expected = policy->at[0],
		.count = 1,
	};
	if (journey.queued)
		judge_queued(judge, &journey, policy, ret);
	else
		judge_settled(judge, &journey, policy, ret);
	if (ret->kind == VERIFY_AGREES)
		verify_learned_case(judge, policy, ret);
}

enum verify_limit verify_judge_limit(const struct verify_judge *judge, const struct verify_finding *finding)
{
	const struct policy_gateway *gateway = &judge->policy->gateway;
	const struct verify_case *packet = &finding->packet;
	bool reply = packet->ct_reply && (packet->ct_state & (RULESET_CT_ESTABLISHED | RULESET_CT_RELATED));
	bool opens = (packet->form->kernel.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (finding->kind == VERIFY_LEARNED && packet->form->limit == VERIFY_LIMIT_LONG_HEADER)
		return VERIFY_LIMIT_LONG_HEADER;
	if (finding->kind != VERIFY_LEAK || packet->form->limit == VERIFY_LIMIT_LONG_HEADER)
		return VERIFY_LIMIT_NONE;
	if (gateway->conntrack && gateway->established == POLICY_ESTABLISHED_CUT && reply && !opens)
		return VERIFY_LIMIT_REPLY;
	return packet->form->limit;
}
