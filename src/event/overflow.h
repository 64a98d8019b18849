/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of subscribers for whom the table has no room, as when a flood forges its sources, and those that no longer
 * are single facts, because they came faster than they were taken: counted together, by
 * what was done to them, one record a window. A fixed number of counters, so nothing a sender does can add to them.
 */
#ifndef OP25B_EVENT_OVERFLOW_H
#define OP25B_EVENT_OVERFLOW_H

#include "event/record.h"

enum { OVERFLOW_COUNTERS = 6 };

struct overflow_counter {
	int64_t opened_ns; /* start of its window; meaningful while packets > 0, like the rest */
	int64_t first_ns, last_ns;
	uint64_t packets, attempts;
	uint64_t offloaded; /* of the packets */
	uint32_t reasons[EVENT_REASONS_MAX];
	uint8_t reason; /* of the latest packet */
	char digest[RECORD_NAME_MAX + 1];
};

struct overflow {
	struct overflow_counter counters[OVERFLOW_COUNTERS]; /* by verdict and monitored */
};

/*
 * Counts packets like the fact in the window that they open or find open. When what is counted so far must be told first
 * (another policy, or a counter at its end), `ready` is called with the counter before.
 */
void overflow_count(struct overflow *overflow, const struct event_fact *fact, uint32_t packets,
		    uint32_t attempts, int64_t now_ns,
		    void (*ready)(void *context, struct event_record *record), void *context);
/* Hands every counter whose window opened at or before opened_ns to `ready`, and empties it. */
void overflow_close(struct overflow *overflow, int64_t opened_ns,
		    void (*ready)(void *context, struct event_record *record), void *context);
/* When the oldest open window opened, INT64_MAX when none is open. */
int64_t overflow_oldest_ns(const struct overflow *overflow);

#endif
