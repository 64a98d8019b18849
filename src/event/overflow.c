/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/overflow.h"

#include <string.h>

static struct overflow_counter *counter_for(struct overflow *overflow, const struct event_fact *fact)
{
	return &overflow->counters[(fact->verdict - EVENT_DROP) * 2 + fact->monitored];
}

static void close_counter(struct overflow *overflow, struct overflow_counter *counter,
			  void (*ready)(void *context, struct event_record *record), void *context)
{
	size_t index = (size_t)(counter - overflow->counters);
	struct event_record record = {
		.kind = EVENT_KIND_OVERFLOW,
		.fact =
			{
				.time_ns = counter->last_ns,
				.verdict = (uint8_t)(EVENT_DROP + index / 2),
				.monitored = index % 2,
				.reason = counter->reason,
				.names = {"", "", "", counter->digest},
			},
		.first_ns = counter->first_ns,
		.last_ns = counter->last_ns,
		.packets = counter->packets,
		.attempts = counter->attempts,
		.packets_blocked = index % 2 ? 0 : counter->packets,
		.packets_offloaded = counter->offloaded,
		.reasons = counter->reasons[counter->reason] == counter->packets ? NULL : counter->reasons,
	};

	ready(context, &record);
	*counter = (struct overflow_counter){0};
}

static void open_counter(struct overflow_counter *counter, const struct event_fact *fact, int64_t now_ns)
{
	counter->opened_ns = now_ns;
	counter->first_ns = counter->last_ns = fact->time_ns;
	memcpy(counter->digest, fact->names.digest, strnlen(fact->names.digest, RECORD_NAME_MAX));
}

void overflow_count(struct overflow *overflow, const struct event_fact *fact, uint32_t packets,
		    uint32_t attempts, int64_t now_ns,
		    void (*ready)(void *context, struct event_record *record), void *context)
{
	struct overflow_counter *counter = counter_for(overflow, fact);
	bool other = strncmp(counter->digest, fact->names.digest, RECORD_NAME_MAX) != 0;

	if (counter->packets > 0 && (other || counter->packets > UINT32_MAX - packets))
		close_counter(overflow, counter, ready, context);
	if (counter->packets == 0)
		open_counter(counter, fact, now_ns);
	counter->packets += packets;
	counter->attempts += attempts;
	counter->offloaded += fact->offloaded > 0 ? packets : 0;
	counter->reasons[fact->reason] += packets;
	if (fact->time_ns < counter->first_ns)
		counter->first_ns = fact->time_ns;
	if (fact->time_ns >= counter->last_ns) {
		counter->last_ns = fact->time_ns;
		counter->reason = fact->reason;
	}
}

void overflow_close(struct overflow *overflow, int64_t opened_ns,
		    void (*ready)(void *context, struct event_record *record), void *context)
{
	for (size_t i = 0; i < OVERFLOW_COUNTERS; i++) {
		struct overflow_counter *counter = &overflow->counters[i];

		if (counter->packets > 0 && counter->opened_ns <= opened_ns)
			close_counter(overflow, counter, ready, context);
	}
}

int64_t overflow_oldest_ns(const struct overflow *overflow)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < OVERFLOW_COUNTERS; i++) {
		const struct overflow_counter *counter = &overflow->counters[i];

		if (counter->packets > 0 && counter->opened_ns < oldest)
			oldest = counter->opened_ns;
	}
	return oldest;
}
