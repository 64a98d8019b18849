/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overrides: what an operator has said of a source for a time, in place of what the policy says of it. They come and go
 * while the policy stays, so they are not compiled into its tables: a second engine shares those and has a list of its
 * own. Each override ends at its date by itself.
 */
#ifndef OP25B_ENGINE_OVERRIDE_H
#define OP25B_ENGINE_OVERRIDE_H

#include "engine/engine.h"

enum { ENGINE_OVERRIDES_MAX = 10000 };

struct engine_override {
	struct prefix prefix; /* canonical */
	bool block;           /* else: accept */
	int64_t until_s;      /* it holds before this second */
};

/*
 * An engine that decides like base, but for these overrides (copied; each prefix once, in any order). base must outlive
 * it; it is given back by engine_free(), which leaves base alone. 0 with *ret the caller's, -E2BIG for more than
 * ENGINE_OVERRIDES_MAX, -ENOMEM; then *ret is untouched.
 */
int engine_with_overrides(const struct engine *base, const struct engine_override *overrides, size_t count,
			  struct engine **ret);

/* The override of an address that holds now: that of the longest prefix. NULL if there is none. Borrowed from the engine. */
const struct engine_override *engine_find_override(const struct engine *engine, const struct addr *addr,
						   int64_t now_s);

#endif
