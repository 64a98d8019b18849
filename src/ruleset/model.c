/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/model.h"

#include <stdlib.h>

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->set_count; i++) {
		free(ruleset->sets[i].ip4);
		free(ruleset->sets[i].ip6);
	}
	for (size_t i = 0; i < ruleset->chain_count; i++)
		free(ruleset->chains[i].rules);
	free(ruleset->sets);
	free(ruleset->live);
	free(ruleset->counters);
	free(ruleset->chains);
	free(ruleset);
}

static bool before6(uint64_t a_hi, uint64_t a_lo, uint64_t b_hi, uint64_t b_lo)
{
	return a_hi != b_hi ? a_hi < b_hi : a_lo < b_lo;
}

static bool range_begins_behind(const struct ruleset_set *set, size_t at, const struct addr *addr)
{
	if (set->family == ADDR_IP4)
		return set->ip4[at].first > (uint32_t)addr->lo;
	return before6(addr->hi, addr->lo, set->ip6[at].first_hi, set->ip6[at].first_lo);
}

static bool range_ends_before(const struct ruleset_set *set, size_t at, const struct addr *addr)
{
	if (set->family == ADDR_IP4)
		return set->ip4[at].last < (uint32_t)addr->lo;
	return before6(set->ip6[at].last_hi, set->ip6[at].last_lo, addr->hi, addr->lo);
}

bool ruleset_set_contains(const struct ruleset_set *set, const struct addr *addr)
{
	size_t low = 0, high = set->count;

	if (addr->family != set->family)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (range_begins_behind(set, middle, addr))
			high = middle;
		else if (range_ends_before(set, middle, addr))
			low = middle + 1;
		else
			return true;
	}
	return false;
}

bool ruleset_set_is_exact(const struct ruleset_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->family == ADDR_IP4 ? set->ip4[i].first != set->ip4[i].last
					    : set->ip6[i].first_hi != set->ip6[i].last_hi ||
						      set->ip6[i].first_lo != set->ip6[i].last_lo)
			return false;
	}
	return true;
}

const char *ruleset_hook_name(enum policy_family family, bool early)
{
	return early || family == POLICY_FAMILY_BRIDGE ? "prerouting" : "forward";
}

size_t ruleset_element_count(const struct ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->set_count; i++)
		count += ruleset->sets[i].count;
	return count;
}

size_t ruleset_rule_count(const struct ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->chain_count; i++)
		count += ruleset->chains[i].rule_count;
	return count;
}
