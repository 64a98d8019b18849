/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes made up for benches: as many distinct prefixes as asked for, in lengths shared out as in the world's routing
 * tables, always the same ones for the same number; and addresses to look up.
 */
#ifndef OP25B_BENCH_ROUTES_H
#define OP25B_BENCH_ROUTES_H

#include "base/addr.h"
#include "lpm/lpm.h"

#include <stddef.h>
#include <stdint.h>

struct route {
	struct prefix prefix;
	uint16_t value; /* 1 to 255: as many next hops, or rules, as a router has */
};

/* The next of a row of numbers without pattern (splitmix64). */
uint64_t routes_random(uint64_t *state);

/* count distinct routes of a family, by address, parents first; the caller frees them. Ends the program without memory. */
struct route *routes_new(enum addr_family family, size_t count);

/* The same flattened into ranges, value 0 where no route is; the caller frees them. */
struct lpm4_range *routes_ranges4(const struct route *routes, size_t count, size_t *ret_count);
struct lpm6_range *routes_ranges6(const struct route *routes, size_t count, size_t *ret_count);

/* calloc() that ends the program without memory. */
void *routes_allocate(size_t count, size_t size);

#endif
