/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches what the daemon does not get to see: whether packets are let through or dropped unjudged, how many, and whether
 * policy, rules and queues agree about what becomes of them. Once a second, the main thread's.
 */
#ifndef OP25B_DAEMON_FAILWATCH_H
#define OP25B_DAEMON_FAILWATCH_H

#include "daemon/failmode.h"
#include "daemon/unjudged.h"

#include <jansson.h>

struct gateway;

struct failwatch_queue {
	uint64_t ids;                             /* given since */
	uint32_t last_id, last_full, last_buffer; /* as last read; they come round */
	uint64_t full, buffer;                    /* dropped since the start, as the kernel counts */
	uint64_t lost;                            /* ids that never came */
	bool is_full;
};

struct failwatch {
	struct unjudged unjudged;
	struct failwatch_queue queues[POLICY_WORKERS_MAX];
	bool counter_based;      /* the rules' counter can be compared with the ids given: */
	uint64_t counter_offset; /* it was ahead of them by so much */
	uint64_t counter_last;
	uint64_t unnumbered; /* packets that the rules sent to a queue, and that got no id: it was full */
	struct unjudged_counts counts;
	struct failmode_facts facts; /* as of the last tick */
	int absence_fd; /* net/absence.h; before the start 0, and negative when there can be none */
	char warnings[FAILMODE_WARNINGS_MAX * FAILMODE_WARNING_TEXT_MAX]; /* as last said */
};

/* When the queues are bound, and before a worker takes packets. */
void failwatch_start(struct gateway *gateway);
void failwatch_tick(struct gateway *gateway);
/* When the workers have ended: what is running is written as over. */
void failwatch_end(struct gateway *gateway);

void failwatch_free(struct gateway *gateway);

/* Names of interfaces that the policy wants and the system does not have; the caller's, NULL without memory. */
json_t *failwatch_interfaces_json(const struct gateway *gateway);
/* "fail_modes" of the status. The caller's; NULL without memory. */
json_t *failwatch_json(const struct gateway *gateway);

#endif
