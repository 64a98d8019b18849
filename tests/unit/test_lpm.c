/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Longest-prefix match against a model that walks all ranges, and what building refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpm/lpm.h"
#include "lpm/table.h"

enum {
	SETS = 400,        /* random range sets a test */
	RANGES_MOST = 160, /* in one random set */
	RANDOM_PROBES = 200,
	PROBES_MOST = 3 * RANGES_MOST + RANDOM_PROBES + 2,
	GUARD = 0xa5a5,
};

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

/* SplitMix64 (Steele, Lea, Flood, 2014): every seed gives the same numbers everywhere. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return next_random(state) % limit;
}

static void *allocate(size_t count, size_t size)
{
	void *items = calloc(count, size);

	assert_non_null(items);
	return items;
}

/* Both families' tests run on addresses of two words; IPv4 uses lo alone. */
struct point {
	uint64_t hi;
	uint64_t lo;
};

struct set {
	struct lpm6_range ranges[RANGES_MOST];
	size_t count;
};

static int compare_ranges(const void *a_void, const void *b_void)
{
	const struct lpm6_range *a = a_void, *b = b_void;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

/* Sorts the starts, drops doubles, and puts one at 0. */
static void order_set(struct set *set)
{
	size_t kept = 1;

	set->ranges[0].hi = set->ranges[0].lo = 0;
	qsort(set->ranges, set->count, sizeof(set->ranges[0]), compare_ranges);
	for (size_t i = 1; i < set->count; i++) {
		if (compare_ranges(&set->ranges[kept - 1], &set->ranges[i]) != 0)
			set->ranges[kept++] = set->ranges[i];
	}
	set->count = kept;
}

/* Few values make equal neighbours, many make wide lists. */
static void fill_set(struct set *set, uint64_t *state, struct point (*draw)(uint64_t *state, uint64_t style))
{
	static const uint64_t values[] = {1, 2, 5, 256, 257, 65536};
	uint64_t limit = values[random_below(state, 6)], style = next_random(state);

	set->count = 1 + random_below(state, RANGES_MOST);
	for (size_t i = 0; i < set->count; i++) {
		struct point start = draw(state, style);

		set->ranges[i] =
			(struct lpm6_range){start.hi, start.lo, (uint16_t)random_below(state, limit)};
	}
	order_set(set);
}

static struct point step(struct point point, int by)
{
	if (by < 0)
		return (struct point){point.hi - (point.lo == 0), point.lo - 1};
	return by > 0 ? (struct point){point.hi + (point.lo == UINT64_MAX), point.lo + 1} : point;
}

/* Every start with its two neighbours, both ends of the space, and random addresses near and far. */
static size_t fill_probes(const struct set *set, uint64_t *state, struct point (*draw)(uint64_t *, uint64_t),
			  struct point *probes)
{
	uint64_t style = next_random(state);
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		for (int by = -1; by <= 1; by++)
			probes[count++] = step((struct point){set->ranges[i].hi, set->ranges[i].lo}, by);
	}
	probes[count++] = (struct point){0, 0};
	probes[count++] = (struct point){UINT64_MAX, UINT64_MAX};
	for (size_t i = 0; i < RANDOM_PROBES; i++) {
		const struct lpm6_range *near = &set->ranges[random_below(state, set->count)];

		probes[count] = draw(state, style);
		if (i % 2)
			probes[count] = (struct point){near->hi, near->lo + random_below(state, 4096)};
		count++;
	}
	return count;
}

static uint16_t model(const struct set *set, struct point point)
{
	const struct lpm6_range key = {point.hi, point.lo, 0};
	uint16_t value = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (compare_ranges(&set->ranges[i], &key) <= 0)
			value = set->ranges[i].value;
	}
	return value;
}

static void expect_found(uint64_t seed, const char *how, struct point point, uint16_t expected,
			 uint16_t found)
{
	if (expected == found)
		return;
	fail_msg("seed %" PRIu64 ", %s look-up of %016" PRIx64 ":%016" PRIx64 ": %u expected, %u found", seed,
		 how, point.hi, point.lo, expected, found);
}

/* IPv4 starts: far apart; in one chunk; on /24 boundaries of a few chunks; next to each other; near the ends. */
static struct point draw4(uint64_t *state, uint64_t style)
{
	uint32_t random = (uint32_t)next_random(state), base = (uint32_t)(style >> 32);

	switch (style % 5) {
	case 0:
		break;
	case 1:
		random = (base & 0xffff0000) | (random & 0xffff);
		break;
	case 2:
		random = (base & 0xfff00000) | (random & 0xfff00);
		break;
	case 3:
		random = base + random % RANGES_MOST;
		break;
	default:
		random = random % 2 ? random >> 20 : ~(random >> 20);
	}
	return (struct point){0, random};
}

static void check_set4(uint64_t seed)
{
	static struct set set;
	static struct point probes[PROBES_MOST];
	static uint32_t addrs[PROBES_MOST];
	static uint16_t values[PROBES_MOST + 1];
	struct lpm4_range ranges[RANGES_MOST];
	uint64_t state = seed;
	struct lpm4 *lpm;
	size_t count;

	fill_set(&set, &state, draw4);
	count = fill_probes(&set, &state, draw4, probes);
	for (size_t i = 0; i < set.count; i++)
		ranges[i] = (struct lpm4_range){(uint32_t)set.ranges[i].lo, set.ranges[i].value};
	assert_int_equal(lpm4_build(ranges, set.count, &lpm), 0);
	for (size_t i = 0; i < count; i++) {
		addrs[i] = (uint32_t)probes[i].lo;
		probes[i] = (struct point){0, addrs[i]};
	}
	values[count] = GUARD;
	lpm4_lookup_batch(lpm, addrs, values, count);
	for (size_t i = 0; i < count; i++) {
		uint16_t expected = model(&set, probes[i]);

		expect_found(seed, "single", probes[i], expected, lpm4_lookup(lpm, addrs[i]));
		expect_found(seed, "batch", probes[i], expected, values[i]);
	}
	assert_int_equal(values[count], GUARD);
	lpm4_free(lpm);
}

static void test_random_sets4(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SETS; seed++)
		check_set4(seed);
}

/*
 * IPv6 starts: far apart; /56s of one /32; divisions of a few /64s; powers of two, which crowd every direct table;
 * neighbours in one /64; both ends; /48s under 2000::/3.
 */
static struct point draw6(uint64_t *state, uint64_t style)
{
	static const uint64_t lows[] = {0, 0, 1, UINT64_MAX, UINT64_MAX - 1, 0x8000};
	uint64_t random = next_random(state), lo = lows[random_below(state, 6)], base = style | 1;

	switch (style % 7) {
	case 0:
		return (struct point){random, 0};
	case 1:
		return (struct point){UINT64_C(0x20010db800000000) | (random & UINT64_C(0xffffff00)), 0};
	case 2:
		return (struct point){base + random % 8, lo ? lo : next_random(state)};
	case 3:
		return (struct point){UINT64_C(1) << (random % 64), lo};
	case 4:
		return (struct point){base, random % (2 * RANGES_MOST)};
	case 5:
		return (struct point){random % 2 ? random >> 60 : ~(random >> 60), lo};
	default:
		return (struct point){UINT64_C(1) << 61 | (random >> 3 & ~UINT64_C(0xffff)),
				      random % 4 ? 0 : lo};
	}
}

static void check_set6(uint64_t seed)
{
	static struct set set;
	static struct point probes[PROBES_MOST];
	static uint64_t his[PROBES_MOST], los[PROBES_MOST];
	static uint16_t values[PROBES_MOST + 1];
	uint64_t state = seed;
	struct lpm6 *lpm;
	size_t count;

	fill_set(&set, &state, draw6);
	count = fill_probes(&set, &state, draw6, probes);
	assert_int_equal(lpm6_build(set.ranges, set.count, &lpm), 0);
	for (size_t i = 0; i < count; i++) {
		his[i] = probes[i].hi;
		los[i] = probes[i].lo;
	}
	values[count] = GUARD;
	lpm6_lookup_batch(lpm, his, los, values, count);
	for (size_t i = 0; i < count; i++) {
		uint16_t expected = model(&set, probes[i]);

		expect_found(seed, "single", probes[i], expected, lpm6_lookup(lpm, his[i], los[i]));
		expect_found(seed, "batch", probes[i], expected, values[i]);
	}
	assert_int_equal(values[count], GUARD);
	lpm6_free(lpm);
}

static void test_random_sets6(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SETS; seed++)
		check_set6(seed);
}

/* A large set is checked at each start and at both sides of it, in order. */
static void check_starts4(const struct lpm4 *lpm, const struct lpm4_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t start = ranges[i].start, last = i + 1 < count ? ranges[i + 1].start - 1 : UINT32_MAX;

		expect_found(i, "start", (struct point){0, start}, ranges[i].value, lpm4_lookup(lpm, start));
		expect_found(i, "last", (struct point){0, last}, ranges[i].value, lpm4_lookup(lpm, last));
		if (start < last)
			expect_found(i, "second", (struct point){0, start + 1}, ranges[i].value,
				     lpm4_lookup(lpm, start + 1));
	}
}

static void expect6(const struct lpm6 *lpm, size_t number, struct point point, uint16_t expected)
{
	uint16_t batch[1];

	expect_found(number, "single", point, expected, lpm6_lookup(lpm, point.hi, point.lo));
	lpm6_lookup_batch(lpm, &point.hi, &point.lo, batch, 1);
	expect_found(number, "batch", point, expected, batch[0]);
}

static void check_starts6(const struct lpm6 *lpm, const struct lpm6_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct point start = {ranges[i].hi, ranges[i].lo}, last = {UINT64_MAX, UINT64_MAX};

		if (i + 1 < count)
			last = step((struct point){ranges[i + 1].hi, ranges[i + 1].lo}, -1);
		expect6(lpm, i, start, ranges[i].value);
		expect6(lpm, i, last, ranges[i].value);
		if (start.hi != last.hi || start.lo != last.lo)
			expect6(lpm, i, step(start, 1), ranges[i].value);
	}
}

static struct lpm4 *build_checked4(const struct lpm4_range *ranges, size_t count)
{
	struct lpm4 *lpm;

	assert_int_equal(lpm4_build(ranges, count, &lpm), 0);
	check_starts4(lpm, ranges, count);
	return lpm;
}

static struct lpm6 *build_checked6(const struct lpm6_range *ranges, size_t count)
{
	struct lpm6 *lpm;

	assert_int_equal(lpm6_build(ranges, count, &lpm), 0);
	check_starts6(lpm, ranges, count);
	return lpm;
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

/* Batches shorter than, as long as and longer than what is fetched ahead; not one value is written too many. */
static void test_batch_lengths(void **state)
{
	static const struct lpm4_range ranges4[] = {{0, 1}, {1000, 2}, {2000, 3}, {70000, 4}};
	static const struct lpm6_range ranges6[] = {{0, 0, 1}, {1000, 0, 2}, {2000, 7, 3}, {70000, 0, 4}};
	struct lpm4 *lpm4 = build_checked4(ranges4, 4);
	struct lpm6 *lpm6 = build_checked6(ranges6, 4);
	uint32_t addrs[40];
	uint64_t his[40], los[40] = {0};
	uint16_t values[41];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		his[i] = addrs[i] = (uint32_t)(i % 3 * 999 + i);
	for (size_t count = 0; count <= 40; count++) {
		memset(values, 0xa5, sizeof(values));
		lpm4_lookup_batch(lpm4, addrs, values, count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(values[i], lpm4_lookup(lpm4, addrs[i]));
		assert_int_equal(values[count], GUARD);
		memset(values, 0xa5, sizeof(values));
		lpm6_lookup_batch(lpm6, his, los, values, count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(values[i], lpm6_lookup(lpm6, his[i], los[i]));
		assert_int_equal(values[count], GUARD);
	}
	lpm4_free(lpm4);
	lpm6_free(lpm6);
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
		cmocka_unit_test(test_random_sets4),     cmocka_unit_test(test_random_sets6),
		cmocka_unit_test(test_one_range),        cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_full_chunk),       cmocka_unit_test(test_list_forms),
		cmocka_unit_test(test_concentrated6),    cmocka_unit_test(test_divided6),
		cmocka_unit_test(test_nested_crowding6), cmocka_unit_test(test_behind_divided6),
		cmocka_unit_test(test_batch_lengths),    cmocka_unit_test(test_refused4),
		cmocka_unit_test(test_refused6),         cmocka_unit_test(test_out_of_memory4),
		cmocka_unit_test(test_out_of_memory6),   cmocka_unit_test(test_memory4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
