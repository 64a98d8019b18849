/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/space.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct addr addr_next(struct addr addr)
{
	addr.lo++;
	addr.hi += addr.lo == 0;
	return addr;
}

static struct addr addr_previous(struct addr addr)
{
	addr.hi -= addr.lo == 0;
	addr.lo--;
	return addr;
}

struct space_range space_range_at(const struct ruleset_set *set, size_t at)
{
	if (set->family == ADDR_IP4)
		return (struct space_range){addr_ip4(set->ip4[at].first), addr_ip4(set->ip4[at].last)};
	return (struct space_range){addr_ip6(set->ip6[at].first_hi, set->ip6[at].first_lo),
				    addr_ip6(set->ip6[at].last_hi, set->ip6[at].last_lo)};
}

static void set_last(struct ruleset_set *set, size_t at, const struct addr *last)
{
	if (set->family == ADDR_IP4) {
		set->ip4[at].last = (uint32_t)last->lo;
		return;
	}
	set->ip6[at].last_hi = last->hi;
	set->ip6[at].last_lo = last->lo;
}

int space_append(struct ruleset_set *set, const struct space_range *range)
{
	bool room;

	if (set->count > 0) {
		struct addr next = addr_next(space_range_at(set, set->count - 1).last);

		if (addr_equal(&next, &range->first)) {
			set_last(set, set->count - 1, &range->last);
			return 0;
		}
	}
	room = set->family == ADDR_IP4 ? VEC_RESERVE(set->ip4, set->capacity, set->count + 1)
				       : VEC_RESERVE(set->ip6, set->capacity, set->count + 1);
	if (!room)
		return -ENOMEM;
	if (set->family == ADDR_IP4)
		set->ip4[set->count++].first = (uint32_t)range->first.lo;
	else
		set->ip6[set->count++] = (struct ruleset_range6){range->first.hi, range->first.lo, 0, 0};
	set_last(set, set->count - 1, &range->last);
	return 0;
}

int space_subtract(const struct ruleset_set *from, const struct ruleset_set *taken, struct ruleset_set *ret)
{
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++) {
		struct space_range left = space_range_at(from, i);
		bool rest = true;

		while (at < taken->count) {
			struct space_range hole = space_range_at(taken, at);

			if (addr_compare(&hole.last, &left.first) < 0) {
				at++;
				continue;
			}
			if (addr_compare(&hole.first, &left.last) > 0)
				break;
			if (addr_compare(&hole.first, &left.first) > 0) {
				struct space_range before = {left.first, addr_previous(hole.first)};

				r = space_append(ret, &before);
			}
			rest = addr_compare(&hole.last, &left.last) < 0;
			if (r < 0 || !rest)
				break;
			left.first = addr_next(hole.last);
		}
		if (r == 0 && rest)
			r = space_append(ret, &left);
	}
	return r;
}

bool space_equal(const struct ruleset_set *a, const struct ruleset_set *b)
{
	if (a->family != b->family || a->count != b->count)
		return false;
	if (a->count == 0)
		return true;
	/* Ranges have no padding. */
	return a->family == ADDR_IP4 ? memcmp(a->ip4, b->ip4, a->count * sizeof(*a->ip4)) == 0
				     : memcmp(a->ip6, b->ip6, a->count * sizeof(*a->ip6)) == 0;
}

uint64_t space_size(const struct ruleset_set *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct space_range range = space_range_at(set, i);
		uint64_t more = set->family == ADDR_IP4 ? range.last.lo - range.first.lo
							: range.last.hi - range.first.hi;

		if (more == UINT64_MAX || size + more + 1 < size)
			return UINT64_MAX;
		size += more + 1;
	}
	return size;
}

void space_clear(struct ruleset_set *set)
{
	free(set->ip4);
	free(set->ip6);
	set->ip4 = NULL;
	set->ip6 = NULL;
	set->count = set->capacity = 0;
}

/* The largest prefix that begins at the range's first address and does not leave it. */
static struct prefix largest_prefix(const struct space_range *range)
{
	struct prefix prefix = {.addr = range->first, .len = (uint8_t)addr_bits(range->first.family)};

	while (prefix.len > 0) {
		struct prefix wider = {.addr = range->first, .len = (uint8_t)(prefix.len - 1)};
		struct addr last = prefix_last(&wider);

		if (prefix_has_host_bits(&wider) || addr_compare(&last, &range->last) > 0)
			break;
		prefix = wider;
	}
	return prefix;
}

int space_prefixes(const struct ruleset_set *set, int (*see)(void *context, const struct prefix *prefix),
		   void *context)
{
	for (size_t i = 0; i < set->count; i++) {
		struct space_range range = space_range_at(set, i);

		for (;;) {
			struct prefix prefix = largest_prefix(&range);
			struct addr last = prefix_last(&prefix);
			int r = see(context, &prefix);

			if (r != 0)
				return r;
			if (addr_equal(&last, &range.last))
				break;
			range.first = addr_next(last);
		}
	}
	return 0;
}
