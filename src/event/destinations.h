/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many different destinations a subscriber tried: the number that tells a bot from a misconfigured client. Exact
 * up to DESTINATIONS_EXACT_MAX, an estimate beyond, in at most about 1 KiB, grown only as needed.
 *
 * Records carry the exact list or the estimate's registers, so that readers can unite what several windows, restarts and
 * gateways saw. Therefore the registers are filled by a hash whose key is published here. A subscriber who knows it may
 * choose destinations that count as few: it hides him from an estimate, never from a verdict.
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

/* The hash is siphash_words() of base/siphash.h over the two words hi and lo of struct addr. Of it the low 10 bits number
 * the register; one more than the zero bits that the rest ends in is its value, the greatest of which is kept. */
#define DESTINATIONS_KEY_0 UINT64_C(0x6f70323562206473)
#define DESTINATIONS_KEY_1 UINT64_C(0x6574636820763120)

struct destinations;

/* Memory for all sets together, in bytes. */
struct destinations_budget {
	size_t used;
	size_t max;
};

/*
 * Adds a destination to *set (NULL: empty), which is the caller's to free with destinations_free(). False when the
 * budget or memory is used up and the destination is not counted; the set stays valid. The destinations of one set are
 * of one family.
 */
bool destinations_add(struct destinations **set, const struct addr *addr, struct destinations_budget *budget);
/* Adds what was estimated elsewhere; the set is an estimate from then on. False likewise. */
bool destinations_add_registers(struct destinations **set, const uint8_t more[DESTINATIONS_REGISTERS],
				struct destinations_budget *budget);
/* Adds all that `other` holds (NULL: nothing). False likewise, and some of it may have been added. */
bool destinations_unite(struct destinations **set, const struct destinations *other,
			struct destinations_budget *budget);
/* *ret_exact: whether the count is exact. */
uint64_t destinations_count(const struct destinations *set, bool *ret_exact);
/* The destinations of an exact set in the order in which they came, as addresses of the family; returns their number, 0
 * for an estimate. */
size_t destinations_list(const struct destinations *set, uint8_t family,
			 struct addr out[DESTINATIONS_EXACT_MAX]);
/* DESTINATIONS_REGISTERS bytes, borrowed until the set changes; NULL for an exact set. */
const uint8_t *destinations_registers(const struct destinations *set);

/* Registers as text: one character of the base64 alphabet each, without a NUL; what does not fit is its last, 63. */
void destinations_sketch_write(const uint8_t values[DESTINATIONS_REGISTERS],
			       char out[DESTINATIONS_REGISTERS]);
/* False, with ret untouched, when the text is none. */
bool destinations_sketch_read(const char *text, size_t len, uint8_t ret[DESTINATIONS_REGISTERS]);

/* NULL is fine. */
void destinations_free(struct destinations *set, struct destinations_budget *budget);

#endif
