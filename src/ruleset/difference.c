/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/difference.h"

#include "base/vec.h"
#include "ruleset/space.h"

#include <errno.h>
#include <string.h>

/* How much of two lists is compared at once to get past what is equal. */
enum { BLOCK = 512 };

static const void *bytes_at(const struct ruleset_set *set, size_t at)
{
	return set->family == ADDR_IP4 ? (const void *)&set->ip4[at] : (const void *)&set->ip6[at];
}

static size_t item_size(const struct ruleset_set *set)
{
	return set->family == ADDR_IP4 ? sizeof(*set->ip4) : sizeof(*set->ip6);
}

static int order_at(const struct ruleset_set *a, size_t i, const struct ruleset_set *b, size_t j)
{
	struct space_range of_a = space_range_at(a, i), of_b = space_range_at(b, j);
	int order = addr_compare(&of_a.first, &of_b.first);

	return order ? order : addr_compare(&of_a.last, &of_b.last);
}

/* Neighbours are not merged: each was, or becomes, a range of its own. */
static int copy_range(const struct ruleset_set *from, size_t at, struct ruleset_set *to)
{
	bool room = from->family == ADDR_IP4 ? VEC_RESERVE(to->ip4, to->capacity, to->count + 1)
					     : VEC_RESERVE(to->ip6, to->capacity, to->count + 1);

	if (!room)
		return -ENOMEM;
	if (from->family == ADDR_IP4)
		to->ip4[to->count++] = from->ip4[at];
	else
		to->ip6[to->count++] = from->ip6[at];
	return 0;
}

static size_t skip_equal(const struct ruleset_set *from, size_t i, const struct ruleset_set *to, size_t j)
{
	size_t skipped = 0, size = item_size(from);

	while (i + skipped + BLOCK <= from->count && j + skipped + BLOCK <= to->count &&
	       memcmp(bytes_at(from, i + skipped), bytes_at(to, j + skipped), BLOCK * size) == 0)
		skipped += BLOCK;
	return skipped;
}

static int step(const struct ruleset_set *from, size_t *i, const struct ruleset_set *to, size_t *j,
		struct difference *ret)
{
	int order = *i == from->count ? 1 : (*j == to->count ? -1 : order_at(from, *i, to, *j));

	if (order < 0)
		return copy_range(from, (*i)++, &ret->removed);
	if (order > 0)
		return copy_range(to, (*j)++, &ret->added);
	(*i)++;
	(*j)++;
	return 0;
}

int difference_make(const struct ruleset_set *from, const struct ruleset_set *to, size_t max,
		    struct difference *ret)
{
	size_t i = 0, j = 0, next_skip = 0;
	int r = 0;

	*ret = (struct difference){.removed.family = to->family, .added.family = to->family};
	while (r == 0 && (i < from->count || j < to->count)) {
		if (i >= next_skip) {
			size_t skipped = skip_equal(from, i, to, j);

			i += skipped;
			j += skipped;
			next_skip = i + BLOCK;
			if (i == from->count && j == to->count)
				break;
		}
		r = step(from, &i, to, &j, ret);
		if (r == 0 && ret->removed.count + ret->added.count > max)
			r = -E2BIG;
	}
	return r;
}

void difference_clear(struct difference *difference)
{
	space_clear(&difference->removed);
	space_clear(&difference->added);
}
