/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ranges that go and come: applied to what was there, they give what is wanted, and nothing needless is sent. */
#include "ruleset/difference.h"
#include "ruleset/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 25;

static uint32_t next_random(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(random_state >> 33) % bound;
}

static void add4(struct ruleset_set *set, uint32_t first, uint32_t last)
{
	const struct space_range range = {addr_ip4(first), addr_ip4(last)};

	assert_int_equal(space_append(set, &range), 0);
}

static struct ruleset_set random_set(uint32_t count)
{
	struct ruleset_set set = {.family = ADDR_IP4};
	uint32_t at = next_random(4);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t last = at + next_random(6);

		add4(&set, at, last);
		at = last + 2 + next_random(5);
	}
	return set;
}

static bool has_range(const struct ruleset_set *set, const struct ruleset_range4 *range)
{
	for (size_t i = 0; i < set->count; i++) {
		if (memcmp(&set->ip4[i], range, sizeof(*range)) == 0)
			return true;
	}
	return false;
}

/* Every range of `from` that is not removed, and every added one: exactly those of `to`. */
static void assert_leads_to(const struct ruleset_set *from, const struct difference *difference,
			    const struct ruleset_set *to)
{
	size_t stay = 0;

	for (size_t i = 0; i < from->count; i++) {
		if (has_range(&difference->removed, &from->ip4[i])) {
			assert_false(has_range(to, &from->ip4[i]));
			continue;
		}
		assert_true(has_range(to, &from->ip4[i]));
		stay++;
	}
	for (size_t i = 0; i < difference->added.count; i++) {
		assert_true(has_range(to, &difference->added.ip4[i]));
		assert_false(has_range(from, &difference->added.ip4[i]));
	}
	assert_int_equal(stay + difference->added.count, to->count);
	assert_int_equal(stay + difference->removed.count, from->count);
}

static void test_random_sets(void **state)
{
	for (int i = 0; i < 300; i++) {
		struct ruleset_set from = random_set(next_random(40)), to = random_set(next_random(40));
		struct difference difference;

		assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
		assert_leads_to(&from, &difference, &to);
		difference_clear(&difference);
		space_clear(&from);
		space_clear(&to);
	}
}

/* Long enough that equal stretches are skipped in blocks; the change may stand anywhere in them. */
static void test_one_change_among_many(void **state)
{
	enum { COUNT = 3000 };

	for (uint32_t changed = 0; changed < COUNT; changed += 37) {
		struct ruleset_set from = {.family = ADDR_IP4}, to = {.family = ADDR_IP4};
		struct difference difference;

		for (uint32_t i = 0; i < COUNT; i++) {
			add4(&from, i * 16, i * 16 + 7);
			add4(&to, i * 16, i * 16 + (i == changed ? 3 : 7));
		}
		assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
		assert_int_equal(difference.removed.count, 1);
		assert_int_equal(difference.added.count, 1);
		assert_int_equal(difference.removed.ip4[0].first, changed * 16);
		assert_int_equal(difference.removed.ip4[0].last, changed * 16 + 7);
		assert_int_equal(difference.added.ip4[0].last, changed * 16 + 3);
		difference_clear(&difference);
		space_clear(&from);
		space_clear(&to);
	}
}

static void test_one_less_shifts_the_rest(void **state)
{
	struct ruleset_set from = {.family = ADDR_IP4}, to = {.family = ADDR_IP4};
	struct difference difference;

	for (uint32_t i = 0; i < 5000; i++) {
		add4(&from, i * 16, i * 16 + 7);
		if (i != 1)
			add4(&to, i * 16, i * 16 + 7);
	}
	assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
	assert_int_equal(difference.removed.count, 1);
	assert_int_equal(difference.added.count, 0);
	difference_clear(&difference);
	space_clear(&from);
	space_clear(&to);
}

/* Neighbours that melt into one range: two go, one comes. */
static void test_merged_neighbours(void **state)
{
	struct ruleset_set from = {.family = ADDR_IP4}, to = {.family = ADDR_IP4};
	struct difference difference;

	add4(&from, 0, 7);
	add4(&from, 16, 23);
	add4(&to, 0, 23);
	assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
	assert_int_equal(difference.removed.count, 2);
	assert_int_equal(difference.added.count, 1);
	difference_clear(&difference);
	/* Two removed ranges that touch stay two: the kernel holds two. */
	space_clear(&from);
	add4(&from, 0, 7);
	add4(&from, 9, 15);
	from.ip4[1].first = 8;
	space_clear(&to);
	assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
	assert_int_equal(difference.removed.count, 2);
	difference_clear(&difference);
	space_clear(&from);
}

static void test_ip6(void **state)
{
	struct ruleset_set from = {.family = ADDR_IP6}, to = {.family = ADDR_IP6};
	struct space_range range = {addr_ip6(1, 0), addr_ip6(1, UINT64_MAX)};
	struct difference difference;

	assert_int_equal(space_append(&from, &range), 0);
	range.last = addr_ip6(2, 7);
	assert_int_equal(space_append(&to, &range), 0);
	assert_int_equal(difference_make(&from, &to, SIZE_MAX, &difference), 0);
	assert_int_equal(difference.removed.count, 1);
	assert_int_equal(difference.removed.ip6[0].last_hi, 1);
	assert_int_equal(difference.added.count, 1);
	assert_int_equal(difference.added.ip6[0].last_hi, 2);
	difference_clear(&difference);
	space_clear(&from);
	space_clear(&to);
}

static void test_too_many(void **state)
{
	struct ruleset_set from = random_set(30), to = {.family = ADDR_IP4};
	struct difference difference;

	assert_int_equal(difference_make(&from, &to, 29, &difference), -E2BIG);
	difference_clear(&difference);
	assert_int_equal(difference_make(&from, &to, 30, &difference), 0);
	difference_clear(&difference);
	space_clear(&from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_sets),
		cmocka_unit_test(test_one_change_among_many),
		cmocka_unit_test(test_one_less_shifts_the_rest),
		cmocka_unit_test(test_merged_neighbours),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
