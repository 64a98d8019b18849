/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/top.h"

#include "base/top.h"

#include <errno.h>
#include <stdlib.h>

/* The packet of the first record is told already, and still one of the window's. */
static uint64_t packets_of(const struct table *table, const struct entry *entry)
{
	return (uint64_t)entry->packets + table->told[entry - table->entries].packets;
}

static struct event_offender offender_of(const struct table *table, const struct entry *entry)
{
	const struct event_fact shown = table_fact(table, entry);
	struct event_offender offender = {
		.subscriber = {addr_mask(&shown.src, shown.subscriber_len), shown.subscriber_len},
		.opened_ns = entry->opened_ns,
		.last_ns = packets_of(table, entry) > 0 ? entry->last_ns : entry->opened_ns,
		.packets = packets_of(table, entry),
		.attempts = (uint64_t)entry->attempts + table->told[entry - table->entries].attempts,
		.offloaded = entry->detail ? entry->detail->offloaded : 0,
		.destinations = !entry->unseen,
		.destinations_exact = true,
		.reason = entry->reason,
		.monitored = entry->monitored,
	};

	if (entry->detail && entry->detail->destinations)
		offender.destinations =
			destinations_count(entry->detail->destinations, &offender.destinations_exact);
	if (entry->destinations_lost || offender.offloaded > 0)
		offender.destinations_exact = false;
	return offender;
}

int top_of_table(const struct table *table, struct event_offender *out, size_t max, size_t looks_max,
		 struct event_top *ret)
{
	const struct entry *entry = table_oldest(table);
	size_t looked = 0, place;
	struct top top;
	uint32_t *places = calloc(max, sizeof(*places));
	int r = top_init(&top, max);

	if (r == 0 && places) {
		for (; entry && looked < looks_max; looked++, entry = table_next(table, entry))
			if (top_offer(&top, packets_of(table, entry), &place))
				places[place] = (uint32_t)(entry - table->entries);
		top_sort(&top);
		for (size_t i = 0; i < top.count; i++)
			out[i] = offender_of(table, &table->entries[places[top.items[i].place]]);
		*ret = (struct event_top){.count = top.count, .looked = looked};
	}
	r = places ? r : -ENOMEM;
	top_free(&top);
	free(places);
	return r;
}
