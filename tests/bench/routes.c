/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "routes.h"

#include "base/position.h"

#include <stdio.h>
#include <stdlib.h>

enum { NESTING_MAX = 130, VALUES = 255, ALLOCATIONS_MIN = 64, PREFIXES_PER_ALLOCATION = 8 };

/* Of a hundred routes, how many have this length. */
struct share {
	uint8_t len;
	uint8_t percent;
};

static const struct share shares4[] = {
	{24, 60}, {23, 10}, {22, 11}, {21, 5}, {20, 5}, {19, 3}, {18, 2}, {17, 1}, {16, 2}, {28, 1},
};
static const struct share shares6[] = {
	{48, 47}, {32, 15}, {44, 9}, {40, 9}, {36, 5}, {29, 3}, {33, 2}, {46, 2}, {42, 2}, {56, 3}, {64, 3},
};

struct flat {
	struct position start;
	uint16_t value;
};

struct flattening {
	struct flat *flats;
	size_t count;
	struct flat open[NESTING_MAX]; /* start: the last address of the prefix */
	size_t depth;
	struct position last;
};

uint64_t routes_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void *routes_allocate(size_t count, size_t size)
{
	void *items = calloc(count, size);

	if (!items) {
		fputs("bench: out of memory\n", stderr);
		exit(1);
	}
	return items;
}

static uint8_t draw_len(const struct share *shares, uint64_t *state)
{
	unsigned percent = (unsigned)(routes_random(state) % 100);

	while (percent >= shares->percent) {
		percent -= shares->percent;
		shares++;
	}
	return shares->len;
}

/* Addresses that are routed: 1.0.0.0 to 223.255.255.255. */
static struct prefix draw4(uint64_t *state)
{
	struct prefix prefix = {.len = draw_len(shares4, state)};

	prefix.addr = addr_ip4((uint32_t)(0x01000000 + routes_random(state) % 0xdf000000));
	return prefix_canonical(&prefix);
}

/* Providers have a /29 to /32 of 2000::/3 each, and most prefixes lie within: so crowds, not an even spread. */
static struct prefix draw6(uint64_t *state, size_t allocations)
{
	struct prefix prefix = {.len = draw_len(shares6, state)};
	uint64_t allocation = routes_random(state), within = routes_random(state);

	/* The shorter ones are the allocations themselves: they may be anywhere. */
	if (prefix.len > 32)
		allocation %= allocations;
	allocation = routes_random(&allocation) >> 35 << 32;
	prefix.addr = addr_ip6(UINT64_C(0x2000000000000000) | allocation | (within & 0xffffffff), 0);
	return prefix_canonical(&prefix);
}

static int compare(const void *a_void, const void *b_void)
{
	const struct route *a = a_void, *b = b_void;

	return prefix_compare(&a->prefix, &b->prefix);
}

static size_t drop_doubles(struct route *routes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare(&routes[kept - 1], &routes[i]) != 0)
			routes[kept++] = routes[i];
	}
	return kept;
}

struct route *routes_new(enum addr_family family, size_t count)
{
	struct route *routes = routes_allocate(count, sizeof(*routes));
	size_t allocations = count / PREFIXES_PER_ALLOCATION;
	uint64_t state = 25;

	if (allocations < ALLOCATIONS_MIN)
		allocations = ALLOCATIONS_MIN;
	for (size_t i = 0; i < count;) {
		for (; i < count; i++)
			routes[i].prefix = family == ADDR_IP4 ? draw4(&state) : draw6(&state, allocations);
		qsort(routes, count, sizeof(*routes), compare);
		i = drop_doubles(routes, count);
	}
	for (size_t i = 0; i < count; i++)
		routes[i].value = (uint16_t)(1 + routes_random(&state) % VALUES);
	return routes;
}

/* From start on the value holds. */
static void put(struct flattening *f, struct position start, uint16_t value)
{
	if (f->count > 0 && position_equal(f->flats[f->count - 1].start, start))
		f->count--;
	if (f->count == 0 || f->flats[f->count - 1].value != value)
		f->flats[f->count++] = (struct flat){start, value};
}

static void close_before(struct flattening *f, const struct position *first)
{
	while (f->depth > 1 && (!first || position_before(f->open[f->depth - 1].start, *first))) {
		f->depth--;
		if (!position_equal(f->open[f->depth].start, f->last))
			put(f, position_next(f->open[f->depth].start), f->open[f->depth - 1].value);
	}
}

static struct flattening flatten(const struct route *routes, size_t count, struct position last)
{
	struct flattening f = {.flats = routes_allocate(2 * count + 1, sizeof(*f.flats)), .last = last};

	f.open[f.depth++] = (struct flat){last, 0};
	put(&f, (struct position){0, 0}, 0);
	for (size_t i = 0; i < count; i++) {
		struct position first = {routes[i].prefix.addr.hi, routes[i].prefix.addr.lo};
		struct addr end = prefix_last(&routes[i].prefix);

		close_before(&f, &first);
		f.open[f.depth++] = (struct flat){{end.hi, end.lo}, routes[i].value};
		put(&f, first, routes[i].value);
	}
	close_before(&f, NULL);
	return f;
}

struct lpm4_range *routes_ranges4(const struct route *routes, size_t count, size_t *ret_count)
{
	struct flattening f = flatten(routes, count, (struct position){0, UINT32_MAX});
	struct lpm4_range *ranges = routes_allocate(f.count, sizeof(*ranges));

	for (size_t i = 0; i < f.count; i++)
		ranges[i] = (struct lpm4_range){(uint32_t)f.flats[i].start.lo, f.flats[i].value};
	free(f.flats);
	*ret_count = f.count;
	return ranges;
}

struct lpm6_range *routes_ranges6(const struct route *routes, size_t count, size_t *ret_count)
{
	struct flattening f = flatten(routes, count, (struct position){UINT64_MAX, UINT64_MAX});
	struct lpm6_range *ranges = routes_allocate(f.count, sizeof(*ranges));

	for (size_t i = 0; i < f.count; i++)
		ranges[i] = (struct lpm6_range){f.flats[i].start.hi, f.flats[i].start.lo, f.flats[i].value};
	free(f.flats);
	*ret_count = f.count;
	return ranges;
}
