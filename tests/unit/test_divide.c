/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Divided sets: the same is done with every packet, a change stays in its part, and verify finds a wrong division. */
#include "ruleset/divide.h"
#include "ruleset/evaluate.h"
#include "ruleset/space.h"
#include "ruleset/verify.h"

#include "random_policy.h"

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 200, PACKETS = 100, VERIFIED = 6, FAULTY = 6 };
#else
enum { POLICIES = 400, PACKETS = 400, VERIFIED = 30, FAULTY = 30 };
#endif

enum { VERIFY_PACKETS = 200000 };

static struct ruleset *build_from(const struct policy *policy)
{
	struct ruleset *ruleset = NULL;

	assert_int_equal(ruleset_build(policy, &ruleset), 0);
	return ruleset;
}

static struct ruleset *build_divided(const struct policy *policy, size_t part_max)
{
	struct ruleset *ruleset = build_from(policy);

	assert_int_equal(ruleset_divide(ruleset, part_max), 0);
	return ruleset;
}

/* Random policies have few prefixes in a section; here are more. */
static void crowded_policy(struct made_policy *made)
{
	size_t rules;

	random_policy(made);
	rules = made->policy.rule_count;
	for (uint16_t i = 0; i < rules; i++) {
		enum policy_kind kind = made->policy.rules[i].kind;
		bool target = kind == POLICY_INSIDE || kind == POLICY_DESTINATION;

		for (uint32_t left = random_below(12); left > 0; left--) {
			struct prefix prefix = random_prefix(kind == POLICY_RELAY && chance(70));

			made_prefix_value(made, i, target ? POLICY_ROLE_TARGET : POLICY_ROLE_SOURCE, &prefix);
		}
	}
	if (chance(50))
		made->policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	made_policy_finish(made);
}

static struct ruleset_packet random_packet(void)
{
	static const char *const interfaces[] = {"ppp0", "ppp1", "vlan7", "srv0", "srv1", "up0"};
	static const uint32_t states[] = {RULESET_CT_NEW, RULESET_CT_ESTABLISHED, RULESET_CT_UNTRACKED};
	uint8_t family = chance(50) ? ADDR_IP4 : ADDR_IP6;
	bool answer = chance(30);

	return (struct ruleset_packet){.src = random_address(family),
				       .dst = random_address(family),
				       .l4proto = 6,
				       .tcp_flags = answer ? 0x12 : 0x02,
				       .has_l4proto = true,
				       .has_dport = true,
				       .has_sport = true,
				       .has_flags = true,
				       .sport = answer ? 25 : 40000,
				       .dport = answer ? 40000 : 25,
				       .ct_state = states[random_below(3)],
				       .interface = interfaces[random_below(6)]};
}

static void expect_same(const struct ruleset *whole, const struct ruleset *divided)
{
	for (int i = 0; i < PACKETS; i++) {
		struct ruleset_packet packet = random_packet();
		struct ruleset_result a = ruleset_evaluate(whole, 0, &packet);
		struct ruleset_result b = ruleset_evaluate(divided, 0, &packet);

		if (a.outcome != b.outcome || a.counter != b.counter || a.mark != b.mark) {
			ruleset_print(divided, stderr);
			fail_msg("outcome %d, not %d; counter %d, not %d", b.outcome, a.outcome, b.counter,
				 a.counter);
		}
	}
}

static bool has_chain_beginning(const struct ruleset *ruleset, const char *text)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		if (strncmp(ruleset->chains[i].name, text, strlen(text)) == 0)
			return true;
	}
	return false;
}

static void test_every_packet_ends_the_same(void **state)
{
	int divided_at_all = 0, negated = 0;

	for (int i = 0; i < POLICIES; i++) {
		struct made_policy made;
		struct ruleset *whole, *divided;

		crowded_policy(&made);
		whole = build_from(&made.policy);
		divided = build_divided(&made.policy, 1 + random_below(2));
		divided_at_all += divided->set_count > whole->set_count;
		negated += has_chain_beginning(divided, "not_in_pools");
		assert_int_equal(ruleset_element_count(divided), ruleset_element_count(whole));
		expect_same(whole, divided);
		ruleset_free(whole);
		ruleset_free(divided);
		made_policy_free(&made);
	}
	assert_in_range(divided_at_all, POLICIES / 3, POLICIES);
	assert_in_range(negated, 1, POLICIES);
}

/* ---- one list, without end ---- */

enum { SPACING = 48 };

/* As many /28 as `count`, and with `more` one more in the middle. */
static void list_policy(struct made_policy *made, uint32_t count, uint8_t len, bool more)
{
	uint16_t inside;

	made_policy_init(made);
	made_interface(&made->policy.gateway.upstream_interfaces, "up0");
	inside = made_rule(made, POLICY_INSIDE, "many");
	for (uint32_t i = 0; i < count; i++) {
		struct prefix prefix = {.addr = addr_ip4(UINT32_C(0x0a000000) + SPACING * i), .len = len};

		made_prefix_value(made, inside, POLICY_ROLE_TARGET, &prefix);
	}
	if (more)
		made_prefix(made, inside, POLICY_ROLE_TARGET, "10.2.2.56/32");
	made_policy_finish(made);
}

static const struct ruleset_set *find_set(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->set_count; i++) {
		if (strcmp(ruleset->sets[i].name, name) == 0)
			return &ruleset->sets[i];
	}
	return NULL;
}

static size_t count_parts(const struct ruleset *ruleset)
{
	char whole[RULESET_NAME_MAX];
	size_t count = 0;

	for (size_t i = 0; i < ruleset->set_count; i++)
		count += divide_whole_name(ruleset->sets[i].name, whole);
	return count;
}

static void test_a_change_stays_in_its_part(void **state)
{
	struct made_policy made[2];
	struct ruleset *before, *after;
	size_t others = 0;

	list_policy(&made[0], 20000, 28, false);
	list_policy(&made[1], 20000, 28, true);
	before = build_divided(&made[0].policy, 2048);
	after = build_divided(&made[1].policy, 2048);
	assert_int_equal(before->set_count, after->set_count);
	assert_in_range(count_parts(before), 10, 20);
	for (size_t i = 0; i < before->set_count; i++) {
		const struct ruleset_set *then = find_set(after, before->sets[i].name);

		assert_non_null(then);
		assert_in_range(then->count, 0, 2048);
		others += !space_equal(&before->sets[i], then);
	}
	assert_int_equal(others, 1);
	ruleset_free(before);
	ruleset_free(after);
	made_policy_free(&made[0]);
	made_policy_free(&made[1]);
}

static void test_a_build_divides_what_is_large(void **state)
{
	struct made_policy made;
	struct ruleset *ruleset;

	list_policy(&made, DIVIDE_PART_MAX + 1, 28, false);
	ruleset = build_from(&made.policy);
	assert_in_range(count_parts(ruleset), 1, 4);
	assert_non_null(find_set(ruleset, "inside_ip4"));
	ruleset_free(ruleset);
	made_policy_free(&made);
	list_policy(&made, DIVIDE_PART_MAX, 28, false);
	ruleset = build_from(&made.policy);
	assert_int_equal(count_parts(ruleset), 0);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

static void test_single_addresses_stay_together(void **state)
{
	struct made_policy made;
	struct ruleset *ruleset;

	list_policy(&made, 5000, 32, false);
	ruleset = build_divided(&made.policy, 100);
	assert_int_equal(count_parts(ruleset), 0);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

/* A rule a part: the more there is, the larger are the parts. */
static void test_there_are_never_many_parts(void **state)
{
	static const uint32_t counts[] = {100, 1000, 10000, 60000};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct made_policy made;
		struct ruleset *ruleset;

		list_policy(&made, counts[i], 28, false);
		ruleset = build_divided(&made.policy, 4);
		assert_in_range(count_parts(ruleset), 10, 40);
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
}

/* ---- what cannot be divided ---- */

static struct ruleset_rule *first_lookup(struct ruleset *ruleset, uint32_t *ret_set)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++) {
			struct ruleset_rule *rule = &ruleset->chains[i].rules[j];
			uint32_t set = rule->matches[0].set;

			if (rule->match_count == 1 && rule->matches[0].kind == RULESET_MATCH_DADDR &&
			    strcmp(ruleset->sets[set].name, "inside_ip4") == 0) {
				*ret_set = set;
				return rule;
			}
		}
	}
	fail_msg("nothing is looked up in inside_ip4");
	return NULL;
}

static void goes_elsewhere(struct ruleset_rule *rule)
{
	rule->matches[0].op = RULESET_NE;
	rule->statements[1] = (struct ruleset_statement){.kind = RULESET_DO_GOTO};
}

static void limits(struct ruleset_rule *rule)
{
	rule->statements[0].kind = RULESET_DO_LIMIT;
}

static void looks_up_twice(struct ruleset_rule *rule)
{
	rule->matches[rule->match_count++] = rule->matches[0];
}

static void has_no_room(struct ruleset_rule *rule)
{
	while (rule->match_count < RULESET_MATCHES_MAX)
		rule->matches[rule->match_count++] =
			(struct ruleset_match){.kind = RULESET_MATCH_L4PROTO, .op = RULESET_EQ, .value = 6};
}

static void test_what_cannot_be_divided_is_left_whole(void **state)
{
	void (*const changes[])(struct ruleset_rule *) = {goes_elsewhere, limits, looks_up_twice,
							  has_no_room};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct made_policy made;
		struct ruleset *ruleset;
		uint32_t set = 0;

		list_policy(&made, 200, 28, false);
		ruleset = build_from(&made.policy);
		changes[i](first_lookup(ruleset, &set));
		assert_int_equal(ruleset_divide(ruleset, 20), 0);
		assert_int_equal(ruleset->sets[set].count, 200);
		assert_int_equal(count_parts(ruleset), 0);
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
}

static void test_names(void **state)
{
	char whole[RULESET_NAME_MAX] = "";

	assert_true(divide_whole_name("inside_ip4_0a2_11", whole));
	assert_string_equal(whole, "inside_ip4");
	assert_true(divide_whole_name("pools_on_12_ip6_20010db8_32", whole));
	assert_string_equal(whole, "pools_on_12_ip6");
	assert_false(divide_whole_name("inside_ip4", whole));
	assert_false(divide_whole_name("somebody's_4_2", whole));
}

/* ---- the proof ---- */

static uint64_t disagreements(const struct policy *policy, const struct ruleset *ruleset)
{
	struct verify_options options = {.now_s = 1500, .packets_max = VERIFY_PACKETS};
	struct verify_report report;
	struct engine *engine = NULL;
	uint64_t count;

	assert_int_equal(engine_build(policy, &engine), 0);
	assert_int_equal(verify_run(policy, ruleset, engine, &options, &report), 0);
	count = report.disagreements;
	verify_report_free(&report);
	engine_free(engine);
	return count;
}

static void test_divided_rulesets_are_proved(void **state)
{
	for (int i = 0; i < VERIFIED; i++) {
		struct made_policy made;
		struct ruleset *ruleset;

		crowded_policy(&made);
		ruleset = build_divided(&made.policy, 1 + random_below(3));
		assert_int_equal(disagreements(&made.policy, ruleset), 0);
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
}

/* The parts are no classes of their own: a large policy can be proved as before. */
static void test_parts_make_no_classes(void **state)
{
	struct verify_options options = {.now_s = 0};
	struct verify_report report[2];
	struct made_policy made;
	struct engine *engine = NULL;

	list_policy(&made, 3000, 28, false);
	assert_int_equal(engine_build(&made.policy, &engine), 0);
	for (int i = 0; i < 2; i++) {
		struct ruleset *ruleset =
			i == 0 ? build_from(&made.policy) : build_divided(&made.policy, 100);

		assert_int_equal(verify_run(&made.policy, ruleset, engine, &options, &report[i]), 0);
		assert_int_equal(report[i].disagreements, 0);
		verify_report_free(&report[i]);
		ruleset_free(ruleset);
	}
	assert_int_equal(report[1].packets, report[0].packets);
	assert_int_equal(report[1].target_classes, report[0].target_classes);
	engine_free(engine);
	made_policy_free(&made);
}

/* ---- planted faults ---- */

static struct ruleset_match *find_within(struct ruleset *ruleset, struct ruleset_chain **ret_chain,
					 size_t *ret_rule)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		struct ruleset_chain *chain = &ruleset->chains[i];

		for (size_t j = 0; j < chain->rule_count; j++) {
			for (size_t k = 0; k < chain->rules[j].match_count; k++) {
				if (chain->rules[j].matches[k].kind == RULESET_MATCH_DADDR_WITHIN &&
				    strcmp(chain->name, "own_destinations") == 0) {
					*ret_chain = chain;
					*ret_rule = j;
					return &chain->rules[j].matches[k];
				}
			}
		}
	}
	return NULL;
}

static void lost_rule(struct ruleset_chain *chain, size_t at, struct ruleset_match *within)
{
	memmove(&chain->rules[at], &chain->rules[at + 1], (--chain->rule_count - at) * sizeof(*chain->rules));
}

static void narrow_prefix(struct ruleset_chain *chain, size_t at, struct ruleset_match *within)
{
	within->prefix.len++;
}

static void wrong_prefix(struct ruleset_chain *chain, size_t at, struct ruleset_match *within)
{
	within->prefix.addr.lo ^= UINT64_C(1) << (32 - within->prefix.len);
}

static void wrong_part(struct ruleset_chain *chain, size_t at, struct ruleset_match *within)
{
	within[1].set = chain->rules[at + 1].matches[1].set;
}

static void wrong_side(struct ruleset_chain *chain, size_t at, struct ruleset_match *within)
{
	within->kind = RULESET_MATCH_SADDR_WITHIN;
}

static void test_faults_are_found(void **state)
{
	void (*const faults[])(struct ruleset_chain *, size_t, struct ruleset_match *) = {
		lost_rule, narrow_prefix, wrong_prefix, wrong_part, wrong_side};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct made_policy made;
		struct ruleset *ruleset;
		struct ruleset_chain *chain = NULL;
		struct ruleset_match *within;
		size_t at = 0;

		list_policy(&made, 300, 28, false);
		ruleset = build_divided(&made.policy, 40);
		assert_int_equal(disagreements(&made.policy, ruleset), 0);
		within = find_within(ruleset, &chain, &at);
		assert_non_null(within);
		faults[i](chain, at, within);
		if (disagreements(&made.policy, ruleset) == 0)
			fail_msg("fault %zu was not found", i);
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
}

/* The chain behind a negated look-up: without one of its returns a pool's subscribers would be unlisted, and pass. */
static void test_a_lost_return_is_found(void **state)
{
	int found = 0, tried = 0;

	for (int i = 0; i < FAULTY * 20 && tried < FAULTY; i++) {
		struct made_policy made;
		struct ruleset *ruleset;
		int32_t chain;

		crowded_policy(&made);
		made.policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
		ruleset = build_divided(&made.policy, 1);
		chain = ruleset_find_chain(ruleset, "not_in_pools_ip4");
		if (chain >= 0) {
			lost_rule(&ruleset->chains[chain], 0, NULL);
			found += disagreements(&made.policy, ruleset) > 0;
			tried++;
		}
		ruleset_free(ruleset);
		made_policy_free(&made);
	}
	assert_int_equal(tried, FAULTY);
	/* Where the pool is off at all dates, or exempt, it makes no difference. */
	assert_in_range(found, 1, FAULTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_packet_ends_the_same),
		cmocka_unit_test(test_a_change_stays_in_its_part),
		cmocka_unit_test(test_a_build_divides_what_is_large),
		cmocka_unit_test(test_single_addresses_stay_together),
		cmocka_unit_test(test_there_are_never_many_parts),
		cmocka_unit_test(test_what_cannot_be_divided_is_left_whole),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_divided_rulesets_are_proved),
		cmocka_unit_test(test_parts_make_no_classes),
		cmocka_unit_test(test_faults_are_found),
		cmocka_unit_test(test_a_lost_return_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
