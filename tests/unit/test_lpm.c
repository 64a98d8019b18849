/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Longest-prefix match, one by one and in batches, against a model that walks all ranges. */
#include "../lib/lpm_check.h"

#include <string.h>

enum {
	SETS = 1000,       /* random range sets a test */
	RANGES_MOST = 160, /* in one random set */
	RANDOM_PROBES = 200,
	PROBES_MOST = 3 * RANGES_MOST + RANDOM_PROBES + 2,
	GUARD = 0xa5a5,
};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_sets4),
		cmocka_unit_test(test_random_sets6),
		cmocka_unit_test(test_batch_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
