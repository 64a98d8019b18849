/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for a subscriber as a whole, and for how long: pure like decide(), which asks here. */
#include "engine/tables.h"

/* The first cut behind `from`; all are before it: count. */
static size_t first_cut_behind(const struct engine *engine, struct position from)
{
	size_t low = 0, high = engine->cut_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (position_before(from, engine->cuts[middle]))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool engine_subscriber_is_uncut(const struct engine *engine, const struct addr *source, uint8_t len)
{
	struct prefix subscriber = {.addr = addr_mask(source, len), .len = len};
	struct addr last = prefix_last(&subscriber);
	size_t cut;

	if (source->family == ADDR_IP4)
		return true;
	cut = first_cut_behind(engine, (struct position){subscriber.addr.hi, subscriber.addr.lo});
	return cut == engine->cut_count ||
	       position_before((struct position){last.hi, last.lo}, engine->cuts[cut]);
}

int64_t engine_next_date(const struct engine *engine, int64_t now_s)
{
	int64_t best_s = MOMENT_NEVER;

	for (size_t i = 0; i < engine->policy->rule_count; i++) {
		const struct rule_facts *rule = &engine->rules[i];

		best_s = sooner_date(best_s, rule->monitor_from_s, now_s);
		best_s = sooner_date(best_s, rule->enforce_from_s, now_s);
		best_s = sooner_date(best_s, rule->from_s, now_s);
		best_s = sooner_date(best_s, rule->until_s, now_s);
	}
	for (size_t i = 0; engine->overrides && i < engine->overrides->count; i++)
		best_s = sooner_date(best_s, engine->overrides->items[i].until_s, now_s);
	return best_s;
}
