/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proof of offload: with everything learned that can be learned, kernel and engine agree; and faults planted in the
 * ruleset's chains for it are found. Argument: the source directory, for the example policies.
 */
#include "ruleset/groups.h"
#include "ruleset/marks.h"
#include "ruleset/shard.h"

#include "verify_world.h"

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 10 };
#else
enum { POLICIES = 60 };
#endif

static void test_the_examples_agree(void **state)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct world world;

		world_read(&world, examples[i], true);
		assert_int_equal(disagreements(&world, ALL, true), 0);
		world_free(&world);
	}
}

/* Actions and lengths of subscribers of all sorts, so that there are several groups. */
static void random_offload(struct made_policy *made)
{
	made->policy.gateway.offload = true;
	for (size_t i = 0; i < made->policy.rule_count; i++) {
		struct policy_rule *rule = &made->policy.rules[i];

		if (rule->kind != POLICY_POOL)
			continue;
		rule->action = (enum policy_action)random_below(3);
		rule->delegated_prefix_length = (uint8_t)(56 + random_below(16));
	}
}

static void test_random_policies_agree(void **state)
{
	size_t with_groups = 0;

	for (int i = 0; i < POLICIES; i++) {
		struct made_policy made;
		struct world world = {0};

		random_policy(&made);
		random_offload(&made);
		world_make(&world, &made.policy);
		with_groups += world.ruleset->live_count > 0;
		if (disagreements(&world, SAMPLE, true) > 0) {
			ruleset_print(world.ruleset, stderr);
			fail_msg("policy %d", i);
		}
		world_free(&world);
		made_policy_free(&made);
	}
	assert_true(with_groups >= POLICIES / 3);
}

/* ---- planted faults ---- */

static bool lose_accept(struct world *world, enum ruleset_match_kind kind, const char *set)
{
	struct ruleset_chain *chain = chain_of(world, "learned_syn");

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		const struct ruleset_match *match = &chain->rules[i].matches[0];

		if (chain->rules[i].match_count > 0 && match->kind == kind &&
		    chain->rules[i].statements[0].kind == RULESET_DO_ACCEPT &&
		    (!set || strcmp(world->ruleset->sets[match->set].name, set) == 0))
			return lose_rule(chain, i);
	}
	return false;
}

static bool lost_upstream(struct world *world)
{
	return lose_accept(world, RULESET_MATCH_IIFNAME, NULL);
}

/* Of each rule that looks up sources of the family: the first match of the kind, or all of them. */
static bool lose_match(struct world *world, enum ruleset_match_kind kind, uint8_t family, bool all)
{
	struct ruleset_chain *chain = chain_of(world, "learned_syn");
	bool planted = false;

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		struct ruleset_rule *rule = &chain->rules[i];
		unsigned kept = 0, lost = 0;

		if (rule->statements[0].kind != RULESET_DO_TURN_SHARD || rule->statements[0].family != family)
			continue;
		for (unsigned j = 0; j < rule->match_count; j++) {
			if (rule->matches[j].kind == kind && (all || lost == 0))
				lost++;
			else
				rule->matches[kept++] = rule->matches[j];
		}
		rule->match_count = (uint8_t)kept;
		planted |= lost > 0;
	}
	return planted;
}

static bool lost_fragments4(struct world *world)
{
	return lose_match(world, RULESET_MATCH_FRAG4, ADDR_IP4, true);
}

static bool lost_fragments6(struct world *world)
{
	return lose_match(world, RULESET_MATCH_FRAG6, ADDR_IP6, true);
}

static bool lost_named4(struct world *world)
{
	return lose_match(world, RULESET_MATCH_DADDR_WITHIN, ADDR_IP4, true) ||
	       lose_accept(world, RULESET_MATCH_DADDR, "named_ip4");
}

static bool lost_named6(struct world *world)
{
	return lose_match(world, RULESET_MATCH_DADDR_WITHIN, ADDR_IP6, true) ||
	       lose_accept(world, RULESET_MATCH_DADDR, "named_ip6");
}

static bool lost_name(struct world *world)
{
	struct ruleset_set *set = set_of(world, "named_ip4");

	return lose_match(world, RULESET_MATCH_DADDR_WITHIN, ADDR_IP4, false) ||
	       (set && set->count > 0 && set->count-- > 0);
}

static bool too_many_names(struct world *world)
{
	struct ruleset_set *set = set_of(world, "named_ip6");
	struct ruleset_chain *chain = chain_of(world, "learned_syn");
	bool planted = false;

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		struct ruleset_match *match = &chain->rules[i].matches[chain->rules[i].match_count - 1];

		if (chain->rules[i].match_count > 0 && match->kind == RULESET_MATCH_DADDR_WITHIN &&
		    match->prefix.addr.family == ADDR_IP6)
			planted |= match->prefix.len-- > 1;
	}
	return planted || (set && set->count > 0 && set->ip6[set->count - 1].last_hi++ < UINT64_MAX);
}

static struct ruleset_match *sound_syn(struct world *world, enum ruleset_match_kind kind)
{
	return find_match(chain_of(world, "learned"), kind);
}

static bool any_flags(struct world *world)
{
	struct ruleset_match *match = sound_syn(world, RULESET_MATCH_TCP_FLAGS);

	if (match)
		match->mask = 0x02;
	return match != NULL;
}

static bool any_port(struct world *world)
{
	struct ruleset_match *match = sound_syn(world, RULESET_MATCH_TCP_DPORT);

	if (match)
		*match = *sound_syn(world, RULESET_MATCH_TCP_FLAGS);
	return match != NULL;
}

static bool short_headers(struct world *world)
{
	struct ruleset_match *match = sound_syn(world, RULESET_MATCH_TCP_DOFF);

	if (match)
		match->value = 3;
	return match != NULL;
}

static bool cut_headers(struct world *world)
{
	struct ruleset_match *match = sound_syn(world, RULESET_MATCH_TCP_URGENT);

	if (match)
		*match = *sound_syn(world, RULESET_MATCH_TCP_FLAGS);
	return match != NULL;
}

static bool any_interface(struct world *world)
{
	return lose_match(world, RULESET_MATCH_IIFNAME, ADDR_IP4, true);
}

static bool lost_look_up(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "learned_syn");

	return chain && lose_rule(chain, chain->rule_count - 1);
}

static bool looked_up_late(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "learned");

	if (chain)
		chain->early = false;
	return chain != NULL;
}

static bool longer(uint32_t *len, int by)
{
	*len = (uint32_t)((int)*len + by);
	return true;
}

/* In the first group: as many bits as it has not. */
static bool looked_up_by(struct world *world, int by)
{
	bool planted = false;

	for (unsigned shard = 0; shard < LEARN_SHARDS; shard++) {
		char name[RULESET_NAME_MAX];
		struct ruleset_match *match;

		learned_shard_name(name, 0, 0, shard, ADDR_IP6);
		match = find_match(chain_of(world, name), RULESET_MATCH_LEARNED);
		planted |= match && longer(&match->value, by);
	}
	return planted;
}

static bool looked_up_too_long(struct world *world)
{
	return looked_up_by(world, 4);
}

static bool looked_up_too_short(struct world *world)
{
	return looked_up_by(world, -4);
}

static bool learned_by(struct world *world, int by)
{
	struct ruleset_chain *chain = chain_of(world, "learn_0_0");
	bool planted = false;

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		struct ruleset_statement *statement = &chain->rules[i].statements[0];

		if (statement->kind == RULESET_DO_LEARN &&
		    world->ruleset->live[statement->target].family == ADDR_IP6)
			planted |= longer(&statement->value, by);
	}
	return planted;
}

static bool learned_too_long(struct world *world)
{
	return learned_by(world, 4);
}

static bool learned_too_short(struct world *world)
{
	return learned_by(world, -4);
}

/* Learning and looking up agree on a wrong length. */
static bool wrong_everywhere(struct world *world)
{
	return looked_up_too_short(world) && learned_too_short(world);
}

static bool other_shards(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "learned_syn");
	bool planted = false;

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		struct ruleset_statement *statement = &chain->rules[i].statements[0];

		if (statement->kind == RULESET_DO_TURN_SHARD && statement->family == ADDR_IP6)
			planted |= longer(&statement->value, 1);
	}
	return planted;
}

static bool shards_mixed_up(struct world *world)
{
	struct ruleset_match *match = find_match(chain_of(world, "learned_1_0_7_ip4"), RULESET_MATCH_LEARNED);

	if (match)
		match->set++;
	return match != NULL;
}

static bool generations_mixed_up(struct world *world)
{
	bool planted = false;

	for (size_t i = 0; i < world->ruleset->live_count; i++) {
		struct ruleset_live *live = &world->ruleset->live[i];

		if (live->kind != RULESET_LIVE_MARKS)
			continue;
		live->chains[1] = live->chains[0];
		planted = true;
	}
	return planted;
}

static struct ruleset_match *learn_mark(struct world *world)
{
	struct ruleset_chain *answer = chain_of(world, "answer");

	for (size_t i = 0; i < answer->rule_count; i++) {
		for (size_t j = 0; j < answer->rules[i].match_count; j++) {
			if (answer->rules[i].matches[j].kind == RULESET_MATCH_MARK &&
			    answer->rules[i].matches[j].mask == MARK_LEARN_MASK)
				return &answer->rules[i].matches[j];
		}
	}
	return NULL;
}

static bool one_mark_only(struct world *world)
{
	learn_mark(world)->mask = UINT32_MAX;
	return true;
}

static bool wrong_mark(struct world *world)
{
	learn_mark(world)->value = MARK_BASE;
	return true;
}

static bool marks_of_before(struct world *world)
{
	find_match(chain_of(world, "forward"), RULESET_MATCH_MARK)->mask = UINT32_C(0xfffffff0);
	return true;
}

static bool lose_last(struct world *world, const char *name)
{
	struct ruleset_chain *chain = chain_of(world, name);

	return chain && lose_rule(chain, chain->rule_count - 1);
}

static bool stale_marks_pass(struct world *world)
{
	return lose_last(world, "learn");
}

static bool without_room_it_passes(struct world *world)
{
	return lose_last(world, "learn_1_0");
}

static bool learned_and_let_pass(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "learn_0_0");

	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		if (chain->rules[i].statements[0].kind == RULESET_DO_LEARN)
			chain->rules[i].statement_count = 1;
	}
	return chain && lose_last(world, "learn_0_0");
}

static bool other_answer(struct world *world)
{
	bool planted = false;

	for (unsigned shard = 0; shard < LEARN_SHARDS; shard++) {
		char name[RULESET_NAME_MAX];
		struct ruleset_chain *chain;

		learned_shard_name(name, 1, 0, shard, ADDR_IP4);
		chain = chain_of(world, name);
		if (!chain)
			continue;
		chain->rules[0].statements[0].kind = RULESET_DO_REJECT_ICMP;
		planted = true;
	}
	return planted;
}

/* As in test_verify.c. One of the examples only monitors, so nothing can be learned there; and all of them list the
 * subscribers' interfaces, so nothing is asked of the upstream side. */
static const struct fault faults[] = {
	{"fragments are looked up", lost_fragments4, 3, 3},
	{"the same, IPv6", lost_fragments6, 3, 3},
	{"destinations with rules are looked up", lost_named4, 3, 3},
	{"the same, IPv6", lost_named6, 3, 3},
	{"a destination lost", lost_name, 3, 3},
	{"a destination too wide", too_many_names, 3, 3},
	{"any flags", any_flags, 3, 3},
	{"any port", any_port, 3, 3},
	{"short headers", short_headers, 3, 3},
	{"cut headers", cut_headers, 3, 3},
	{"any interface", any_interface, 3, 3},
	{"a look-up lost", lost_look_up, 3, 3},
	{"looked up too late", looked_up_late, 3, 3},
	{"looked up by too many bits", looked_up_too_long, 3, 3},
	{"looked up by too few bits", looked_up_too_short, 3, 3},
	{"learned by too many bits", learned_too_long, 3, 3},
	{"learned by too few bits", learned_too_short, 3, 3},
	{"both by too few bits", wrong_everywhere, 3, 3},
	{"other shards", other_shards, 3, 3},
	{"shards mixed up", shards_mixed_up, 3, 3},
	{"generations mixed up", generations_mixed_up, 3, 3},
	{"one mark only", one_mark_only, 4, 4},
	{"a wrong mark", wrong_mark, 4, 4},
	{"not all marks cleared", marks_of_before, 4, 4},
	{"stale marks pass", stale_marks_pass, 3, 3},
	{"without room it passes", without_room_it_passes, 3, 3},
	{"learned, and let pass", learned_and_let_pass, 3, 3},
	{"another answer", other_answer, 3, 3},
};

static void test_faults_in_the_examples_are_found(void **state)
{
	bool all = true;

	for (size_t i = 0; i < COUNT(faults); i++)
		all = fault_shows(&faults[i], true) && all;
	assert_true(all);
}

static void test_the_upstream_side(void **state)
{
	struct made_policy made;
	struct world world = {0};
	uint16_t pool;

	made_policy_init(&made);
	made.policy.gateway.offload = true;
	made_interface(&made.policy.gateway.upstream_interfaces, "up0");
	pool = made_rule(&made, POLICY_POOL, "pool");
	made_prefix(&made, pool, POLICY_ROLE_SOURCE, "198.51.100.0/24");
	world_make(&world, made_policy_finish(&made));
	assert_int_equal(disagreements(&world, ALL, true), 0);
	assert_true(lost_upstream(&world));
	assert_true(disagreements(&world, ALL, false) > 0);
	world_free(&world);
	made_policy_free(&made);
}

/* Without offload a mark to learn, from a daemon ahead of its rules, is dropped, and the proof sees to that, too. */
static void test_marks_without_offload(void **state)
{
	struct world world;

	world_read(&world, "small-isp", false);
	assert_int_equal(world.ruleset->live_count, 0);
	assert_int_equal(disagreements(&world, ALL, true), 0);
	assert_true(one_mark_only(&world));
	assert_true(disagreements(&world, ALL, false) > 0);
	world_free(&world);
}

/* Where kernel 6.18 on x86-64 put them, with rules like those of learn_0_0. */
static const struct {
	const char *text;
	unsigned len, shard;
} kernel_shards[] = {
	{"127.0.0.1", 32, 0},
	{"192.0.2.255", 32, 5},
	{"198.51.100.1", 32, 9},
	{"10.0.0.255", 32, 10},
	{"203.0.113.77", 32, 10},
	{"198.51.100.130", 32, 15},
	{"2001:db8:ffff:1234:5678:9abc:def0:1", 128, 1},
	{"::1", 128, 2},
	{"2001:db8:5:1::9", 128, 7},
	{"2001:db8:100:ab7f::1", 128, 7},
	{"2001:db8:ffff:1234:5678:9abc:def0:1", 56, 6},
	{"2001:db8:5:1::9", 56, 14},
	{"::1", 56, 15},
	{"2001:db8:100:ab7f::1", 56, 15},
};

static void test_shards_are_the_kernels(void **state)
{
	for (size_t i = 0; i < COUNT(kernel_shards); i++) {
		const char *text = kernel_shards[i].text;
		struct addr addr;

		assert_int_equal(addr_parse(text, strlen(text), &addr), ADDR_OK);
		assert_int_equal(ruleset_shard_of(&addr, kernel_shards[i].len), kernel_shards[i].shard);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_examples_agree),
		cmocka_unit_test(test_random_policies_agree),
		cmocka_unit_test(test_faults_in_the_examples_are_found),
		cmocka_unit_test(test_the_upstream_side),
		cmocka_unit_test(test_marks_without_offload),
		cmocka_unit_test(test_shards_are_the_kernels),
	};

	if (argc != 2) {
		fputs("usage: test_verify_learned SOURCE\n", stderr);
		return 2;
	}
	source_directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
