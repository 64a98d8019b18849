/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sweep.h"

#include "base/position.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

struct open_prefix {
	struct position first, last;
	uint16_t value;
};

/* One prefix of the policy, whichever family. */
struct entry {
	struct position first, last;
	uint16_t rule;
	uint8_t role;
};

struct sweep {
	const struct policy *policy;
	struct classes *classes;
	enum sweep_side side;
	struct open_prefix
		open[130]; /* nested prefixes have different lengths: 0..128, and the whole space below */
	size_t depth;
	/* The ranges so far, in the array of the family swept: a million of them are not stored twice. */
	bool ip6;
	struct lpm4_range *ranges4;
	struct lpm6_range *ranges6;
	size_t count, capacity;
	/* The last class derived: lists are long runs of one rule under one parent. */
	uint16_t memo_parent, memo_rule, memo_value;
	bool memo;
};

/* True when the prefix says something of this side. Relay addresses are sources and destinations at once. */
static bool concerns(enum sweep_side side, enum policy_kind kind, uint8_t role)
{
	if (kind == POLICY_RELAY)
		return true;
	return (role == POLICY_ROLE_SOURCE) == (side == SWEEP_SOURCES);
}

static int64_t derive_source(struct sweep *sweep, uint16_t parent, const struct entry *entry)
{
	struct source_class source = sweep->classes->sources[parent];
	int64_t cell;

	switch (sweep->policy->rules[entry->rule].kind) {
	case POLICY_RELAY:
		source.relay = entry->rule;
		break;
	case POLICY_POOL:
		source.pool = entry->rule;
		break;
	case POLICY_EXEMPT:
		cell = classes_cell(sweep->classes, entry->rule, source.exempts);
		if (cell < 0)
			return cell;
		source.exempts = (uint32_t)cell;
		break;
	default:
		break;
	}
	return classes_source(sweep->classes, &source);
}

static int64_t derive_target(struct sweep *sweep, uint16_t parent, const struct entry *entry)
{
	struct target_class target = sweep->classes->targets[parent];
	enum policy_kind kind = sweep->policy->rules[entry->rule].kind;
	int64_t cell;

	if (kind == POLICY_RELAY) {
		target.relay = entry->rule;
	} else if (kind == POLICY_INSIDE) {
		target.inside = entry->rule;
	} else {
		cell = classes_cell(sweep->classes, entry->rule, target.members);
		if (cell < 0)
			return cell;
		target.members = (uint32_t)cell;
		if (kind == POLICY_DESTINATION)
			target.group = entry->rule;
	}
	return classes_target(sweep->classes, &target);
}

static int64_t derive(struct sweep *sweep, uint16_t parent, const struct entry *entry)
{
	int64_t value;

	if (sweep->memo && sweep->memo_parent == parent && sweep->memo_rule == entry->rule)
		return sweep->memo_value;
	value = sweep->side == SWEEP_SOURCES ? derive_source(sweep, parent, entry)
					     : derive_target(sweep, parent, entry);
	if (value >= 0) {
		sweep->memo = true;
		sweep->memo_parent = parent;
		sweep->memo_rule = entry->rule;
		sweep->memo_value = (uint16_t)value;
	}
	return value;
}

static struct position last_start(const struct sweep *sweep)
{
	size_t last = sweep->count - 1;

	if (!sweep->ip6)
		return (struct position){0, sweep->ranges4[last].start};
	return (struct position){sweep->ranges6[last].hi, sweep->ranges6[last].lo};
}

static uint16_t last_value(const struct sweep *sweep)
{
	return sweep->ip6 ? sweep->ranges6[sweep->count - 1].value : sweep->ranges4[sweep->count - 1].value;
}

static int append(struct sweep *sweep, struct position start, uint16_t value)
{
	if (sweep->ip6) {
		if (!VEC_RESERVE(sweep->ranges6, sweep->capacity, sweep->count + 1))
			return -ENOMEM;
		sweep->ranges6[sweep->count++] = (struct lpm6_range){start.hi, start.lo, value};
		return 0;
	}
	if (!VEC_RESERVE(sweep->ranges4, sweep->capacity, sweep->count + 1))
		return -ENOMEM;
	sweep->ranges4[sweep->count++] = (struct lpm4_range){(uint32_t)start.lo, value};
	return 0;
}

/* From `start` on the value holds. A range that would be empty, or go on with the same value, is not kept. */
static int emit(struct sweep *sweep, struct position start, uint16_t value)
{
	if (sweep->count > 0 && position_equal(last_start(sweep), start))
		sweep->count--;
	if (sweep->count > 0 && last_value(sweep) == value)
		return 0;
	return append(sweep, start, value);
}

/* Closes the prefixes that end before `first` (all but the whole space when first is NULL). */
static int close_before(struct sweep *sweep, const struct position *first)
{
	while (sweep->depth > 1) {
		const struct open_prefix *top = &sweep->open[sweep->depth - 1];
		int r;

		if (first && !position_before(top->last, *first))
			break;
		/* What ends with the whole space has nothing behind it. */
		if (!position_equal(top->last, sweep->open[0].last)) {
			r = emit(sweep, position_next(top->last), sweep->open[sweep->depth - 2].value);
			if (r < 0)
				return r;
		}
		sweep->depth--;
	}
	return 0;
}

static int sweep_entry(struct sweep *sweep, const struct entry *entry)
{
	struct open_prefix *top;
	int64_t value;
	int r;

	if (!concerns(sweep->side, sweep->policy->rules[entry->rule].kind, entry->role))
		return 0;
	r = close_before(sweep, &entry->first);
	if (r < 0)
		return r;
	top = &sweep->open[sweep->depth - 1];
	value = derive(sweep, top->value, entry);
	if (value < 0)
		return (int)value;
	/* Another rule of the very same prefix adds to the class that is open already. */
	if (sweep->depth > 1 && position_equal(top->first, entry->first) &&
	    position_equal(top->last, entry->last))
		top->value = (uint16_t)value;
	else
		sweep->open[sweep->depth++] =
			(struct open_prefix){entry->first, entry->last, (uint16_t)value};
	return emit(sweep, entry->first, (uint16_t)value);
}

static void sweep_begin(struct sweep *sweep, struct position last)
{
	sweep->open[0] = (struct open_prefix){.last = last};
	sweep->depth = 1;
}

static struct entry entry_ip4(const struct policy_prefix4 *prefix)
{
	struct prefix p = {.addr = addr_ip4(prefix->addr), .len = prefix->len};

	return (struct entry){.first = {0, prefix->addr},
			      .last = {0, prefix_last(&p).lo},
			      .rule = prefix->rule,
			      .role = prefix->role};
}

static struct entry entry_ip6(const struct policy_prefix6 *prefix)
{
	struct prefix p = {.addr = addr_ip6(prefix->hi, prefix->lo), .len = prefix->len};
	struct addr last = prefix_last(&p);

	return (struct entry){.first = {prefix->hi, prefix->lo},
			      .last = {last.hi, last.lo},
			      .rule = prefix->rule,
			      .role = prefix->role};
}

int sweep_ip4(const struct policy *policy, enum sweep_side side, struct classes *classes, struct lpm4 **ret)
{
	struct sweep sweep = {.policy = policy, .side = side, .classes = classes};
	int r;

	sweep_begin(&sweep, (struct position){0, UINT32_MAX});
	r = emit(&sweep, (struct position){0, 0}, 0);
	for (size_t i = 0; r == 0 && i < policy->ip4_count; i++) {
		struct entry entry = entry_ip4(&policy->ip4[i]);

		r = sweep_entry(&sweep, &entry);
	}
	if (r == 0)
		r = close_before(&sweep, NULL);
	if (r == 0)
		r = lpm4_build(sweep.ranges4, sweep.count, ret);
	free(sweep.ranges4);
	return r;
}

static uint8_t subscriber_len_of(const struct sweep *sweep, uint16_t class)
{
	int32_t pool = sweep->classes->sources[class].pool;

	return pool == RULE_NONE ? POLICY_IP6_SUBSCRIBER_LEN
				 : sweep->policy->rules[pool].delegated_prefix_length;
}

/* A prefix of that length begins here. */
static bool begins_prefix(const struct lpm6_range *range, uint8_t len)
{
	struct addr start = addr_ip6(range->hi, range->lo);

	return !prefix_has_host_bits(&(struct prefix){.addr = start, .len = len});
}

/* A subscriber's prefix that is not of one class has, where the class of one of its addresses begins or ends, such a
 * place inside, so looking at neighbours with their own two lengths finds it. */
static int find_cuts(const struct sweep *sweep, struct cuts *ret)
{
	for (size_t i = 1; i < sweep->count; i++) {
		const struct lpm6_range *range = &sweep->ranges6[i];

		if (begins_prefix(range, subscriber_len_of(sweep, range[-1].value)) &&
		    begins_prefix(range, subscriber_len_of(sweep, range->value)))
			continue;
		if (!VEC_RESERVE(ret->items, ret->capacity, ret->count + 1))
			return -ENOMEM;
		ret->items[ret->count++] = (struct position){range->hi, range->lo};
	}
	return 0;
}

int sweep_ip6(const struct policy *policy, enum sweep_side side, struct classes *classes, struct cuts *cuts,
	      struct lpm6 **ret)
{
	struct sweep sweep = {.policy = policy, .side = side, .classes = classes, .ip6 = true};
	int r;

	sweep_begin(&sweep, (struct position){UINT64_MAX, UINT64_MAX});
	r = emit(&sweep, (struct position){0, 0}, 0);
	for (size_t i = 0; r == 0 && i < policy->ip6_count; i++) {
		struct entry entry = entry_ip6(&policy->ip6[i]);

		r = sweep_entry(&sweep, &entry);
	}
	if (r == 0)
		r = close_before(&sweep, NULL);
	if (r == 0 && side == SWEEP_SOURCES)
		r = find_cuts(&sweep, cuts);
	if (r == 0)
		r = lpm6_build(sweep.ranges6, sweep.count, ret);
	free(sweep.ranges6);
	return r;
}
