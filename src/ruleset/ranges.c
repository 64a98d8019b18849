/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/ranges.h"

#include "base/position.h"
#include "base/vec.h"

#include <errno.h>

enum {
	DEPTH_MAX = 2 * 129
}; /* nested prefixes have different lengths; equal ones are opened twice at most */

struct open_prefix {
	struct position last;
	int value;
};

struct flatten {
	struct ruleset *ruleset;
	const int32_t *wanted;
	size_t count;
	uint8_t family;
	struct position at;  /* everything before it is told */
	struct position end; /* the last position of the family */
	bool ended;          /* the last position is told, too */
	struct open_prefix open[DEPTH_MAX];
	size_t depth;
};

static bool append4(struct ruleset_set *set, uint32_t first, uint32_t last)
{
	if (set->count > 0 && first > 0 && set->ip4[set->count - 1].last == first - 1) {
		set->ip4[set->count - 1].last = last;
		return true;
	}
	if (!VEC_RESERVE(set->ip4, set->capacity, set->count + 1))
		return false;
	set->ip4[set->count++] = (struct ruleset_range4){first, last};
	return true;
}

static bool append6(struct ruleset_set *set, struct position first, struct position last)
{
	if (set->count > 0) {
		struct ruleset_range6 *end = &set->ip6[set->count - 1];
		struct position next = position_next((struct position){end->last_hi, end->last_lo});

		if (position_equal(next, first)) {
			end->last_hi = last.hi;
			end->last_lo = last.lo;
			return true;
		}
	}
	if (!VEC_RESERVE(set->ip6, set->capacity, set->count + 1))
		return false;
	set->ip6[set->count++] = (struct ruleset_range6){first.hi, first.lo, last.hi, last.lo};
	return true;
}

/* Tells the range from where we are to `last`. */
static int emit(struct flatten *flatten, struct position last, int value)
{
	struct position first = flatten->at;
	struct ruleset_set *set;
	bool kept;

	if (flatten->ended || position_before(last, first))
		return 0;
	flatten->ended = position_equal(last, flatten->end);
	flatten->at = position_next(last);
	if ((size_t)value >= flatten->count || flatten->wanted[value] < 0)
		return 0;
	set = &flatten->ruleset->sets[flatten->wanted[value]];
	kept = flatten->family == ADDR_IP4 ? append4(set, (uint32_t)first.lo, (uint32_t)last.lo)
					   : append6(set, first, last);
	return kept ? 0 : -ENOMEM;
}

/* Closes the prefixes that end before `first`; all of them when it is NULL. */
static int close_before(struct flatten *flatten, const struct position *first)
{
	while (flatten->depth > 0) {
		const struct open_prefix *top = &flatten->open[flatten->depth - 1];
		int r;

		if (first && !position_before(top->last, *first))
			return 0;
		r = emit(flatten, top->last, top->value);
		if (r < 0)
			return r;
		flatten->depth--;
	}
	return 0;
}

static int add_prefix(struct flatten *flatten, struct position first, struct position last, int value)
{
	struct open_prefix *top;
	int r = close_before(flatten, &first);

	if (r < 0)
		return r;
	top = flatten->depth > 0 ? &flatten->open[flatten->depth - 1] : NULL;
	if (top && position_equal(top->last, last) && position_equal(flatten->at, first)) {
		/* The same prefix again, or one that begins where the outer one does and ends with it: the inner counts. */
		top->value = value;
		return 0;
	}
	if (top && position_before(flatten->at, first)) {
		r = emit(flatten, position_previous(first), top->value);
		if (r < 0)
			return r;
	}
	flatten->at = first;
	flatten->open[flatten->depth++] = (struct open_prefix){last, value};
	return 0;
}

/* What the last prefix counted as: in long lists the next one is of the same rule. */
struct last_value {
	ranges_value_fn value;
	const void *context;
	uint16_t rule;
	uint8_t role;
	bool asked;
	int is;
};

static inline int value_of(struct last_value *last, uint16_t rule, uint8_t role)
{
	if (!last->asked || last->rule != rule || last->role != role) {
		last->is = last->value(last->context, rule, role);
		last->rule = rule;
		last->role = role;
		last->asked = true;
	}
	return last->is;
}

static int collect4(struct flatten *flatten, const struct policy *policy, ranges_value_fn value,
		    const void *context)
{
	struct last_value known = {.value = value, .context = context};

	for (size_t i = 0; i < policy->ip4_count; i++) {
		const struct policy_prefix4 *p = &policy->ip4[i];
		int v = value_of(&known, p->rule, p->role);
		uint32_t hosts = p->len == 0 ? UINT32_MAX : (p->len == 32 ? 0 : UINT32_MAX >> p->len);
		int r;

		if (v == RANGES_SKIP)
			continue;
		r = add_prefix(flatten, (struct position){0, p->addr}, (struct position){0, p->addr | hosts},
			       v);
		if (r < 0)
			return r;
	}
	return close_before(flatten, NULL);
}

static int collect6(struct flatten *flatten, const struct policy *policy, ranges_value_fn value,
		    const void *context)
{
	struct last_value known = {.value = value, .context = context};

	for (size_t i = 0; i < policy->ip6_count; i++) {
		const struct policy_prefix6 *p = &policy->ip6[i];
		struct prefix prefix = {.addr = addr_ip6(p->hi, p->lo), .len = p->len};
		struct addr last = prefix_last(&prefix);
		int v = value_of(&known, p->rule, p->role), r;

		if (v == RANGES_SKIP)
			continue;
		r = add_prefix(flatten, (struct position){p->hi, p->lo}, (struct position){last.hi, last.lo},
			       v);
		if (r < 0)
			return r;
	}
	return close_before(flatten, NULL);
}

int ranges_collect(const struct policy *policy, uint8_t family, ranges_value_fn value, const void *context,
		   struct ruleset *ruleset, const int32_t *wanted, size_t count)
{
	struct flatten flatten = {.ruleset = ruleset, .wanted = wanted, .count = count, .family = family};

	flatten.end = family == ADDR_IP4 ? (struct position){0, UINT32_MAX}
					 : (struct position){UINT64_MAX, UINT64_MAX};
	return family == ADDR_IP4 ? collect4(&flatten, policy, value, context)
				  : collect6(&flatten, policy, value, context);
}
