/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uses of exemptions are counted by name, for as long as some policy has the name. */
#include "daemon/uses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 3000 };

/* A policy of such rules; only what uses_join() looks at. */
static struct policy policy_of(struct policy_rule *rules, size_t count, const char *const *names)
{
	for (size_t i = 0; i < count; i++) {
		rules[i] = (struct policy_rule){.kind = names[i][0] == '-' ? POLICY_POOL : POLICY_EXEMPT};
		snprintf(rules[i].name, sizeof(rules[i].name), "%s", names[i]);
	}
	return (struct policy){.rules = rules, .rule_count = count};
}

static void test_a_name_goes_on_in_the_next_policy(void **state)
{
	static const char *const before[] = {"b", "-pool", "a"}, *const after[] = {"c", "a"};
	struct policy_rule rules[3], other_rules[2];
	struct policy policy = policy_of(rules, 3, before), other = policy_of(other_rules, 2, after);
	struct uses uses = {0};
	struct uses_of of = {0}, other_of = {0};

	(void)state;
	assert_int_equal(uses_join(&uses, &policy, &of), 0);
	assert_non_null(of.of_rule[0]);
	assert_null(of.of_rule[1]);
	use_count(of.of_rule[2], true, 10);
	use_count(of.of_rule[2], false, 20);
	assert_int_equal(uses_join(&uses, &other, &other_of), 0);
	assert_ptr_equal(other_of.of_rule[1], of.of_rule[2]);
	/* A worker that is late still counts by the old policy. */
	use_count(of.of_rule[2], true, 30);
	use_count(of.of_rule[0], true, 40);
	assert_int_equal(uses.count, 3);
	uses_leave(&of);
	assert_int_equal(uses.count, 2);
	assert_int_equal(other_of.of_rule[1]->packets, 3);
	assert_int_equal(other_of.of_rule[1]->attempts, 2);
	assert_int_equal(other_of.of_rule[1]->first_ns, 10);
	assert_int_equal(other_of.of_rule[1]->last_ns, 30);
	uses_leave(&other_of);
	assert_int_equal(uses.count, 0);
	uses_free(&uses);
}

static void test_nobody_is_exempt(void **state)
{
	static const char *const names[] = {"-pool"};
	struct policy_rule rules[1];
	struct policy policy = policy_of(rules, 1, names);
	struct uses uses = {0};
	struct uses_of of = {0};

	(void)state;
	assert_int_equal(uses_join(&uses, &policy, &of), 0);
	assert_null(of.of_rule);
	uses_leave(&of);
	uses_free(&uses);
}

static void test_many_are_told_apart(void **state)
{
	struct policy_rule *rules = calloc(MANY, sizeof(*rules));
	struct policy policy = {.rules = rules, .rule_count = MANY};
	struct uses uses = {0};
	struct uses_of first = {0}, second = {0};

	(void)state;
	assert_non_null(rules);
	for (unsigned i = 0; i < MANY; i++) {
		rules[i].kind = POLICY_EXEMPT;
		snprintf(rules[i].name, sizeof(rules[i].name), "customer-%u", i * 7919 % MANY);
	}
	assert_int_equal(uses_join(&uses, &policy, &first), 0);
	assert_int_equal(uses_join(&uses, &policy, &second), 0);
	assert_int_equal(uses.count, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_ptr_equal(first.of_rule[i], second.of_rule[i]);
		assert_string_equal(first.of_rule[i]->name, rules[i].name);
		assert_int_equal(first.of_rule[i]->holders, 2);
	}
	uses_leave(&first);
	uses_leave(&second);
	assert_int_equal(uses.count, 0);
	uses_free(&uses);
	free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_goes_on_in_the_next_policy),
		cmocka_unit_test(test_nobody_is_exempt),
		cmocka_unit_test(test_many_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
