/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_what_was_put_is_found(void **state)
{
	enum { MANY = 20000 };
	struct map map = {.hash_key = {25, 587}};

	(void)state;
	assert_null(map_find(&map, &(struct map_key){.a = 1}));
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t *value = map_put(&map, &(struct map_key){i / 100, i % 100, i & 3}, i);

		assert_non_null(value);
		assert_int_equal(*value, i);
	}
	assert_int_equal(map.count, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t *value = map_find(&map, &(struct map_key){i / 100, i % 100, i & 3});

		assert_non_null(value);
		assert_int_equal(*value, i);
		assert_null(map_find(&map, &(struct map_key){i / 100, i % 100, 4}));
	}
	assert_null(map_find(&map, &(struct map_key){MANY, 0, 0}));
	map_free(&map);
	assert_int_equal(map.count, 0);
}

static void test_a_second_put_gives_what_was_there(void **state)
{
	const struct map_key zero = {0}, greatest = {UINT64_MAX, UINT64_MAX, MAP_TAG_MAX};
	struct map map = {0};
	uint32_t *value;

	(void)state;
	*map_put(&map, &zero, 7) = 8;
	assert_int_equal(*map_put(&map, &zero, 9), 8);
	value = map_put(&map, &greatest, UINT32_MAX);
	assert_int_equal(*value, UINT32_MAX);
	assert_int_equal(*map_find(&map, &zero), 8);
	assert_int_equal(map.count, 2);
	map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_put_is_found),
		cmocka_unit_test(test_a_second_put_gives_what_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
