/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of addresses as values: what one holds and another does not, and the fewest prefixes that say the same. Lists
 * for others and the comparison of rulesets both speak of address space, not of the ranges it was written in.
 */
#ifndef OP25B_RULESET_SPACE_H
#define OP25B_RULESET_SPACE_H

#include "ruleset/model.h"

/* Both ends belong to it. */
struct space_range {
	struct addr first, last;
};

struct space_range space_range_at(const struct ruleset_set *set, size_t at);

/*
 * Adds a range behind all others of the set (of its family); one that touches the last is merged with it. Overlaps
 * must not be. 0 or -ENOMEM.
 */
int space_append(struct ruleset_set *set, const struct space_range *range);

/* Adds to *ret, an empty set of the same family, what `from` holds and `taken` does not. 0 or -ENOMEM. */
int space_subtract(const struct ruleset_set *from, const struct ruleset_set *taken, struct ruleset_set *ret);

bool space_equal(const struct ruleset_set *a, const struct ruleset_set *b);

/* How many addresses; IPv6: how many /64 networks or parts of one. Stays at UINT64_MAX beyond. */
uint64_t space_size(const struct ruleset_set *set);

/* Frees the ranges; the set is empty afterwards. */
void space_clear(struct ruleset_set *set);

/*
 * Hands the fewest prefixes that hold the same addresses to `see`, ascending. Stops when it returns other than 0, and
 * returns that.
 */
int space_prefixes(const struct ruleset_set *set, int (*see)(void *context, const struct prefix *prefix),
		   void *context);

#endif
