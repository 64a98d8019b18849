/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proof of equivalence, and faults planted in the ruleset that it must find. Argument: the source directory, for
 * the example policies. OP25B_TEST_LONG=1 takes more random ones.
 */
#include "ruleset/marks.h"

#include "verify_world.h"

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 8, MANY_POLICIES = 8, FAULTY_POLICIES = 2 };
#else
enum { POLICIES = 10, MANY_POLICIES = 40, FAULTY_POLICIES = 4 };
#endif

static void test_the_examples_agree(void **state)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct world world;

		world_read(&world, examples[i], false);
		assert_int_equal(disagreements(&world, ALL, true), 0);
		world_free(&world);
	}
}

static void test_random_policies_agree(void **state)
{
	for (int i = 0; i < (getenv("OP25B_TEST_LONG") ? MANY_POLICIES : POLICIES); i++) {
		struct made_policy made;
		struct world world = {0};

		random_policy(&made);
		if (chance(20))
			made.policy.gateway.mode = POLICY_MODE_MONITOR;
		world_make(&world, &made.policy);
		if (disagreements(&world, SAMPLE, true) > 0) {
			ruleset_print(world.ruleset, stderr);
			fail_msg("policy %d", i);
		}
		world_free(&world);
		made_policy_free(&made);
	}
}

/* ---- planted faults ---- */

static bool swap_chains(struct world *world, const char *a, const char *b)
{
	struct ruleset_chain *first = chain_of(world, a), *second = chain_of(world, b), kept;

	if (!first || !second)
		return false;
	kept = *first;
	first->rules = second->rules;
	first->rule_count = second->rule_count;
	second->rules = kept.rules;
	second->rule_count = kept.rule_count;
	return true;
}

static bool lose_element(struct world *world, const char *name)
{
	struct ruleset_set *set = set_of(world, name);

	if (!set || set->count == 0)
		return false;
	set->count--;
	return true;
}

static bool swapped_outbound(struct world *world)
{
	return swap_chains(world, "outbound", "undecided");
}

static bool swapped_own_destinations(struct world *world)
{
	return swap_chains(world, "outbound", "own_destinations");
}

static bool swapped_bound(struct world *world)
{
	return swap_chains(world, "relays_on_1", "pools_on_1");
}

static bool swapped_base(struct world *world)
{
	return swap_chains(world, "forward", "answer");
}

static bool answer_comes_first(struct world *world)
{
	chain_of(world, "answer")->priority = -10;
	return true;
}

static bool answer_is_no_base(struct world *world)
{
	chain_of(world, "answer")->base = false;
	return true;
}

static bool lost_relay(struct world *world)
{
	return lose_element(world, "relays_ip4");
}

static bool lost_bound_relay(struct world *world)
{
	return lose_element(world, "relays_on_1_ip6");
}

static bool lost_closing_relay(struct world *world)
{
	return lose_element(world, "closing_relays_ip4");
}

static bool lost_inside(struct world *world)
{
	return lose_element(world, "inside_ip6");
}

static bool lost_exemption(struct world *world)
{
	return lose_element(world, "exempt_ip4");
}

static bool lost_pool(struct world *world)
{
	return lose_element(world, "pools_ip4");
}

static bool lost_bound_pool(struct world *world)
{
	return lose_element(world, "pools_on_1_ip4");
}

/* One address more than there should be, right behind the last element. */
static bool inside_too_wide(struct world *world)
{
	struct ruleset_set *set = set_of(world, "inside_ip4");

	if (set->count == 0 || set->ip4[set->count - 1].last == UINT32_MAX)
		return false;
	set->ip4[set->count - 1].last++;
	return true;
}

static bool wrong_mark_cleared(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "forward");

	for (size_t i = 0; i < chain->rule_count; i++) {
		for (size_t j = 0; j < chain->rules[i].statement_count; j++) {
			if (chain->rules[i].statements[j].kind == RULESET_DO_SET_MARK) {
				chain->rules[i].statements[j].value = MARK_RESET;
				return true;
			}
		}
	}
	return false;
}

static bool mark_not_cleared(struct world *world)
{
	return lose_rule_with(chain_of(world, "forward"), RULESET_MATCH_MARK);
}

static bool everybodys_mark_cleared(struct world *world)
{
	find_match(chain_of(world, "forward"), RULESET_MATCH_MARK)->mask = 0;
	find_match(chain_of(world, "forward"), RULESET_MATCH_MARK)->value = 0;
	return true;
}

/* The daemon's mark for a reset is the later chain's for ICMP. */
static bool wrong_answer_mark(struct world *world)
{
	struct ruleset_chain *answer = chain_of(world, "answer");

	for (size_t i = 0; i < answer->rule_count; i++) {
		for (size_t j = 0; j < answer->rules[i].match_count; j++) {
			if (answer->rules[i].matches[j].kind == RULESET_MATCH_MARK)
				answer->rules[i].matches[j].value ^= MARK_RESET ^ MARK_ICMP;
		}
	}
	return true;
}

static bool missing_twin(struct world *world, const char *chain_name, const char *set_name)
{
	struct ruleset_chain *chain = chain_of(world, chain_name);
	const struct ruleset_set *set = set_of(world, set_name);

	for (size_t i = 0; chain && set && set->count > 0 && i < chain->rule_count; i++) {
		if (chain->rules[i].match_count > 0 &&
		    &world->ruleset->sets[chain->rules[i].matches[0].set] == set &&
		    (chain->rules[i].matches[0].kind == RULESET_MATCH_SADDR ||
		     chain->rules[i].matches[0].kind == RULESET_MATCH_DADDR))
			return lose_rule(chain, i);
	}
	return false;
}

static bool missing_relay_twin(struct world *world)
{
	return missing_twin(world, "outbound", "relays_ip6");
}

static bool missing_bound_twin(struct world *world)
{
	return missing_twin(world, "outbound", "relays_on_1_ip6");
}

static bool missing_inside_twin(struct world *world)
{
	return missing_twin(world, "own_destinations", "inside_ip6");
}

static bool missing_destination_twin(struct world *world)
{
	return missing_twin(world, "own_destinations", "relays_ip6");
}

static bool missing_closing_twin(struct world *world)
{
	return missing_twin(world, "own_destinations", "closing_relays_ip6");
}

static bool swap_rules(struct ruleset_chain *chain, size_t a, size_t b)
{
	struct ruleset_rule kept;

	if (!chain || b >= chain->rule_count)
		return false;
	kept = chain->rules[a];
	chain->rules[a] = chain->rules[b];
	chain->rules[b] = kept;
	return true;
}

/* The queue's rule first: everything that is outbound is asked about. */
static bool daemon_before_accepting(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "outbound");

	return swap_rules(chain, 0, chain->rule_count - 1);
}

static bool closing_relays_late(struct world *world)
{
	if (set_of(world, "closing_relays_ip4")->count == 0)
		return false;
	return swap_rules(chain_of(world, "own_destinations"), 0, 2);
}

static bool subscribers_before_upstream(struct world *world)
{
	return world->policy->gateway.upstream_interfaces.count > 0 &&
	       swap_rules(chain_of(world, "port25"), 0, chain_of(world, "port25")->rule_count - 1);
}

/* Where the base chain lets other ports go. */
static size_t other_ports(struct world *world)
{
	const struct ruleset_chain *base = chain_of(world, "forward");
	size_t at = 0;

	while (base->rules[at].match_count == 0 ||
	       base->rules[at].matches[0].kind != RULESET_MATCH_TCP_DPORT ||
	       base->rules[at].matches[0].op != RULESET_NE)
		at++;
	return at;
}

static bool port_before_protocol(struct world *world)
{
	return lose_rule(chain_of(world, "forward"), other_ports(world)) &&
	       lose_rule(chain_of(world, "forward"), 0);
}

static bool wrong_interface(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "port25");
	bool planted = false;

	for (size_t i = 0; i < chain->rule_count; i++) {
		struct ruleset_match *match = &chain->rules[i].matches[0];

		if (chain->rules[i].match_count > 0) {
			snprintf(match->interface, sizeof(match->interface), "nothing0");
			planted = true;
		}
	}
	return planted;
}

static bool interface_without_star(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "port25");

	for (size_t i = 0; i < chain->rule_count; i++) {
		char *name = chain->rules[i].matches[0].interface;
		size_t len = strlen(name);

		if (chain->rules[i].match_count > 0 && len > 0 && name[len - 1] == '*') {
			name[len - 1] = '\0';
			return true;
		}
	}
	return false;
}

static bool interface_too_wide(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "port25");

	for (size_t i = 0; i < chain->rule_count; i++) {
		char *name = chain->rules[i].matches[0].interface;
		size_t len = strlen(name);

		if (chain->rules[i].match_count > 0 && len > 2 && name[len - 1] == '*') {
			name[len - 2] = '*';
			name[len - 1] = '\0';
			return true;
		}
	}
	return false;
}

static bool interface_with_star(struct world *world)
{
	struct ruleset_match *match = find_match(chain_of(world, "relays_on_1"), RULESET_MATCH_IIFNAME);
	size_t len = match ? strlen(match->interface) : 0;

	if (!match || match->interface[len - 1] == '*')
		return false;
	match->interface[len] = '*';
	return true;
}

static bool lose_offset1(struct world *world, enum ruleset_match_kind kind)
{
	struct ruleset_chain *chain = chain_of(world, "later_fragment");

	for (size_t i = 0; i < chain->rule_count; i++) {
		const struct ruleset_match *match = &chain->rules[i].matches[0];

		if (chain->rules[i].match_count == 1 && match->kind == kind && match->value == 1 &&
		    match->op == RULESET_EQ)
			return lose_rule(chain, i);
	}
	return false;
}

static bool lost_fragment4(struct world *world)
{
	return lose_offset1(world, RULESET_MATCH_FRAG4);
}

static bool lost_fragment6(struct world *world)
{
	return lose_offset1(world, RULESET_MATCH_FRAG6_OFFSET);
}

/* The port is looked at before anything is known of fragments. */
static bool ports_before_fragments(struct world *world)
{
	size_t at = other_ports(world);

	return swap_rules(chain_of(world, "forward"), 1, at) && swap_rules(chain_of(world, "forward"), 2, at);
}

static bool lost_hidden_chain(struct world *world)
{
	struct ruleset_chain *forward = chain_of(world, "forward");

	return lose_rule(forward, forward->rule_count - 1);
}

static bool lost_first_fragment4(struct world *world)
{
	return !world->policy->gateway.conntrack &&
	       lose_rule_with(chain_of(world, "undecided"), RULESET_MATCH_FRAG4);
}

static bool lost_first_fragment6(struct world *world)
{
	return lose_rule_with(chain_of(world, "undecided"), RULESET_MATCH_FRAG6);
}

static bool port_is_587(struct world *world)
{
	struct ruleset_chain *forward = chain_of(world, "forward");

	for (size_t i = 0; i < forward->rule_count; i++) {
		for (size_t j = 0; j < forward->rules[i].match_count; j++) {
			if (forward->rules[i].matches[j].kind == RULESET_MATCH_TCP_DPORT)
				forward->rules[i].matches[j].value = 587;
		}
	}
	return true;
}

/* SYN with ACK would count as opening, SYN with anything else not. */
static bool wrong_flags(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "undecided");
	bool planted = false;

	for (size_t i = 0; i < chain->rule_count; i++) {
		if (chain->rules[i].match_count > 0 &&
		    chain->rules[i].matches[0].kind == RULESET_MATCH_TCP_FLAGS) {
			chain->rules[i].matches[0].mask = 0xff;
			planted = true;
		}
	}
	return planted;
}

static struct ruleset_rule *guard_rule(struct world *world)
{
	struct ruleset_chain *base = chain_of(world, "forward");

	for (size_t i = 0; i < base->rule_count; i++) {
		if (base->rules[i].match_count > 0 &&
		    base->rules[i].matches[0].kind == RULESET_MATCH_TCP_SPORT)
			return &base->rules[i];
	}
	return NULL;
}

static bool lost_guard(struct world *world)
{
	return lose_rule_with(chain_of(world, "forward"), RULESET_MATCH_TCP_SPORT);
}

static bool swapped_guard(struct world *world)
{
	return swap_chains(world, "guard_known", "guarded");
}

static bool guard_of_port_26(struct world *world)
{
	struct ruleset_rule *rule = guard_rule(world);

	if (rule)
		rule->matches[0].value = 26;
	return rule != NULL;
}

static bool guard_of_every_port(struct world *world)
{
	struct ruleset_rule *rule = guard_rule(world);

	if (rule)
		rule->matches[0].op = RULESET_NE;
	return rule != NULL;
}

/* Without the answers to it that carry anything else. */
static bool guard_of_plain_flags(struct world *world)
{
	struct ruleset_rule *rule = guard_rule(world);

	if (rule)
		rule->matches[1].mask = 0xff;
	return rule != NULL;
}

static bool guard_of_every_flag(struct world *world)
{
	struct ruleset_rule *rule = guard_rule(world);

	if (rule)
		rule->match_count = 1;
	return rule != NULL;
}

static bool guard_behind_the_port(struct world *world)
{
	struct ruleset_rule *rule = guard_rule(world);
	struct ruleset_chain *base = chain_of(world, "forward");
	size_t at = rule ? (size_t)(rule - base->rules) : 0;

	return rule && swap_rules(base, at, at + 1);
}

static bool guard_of_one_side(struct world *world)
{
	struct ruleset_chain *guard = chain_of(world, "guard");

	return guard && lose_rule(guard, guard->rule_count - 1);
}

static bool guard_of_subscribers(struct world *world)
{
	struct ruleset_chain *guard = chain_of(world, "guard");

	for (size_t i = 0; guard && i < guard->rule_count; i++) {
		if (guard->rules[i].statements[0].kind == RULESET_DO_RETURN)
			return lose_rule(guard, i);
	}
	return false;
}

static bool guard_without_pools6(struct world *world)
{
	return missing_twin(world, "guard_known", "pools_ip6");
}

static bool guard_without_relays(struct world *world)
{
	return missing_twin(world, "guard_known", "relays_ip4");
}

static bool guard_without_inside6(struct world *world)
{
	return missing_twin(world, "guard_known", "inside_ip6");
}

static bool guard_without_exemptions(struct world *world)
{
	return missing_twin(world, "guard_known", "exempt_ip4");
}

static bool guard_keeps_marks(struct world *world)
{
	return lose_rule_with(chain_of(world, "guarded"), RULESET_MATCH_MARK);
}

static bool guard_accepts(struct world *world)
{
	struct ruleset_chain *guarded = chain_of(world, "guarded");

	if (!guarded)
		return false;
	guarded->rules[guarded->rule_count - 1].statements[0].kind = RULESET_DO_ACCEPT;
	return true;
}

static bool guard_knows_everything(struct world *world)
{
	struct ruleset_match *match = find_match(chain_of(world, "guard_known"), RULESET_MATCH_CT_STATE);

	if (match)
		match->value |= RULESET_CT_INVALID;
	return match != NULL;
}

static bool other_fail_mode(struct world *world)
{
	world->ruleset->queue.bypass = !world->ruleset->queue.bypass;
	return true;
}

static bool other_queue(struct world *world)
{
	world->ruleset->queue.first++;
	return true;
}

static bool fewer_queues(struct world *world)
{
	world->ruleset->queue.count++;
	return true;
}

/* Whoever sends faster than the limit would be let through. */
static bool limit_decides(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "undecided");
	struct ruleset_rule *rule = &chain->rules[chain->rule_count - 1];

	rule->statements[1] = rule->statements[0];
	rule->statements[0] = (struct ruleset_statement){.kind = RULESET_DO_LIMIT, .value = 5, .target = 5};
	rule->statement_count = 2;
	return true;
}

static bool log_decides(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "undecided");
	struct ruleset_rule *rule = &chain->rules[chain->rule_count - 1];

	rule->statements[1] = rule->statements[0];
	rule->statements[0] = (struct ruleset_statement){.kind = RULESET_DO_LOG, .text = "op25b"};
	rule->statement_count = 2;
	return true;
}

static bool other_family(struct world *world)
{
	bool bridge = world->ruleset->family == POLICY_FAMILY_BRIDGE;

	world->ruleset->family = bridge ? POLICY_FAMILY_INET : POLICY_FAMILY_BRIDGE;
	return true;
}

static bool chains_in_a_circle(struct world *world)
{
	struct ruleset_chain *chain = chain_of(world, "undecided");
	struct ruleset_statement *last = &chain->rules[chain->rule_count - 1].statements[0];

	last->target = (uint32_t)ruleset_find_chain(world->ruleset, "undecided");
	return true;
}

/*
 * In how many of the four examples the fault can be planted, and in how many of these it is found. Where the numbers
 * differ the fault changes nothing: relays on a server network's interface never meet the chains behind the subscribers'
 * side, where their addresses are suspect with or without their own set; a relay that closes is settled before the
 * others; and the examples' relays stand in their inside networks. The random policies have those faults found, too.
 */
static const struct fault faults[] = {
	{"outbound and undecided swapped", swapped_outbound, 4, 4},
	{"outbound and own_destinations swapped", swapped_own_destinations, 4, 4},
	{"relays_on_1 and pools_on_1 swapped", swapped_bound, 1, 1},
	{"forward and answer swapped", swapped_base, 4, 4},
	{"answers before questions", answer_comes_first, 4, 4},
	{"no answers", answer_is_no_base, 4, 4},
	{"a relay lost", lost_relay, 4, 4},
	{"a bound relay lost", lost_bound_relay, 3, 0},
	{"a closing relay lost", lost_closing_relay, 1, 1},
	{"an inside network lost", lost_inside, 4, 4},
	{"an exemption lost", lost_exemption, 1, 1},
	{"a pool lost", lost_pool, 4, 4},
	{"a bound pool lost", lost_bound_pool, 1, 1},
	{"an inside network too wide", inside_too_wide, 4, 4},
	{"marks of ours set, not cleared", wrong_mark_cleared, 4, 4},
	{"marks of ours not cleared", mark_not_cleared, 4, 4},
	{"marks of others cleared", everybodys_mark_cleared, 4, 4},
	{"marks for reset and ICMP mixed up", wrong_answer_mark, 4, 4},
	{"relays without IPv6", missing_relay_twin, 4, 1},
	{"bound relays without IPv6", missing_bound_twin, 3, 0},
	{"relays as destinations without IPv6", missing_destination_twin, 4, 3},
	{"inside without IPv6", missing_inside_twin, 4, 4},
	{"closing relays without IPv6", missing_closing_twin, 1, 1},
	{"the queue before the accepting rules", daemon_before_accepting, 4, 4},
	{"closing relays behind relays", closing_relays_late, 1, 1},
	{"upstream interfaces last", subscribers_before_upstream, 3, 3},
	{"not ours is not let go", port_before_protocol, 4, 4},
	{"an interface misspelt", wrong_interface, 3, 3},
	{"a pattern without its star", interface_without_star, 3, 3},
	{"a pattern too wide", interface_too_wide, 3, 3},
	{"a name with a star", interface_with_star, 3, 0},
	{"fragments at byte 8 lost", lost_fragment4, 4, 4},
	{"the same, IPv6", lost_fragment6, 4, 4},
	{"ports before fragments", ports_before_fragments, 4, 4},
	{"hidden chains lost", lost_hidden_chain, 4, 4},
	{"first fragments lost", lost_first_fragment4, 2, 2},
	{"the same, IPv6", lost_first_fragment6, 2, 2},
	{"port 587", port_is_587, 4, 4},
	{"other flags", wrong_flags, 4, 4},
	{"no guard", lost_guard, 3, 3},
	{"guard_known and guarded swapped", swapped_guard, 3, 3},
	{"a guard of port 26", guard_of_port_26, 3, 3},
	{"a guard of every port", guard_of_every_port, 3, 3},
	{"a guard of plain answers only", guard_of_plain_flags, 3, 3},
	{"a guard of every flag", guard_of_every_flag, 3, 3},
	{"the guard behind the port", guard_behind_the_port, 3, 3},
	{"a guard of the first sides only", guard_of_one_side, 3, 3},
	{"a guard of subscribers", guard_of_subscribers, 3, 3},
	{"a guard without IPv6 pools", guard_without_pools6, 3, 3},
	{"a guard that asks about relays", guard_without_relays, 3, 0},
	{"a guard that asks about inside, IPv6", guard_without_inside6, 3, 3},
	{"a guard that asks about exemptions", guard_without_exemptions, 1, 1},
	{"a guard that keeps marks", guard_keeps_marks, 3, 3},
	{"a guard that asks nobody", guard_accepts, 3, 3},
	{"a guard that takes all answers for known", guard_knows_everything, 2, 2},
	{"the other fail mode", other_fail_mode, 4, 4},
	{"the next queue", other_queue, 4, 4},
	{"other workers", fewer_queues, 4, 4},
	{"a limit that decides", limit_decides, 4, 4},
	{"logging and deciding in one", log_decides, 4, 4},
	{"the other family", other_family, 4, 4},
	{"a circle", chains_in_a_circle, 4, 4},
};

static void test_faults_in_the_examples_are_found(void **state)
{
	bool all = true;

	for (size_t i = 0; i < COUNT(faults); i++)
		all = fault_shows(&faults[i], false) && all;
	assert_true(all);
}

/* One of everything apart from the crowd, so that most faults can show. */
static void add_basics(struct made_policy *made)
{
	uint16_t pool = made_rule(made, POLICY_POOL, "pool"), relay = made_rule(made, POLICY_RELAY, "relay");
	uint16_t closing = made_rule(made, POLICY_RELAY, "closing"),
		 inside = made_rule(made, POLICY_INSIDE, "ours");

	made_prefix(made, pool, POLICY_ROLE_SOURCE, "203.0.113.0/24");
	made_prefix(made, pool, POLICY_ROLE_SOURCE, "2001:db8:f001::/48");
	made_prefix(made, relay, POLICY_ROLE_SOURCE, "203.0.114.1/32");
	made_prefix(made, relay, POLICY_ROLE_SOURCE, "2001:db8:f002::1/128");
	made_prefix(made, closing, POLICY_ROLE_SOURCE, "203.0.114.2/32");
	made_prefix(made, closing, POLICY_ROLE_SOURCE, "2001:db8:f002::2/128");
	made->policy.rules[closing].has_subscribers_until = true;
	made->policy.rules[closing].subscribers_until.s = 2500;
	made_prefix(made, inside, POLICY_ROLE_TARGET, "203.0.114.0/23");
	made_prefix(made, inside, POLICY_ROLE_TARGET, "2001:db8:f002::/47");
	made_policy_finish(made);
}

/* A random policy need not notice every fault (a relay inside an inside network, say), but most do. */
static void test_faults_in_random_policies_are_found(void **state)
{
	unsigned planted = 0, caught = 0;

	for (int i = 0; i < FAULTY_POLICIES; i++) {
		struct made_policy made;

		random_policy(&made);
		add_basics(&made);
		for (size_t j = 0; j < COUNT(faults); j++) {
			struct world world = {0};

			world_make(&world, &made.policy);
			if (faults[j].plant(&world)) {
				planted++;
				caught += disagreements(&world, SMALL_SAMPLE, false) > 0;
			}
			world_free(&world);
		}
		made_policy_free(&made);
	}
	print_message("%u of %u faults found\n", caught, planted);
	assert_in_range(caught, planted * 3 / 4, planted);
}

/* A long list is one class, whatever its length. */
static void test_a_long_list_is_one_class(void **state)
{
	struct made_policy made;
	struct world world = {0};
	struct verify_options options = {.now_s = 0};
	struct verify_report report;
	uint16_t pool;

	made_policy_init(&made);
	pool = made_rule(&made, POLICY_POOL, "pool");
	for (uint32_t i = 0; i < 50000; i++) {
		struct prefix prefix = {.addr = addr_ip4(UINT32_C(0x0a000000) + 512 * i), .len = 24};

		made_prefix_value(&made, pool, POLICY_ROLE_SOURCE, &prefix);
	}
	world_make(&world, made_policy_finish(&made));
	assert_int_equal(verify_run(world.policy, world.ruleset, world.engine, &options, &report), 0);
	assert_int_equal(report.disagreements, 0);
	assert_in_range(report.ranges, 100000, 100010);
	assert_int_equal(report.source_classes, 3);
	assert_int_equal(report.target_classes, 2);
	assert_int_equal(report.pairs, report.pairs_seen);
	verify_report_free(&report);
	world_free(&world);
	made_policy_free(&made);
}

static void test_what_is_sampled_is_told(void **state)
{
	struct verify_options options = {.packets_max = 100000};
	struct verify_report report;
	struct world world;

	world_read(&world, "dual-stack-phased", false);
	assert_int_equal(verify_run(world.policy, world.ruleset, world.engine, &options, &report), 0);
	assert_true(report.pairs_seen < report.pairs);
	assert_true(report.pairs_seen > 0);
	assert_in_range(report.packets, 1000, 100000);
	verify_report_free(&report);
	world_free(&world);
}

/* With more dates than are listed each packet is judged at its own. */
static void test_many_dates_are_walked(void **state)
{
	struct made_policy made;
	struct world world = {0};
	struct verify_options options = {0};
	struct verify_report report;

	made_policy_init(&made);
	for (uint32_t i = 0; i < 100; i++) {
		uint16_t pool = made_rule(&made, POLICY_POOL, "pool");
		struct prefix prefix = {.addr = addr_ip4(UINT32_C(0x0a000000) + (i % 10) * 256), .len = 24};

		made.policy.rules[pool].has_enforce_from = true;
		made.policy.rules[pool].enforce_from.s = 1000 + i;
		made_prefix_value(&made, pool, POLICY_ROLE_SOURCE, &prefix);
	}
	world_make(&world, made_policy_finish(&made));
	assert_int_equal(verify_run(world.policy, world.ruleset, world.engine, &options, &report), 0);
	assert_true(report.dates_walked);
	assert_int_equal(report.dates, 100);
	assert_int_equal(report.disagreements, 0);
	verify_report_free(&report);
	/* A rule that accepts a pool is a leak, at a date only. */
	assert_true(lose_rule(chain_of(&world, "to_daemon"), 1));
	assert_int_equal(verify_run(world.policy, world.ruleset, world.engine, &options, &report), 0);
	assert_true(report.disagreements > 0);
	verify_report_free(&report);
	world_free(&world);
	made_policy_free(&made);
}

static void test_a_case_in_words_and_bytes(void **state)
{
	struct verify_options options = {0};
	struct verify_report report;
	struct world world;
	char text[VERIFY_CASE_TEXT_MAX];
	uint8_t bytes[VERIFY_FORM_BYTES];
	struct packet packet;

	world_read(&world, "small-isp", false);
	assert_true(lost_fragment4(&world));
	assert_int_equal(verify_run(world.policy, world.ruleset, world.engine, &options, &report), 0);
	assert_true(report.finding_count > 0);
	assert_int_equal(report.findings[0].kind, VERIFY_LEAK);
	verify_case_text(&report.findings[0].packet, text);
	assert_non_null(strstr(text, " on ppp0: TCP, last fragment at byte 8, conntrack invalid"));
	packet_parse_ip(bytes, verify_case_bytes(&report.findings[0].packet, bytes), sizeof(bytes), &packet);
	assert_true(addr_equal(&packet.src, &report.findings[0].packet.src));
	assert_true(addr_equal(&packet.dst, &report.findings[0].packet.dst));
	assert_int_equal(packet.fault, PACKET_FAULT_FRAGMENT_OVERLAP);
	assert_int_equal(packet.protocol, IP_PROTOCOL_TCP);
	verify_report_free(&report);
	world_free(&world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_examples_agree),
		cmocka_unit_test(test_random_policies_agree),
		cmocka_unit_test(test_faults_in_the_examples_are_found),
		cmocka_unit_test(test_faults_in_random_policies_are_found),
		cmocka_unit_test(test_a_long_list_is_one_class),
		cmocka_unit_test(test_what_is_sampled_is_told),
		cmocka_unit_test(test_many_dates_are_walked),
		cmocka_unit_test(test_a_case_in_words_and_bytes),
	};

	if (argc != 2) {
		fputs("usage: test_verify SOURCE\n", stderr);
		return 2;
	}
	source_directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
