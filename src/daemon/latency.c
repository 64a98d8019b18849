/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/latency.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

const int64_t latency_bounds_ns[] = {
	10 * US, 25 * US, 50 * US,  100 * US, 250 * US, 500 * US, 1 * MS,    5 * MS / 2, 5 * MS, 10 * MS,
	25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S,    5 * S / 2, 5 * S,      10 * S,
};

_Static_assert(sizeof(latency_bounds_ns) / sizeof(latency_bounds_ns[0]) == LATENCY_BOUNDS, "all bounds");

unsigned latency_bucket(int64_t ns)
{
	unsigned bucket = 0;

	while (bucket < LATENCY_BOUNDS && ns > latency_bounds_ns[bucket])
		bucket++;
	return bucket;
}
