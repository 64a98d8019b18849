/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place on the line of all addresses of one family, for code that sweeps over ranges of them in order. IPv4 uses
 * the low 32 bits.
 */
#ifndef OP25B_BASE_POSITION_H
#define OP25B_BASE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

struct position {
	uint64_t hi, lo;
};

static inline bool position_equal(struct position a, struct position b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static inline bool position_before(struct position a, struct position b)
{
	return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

/* Behind the last position comes the first one: callers know where their family ends. */
static inline struct position position_next(struct position p)
{
	return (struct position){p.hi + (p.lo == UINT64_MAX), p.lo + 1};
}

static inline struct position position_previous(struct position p)
{
	return (struct position){p.hi - (p.lo == 0), p.lo - 1};
}

#endif
