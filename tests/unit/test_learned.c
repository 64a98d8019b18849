/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offload's part of a ruleset: the groups, their sets and maps, and that no mark to learn lets a packet pass. */
#include "ruleset/evaluate.h"
#include "ruleset/groups.h"
#include "ruleset/marks.h"

#include "make_policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static uint16_t add_pool(struct made_policy *made, const char *prefix, enum policy_action action, uint8_t len)
{
	uint16_t pool = made_rule(made, POLICY_POOL, "pool");

	made_prefix(made, pool, POLICY_ROLE_SOURCE, prefix);
	made->policy.rules[pool].action = action;
	made->policy.rules[pool].delegated_prefix_length = len;
	return pool;
}

static void begin(struct made_policy *made)
{
	made_policy_init(made);
	made->policy.gateway.offload = true;
	made->policy.gateway.offload_s = 30;
	made->policy.log.subscribers_max = 1000000;
}

static void test_groups_are_numbered_by_their_first_pool(void **state)
{
	struct made_policy made;
	struct learn_groups groups;
	uint16_t reset, drop, monitored, bound, again;

	begin(&made);
	reset = add_pool(&made, "198.51.100.0/24", POLICY_ACTION_RESET, 56);
	monitored = add_pool(&made, "198.51.101.0/24", POLICY_ACTION_ICMP, 56);
	made.policy.rules[monitored].has_monitor_from = true;
	drop = add_pool(&made, "198.51.102.0/24", POLICY_ACTION_DROP, 56);
	bound = add_pool(&made, "198.51.103.0/24", POLICY_ACTION_RESET, 56);
	made_interface(&made.policy.rules[bound].interfaces, "ppp*");
	again = add_pool(&made, "198.51.104.0/24", POLICY_ACTION_RESET, 56);
	assert_int_equal(learn_groups_collect(made_policy_finish(&made), &groups), 0);
	assert_int_equal(groups.count, 4);
	assert_int_equal(groups.of_rule[reset], 0);
	assert_int_equal(groups.of_rule[monitored], -1);
	assert_int_equal(groups.of_rule[drop], 1);
	assert_int_equal(groups.of_rule[bound], 2);
	assert_int_equal(groups.of_rule[again], 0);
	assert_int_equal(groups.unlisted, 3);
	assert_int_equal(groups.items[2].interface_class, 1);
	assert_int_equal(groups.items[2].action, POLICY_ACTION_RESET);
	assert_int_equal(groups.items[3].ip6_len, POLICY_IP6_SUBSCRIBER_LEN);
	learn_groups_free(&groups);
	made_policy_free(&made);
}

static size_t count_groups(const struct policy *policy)
{
	struct learn_groups groups;
	size_t count;

	assert_int_equal(learn_groups_collect(policy, &groups), 0);
	count = groups.count;
	learn_groups_free(&groups);
	return count;
}

static void test_when_there_are_no_groups(void **state)
{
	struct made_policy made;

	begin(&made);
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, 64);
	made_policy_finish(&made);
	assert_int_equal(count_groups(&made.policy), 1); /* unlisted sources are like this pool's */
	made.policy.gateway.mode = POLICY_MODE_MONITOR;
	assert_int_equal(count_groups(&made.policy), 0);
	made.policy.gateway.mode = POLICY_MODE_ENFORCE;
	made.policy.gateway.offload = false;
	assert_int_equal(count_groups(&made.policy), 0);
	made_policy_free(&made);
}

static void test_there_are_only_so_many_groups(void **state)
{
	struct made_policy made;
	struct learn_groups groups;

	begin(&made);
	for (uint8_t i = 0; i < 70; i++)
		add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, (uint8_t)(20 + i));
	assert_int_equal(learn_groups_collect(made_policy_finish(&made), &groups), 0);
	assert_int_equal(groups.count, LEARN_GROUPS_MAX);
	assert_int_equal(groups.of_rule[63], 63);
	assert_int_equal(groups.of_rule[64], -1);
	assert_int_equal(groups.unlisted, 64 - 20);
	learn_groups_free(&groups);
	made_policy_free(&made);
}

static uint64_t layout_of(struct made_policy *made)
{
	struct learn_groups groups;
	uint64_t layout;

	assert_int_equal(learn_groups_collect(made_policy_finish(made), &groups), 0);
	layout = groups.layout;
	learn_groups_free(&groups);
	return layout;
}

static uint64_t layout_with_destination(enum policy_kind kind, uint8_t role)
{
	struct made_policy made;
	uint64_t layout;

	begin(&made);
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, 56);
	made_prefix(&made, made_rule(&made, kind, "other"), role, "203.0.113.0/24");
	layout = layout_of(&made);
	made_policy_free(&made);
	return layout;
}

/* Where kernel and daemon differ in one of these, a look-up would block, or forget, what the daemon does not know of. */
static void test_the_digest_follows_what_a_look_up_depends_on(void **state)
{
	struct made_policy made;
	uint64_t layout;

	begin(&made);
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, 56);
	layout = layout_of(&made);
	assert_true(layout_with_destination(POLICY_INSIDE, POLICY_ROLE_TARGET) != layout);
	assert_true(layout_with_destination(POLICY_RELAY, POLICY_ROLE_SOURCE) != layout);
	assert_true(layout_with_destination(POLICY_EXEMPT, POLICY_ROLE_TO) != layout);
	/* The daemon knows by itself whom it does not learn. */
	assert_true(layout_with_destination(POLICY_EXEMPT, POLICY_ROLE_SOURCE) == layout);
	/* An element that is gone before its generation is read was counted for nothing. */
	made.policy.gateway.offload_s = 31;
	assert_true(layout_of(&made) != layout);
	made.policy.gateway.offload_s = 30;
	made.policy.rules[0].action = POLICY_ACTION_RESET;
	assert_true(layout_of(&made) != layout);
	made.policy.rules[0].action = POLICY_ACTION_DROP;
	assert_true(layout_of(&made) == layout);
	made_interface(&made.policy.gateway.upstream_interfaces, "wan0");
	assert_true(layout_of(&made) != layout);
	made_policy_free(&made);
}

static void test_names(void **state)
{
	char name[RULESET_NAME_MAX];

	learned_turn_name(name, 63, ADDR_IP6);
	assert_string_equal(name, "learned_turn_63_ip6");
	assert_true(learned_is_name(name));
	learned_shard_name(name, 1, 63, 15, ADDR_IP4);
	assert_string_equal(name, "learned_1_63_15_ip4");
	assert_true(learned_is_name(name));
	learn_group_name(name, 1, 7);
	assert_string_equal(name, "learn_1_7");
	assert_true(learned_is_name(LEARN_TURN_MAP));
	assert_false(learned_is_name("relays_ip4"));
	assert_false(learned_is_name("learned"));
}

static struct ruleset *build(struct made_policy *made)
{
	struct ruleset *ruleset = NULL;

	assert_int_equal(ruleset_build(made_policy_finish(made), &ruleset), 0);
	return ruleset;
}

static const struct ruleset_live *find_live(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->live_count; i++) {
		if (strcmp(ruleset->live[i].name, name) == 0)
			return &ruleset->live[i];
	}
	fail_msg("%s is missing", name);
	return NULL;
}

static void test_sets_have_room_and_time(void **state)
{
	struct made_policy made;
	struct ruleset *ruleset;

	begin(&made);
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, 56);
	ruleset = build(&made);
	/* Two groups, the other for unlisted sources. */
	assert_int_equal(ruleset->live_count, 2 * 2 * 2 * LEARN_SHARDS + 2 * 2 + 1);
	assert_int_equal(find_live(ruleset, "learned_1_1_15_ip6")->size, RULESET_ROOM_UNSAID);
	assert_int_equal(find_live(ruleset, "learned_1_1_15_ip6")->timeout_s, 120);
	assert_int_equal(find_live(ruleset, "learned_turn_1_ip4")->size, LEARN_SHARDS);
	assert_int_equal(find_live(ruleset, LEARN_TURN_MAP)->size, LEARN_GROUPS_MAX);
	ruleset_free(ruleset);
	made.policy.log.subscribers_max = 1000;
	made.policy.gateway.offload_s = 1;
	ruleset = build(&made);
	assert_int_equal(find_live(ruleset, "learned_0_0_0_ip4")->size, 1024);
	assert_int_equal(find_live(ruleset, "learned_0_0_0_ip4")->timeout_s, 60);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

/* A sound SYN to port 25. */
static struct ruleset_packet syn_from(const char *src)
{
	struct ruleset_packet packet = {.l4proto = 6,
					.has_l4proto = true,
					.has_sport = true,
					.sport = 40000,
					.has_dport = true,
					.dport = 25,
					.has_flags = true,
					.tcp_flags = 0x02,
					.has_whole = true,
					.tcp_doff = 5,
					.ct_state = RULESET_CT_INVALID,
					.interface = "ppp0"};

	assert_int_equal(addr_parse(src, strlen(src), &packet.src), ADDR_OK);
	packet.dst = packet.src.family == ADDR_IP4 ? addr_ip4(0x08080808)
						   : addr_ip6(UINT64_C(0x2a00000000000000), 1);
	return packet;
}

static struct ruleset_result run(const struct ruleset *ruleset, const char *chain,
				 const struct ruleset_packet *packet)
{
	int32_t at = ruleset_find_chain(ruleset, chain);

	assert_true(at >= 0);
	return ruleset_evaluate(ruleset, (uint32_t)at, packet);
}

static void expect_round(const struct ruleset *ruleset, const char *src, unsigned generation, uint32_t mark,
			 enum ruleset_outcome outcome)
{
	struct ruleset_packet packet = syn_from(src);
	struct ruleset_offload offload = {.generation = generation};
	struct ruleset_result result;

	assert_int_equal(run(ruleset, "learned", &packet).outcome, RULESET_ACCEPTED);
	packet.offload = &offload;
	assert_int_equal(run(ruleset, "learned", &packet).outcome, RULESET_ACCEPTED);
	packet.mark = mark;
	result = run(ruleset, "answer", &packet);
	assert_int_equal(result.outcome, outcome);
	assert_true(result.learns);
	offload.learned = &result.learned;
	offload.count = 1;
	packet.mark = 0;
	assert_int_equal(run(ruleset, "learned", &packet).outcome, outcome);
	offload.generation = !generation;
	assert_int_equal(run(ruleset, "learned", &packet).outcome, RULESET_ACCEPTED);
}

static void test_what_is_learned_is_answered(void **state)
{
	struct made_policy made;
	struct ruleset *ruleset;

	begin(&made);
	made.policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_DROP, 56);
	add_pool(&made, "2001:db8:100::/40", POLICY_ACTION_RESET, 56);
	add_pool(&made, "198.51.101.0/24", POLICY_ACTION_ICMP, 56);
	ruleset = build(&made);
	expect_round(ruleset, "198.51.100.7", 0, MARK_LEARN, RULESET_DROPPED);
	expect_round(ruleset, "198.51.100.7", 1, MARK_LEARN | 1, RULESET_DROPPED);
	expect_round(ruleset, "2001:db8:107:aaff::1", 1, MARK_LEARN | 1 << 1 | 1, RULESET_RESET);
	expect_round(ruleset, "198.51.101.7", 0, MARK_LEARN | 2 << 1, RULESET_ICMP);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

/* Whatever the mark, the generation in force and the room. */
static void test_no_mark_to_learn_lets_a_packet_pass(void **state)
{
	static const struct ruleset_offload states[] = {
		{.generation = 0}, {.generation = 1}, {.generation = 0, .full = true}};

	for (unsigned with = 0; with < 2; with++) {
		struct made_policy made;
		struct ruleset *ruleset;
		struct ruleset_packet packets[2] = {syn_from("198.51.100.7"), syn_from("2001:db8:1::7")};

		begin(&made);
		made.policy.gateway.offload = with;
		add_pool(&made, "198.51.100.0/24", POLICY_ACTION_RESET, 56);
		ruleset = build(&made);
		for (uint32_t low = 0; low < 256 * 2 * 4; low++) {
			struct ruleset_packet *packet = &packets[low / 256 % 2];
			struct ruleset_result result;

			packet->mark = MARK_LEARN | low % 256;
			packet->offload = low / 512 < 3 ? &states[low / 512] : NULL;
			result = run(ruleset, "answer", packet);
			assert_true(result.outcome == RULESET_DROPPED || result.outcome == RULESET_RESET);
			if (!with)
				assert_string_equal(ruleset->counters[result.counter].name,
						    LEARNED_STALE_COUNTER);
			/* What arrives with one is cleared before it can be judged. */
			assert_int_equal(run(ruleset, "forward", packet).mark, 0);
		}
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
}

static void test_full_sets_are_counted(void **state)
{
	const struct ruleset_offload full = {.generation = 0, .full = true};
	struct ruleset_packet packet = syn_from("198.51.100.7");
	struct made_policy made;
	struct ruleset *ruleset;
	struct ruleset_result result;

	begin(&made);
	add_pool(&made, "198.51.100.0/24", POLICY_ACTION_RESET, 56);
	ruleset = build(&made);
	packet.mark = MARK_LEARN;
	packet.offload = &full;
	result = run(ruleset, "answer", &packet);
	assert_int_equal(result.outcome, RULESET_RESET);
	assert_false(result.learns);
	assert_string_equal(ruleset->counters[result.counter].name, LEARNED_FULL_COUNTER);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

/* nft's JSON has no word for a map of numbers. */
static void test_no_json(void **state)
{
	struct made_policy made;
	struct ruleset *ruleset;
	FILE *out = fopen("/dev/null", "w");

	assert_non_null(out);
	begin(&made);
	ruleset = build(&made);
	assert_int_equal(ruleset_print_json(ruleset, out), -EOPNOTSUPP);
	assert_int_equal(ruleset_print(ruleset, out), 0);
	ruleset_free(ruleset);
	made_policy_free(&made);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups_are_numbered_by_their_first_pool),
		cmocka_unit_test(test_when_there_are_no_groups),
		cmocka_unit_test(test_there_are_only_so_many_groups),
		cmocka_unit_test(test_the_digest_follows_what_a_look_up_depends_on),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sets_have_room_and_time),
		cmocka_unit_test(test_what_is_learned_is_answered),
		cmocka_unit_test(test_no_mark_to_learn_lets_a_packet_pass),
		cmocka_unit_test(test_full_sets_are_counted),
		cmocka_unit_test(test_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
