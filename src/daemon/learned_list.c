/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/learned_list.h"

#include "base/top.h"
#include "daemon/gateway.h"

#include <errno.h>
#include <string.h>

struct learned {
	struct prefix subscriber;
	uint64_t packets;
};

struct reading {
	struct top top;
	struct learned *places;
	uint8_t len; /* of a subscriber in the set that is being read */
	size_t count;
	int error;
};

static void take(void *context, const struct addr *subscriber, uint64_t packets)
{
	struct reading *reading = context;
	size_t place;

	reading->count++;
	if (top_offer(&reading->top, packets, &place))
		reading->places[place] = (struct learned){{*subscriber, reading->len}, packets};
}

static void read_group(const struct gateway *gateway, unsigned generation, unsigned group,
		       struct reading *reading)
{
	const struct learn_groups *groups = &gateway->world->groups;

	for (unsigned i = 0; i < LEARNED_SETS_PER_GROUP && reading->count < LEARNED_LIST_READ_MAX; i++) {
		bool ip4 = i < LEARN_SHARDS;
		int r;

		reading->len = ip4 ? 32 : groups->items[group].ip6_len;
		r = learned_read(gateway->learning.kernel, generation, group, i % LEARN_SHARDS,
				 ip4 ? ADDR_IP4 : ADDR_IP6, take, reading);
		if (r < 0 && r != -ENOENT)
			reading->error = r;
	}
}

static json_t *rows_json(struct reading *reading)
{
	json_t *rows = json_array();

	top_sort(&reading->top);
	for (size_t i = 0; i < reading->top.count; i++) {
		const struct learned *learned = &reading->places[reading->top.items[i].place];
		char subscriber[PREFIX_TEXT_MAX];

		subscriber_format(&learned->subscriber, subscriber);
		json_array_append_new(rows, json_pack("{s:s, s:I}", "subscriber", subscriber, "packets",
						      (json_int_t)learned->packets));
	}
	return rows;
}

json_t *learned_list_json(const struct gateway *gateway, size_t most)
{
	struct reading reading = {.places = calloc(most, sizeof(*reading.places))};
	size_t group = 0, groups = gateway->world->groups.count;
	struct offload_stats stats;
	json_t *result = NULL;

	offload_stats_get(gateway->learning.offload, &stats);
	if (top_init(&reading.top, most) == 0 && reading.places) {
		for (; stats.generation != OFFLOAD_NONE && group < groups &&
		       reading.count < LEARNED_LIST_READ_MAX;
		     group++)
			read_group(gateway, (unsigned)stats.generation, (unsigned)group, &reading);
		result = json_pack(
			"{s:b, s:o, s:o, s:I, s:b, s:o}", "wanted", groups > 0, "generation",
			stats.generation == OFFLOAD_NONE ? json_null() : json_integer(stats.generation),
			"sources", rows_json(&reading), "read", (json_int_t)reading.count, "complete",
			reading.count < LEARNED_LIST_READ_MAX && reading.error == 0, "error",
			reading.error ? json_string(strerror(-reading.error)) : json_null());
	}
	top_free(&reading.top);
	free(reading.places);
	return result;
}
