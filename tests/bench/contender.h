/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up tables side by side: what bench_lookup.c measures, and where DPDK's are added when it was built with them. */
#ifndef OP25B_BENCH_CONTENDER_H
#define OP25B_BENCH_CONTENDER_H

#include "routes.h"

#include <stdbool.h>

enum { CONTENDERS_MAX = 8, BATCH = 256 };

/* The same addresses in the form that each table takes. */
struct addresses {
	size_t count;
	uint32_t *ip4;
	uint64_t *hi, *lo;
	uint8_t (*bytes)[16];
};

struct contender {
	const char *name;
	bool batch;
	const void *table;
	size_t memory; /* bytes of the table, the part that look-ups read */
	double build_s;
	/* The sum of what is found for addresses first to first + count; 0 counts where no route is. */
	uint64_t (*look_up)(const void *table, const struct addresses *addresses, size_t first, size_t count);
};

struct contenders {
	struct contender list[CONTENDERS_MAX];
	size_t count;
};

void contenders_add(struct contenders *contenders, struct contender contender);

/* Seconds of processor time that this thread has had. */
double processor_s(void);

/* Adds DPDK's tables with these routes; ends the program when one cannot be made. program: argv[0]. */
void dpdk_contenders_add(struct contenders *contenders, const char *program, enum addr_family family,
			 const struct route *routes, size_t count);

#endif
