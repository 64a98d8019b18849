/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to engine/: flattens a policy's nested prefixes into ranges of equal class, one pass over the sorted
 * prefixes with a stack of those still open.
 */
#ifndef OP25B_ENGINE_SWEEP_H
#define OP25B_ENGINE_SWEEP_H

#include "engine/classes.h"

enum sweep_side { SWEEP_SOURCES, SWEEP_TARGETS };

/* What becomes engine.cuts. */
struct cuts {
	struct position *items;
	size_t count, capacity;
};

/* Builds the look-up table of one side and family. 0, -E2BIG or -ENOMEM; *ret is untouched on failure.
 * cuts: of the sources, added to; free items in any case. */
int sweep_ip4(const struct policy *policy, enum sweep_side side, struct classes *classes, struct lpm4 **ret);
int sweep_ip6(const struct policy *policy, enum sweep_side side, struct classes *classes, struct cuts *cuts,
	      struct lpm6 **ret);

#endif
