/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a ruleset when each allocation in turn fails: -ENOMEM or a whole ruleset, and nothing leaked. */
#include "ruleset/divide.h"

#include "make_policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Which allocation from now on fails; 0: none. */
static unsigned fail_at;

static bool fails(void)
{
	return fail_at > 0 && --fail_at == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, count, size);
}

/* Every kind of section, interfaces that make classes, and more ranges than one array's first size. */
static void make(struct made_policy *made, bool offload)
{
	uint16_t pool, relay, inside, exempt;
	struct prefix prefix = {.len = 32};

	made_policy_init(made);
	made->policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	made->policy.gateway.workers = 4;
	made->policy.gateway.offload = offload;
	made_interface(&made->policy.gateway.subscriber_interfaces, "ppp*");
	made_interface(&made->policy.gateway.upstream_interfaces, "eth0");
	pool = made_rule(made, POLICY_POOL, "pool");
	made_interface(&made->policy.rules[pool].interfaces, "ppp*");
	made_prefix(made, pool, POLICY_ROLE_SOURCE, "198.51.100.0/24");
	made_prefix(made, pool, POLICY_ROLE_SOURCE, "2001:db8:100::/40");
	relay = made_rule(made, POLICY_RELAY, "relay");
	made_interface(&made->policy.rules[relay].interfaces, "eth1");
	made_prefix(made, relay, POLICY_ROLE_SOURCE, "192.0.2.25");
	inside = made_rule(made, POLICY_INSIDE, "inside");
	made_prefix(made, inside, POLICY_ROLE_TARGET, "2001:db8:25::/48");
	exempt = made_rule(made, POLICY_EXEMPT, "exempt");
	for (uint32_t i = 0; i < 40; i++) {
		prefix.addr = addr_ip4(0xc6120000U + 2 * i);
		made_prefix_value(made, exempt, POLICY_ROLE_SOURCE, &prefix);
	}
	made_policy_finish(made);
}

/* elements: of the ruleset that is made at last. */
static void expect_sweep(bool offload, size_t elements)
{
	struct made_policy made;
	unsigned nth;
	int r = -ENOMEM;

	make(&made, offload);
	for (nth = 1; r != 0 && nth < 10000; nth++) {
		struct ruleset *ruleset = NULL;

		fail_at = nth;
		r = ruleset_build(&made.policy, &ruleset);
		fail_at = 0;
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(ruleset != NULL, r == 0);
		if (r == 0)
			assert_int_equal(ruleset_element_count(ruleset), elements);
		ruleset_free(ruleset);
	}
	assert_in_range(nth, 30, 9999);
	made_policy_free(&made);
}

static void test_each_allocation_fails_in_turn(void **state)
{
	(void)state;
	expect_sweep(false, 47);
}

static void test_the_same_with_offload(void **state)
{
	(void)state;
	expect_sweep(true, 47);
}

/* A rule a part, and a chain for what is in no pool. */
static void make_long(struct made_policy *made)
{
	struct prefix prefix = {.len = 28};
	uint16_t pool, inside;

	made_policy_init(made);
	made->policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	pool = made_rule(made, POLICY_POOL, "pool");
	inside = made_rule(made, POLICY_INSIDE, "inside");
	for (uint32_t i = 0; i < 40; i++) {
		prefix.addr = addr_ip4(0x0a000000U + 64 * i);
		made_prefix_value(made, pool, POLICY_ROLE_SOURCE, &prefix);
		prefix.addr = addr_ip4(0xc6120000U + 64 * i);
		made_prefix_value(made, inside, POLICY_ROLE_TARGET, &prefix);
	}
	made_policy_finish(made);
}

static void test_dividing_fails_at_each_allocation(void **state)
{
	struct made_policy made;
	bool failed = true;
	size_t parts = 0;
	unsigned nth;

	(void)state;
	make_long(&made);
	for (nth = 1; failed && nth < 10000; nth++) {
		struct ruleset *ruleset = NULL;
		int r;

		assert_int_equal(ruleset_build(&made.policy, &ruleset), 0);
		parts = ruleset->set_count;
		fail_at = nth;
		r = ruleset_divide(ruleset, 8);
		failed = fail_at == 0;
		fail_at = 0;
		/* Memory that is no longer needed and cannot be given back is no failure. */
		assert_true(r == 0 || (failed && r == -ENOMEM));
		parts = ruleset->set_count - parts;
		ruleset_free(ruleset);
	}
	assert_in_range(parts, 8, 40);
	assert_in_range(nth, 10, 9999);
	made_policy_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails_in_turn),
		cmocka_unit_test(test_the_same_with_offload),
		cmocka_unit_test(test_dividing_fails_at_each_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
