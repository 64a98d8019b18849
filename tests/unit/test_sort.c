/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 30000, FEW = 500 };

struct item {
	uint64_t high;
	uint32_t low;
	uint32_t place; /* where it was */
};

static uint64_t high(const char *bytes)
{
	struct item item;

	memcpy(&item, bytes, sizeof(item));
	return item.high;
}

static int compare(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

static uint32_t next_random(void)
{
	static uint64_t state = 25;

	state = state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(state >> 32);
}

/* In order, and each that there was is there. */
static void assert_sorted(const struct item *items, size_t count)
{
	bool *found = calloc(count + 1, sizeof(*found));

	assert_non_null(found);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || compare(&items[i - 1], &items[i]) <= 0);
		assert_false(found[items[i].place]);
		found[items[i].place] = true;
	}
	free(found);
}

/* mask: of the high numbers; ordered: so many come in order. */
static void check(size_t count, unsigned high_bits, uint64_t mask, size_t ordered)
{
	struct item *items = calloc(count + 1, sizeof(*items));
	struct sort sort = {(char *)items, count, sizeof(*items), high_bits, high, compare};

	assert_non_null(items);
	for (size_t i = 0; i < count; i++) {
		uint64_t number = (uint64_t)next_random() << 32 | next_random();

		items[i] = (struct item){i < ordered ? i : number & mask, next_random() % 7, (uint32_t)i};
		if (i < ordered)
			items[i].low = 0;
	}
	sort_items(&sort);
	assert_sorted(items, count);
	free(items);
}

static void test_all_sizes_and_numbers(void **state)
{
	(void)state;
	for (size_t count = 0; count < FEW; count++)
		check(count, 32, UINT32_MAX, 0);
	check(MANY, 32, UINT32_MAX, 0);
	check(MANY, 64, UINT64_MAX, 0);
	check(MANY, 32, 0xff, 0); /* many equal ones */
	check(MANY, 64, 0xffULL << 40, 0);
	check(MANY, 32, 0, 0);
}

static void test_what_comes_in_order(void **state)
{
	(void)state;
	check(MANY, 32, UINT32_MAX, MANY);
	check(MANY, 32, MANY - 1, MANY - 100);
	check(FEW, 32, FEW - 1, FEW - 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sizes_and_numbers),
		cmocka_unit_test(test_what_comes_in_order),
	};

	return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
