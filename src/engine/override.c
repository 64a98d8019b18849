/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking overrides up: pure like decide(), which asks here. */
#include "engine/tables.h"

/* The first override that is not before this prefix. */
static size_t lower_bound(const struct override_list *list, const struct prefix *prefix)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&list->items[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct engine_override *find_exact(const struct override_list *list, const struct addr *addr,
						uint8_t len)
{
	struct prefix prefix = {.addr = addr_mask(addr, len), .len = len};
	size_t at = lower_bound(list, &prefix);

	if (at == list->count || prefix_compare(&list->items[at].prefix, &prefix) != 0)
		return NULL;
	return &list->items[at];
}

const struct engine_override *engine_find_override(const struct engine *engine, const struct addr *addr,
						   int64_t now_s)
{
	const struct override_list *list = engine->overrides;
	bool ip4 = addr->family == ADDR_IP4;

	if (!list)
		return NULL;
	for (size_t i = 0; i < (ip4 ? list->length4_count : list->length6_count); i++) {
		const struct engine_override *found =
			find_exact(list, addr, ip4 ? list->lengths4[i] : list->lengths6[i]);

		if (found && now_s < found->until_s)
			return found;
	}
	return NULL;
}

int64_t engine_override_date(const struct engine *engine, const struct addr *addr, int64_t best_s,
			     int64_t now_s)
{
	const struct override_list *list = engine->overrides;
	bool ip4 = addr->family == ADDR_IP4;

	for (size_t i = 0; list && i < (ip4 ? list->length4_count : list->length6_count); i++) {
		const struct engine_override *found =
			find_exact(list, addr, ip4 ? list->lengths4[i] : list->lengths6[i]);

		if (found)
			best_s = sooner_date(best_s, found->until_s, now_s);
	}
	return best_s;
}

bool engine_subscriber_is_one(const struct engine *engine, const struct addr *source, uint8_t len)
{
	const struct override_list *list = engine->overrides;
	struct prefix subscriber = {.addr = addr_mask(source, len), .len = len};
	size_t at;

	if (!list || source->family == ADDR_IP4)
		return true;
	/* Behind the subscriber's own prefix comes what is within. */
	at = lower_bound(list, &subscriber);
	if (at < list->count && prefix_compare(&list->items[at].prefix, &subscriber) == 0)
		at++;
	return at == list->count || !prefix_covers(&subscriber, &list->items[at].prefix);
}
