/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_learned.h"

#include "ruleset/marks.h"
#include "ruleset/verify_judge.h"

enum { TRIES = 128 }; /* sources of a group: enough that each shard gets some */

static enum verify_end end_of_outcome(enum ruleset_outcome outcome)
{
	switch (outcome) {
	case RULESET_ACCEPTED:
		return VERIFY_PASSED;
	case RULESET_DROPPED:
		return VERIFY_DROPPED;
	case RULESET_RESET:
		return VERIFY_ANSWERED_RESET;
	case RULESET_ICMP:
		return VERIFY_ANSWERED_ICMP;
	case RULESET_QUEUED:
	case RULESET_ENDLESS:
		break;
	}
	return VERIFY_NEVER;
}

/* Through the chains before routing, where what is learned is looked up. */
static enum verify_end look_up(const struct verify_judge *judge, struct ruleset_packet packet,
			       const struct ruleset_offload *offload)
{
	packet.offload = offload;
	for (size_t i = 0; i < judge->base_count; i++) {
		const struct ruleset_chain *chain = &judge->ruleset->chains[judge->bases[i]];
		struct ruleset_result result;

		if (!chain->early)
			continue;
		result = ruleset_evaluate(judge->ruleset, judge->bases[i], &packet);
		if (result.outcome != RULESET_ACCEPTED)
			return end_of_outcome(result.outcome);
		packet.mark = result.mark;
	}
	return VERIFY_PASSED;
}

/* What becomes of a packet that the daemon has marked. */
static struct ruleset_result answer(const struct verify_judge *judge, struct ruleset_packet packet,
				    uint32_t mark, const struct ruleset_offload *offload)
{
	int32_t chain = judge->learner->answer;

	packet.mark = mark;
	packet.offload = offload;
	if (chain < 0)
		return (struct ruleset_result){.outcome = RULESET_ACCEPTED};
	return ruleset_evaluate(judge->ruleset, (uint32_t)chain, &packet);
}

static uint32_t mark_of(unsigned group, unsigned generation)
{
	return MARK_LEARN | group << 1 | generation;
}

bool verify_learning_is_safe(const struct verify_judge *judge, const struct ruleset_packet *packet)
{
	return answer(judge, *packet, mark_of(0, 0), NULL).outcome == RULESET_DROPPED &&
	       answer(judge, *packet, mark_of(LEARN_GROUPS_MAX - 1, 1), NULL).outcome == RULESET_DROPPED;
}

/* ---- one packet, with all that can be learned ---- */

static int group_of(const struct learn_groups *groups, const struct decision *decision)
{
	return decision->pool < 0 ? groups->unlisted : groups->of_rule[decision->pool];
}

static uint8_t key_len(const struct learn_groups *groups, unsigned group, uint8_t family)
{
	return family == ADDR_IP4 ? 32 : groups->items[group].ip6_len;
}

/* Somebody of the prefix whom the daemon can learn in the group. */
static bool find_subscriber(const struct verify_judge *judge, const struct addr *src, unsigned group,
			    int64_t at_s, struct addr *ret)
{
	const struct learn_groups *groups = &judge->learner->groups;
	struct prefix prefix = {.len = key_len(groups, group, src->family)};
	struct addr tries[3] = {*src};

	prefix.addr = addr_mask(src, prefix.len);
	tries[1] = prefix.addr;
	tries[2] = prefix_last(&prefix);
	for (size_t i = 0; i < 3; i++) {
		struct decision decision;

		if (!engine_whole_source(judge->engine, &tries[i], at_s, &decision) ||
		    group_of(groups, &decision) != (int)group)
			continue;
		*ret = tries[i];
		return true;
	}
	return false;
}

static const struct verify_learned_at *learned_at(const struct verify_judge *judge,
						  const struct ruleset_packet *packet, size_t at)
{
	struct verify_learner *learner = judge->learner;
	struct verify_learned_at *learned = &learner->at[at];

	for (size_t i = 0; !addr_equal(&learner->src, &packet->src) && i < VERIFY_TIMES_MAX; i++)
		learner->at[i].known = false;
	learner->src = packet->src;
	if (learned->known && learned->at_s == judge->at_s[at])
		return learned;
	*learned = (struct verify_learned_at){.known = true, .at_s = judge->at_s[at]};
	for (unsigned group = 0; group < learner->groups.count; group++) {
		struct ruleset_packet syn = *packet;

		if (!find_subscriber(judge, &packet->src, group, judge->at_s[at], &syn.src))
			continue;
		for (unsigned generation = 0; generation < RULESET_GENERATIONS; generation++) {
			const struct ruleset_offload offload = {.generation = generation};
			struct ruleset_result result =
				answer(judge, syn, mark_of(group, generation), &offload);

			if (result.learns)
				learned->items[generation][learned->count[generation]++] = result.learned;
		}
	}
	return learned;
}

static void found(const struct verify_judge *judge, enum verify_kind kind, const struct decision *expected,
		  size_t at, enum verify_end end, struct verify_finding *finding)
{
	finding->kind = kind;
	finding->at_s = judge->at_s[at];
	finding->expected = *expected;
	finding->end = end;
}

/* What is answered by itself must be what the policy says of every SYN of the subscriber. */
static void judge_generation(const struct verify_judge *judge, const struct ruleset_packet *packet,
			     unsigned generation, const struct verify_answers *policy,
			     struct verify_finding *finding)
{
	const struct verify_form *form = finding->packet.form;
	const struct ruleset_offload all = {.generation = generation, .all = true};
	bool plain = form->sound && !form->kernel.frag6;
	bool looked_up = look_up(judge, *packet, &all) != VERIFY_PASSED;

	for (size_t i = 0; (looked_up || plain) && i < judge->at_count; i++) {
		const struct decision *says = &policy->at[i];
		bool known = says->whole_source && group_of(&judge->learner->groups, says) >= 0;
		const struct verify_learned_at *learned;
		struct ruleset_offload offload = {.generation = generation};
		enum verify_end end;

		if (!looked_up && !known)
			continue;
		learned = learned_at(judge, packet, i);
		offload.learned = learned->items[generation];
		offload.count = learned->count[generation];
		end = look_up(judge, *packet, &offload);
		if (end != VERIFY_PASSED && (!says->whole_source || end != verify_end_of(says->verdict)))
			found(judge, VERIFY_LEARNED, says, i, end, finding);
		else if (end == VERIFY_PASSED && known && plain)
			found(judge, VERIFY_UNLEARNED, says, i, end, finding);
	}
}

void verify_learned_case(struct verify_judge *judge, const struct verify_answers *policy,
			 struct verify_finding *finding)
{
	const struct verify_case *packet = &finding->packet;
	struct ruleset_packet seen;

	/* What comes with a mark comes without one, too, and the chains before routing do not look at it. */
	if (judge->ruleset->live_count == 0 || packet->mark != 0)
		return;
	verify_judge_seen(packet, &seen);
	for (unsigned generation = 0; generation < RULESET_GENERATIONS; generation++)
		judge_generation(judge, &seen, generation, policy, finding);
}

/* ---- each group by itself ---- */

/* The n-th source of the group, with all bits set but those of n, which stand at the end of his prefix. */
static struct addr source_of(uint8_t family, unsigned len, unsigned n)
{
	struct addr addr = family == ADDR_IP4 ? addr_ip4(UINT32_MAX) : addr_ip6(UINT64_MAX, UINT64_MAX);
	unsigned below = addr_bits(family) - len;

	if (family == ADDR_IP4 || below < 64)
		addr.lo ^= (uint64_t)n << (below & 63);
	else
		addr.hi ^= (uint64_t)n << (below - 64);
	if (family == ADDR_IP4)
		addr.lo &= UINT32_MAX;
	return addr;
}

/* One way to come in, and a destination that no rule names. */
struct way {
	const struct verify_judge *judge;
	struct verify_case packet;
	unsigned group, generation, len;
	enum verify_end end; /* as the group's action says */
};

static enum verify_end end_of_group(const struct learn_group *group)
{
	static const enum verify_end ends[] = {
		[POLICY_ACTION_DROP] = VERIFY_DROPPED,
		[POLICY_ACTION_RESET] = VERIFY_ANSWERED_RESET,
		[POLICY_ACTION_ICMP] = VERIFY_ANSWERED_ICMP,
	};

	return ends[group->action];
}

static enum verify_end look_up_from(const struct way *way, struct addr src,
				    const struct ruleset_learned *learned)
{
	const struct ruleset_offload offload = {
		.generation = way->generation, .learned = learned, .count = 1};
	struct ruleset_packet packet;

	verify_judge_seen(&way->packet, &packet);
	packet.src = src;
	return look_up(way->judge, packet, &offload);
}

/* As the subscriber that he belongs to; without room he is answered all the same; not in force, he is dropped. */
static bool learns(const struct way *way, const struct addr *src, struct ruleset_learned *ret)
{
	const struct ruleset_offload empty = {.generation = way->generation};
	const struct ruleset_offload full = {.generation = way->generation, .full = true};
	uint32_t mark = mark_of(way->group, way->generation);
	uint32_t stale = mark_of(way->group, !way->generation);
	struct addr key = addr_mask(src, way->len);
	struct ruleset_packet packet;
	struct ruleset_result result;

	verify_judge_seen(&way->packet, &packet);
	packet.src = *src;
	result = answer(way->judge, packet, mark, &empty);
	*ret = result.learned;
	return result.learns && addr_equal(&result.learned.key, &key) &&
	       end_of_outcome(result.outcome) == way->end &&
	       end_of_outcome(answer(way->judge, packet, mark, &full).outcome) == way->end &&
	       answer(way->judge, packet, stale, &empty).outcome == RULESET_DROPPED;
}

/*
 * All of a subscriber's prefix is found, and his neighbour is not. Where none is found at all the group is not looked up
 * on this interface: whether it should be, the packets of the space tell.
 */
static bool way_is_right(struct way *way)
{
	uint8_t family = way->packet.dst.family;
	unsigned found = 0, wrong = 0;

	for (unsigned n = 0; n < TRIES; n++) {
		struct addr src = source_of(family, way->len, n);
		struct addr neighbour = source_of(family, way->len, n ^ 1);
		struct ruleset_learned learned;

		way->packet.src = src;
		if (!learns(way, &src, &learned))
			return false;
		found += look_up_from(way, src, &learned) == way->end;
		found += look_up_from(way, learned.key, &learned) == way->end;
		wrong += !addr_equal(&src, &neighbour) &&
			 look_up_from(way, neighbour, &learned) != VERIFY_PASSED;
	}
	return wrong == 0 && (found == 0 || found == 2 * TRIES);
}

static bool interface_is_right(struct way *way)
{
	const struct learn_groups *groups = &way->judge->learner->groups;

	for (way->group = 0; way->group < groups->count; way->group++) {
		way->len = key_len(groups, way->group, way->packet.dst.family);
		way->end = end_of_group(&groups->items[way->group]);
		for (way->generation = 0; way->generation < RULESET_GENERATIONS; way->generation++) {
			if (!way_is_right(way))
				return false;
		}
	}
	return true;
}

static const struct verify_form *plain_syn(const struct verify_forms *forms)
{
	for (size_t i = 0; i < forms->count; i++) {
		const struct verify_form *form = &forms->items[i];

		if (form->sound && form->port25 && !form->kernel.frag6 && form->ours.tcp_flags == TCP_SYN)
			return form;
	}
	return NULL;
}

static const struct verify_place *unnamed(const struct engine *engine, const struct verify_places *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (engine_target_class(engine, &targets->items[i].addr) == 0)
			return &targets->items[i];
	}
	return NULL;
}

bool verify_learned_groups(const struct verify_judge *judge, const struct verify_space *space,
			   struct verify_case *ret)
{
	for (int i = 0; i < VERIFY_FAMILIES; i++) {
		const struct verify_part *part = &space->parts[i][VERIFY_ALL];
		const struct verify_form *form = plain_syn(&part->forms);
		const struct verify_place *target = unnamed(judge->engine, &part->targets);

		for (size_t j = 0; form && target && j < space->interfaces.count; j++) {
			struct way way = {.judge = judge,
					  .packet = {.form = form,
						     .dst = target->addr,
						     .interface = space->interfaces.items[j],
						     .ct_state = RULESET_CT_NEW}};

			if (interface_is_right(&way))
				continue;
			*ret = way.packet;
			return false;
		}
	}
	return true;
}
