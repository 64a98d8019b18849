/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Periods in which the kernel had to do with packets what the fail mode says, because the daemon could not take them. From
 * samples of what was counted so far to a beginning and an end, each told once. Pure: takes time and counts as arguments.
 */
#ifndef OP25B_DAEMON_UNJUDGED_H
#define OP25B_DAEMON_UNJUDGED_H

#include <stdbool.h>
#include <stdint.h>

enum { UNJUDGED_QUIET_S = 3 }; /* so long nothing must come until a period is over */

struct unjudged_counts {
	uint64_t queue_full, buffer_full; /* packets since the start; they never fall */
};

struct unjudged_sample {
	int64_t steady_ns, wall_ns;
	bool open; /* what the kernel does now with such packets: let them pass */
	bool full; /* a queue takes no more at this moment */
	struct unjudged_counts counts;
};

struct unjudged_period {
	bool over;
	bool open;
	int64_t first_ns, last_ns; /* wall clock */
	struct unjudged_counts counts;
};

/* All zeroes at first. */
struct unjudged {
	bool running;
	int64_t seen_ns; /* steady clock: the last sample with news */
	struct unjudged_period period;
	struct unjudged_counts before; /* at the period's beginning */
	struct unjudged_counts last;
	uint64_t begun[2]; /* periods so far: closed, open */
	struct unjudged_counts sums[2];
};

/*
 * Takes a sample; true with *ret when a period has begun, or is over. One call tells one thing: call again with the same
 * sample until it is false.
 */
bool unjudged_take(struct unjudged *unjudged, const struct unjudged_sample *sample,
		   struct unjudged_period *ret);
/* At the end: true with *ret when a period is running; it is over then. */
bool unjudged_end(struct unjudged *unjudged, struct unjudged_period *ret);

#endif
