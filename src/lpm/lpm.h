/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Longest-prefix match as range look-up: the engine flattens nested prefixes into ranges once, and a look-up finds
 * the range an address falls into. Built once, immutable afterwards; look-ups read memory and nothing else, so any
 * number of threads may share one table.
 *
 * IPv4: a direct table on the top bits leads to a few sorted 16-bit range starts (the DXR idea: Zec, Rizzo, Mikuc,
 * "DXR: towards a billion routing lookups per second in software", 2012). IPv6: the same on the first 64 bits, with
 * a second level for the /64s that are divided further.
 */
#ifndef OP25B_LPM_LPM_H
#define OP25B_LPM_LPM_H

#include <stddef.h>
#include <stdint.h>

/* A range begins at start (host byte order) and ends before the next one's start; value is the caller's. */
struct lpm4_range {
	uint32_t start;
	uint16_t value;
};

struct lpm6_range {
	uint64_t hi;
	uint64_t lo;
	uint16_t value;
};

struct lpm4;
struct lpm6;

/*
 * Builds a table over count >= 1 ranges, strictly ascending, the first starting at 0: together they cover the whole
 * address space. The ranges stay the caller's. The table is the caller's to free with lpmN_free().
 * Returns 0, -EINVAL (not ascending, or not from 0), -E2BIG (more ranges than the format can index), -ENOMEM;
 * *ret is untouched on failure.
 */
int lpm4_build(const struct lpm4_range *ranges, size_t count, struct lpm4 **ret);
int lpm6_build(const struct lpm6_range *ranges, size_t count, struct lpm6 **ret);
void lpm4_free(struct lpm4 *lpm);
void lpm6_free(struct lpm6 *lpm);

uint16_t lpm4_lookup(const struct lpm4 *lpm, uint32_t addr);
uint16_t lpm6_lookup(const struct lpm6 *lpm, uint64_t hi, uint64_t lo);

/* The same for count addresses at once; memory is fetched ahead, so it is faster than one by one. */
void lpm4_lookup_batch(const struct lpm4 *lpm, const uint32_t *addrs, uint16_t *values, size_t count);
void lpm6_lookup_batch(const struct lpm6 *lpm, const uint64_t *his, const uint64_t *los, uint16_t *values,
		       size_t count);

/* Bytes that the table holds. */
size_t lpm4_memory(const struct lpm4 *lpm);
size_t lpm6_memory(const struct lpm6 *lpm);

#endif
