/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where facts go for which the ring has no room: into counts, so that in a flood greater than the main thread can tell
 * apart no packet is missing from the records. They reach the collector as facts of many packets, which stand in
 * overflow records. A worker's own; no lock.
 */
#ifndef OP25B_DAEMON_SPILL_H
#define OP25B_DAEMON_SPILL_H

#include "daemon/ring.h"
#include "engine/engine.h"

#include <stdbool.h>

struct spill_count {
	uint64_t packets, attempts;
};

/* All zeroes at first. */
struct spill {
	struct spill_count counts[VERDICTS][2][REASONS]; /* by verdict and monitored */
	uint64_t packets;                                /* that wait here */
	int64_t last_ns;
	const char *digest; /* of the policy that judged them; borrowed until nothing waits */
};

/* The decision is one that gets a record. All packets of a spill are judged by one policy. */
void spill_add(struct spill *spill, const struct decision *decision, const char *digest, int64_t time_ns);
/* Moves what waits into the ring, as far as that has room. True when nothing waits any more. */
bool spill_move(struct spill *spill, struct ring *ring);

#endif
