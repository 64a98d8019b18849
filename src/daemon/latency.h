/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buckets in which a worker counts how long packets waited for their verdicts. Few and fixed: a batch adds to two
 * counters, and old and new measurements can be compared.
 */
#ifndef OP25B_DAEMON_LATENCY_H
#define OP25B_DAEMON_LATENCY_H

#include <stdint.h>

enum {
	LATENCY_BOUNDS = 19,
	LATENCY_BUCKETS = LATENCY_BOUNDS + 1, /* the last one takes what is longer than all bounds */
};

/* Rising; a bucket takes what is no longer than its bound. */
extern const int64_t latency_bounds_ns[LATENCY_BOUNDS];

/* Total: a negative time is of the first bucket. */
unsigned latency_bucket(int64_t ns);

#endif
