/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/build.h"
#include "ruleset/marks.h"
#include "ruleset/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Behind the translation of destinations (-100), so that the destination is the one that is judged later; in a bridge
 * before the chain that judges. */
static const int32_t priorities[] = {[POLICY_FAMILY_INET] = -90, [POLICY_FAMILY_BRIDGE] = -110};

static const uint8_t families[] = {ADDR_IP4, ADDR_IP6};

enum { FAMILIES = sizeof(families) / sizeof(families[0]), ROOM_MIN = 1024 };

static const char purpose_learned[] =
	"Blocks by itself those whom the daemon has learned, as early as a packet can be blocked (offload). Only a sound SYN\n"
	"to port 25 is looked at. Without it, or while the maps are empty, all of them go to the daemon; nothing leaks.";
static const char purpose_learned_syn[] =
	"What is no fragment, comes from the subscriber side, and goes where no rule of the policy names the destination, is\n"
	"looked up. The element counts it: so every exception stands before. Without these relays, own destinations and\n"
	"whatever has a rule of its own would be blocked with the rest.";
static const char purpose_shards[] =
	"Here and in the chains like it: the learned sources of a group and a generation, in sixteen parts by a hash, so that\n"
	"each can be read at once. A source that is not found goes on.";
static const char purpose_learn[] =
	"What the daemon marks to be learned comes here from `answer`, and is blocked whatever happens: a mark that is not\n"
	"in force is counted, and dropped. Without its last rule a daemon ahead of its ruleset would let packets pass.";
static const char purpose_learn_group[] =
	"Adds the source, which counts the packet, and answers it; likewise those of the other groups and generation.\n"
	"Without the last rule a packet whose source finds no room passes.";

/* Twice as many as fit evenly: a hash is not even. */
static uint32_t room(const struct policy *policy)
{
	uint32_t size = 2 * (policy->log.subscribers_max / RULESET_SHARDS);

	if (size > RULESET_ROOM_UNSAID)
		return RULESET_ROOM_UNSAID;
	return size > ROOM_MIN ? size : ROOM_MIN;
}

/* Sets and chains of all shards stand in this order. */
static uint32_t shard_number(const struct build *build, unsigned generation, uint32_t group, unsigned family,
			     unsigned shard)
{
	uint32_t all = (uint32_t)build->groups.count;

	return ((generation * all + group) * FAMILIES + family) * RULESET_SHARDS + shard;
}

static uint32_t first_shard_chain(const struct build *build, unsigned generation, uint32_t group,
				  unsigned family)
{
	return build->chains.learned_shards + shard_number(build, generation, group, family, 0);
}

static uint32_t group_chain(const struct build *build, unsigned generation, uint32_t group)
{
	return build->chains.learn_groups + generation * (uint32_t)build->groups.count + group;
}

/* Of the maps: those of the shards, by group and family, and then that of the marks. */
static uint32_t map_number(const struct build *build, uint32_t group, unsigned family)
{
	return shard_number(build, RULESET_GENERATIONS, 0, 0, 0) + group * FAMILIES + family;
}

static uint32_t mark_map_number(const struct build *build)
{
	return map_number(build, (uint32_t)build->groups.count, 0);
}

static uint32_t key_len(const struct build *build, uint32_t group, uint8_t family)
{
	return family == ADDR_IP4 ? 32 : build->groups.items[group].ip6_len;
}

/* ---- chains ---- */

static void add_shard_chains(struct build *build, unsigned generation, uint32_t group)
{
	char name[RULESET_NAME_MAX];

	for (unsigned i = 0; i < FAMILIES; i++) {
		for (unsigned shard = 0; shard < RULESET_SHARDS; shard++) {
			learned_shard_name(name, generation, group, shard, families[i]);
			(void)build_chain(build, name,
					  generation + group + i + shard == 0 ? purpose_shards : "");
		}
	}
}

void build_learned_chains(struct build *build)
{
	struct build_chains *c = &build->chains;

	if (build->groups.count == 0)
		return;
	c->learned = build_chain(build, "learned", purpose_learned);
	c->learned_syn = build_chain(build, "learned_syn", purpose_learned_syn);
	c->learned_shards = (uint32_t)build->ruleset->chain_count;
	for (unsigned generation = 0; generation < RULESET_GENERATIONS; generation++) {
		for (uint32_t group = 0; group < build->groups.count; group++)
			add_shard_chains(build, generation, group);
	}
}

void build_learn_chains(struct build *build)
{
	char name[RULESET_NAME_MAX];

	if (build->groups.count == 0)
		return;
	build->chains.learn = build_chain(build, LEARN_CHAIN, purpose_learn);
	build->chains.learn_groups = (uint32_t)build->ruleset->chain_count;
	for (unsigned generation = 0; generation < RULESET_GENERATIONS; generation++) {
		for (uint32_t group = 0; group < build->groups.count; group++) {
			learn_group_name(name, generation, group);
			(void)build_chain(build, name, generation + group == 0 ? purpose_learn_group : "");
		}
	}
}

/* ---- sets and maps ---- */

static struct ruleset_live *add_live(struct build *build, enum ruleset_live_kind kind, uint32_t size)
{
	struct ruleset *ruleset = build->ruleset;

	ruleset->live[ruleset->live_count] = (struct ruleset_live){.kind = kind, .size = size};
	return &ruleset->live[ruleset->live_count++];
}

static void add_learned_set(struct build *build, unsigned generation, uint32_t group, unsigned family,
			    unsigned shard)
{
	struct ruleset_live *live = add_live(build, RULESET_LIVE_LEARNED, room(build->policy));

	live->family = families[family];
	live->timeout_s = learned_stay_s(build->policy);
	learned_shard_name(live->name, generation, group, shard, families[family]);
}

static void add_shard_map(struct build *build, uint32_t group, unsigned family)
{
	struct ruleset_live *live = add_live(build, RULESET_LIVE_SHARDS, RULESET_SHARDS);

	live->family = families[family];
	live->chain_count = RULESET_SHARDS;
	for (unsigned i = 0; i < RULESET_GENERATIONS; i++)
		live->chains[i] = first_shard_chain(build, i, group, family);
	learned_turn_name(live->name, group, families[family]);
}

static void add_mark_map(struct build *build)
{
	struct ruleset_live *live = add_live(build, RULESET_LIVE_MARKS, LEARN_GROUPS_MAX);

	live->chain_count = (uint32_t)build->groups.count;
	for (unsigned i = 0; i < RULESET_GENERATIONS; i++)
		live->chains[i] = group_chain(build, i, 0);
	build_text(live->name, sizeof(live->name), "%s", LEARN_TURN_MAP);
}

static bool add_live_sets(struct build *build)
{
	struct ruleset *ruleset = build->ruleset;
	uint32_t groups = (uint32_t)build->groups.count, count = mark_map_number(build) + 1;

	ruleset->live = calloc(count, sizeof(*ruleset->live));
	if (!ruleset->live)
		return false;
	for (uint32_t i = 0; i < shard_number(build, RULESET_GENERATIONS, 0, 0, 0); i++)
		add_learned_set(build, i / (groups * FAMILIES * RULESET_SHARDS),
				i / (FAMILIES * RULESET_SHARDS) % groups, i / RULESET_SHARDS % FAMILIES,
				i % RULESET_SHARDS);
	for (uint32_t i = 0; i < groups * FAMILIES; i++)
		add_shard_map(build, i / FAMILIES, i % FAMILIES);
	add_mark_map(build);
	return true;
}

/* ---- rules ---- */

/* A reset is for TCP alone, which nft asks for in such a rule by itself. */
static struct ruleset_rule *rule_for(struct build *build, uint32_t chain, const char *comment, uint32_t group)
{
	struct ruleset_rule *rule = build_rule(build, chain, comment);

	if (build->groups.items[group].action == POLICY_ACTION_RESET)
		build_match(rule, RULESET_MATCH_L4PROTO, RULESET_EQ, 0, RULESET_PROTOCOL_TCP);
	return rule;
}

static struct ruleset_rule *answer(const struct build *build, struct ruleset_rule *rule, uint32_t group)
{
	switch (build->groups.items[group].action) {
	case POLICY_ACTION_RESET:
		return build_do(rule, RULESET_DO_REJECT_RESET, 0, 0);
	case POLICY_ACTION_ICMP:
		return build_do(rule, RULESET_DO_REJECT_ICMP, 0, 0);
	case POLICY_ACTION_DROP:
		break;
	}
	return build_do(rule, RULESET_DO_DROP, 0, 0);
}

static void fill_learned(struct build *build)
{
	struct ruleset_chain *base = &build->ruleset->chains[build->chains.learned];
	struct ruleset_rule *rule = build_rule(build, build->chains.learned, "a sound SYN");

	base->base = base->early = true;
	base->priority = priorities[build->ruleset->family];
	build_match(rule, RULESET_MATCH_TCP_DPORT, RULESET_EQ, 0, 25);
	build_match(rule, RULESET_MATCH_TCP_FLAGS, RULESET_EQ, 0x17, 0x02);
	build_match(rule, RULESET_MATCH_TCP_DOFF, RULESET_GT, 0, 4);
	build_match(rule, RULESET_MATCH_TCP_URGENT, RULESET_EQ, 0, 0);
	build_goto(rule, build->chains.learned_syn);
}

/* All that must not be looked up is asked for in the same rule: each rule more would ask for the family again. */
static void look_up_on(struct build *build, const char *interface, uint32_t group, unsigned family)
{
	const struct build_named *named = &build->named[family];
	struct ruleset_rule *rule = build_rule(build, build->chains.learned_syn, "");

	/* nft asks for IPv6 at the very beginning of a rule with an extension header. */
	if (families[family] == ADDR_IP6)
		build_match(rule, RULESET_MATCH_FRAG6, RULESET_NE, 0, 0);
	if (interface)
		build_on(rule, interface);
	if (families[family] == ADDR_IP4)
		build_match(rule, RULESET_MATCH_FRAG4, RULESET_EQ, 0x3fff, 0);
	for (size_t i = 0; !named->looked_up && i < named->count; i++) {
		build_match(rule, RULESET_MATCH_DADDR_WITHIN, RULESET_NE, 0, 0);
		rule->matches[rule->match_count - 1].prefix = named->prefixes[i];
	}
	build_do(rule, RULESET_DO_TURN_SHARD, map_number(build, group, family),
		 key_len(build, group, families[family]));
	rule->statements[rule->statement_count - 1].family = families[family];
}

/* Where the group's sources can come from; no names: from everywhere. sides: where all subscribers can. */
static const struct interface_class *sides_of(const struct build *build, const struct interface_class *sides,
					      uint32_t group)
{
	uint32_t class = build->groups.items[group].interface_class;

	return class > 0 ? &build->pools.items[class - 1] : sides;
}

static void look_up(struct build *build, const struct interface_class *sides, unsigned family)
{
	const struct build_named *named = &build->named[family];

	if (named->looked_up)
		build_do(build_in_set(build_rule(build, build->chains.learned_syn, "has a rule of its own"),
				      RULESET_MATCH_DADDR, RULESET_EQ, named->set),
			 RULESET_DO_ACCEPT, 0, 0);
	for (uint32_t group = 0; group < build->groups.count; group++) {
		const struct interface_class *names = sides_of(build, sides, group);

		for (size_t i = 0; i < names->count; i++)
			look_up_on(build, names->names[i], group, family);
		if (names->count == 0)
			look_up_on(build, NULL, group, family);
	}
}

/* Whether anything is looked up on an interface of this name, too. */
static bool matters(const struct build *build, const struct interface_class *sides, const char *upstream)
{
	for (uint32_t group = 0; group < build->groups.count; group++) {
		const struct interface_class *names = sides_of(build, sides, group);

		for (size_t i = 0; i < names->count; i++) {
			if (ifpattern_overlap(names->names[i], upstream))
				return true;
		}
		if (names->count == 0)
			return true;
	}
	return false;
}

/* IPv6 comes last: every rule about one family asks for it first, and most packets are the other's. */
static int fill_learned_syn(struct build *build)
{
	const struct policy_interfaces *upstream = &build->policy->gateway.upstream_interfaces;
	struct interface_class sides = {0};

	/* Where no sides are listed everything else is the subscriber side. */
	if (build->policy->gateway.subscriber_interfaces.count > 0 &&
	    build_subscriber_sides(build, &sides) < 0) {
		free(sides.names);
		return -ENOMEM;
	}
	for (size_t i = 0; i < upstream->count; i++) {
		if (matters(build, &sides, upstream->names[i]))
			build_do(build_on(build_rule(build, build->chains.learned_syn, "inbound"),
					  upstream->names[i]),
				 RULESET_DO_ACCEPT, 0, 0);
	}
	for (unsigned family = 0; family < FAMILIES; family++)
		look_up(build, &sides, family);
	free(sides.names);
	return 0;
}

static void fill_shards(struct build *build, unsigned generation, uint32_t group, unsigned family)
{
	uint32_t chain = first_shard_chain(build, generation, group, family);

	for (unsigned shard = 0; shard < RULESET_SHARDS; shard++) {
		struct ruleset_rule *rule =
			build_match(rule_for(build, chain + shard, "", group), RULESET_MATCH_LEARNED,
				    RULESET_EQ, 0, key_len(build, group, families[family]));

		rule->matches[rule->match_count - 1].set =
			shard_number(build, generation, group, family, shard);
		answer(build, rule, group);
	}
}

static void fill_learn_group(struct build *build, unsigned generation, uint32_t group)
{
	uint32_t chain = group_chain(build, generation, group);
	struct ruleset_rule *rule;

	for (unsigned i = 0; i < FAMILIES * RULESET_SHARDS; i++) {
		unsigned family = i / RULESET_SHARDS, shard = i % RULESET_SHARDS;
		uint32_t len = key_len(build, group, families[family]);

		rule = build_match(rule_for(build, chain, "", group), RULESET_MATCH_SHARD, RULESET_EQ, len,
				   shard);
		rule->matches[rule->match_count - 1].family = families[family];
		build_do(rule, RULESET_DO_LEARN, shard_number(build, generation, group, family, shard), len);
		answer(build, rule, group);
	}
	rule = build_do(rule_for(build, chain, "no room", group), RULESET_DO_COUNT,
			build->counters.learned_full, 0);
	answer(build, rule, group);
}

static void fill_learn(struct build *build)
{
	uint32_t chain = build->chains.learn;
	char comment[RULESET_COMMENT_MAX];

	build_text(comment, sizeof(comment), "not in force; " LEARNED_LAYOUT "%016" PRIx64,
		   build->groups.layout);
	build_do(build_rule(build, chain, ""), RULESET_DO_TURN_MARK, mark_map_number(build), 0);
	build_do(build_do(build_rule(build, chain, comment), RULESET_DO_COUNT, build->counters.learned_stale,
			  0),
		 RULESET_DO_DROP, 0, 0);
}

int build_learned(struct build *build)
{
	uint32_t groups = (uint32_t)build->groups.count;

	if (groups == 0)
		return 0;
	if (!add_live_sets(build) || fill_learned_syn(build) < 0)
		return -ENOMEM;
	fill_learned(build);
	fill_learn(build);
	for (uint32_t i = 0; i < RULESET_GENERATIONS * groups; i++) {
		fill_learn_group(build, i / groups, i % groups);
		for (unsigned family = 0; family < FAMILIES; family++)
			fill_shards(build, i / groups, i % groups, family);
	}
	return 0;
}

void build_learn_answer(struct build *build)
{
	struct ruleset_rule *rule = build_rule(build, build->chains.answer, "to be learned: never let pass");

	build_match(rule, RULESET_MATCH_TCP_DPORT, RULESET_EQ, 0, 25);
	build_match(rule, RULESET_MATCH_MARK, RULESET_EQ, MARK_LEARN_MASK, MARK_LEARN);
	if (build->groups.count > 0) {
		build_goto(rule, build->chains.learn);
		return;
	}
	build_do(build_do(rule, RULESET_DO_COUNT, build->counters.learned_stale, 0), RULESET_DO_DROP, 0, 0);
}
