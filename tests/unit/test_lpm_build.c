/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What building a longest-prefix match makes of lists at their limits, what it refuses, and what it takes. */
#include "../lib/lpm_check.h"

#include <errno.h>

#include "lpm/table.h"

/* The allocators are wrapped at link time: allocation number fail_at (from 1; 0 for none) fails. */
static unsigned allocations, fail_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *items, size_t size);
void *__real_reallocarray(void *items, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *items, size_t size);
void *__wrap_reallocarray(void *items, size_t count, size_t size);

static bool allocation_fails(void)
{
	return ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *items, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(items, size);
}

void *__wrap_reallocarray(void *items, size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_reallocarray(items, count, size);
}

static void test_one_range(void **state)
{
	const struct lpm4_range range4 = {0, 65535};
	const struct lpm6_range range6 = {0, 0, 65535};
	struct lpm4 *lpm4 = build_checked4(&range4, 1);
	struct lpm6 *lpm6 = build_checked6(&range6, 1);

	(void)state;
	assert_int_equal(lpm4_memory(lpm4), sizeof(struct lpm4));
	assert_true(lpm6_memory(lpm6) < 1024);
	lpm4_free(lpm4);
	lpm6_free(lpm6);
}

static void test_every_value(void **state)
{
	struct lpm4_range *ranges4 = allocate(65536, sizeof(*ranges4));
	struct lpm6_range *ranges6 = allocate(65536, sizeof(*ranges6));

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		ranges4[i] = (struct lpm4_range){i * 65521, (uint16_t)i};
		ranges6[i] = (struct lpm6_range){(uint64_t)i << 45, 0, (uint16_t)i};
	}
	lpm4_free(build_checked4(ranges4, 65536));
	lpm6_free(build_checked6(ranges6, 65536));
	free(ranges4);
	free(ranges6);
}

/* Every address of one /16, the last one, has a range of its own. */
static void test_full_chunk(void **state)
{
	struct lpm4_range *ranges = allocate(65537, sizeof(*ranges));
	struct lpm4 *lpm;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++)
		ranges[i + 1] = (struct lpm4_range){0xffff0000 + i, (uint16_t)(i * 7 + 1)};
	lpm = build_checked4(ranges, 65537);
	assert_int_equal(lpm4_memory(lpm), sizeof(struct lpm4) + 65535 * 2 + 65536 * 2);
	lpm4_free(lpm);
	free(ranges);
}

/* The forms of a chunk's list at the edges where they change: value 255 or 256, a start on a /24 or one beside it. */
static void test_list_forms(void **state)
{
	static const uint16_t values[] = {255, 256};
	static const uint32_t shifts[] = {0, 1};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct lpm4_range ranges[] = {
			{0, 1},          {0x0a000100 + shifts[i % 2], values[i / 2]},
			{0x0a000300, 3}, {0x0a00ff00, 4},
			{0x0a010000, 5},
		};

		lpm4_free(build_checked4(ranges, 5));
	}
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % limit;
}

/*
 * Maps: most starts on a /24, some beside one, neighbouring /24s divided, values of one byte and of two that are like the
 * mark of a divided /24, and ranges that begin nothing new.
 */
static void test_maps(void **state)
{
	enum { SETS = 200, MOST = 400 };
	static const uint16_t values[] = {0, 1, 2, 254, 255, 255, 256, 65535};
	struct lpm4_range *ranges = allocate(MOST, sizeof(*ranges));
	uint64_t random = 25;

	(void)state;
	for (unsigned set = 0; set < SETS; set++) {
		/* Few starts in a chunk, or many; only values of one byte in every other set. */
		uint32_t start = 0, stride = set % 3 ? 0x3000 : 0x300;
		size_t count = 0;

		for (; count < MOST; count++) {
			ranges[count] =
				(struct lpm4_range){start, values[random_below(&random, set % 2 ? 6 : 8)]};
			start = (start + 0x100 + random_below(&random, stride)) & ~UINT32_C(0xff);
			if (random_below(&random, 8) == 0)
				start += random_below(&random, 256);
			else if (random_below(&random, 8) == 0)
				start = ranges[count].start + 1;
		}
		lpm4_free(build_checked4(ranges, count));
	}
	free(ranges);
}

static struct lpm6_range *concentrated(size_t count, unsigned shift, uint64_t outlier)
{
	struct lpm6_range *ranges = allocate(count, sizeof(*ranges));

	for (size_t i = 1; i < count; i++)
		ranges[i] = (struct lpm6_range){UINT64_C(0x20010db800000000) + ((uint64_t)i << shift), 0,
						(uint16_t)(i % 11)};
	ranges[1].hi = 0;
	ranges[1].lo = 1;
	ranges[count - 1].hi = outlier;
	return ranges;
}

/* How many nodes a look-up of hi passes; *ret_more says how many starts the search at the end has before it. */
static unsigned walk_nodes(const struct lpm6 *lpm, uint64_t hi, uint32_t *ret_more)
{
	struct lpm6_slot slot = lpm->root;
	unsigned depth = 0;

	for (; slot.more == LPM6_NODE; depth++) {
		const struct lpm6_node *node = &lpm->nodes[slot.first];
		uint64_t number = hi < node->base ? 0 : (hi - node->base) >> node->shift;

		slot = lpm->slots[node->first + (number < node->last ? number : node->last)];
	}
	*ret_more = slot.more;
	return depth;
}

/* 200,000 /56s of one /32, or as many /64s in a row, beside ranges at both far ends of the space. */
static void test_concentrated6(void **state)
{
	static const unsigned shifts[] = {8, 9, 0};
	uint32_t more;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct lpm6_range *ranges = concentrated(200000, shifts[i], UINT64_MAX);
		struct lpm6 *lpm = build_checked6(ranges, 200000);

		assert_true(lpm6_memory(lpm) < 32 * 200000);
		for (size_t k = 2; k < 199999; k++) {
			assert_in_range(walk_nodes(lpm, ranges[k].hi, &more), 2, 3);
			assert_in_range(more, 0, LPM6_CROWDED);
		}
		lpm6_free(lpm);
		free(ranges);
	}
}

/* Each /64 of a row is divided down to one host, or one /64 down to all of its first 100,000 hosts. */
static void test_divided6(void **state)
{
	struct lpm6_range *ranges = allocate(200001, sizeof(*ranges));

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		ranges[2 * i + 1] =
			(struct lpm6_range){UINT64_C(0xfd00000000000000) + i, i, (uint16_t)(1 + i % 3)};
		ranges[2 * i + 2] = (struct lpm6_range){UINT64_C(0xfd00000000000000) + i, i + 1, 0};
	}
	lpm6_free(build_checked6(ranges, 200001));
	for (uint32_t i = 1; i <= 200000; i++)
		ranges[i] = (struct lpm6_range){UINT64_MAX, UINT64_MAX - 200000 + i, (uint16_t)i};
	lpm6_free(build_checked6(ranges, 200001));
	free(ranges);
}

/* Starts that halve the space again and again crowd one slot of every node, to the deepest one; there a search must do. */
static void test_nested_crowding6(void **state)
{
	struct lpm6_range *ranges = allocate(64 * 32 + 1, sizeof(*ranges));
	size_t count = 1;
	uint32_t more, longest = 0;
	unsigned deepest = 0;
	struct lpm6 *lpm;

	(void)state;
	for (unsigned bit = 5; bit < 64; bit++) {
		for (uint64_t i = 0; i < 32; i++, count++)
			ranges[count] = (struct lpm6_range){(UINT64_C(1) << bit) + i, 0, (uint16_t)count};
	}
	lpm = build_checked6(ranges, count);
	for (size_t i = 0; i < count; i++) {
		unsigned depth = walk_nodes(lpm, ranges[i].hi, &more);

		assert_in_range(depth, 1, LPM6_DEPTH_MAX);
		deepest = depth > deepest ? depth : deepest;
		longest = more > longest ? more : longest;
	}
	assert_int_equal(deepest, LPM6_DEPTH_MAX);
	assert_true(longest > LPM6_CROWDED);
	lpm6_free(lpm);
	free(ranges);
}

/* Behind a divided /64 its last value goes on: to the end of the space, to a gap, or to a divided neighbour. */
static void test_behind_divided6(void **state)
{
	static const struct lpm6_range ranges[] = {
		{0, 0, 1},
		{0, 9, 2},
		{1, 5, 3},
		{1, 6, 2},
		{7, 0, 2},
		{8, 0, 4},
		{8, 1, 4},
		{9, 0, 4},
		{9, 3, 5},
		{10, 0, 5},
		{11, 4, 6},
		{12, 0, 7},
		{UINT64_MAX, UINT64_MAX, 8},
	};

	(void)state;
	lpm6_free(build_checked6(ranges, sizeof(ranges) / sizeof(ranges[0])));
	lpm6_free(build_checked6(ranges, 2));
	lpm6_free(build_checked6(ranges, 4));
}

static void test_refused4(void **state)
{
	static const struct lpm4_range not_from_0[] = {{1, 0}, {2, 0}}, twice[] = {{0, 0}, {5, 1}, {5, 2}},
				       descending[] = {{0, 0}, {6, 1}, {5, 2}};
	struct lpm4 *untouched = (struct lpm4 *)0x10, *lpm = untouched;

	(void)state;
	assert_int_equal(lpm4_build(NULL, 0, &lpm), -EINVAL);
	assert_int_equal(lpm4_build(not_from_0, 2, &lpm), -EINVAL);
	assert_int_equal(lpm4_build(twice, 3, &lpm), -EINVAL);
	assert_int_equal(lpm4_build(descending, 3, &lpm), -EINVAL);
	assert_int_equal(lpm4_build(descending, (size_t)LPM4_RANGES_MAX + 1, &lpm), -E2BIG);
	assert_ptr_equal(lpm, untouched);
	lpm4_free(NULL);
}

static void test_refused6(void **state)
{
	static const struct lpm6_range not_from_0[] = {{0, 1, 0}}, not_from_0_hi[] = {{1, 0, 0}},
				       twice[] = {{0, 0, 0}, {5, 1, 1}, {5, 1, 2}},
				       lo_descending[] = {{0, 0, 0}, {5, 2, 1}, {5, 1, 2}},
				       hi_descending[] = {{0, 0, 0}, {6, 1, 1}, {5, 2, 2}};
	struct lpm6 *untouched = (struct lpm6 *)0x10, *lpm = untouched;

	(void)state;
	assert_int_equal(lpm6_build(NULL, 0, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(not_from_0, 1, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(not_from_0_hi, 1, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(twice, 3, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(lo_descending, 3, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(hi_descending, 3, &lpm), -EINVAL);
	assert_int_equal(lpm6_build(twice, (size_t)LPM6_RANGES_MAX + 1, &lpm), -E2BIG);
	assert_ptr_equal(lpm, untouched);
	lpm6_free(NULL);
}

/* Every allocation fails in turn: the build says so and leaks nothing, or does without and is right. */
static void test_out_of_memory4(void **state)
{
	static const struct lpm4_range ranges[] = {{0, 1}, {1000, 2}, {1001, 3}};
	unsigned failed = 0;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct lpm4 *lpm = NULL;
		int error;

		allocations = 0;
		fail_at = n;
		error = lpm4_build(ranges, 3, &lpm);
		fail_at = 0;
		if (error) {
			assert_int_equal(error, -ENOMEM);
			assert_null(lpm);
			failed++;
			continue;
		}
		check_starts4(lpm, ranges, 3);
		lpm4_free(lpm);
		if (allocations < n)
			break;
	}
	assert_true(failed > 0 && allocations <= 2);
}

static void test_out_of_memory6(void **state)
{
	struct lpm6_range *ranges = allocate(3000, sizeof(*ranges));
	unsigned failed = 0;

	(void)state;
	for (uint32_t i = 1; i < 3000; i++)
		ranges[i] = (struct lpm6_range){i / 30, i, (uint16_t)i};
	for (unsigned n = 1;; n++) {
		struct lpm6 *lpm = NULL;
		int error;

		allocations = 0;
		fail_at = n;
		error = lpm6_build(ranges, 3000, &lpm);
		fail_at = 0;
		if (error) {
			assert_int_equal(error, -ENOMEM);
			assert_null(lpm);
			failed++;
			continue;
		}
		check_starts6(lpm, ranges, 3000);
		lpm6_free(lpm);
		if (allocations < n)
			break;
	}
	assert_true(failed > 10);
	free(ranges);
}

/* 1,000,000 prefixes that touch nowhere are 2,000,000 ranges: hosts take 3 bytes a range, /24s 2. */
static void test_memory4(void **state)
{
	enum { RANGES = 2000000 };
	static const uint32_t grids[] = {2000, 256 * 8};
	static const size_t most[] = {7000000, 5200000};
	struct lpm4_range *ranges = allocate(RANGES, sizeof(*ranges));

	(void)state;
	for (size_t grid = 0; grid < 2; grid++) {
		struct lpm4 *lpm;

		for (uint32_t i = 0; i < RANGES; i++)
			ranges[i] = (struct lpm4_range){i * grids[grid] + (grid || !i ? 0 : i % 7),
							(uint16_t)(i % 2 ? i % 200 : 200)};
		lpm = build_checked4(ranges, RANGES);
		assert_true(lpm4_memory(lpm) < most[grid]);
		lpm4_free(lpm);
	}
	free(ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_range),
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_full_chunk),
		cmocka_unit_test(test_list_forms),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_concentrated6),
		cmocka_unit_test(test_divided6),
		cmocka_unit_test(test_nested_crowding6),
		cmocka_unit_test(test_behind_divided6),
		cmocka_unit_test(test_refused4),
		cmocka_unit_test(test_refused6),
		cmocka_unit_test(test_out_of_memory4),
		cmocka_unit_test(test_out_of_memory6),
		cmocka_unit_test(test_memory4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
