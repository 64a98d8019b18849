/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Longest-prefix match in figures: time to build, memory, and look-ups per second one by one and in batches, for
 * addresses all over the space and for addresses inside the prefixes. Each rate is the best of several rounds,
 * since other programs only ever make it worse.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lpm/lpm.h"

enum {
	ADDRESSES = 1 << 18,
	BATCH = 256,
	ROUNDS = 9,
	VALUES = 20,
};

struct point {
	uint64_t hi;
	uint64_t lo;
};

/* A list of prefixes: draw() makes the first address of one, and size says how many hi's, or else lo's, it holds. */
struct shape {
	const char *name;
	struct point (*draw)(uint64_t *state);
	struct point size;
	bool ip4;
};

struct rates {
	double single;
	double batch;
};

struct addresses {
	uint32_t ip4[ADDRESSES];
	uint64_t hi[ADDRESSES];
	uint64_t lo[ADDRESSES];
	uint16_t values[ADDRESSES];
};

static struct addresses addresses;
/* Keeps the compiler from leaving single look-ups out. */
static volatile uint16_t sink;

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static struct point draw_ip4_24(uint64_t *state)
{
	return (struct point){0, next_random(state) & 0xffffff00};
}

static struct point draw_ip4_host(uint64_t *state)
{
	return (struct point){0, next_random(state) & 0xffffffff};
}

static struct point draw_ip4_crowded(uint64_t *state)
{
	return (struct point){0, (next_random(state) & 0x07ffffff) | 0x50000000};
}

/* /48s of 4,096 /32s under 2000::/3, as in the world's routing table. */
static struct point draw_ip6_48(uint64_t *state)
{
	uint64_t random = next_random(state), allocation = random >> 52;

	allocation = next_random(&allocation) >> 35 << 32;
	return (struct point){UINT64_C(0x2000000000000000) | allocation | (random & 0xffff0000), 0};
}

static struct point draw_ip6_one_32(uint64_t *state)
{
	return (struct point){UINT64_C(0x20010db800000000) | (next_random(state) & 0xffffff00), 0};
}

/* Starts crowd behind each power of two, so every direct table has one slot that holds most of them. */
static struct point draw_ip6_nested(uint64_t *state)
{
	uint64_t random = next_random(state);

	return (struct point){(UINT64_C(1) << (20 + random % 43)) + (random >> 45), 0};
}

static struct point draw_ip6_host(uint64_t *state)
{
	uint64_t random = next_random(state);

	return (struct point){UINT64_C(0x20010db800000000) | (random & 0xffffffff), random >> 32};
}

static struct point draw_ip6_one_64(uint64_t *state)
{
	return (struct point){UINT64_C(0x20010db800000000), next_random(state)};
}

static const struct shape shapes[] = {
	{"ip4 /24 anywhere", draw_ip4_24, {0, 256}, true},
	{"ip4 hosts anywhere", draw_ip4_host, {0, 1}, true},
	{"ip4 hosts in a /5", draw_ip4_crowded, {0, 1}, true},
	{"ip6 /48 in 2000::/3", draw_ip6_48, {UINT64_C(1) << 16, 0}, false},
	{"ip6 /56 in one /32", draw_ip6_one_32, {UINT64_C(1) << 8, 0}, false},
	{"ip6 nested crowding", draw_ip6_nested, {1, 0}, false},
	{"ip6 hosts in a /32", draw_ip6_host, {0, 1}, false},
	{"ip6 hosts in a /64", draw_ip6_one_64, {0, 1}, false},
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *allocate(size_t count, size_t size)
{
	void *items = calloc(count, size);

	if (!items) {
		fputs("bench_lpm: out of memory\n", stderr);
		exit(1);
	}
	return items;
}

static int compare_points(const void *a_void, const void *b_void)
{
	const struct point *a = a_void, *b = b_void;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static struct point end_of(const struct shape *shape, struct point start)
{
	uint64_t lo = start.lo + shape->size.lo;

	return (struct point){start.hi + shape->size.hi + (lo < start.lo), lo};
}

static void draw_starts(const struct shape *shape, struct point *starts, size_t prefixes)
{
	uint64_t state = 25;

	for (size_t i = 0; i < prefixes; i++)
		starts[i] = shape->draw(&state);
	qsort(starts, prefixes, sizeof(*starts), compare_points);
}

/* Each prefix is a range, and so is the gap behind it; the last of two alike stands. Returns how many ranges. */
static size_t make_ranges(const struct shape *shape, const struct point *starts, size_t prefixes,
			  struct lpm6_range *ranges)
{
	size_t count = 1;

	for (size_t i = 0; i < prefixes; i++) {
		struct point end = end_of(shape, starts[i]),
			     gap = {ranges[count - 1].hi, ranges[count - 1].lo};

		if (i + 1 < prefixes && compare_points(&starts[i], &starts[i + 1]) == 0)
			continue;
		count -= compare_points(&gap, &starts[i]) == 0;
		ranges[count++] = (struct lpm6_range){starts[i].hi, starts[i].lo, (uint16_t)(1 + i % VALUES)};
		if (!(shape->ip4 && end.lo > UINT32_MAX) && (end.hi | end.lo))
			ranges[count++] = (struct lpm6_range){end.hi, end.lo, 0};
	}
	return count;
}

static void fill_addresses(const struct shape *shape, const struct point *starts, size_t prefixes,
			   bool inside)
{
	uint64_t state = 587;

	for (size_t i = 0; i < ADDRESSES; i++) {
		struct point start = starts[next_random(&state) % prefixes];
		uint64_t hi = next_random(&state), lo = next_random(&state);

		addresses.hi[i] = inside ? start.hi + (shape->size.hi ? hi % shape->size.hi : 0) : hi;
		addresses.lo[i] = inside && !shape->size.hi ? start.lo + lo % shape->size.lo : lo;
		addresses.ip4[i] = (uint32_t)addresses.lo[i];
	}
}

static void keep_best(struct rates *best, double begin_s, double middle_s, double end_s)
{
	double single = ADDRESSES / (middle_s - begin_s), batch = ADDRESSES / (end_s - middle_s);

	best->single = single > best->single ? single : best->single;
	best->batch = batch > best->batch ? batch : best->batch;
}

static struct rates measure4(const struct lpm4 *lpm)
{
	struct rates best = {0, 0};

	for (int round = 0; round < ROUNDS; round++) {
		double begin_s = now_s(), middle_s;
		uint16_t sum = 0;

		for (size_t i = 0; i < ADDRESSES; i++)
			sum ^= lpm4_lookup(lpm, addresses.ip4[i]);
		sink = sum;
		middle_s = now_s();
		for (size_t i = 0; i < ADDRESSES; i += BATCH)
			lpm4_lookup_batch(lpm, addresses.ip4 + i, addresses.values + i, BATCH);
		keep_best(&best, begin_s, middle_s, now_s());
	}
	return best;
}

static struct rates measure6(const struct lpm6 *lpm)
{
	struct rates best = {0, 0};

	for (int round = 0; round < ROUNDS; round++) {
		double begin_s = now_s(), middle_s;
		uint16_t sum = 0;

		for (size_t i = 0; i < ADDRESSES; i++)
			sum ^= lpm6_lookup(lpm, addresses.hi[i], addresses.lo[i]);
		sink = sum;
		middle_s = now_s();
		for (size_t i = 0; i < ADDRESSES; i += BATCH)
			lpm6_lookup_batch(lpm, addresses.hi + i, addresses.lo + i, addresses.values + i,
					  BATCH);
		keep_best(&best, begin_s, middle_s, now_s());
	}
	return best;
}

static void print_row(const char *name, size_t ranges, double build_s, size_t memory,
		      const struct rates rates[2])
{
	printf("%-20s %8zu %9.2f %9.2f %8.1f %8.1f %8.1f %8.1f\n", name, ranges, build_s * 1e3,
	       (double)memory / 1e6, rates[0].single / 1e6, rates[0].batch / 1e6, rates[1].single / 1e6,
	       rates[1].batch / 1e6);
}

static int run4(const struct shape *shape, const struct point *starts, size_t prefixes,
		const struct lpm6_range *wide, size_t count)
{
	struct lpm4_range *ranges = allocate(count, sizeof(*ranges));
	struct rates rates[2];
	struct lpm4 *lpm;
	double begin_s, build_s;
	int error;

	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct lpm4_range){(uint32_t)wide[i].lo, wide[i].value};
	begin_s = now_s();
	error = lpm4_build(ranges, count, &lpm);
	build_s = now_s() - begin_s;
	free(ranges);
	if (error)
		return error;
	for (int inside = 0; inside < 2; inside++) {
		fill_addresses(shape, starts, prefixes, inside);
		rates[inside] = measure4(lpm);
	}
	print_row(shape->name, count, build_s, lpm4_memory(lpm), rates);
	lpm4_free(lpm);
	return 0;
}

static int run6(const struct shape *shape, const struct point *starts, size_t prefixes,
		const struct lpm6_range *ranges, size_t count)
{
	struct rates rates[2];
	struct lpm6 *lpm;
	double begin_s = now_s(), build_s;
	int error = lpm6_build(ranges, count, &lpm);

	build_s = now_s() - begin_s;
	if (error)
		return error;
	for (int inside = 0; inside < 2; inside++) {
		fill_addresses(shape, starts, prefixes, inside);
		rates[inside] = measure6(lpm);
	}
	print_row(shape->name, count, build_s, lpm6_memory(lpm), rates);
	lpm6_free(lpm);
	return 0;
}

static int run(const struct shape *shape, size_t prefixes)
{
	struct point *starts = allocate(prefixes, sizeof(*starts));
	struct lpm6_range *ranges = allocate(2 * prefixes + 1, sizeof(*ranges));
	size_t count;
	int error;

	draw_starts(shape, starts, prefixes);
	count = make_ranges(shape, starts, prefixes, ranges);
	error = (shape->ip4 ? run4 : run6)(shape, starts, prefixes, ranges, count);
	free(ranges);
	free(starts);
	if (error)
		fprintf(stderr, "bench_lpm: %s, %zu prefixes: error %d\n", shape->name, prefixes, -error);
	return error;
}

int main(void)
{
	int failed = 0;

	printf("%-49s %17s %17s\n", "", "random, million/s", "inside, million/s");
	printf("%-20s %8s %9s %9s %8s %8s %8s %8s\n", "prefixes", "ranges", "build ms", "MB", "single",
	       "batch", "single", "batch");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (size_t prefixes = 1000; prefixes <= 1000000; prefixes *= 10)
			failed |= run(&shapes[i], prefixes) != 0;
	}
	return failed;
}
