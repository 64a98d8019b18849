/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to ruleset/: a policy's nested prefixes flattened into the merged ranges that a set holds. One pass over
 * the sorted prefixes, so a million of them cost no more than a million steps.
 */
#ifndef OP25B_RULESET_RANGES_H
#define OP25B_RULESET_RANGES_H

#include "ruleset/model.h"

enum { RANGES_SKIP = -1 };

/*
 * What a prefix counts as: RANGES_SKIP takes no part, any other value hides the values of the prefixes around it, as
 * longest-prefix match does; of equal prefixes the later rule's holds.
 */
typedef int (*ranges_value_fn)(const void *context, uint16_t rule, uint8_t role);

/*
 * Adds the ranges of value i to sets[wanted[i]]; values of count and above are dropped. 0 or -ENOMEM.
 */
int ranges_collect(const struct policy *policy, uint8_t family, ranges_value_fn value, const void *context,
		   struct ruleset *ruleset, const int32_t *wanted, size_t count);

#endif
