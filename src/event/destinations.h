/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many different destinations a subscriber tried: the number that tells a bot from a misconfigured client. Exact
 * up to DESTINATIONS_EXACT_MAX, an estimate beyond, in at most about 1 KiB, grown only as needed.
 */
#ifndef OP25B_EVENT_DESTINATIONS_H
#define OP25B_EVENT_DESTINATIONS_H

#include "base/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DESTINATIONS_EXACT_MAX = 64,
	/* Registers of the estimate, which has the memory of the exact set: a standard error of 1.04 / sqrt(1024), 3.3 %. */
	DESTINATIONS_REGISTERS = 1024,
};

struct destinations;

/* Memory for all sets together, in bytes. */
struct destinations_budget {
	size_t used;
	size_t max;
};

/*
 * Adds a destination to *set (NULL: empty), which is the caller's to free with destinations_free(). False when the
 * budget or memory is used up and the destination is not counted; the set stays valid.
 */
bool destinations_add(struct destinations **set, const struct siphash_key *key, const struct addr *addr,
		      struct destinations_budget *budget);
/* *ret_exact: whether the count is exact. */
uint64_t destinations_count(const struct destinations *set, bool *ret_exact);
void destinations_free(struct destinations *set, struct destinations_budget *budget);

#endif
