/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/pools.h"

#include "ruleset/ranges.h"
#include "ruleset/space.h"

#include <errno.h>

struct collect {
	const struct policy *policy;
	const struct pools_options *options;
};

static bool is_enforced(const struct policy *policy, const struct policy_rule *pool, int64_t at_s)
{
	if (policy->gateway.mode == POLICY_MODE_MONITOR)
		return false;
	if (pool->has_enforce_from)
		return pool->enforce_from.s <= at_s;
	return !pool->has_monitor_from;
}

/* 1, which is not wanted, hides the pool around a pool that is not enforced. */
static int value_pool(const void *context, uint16_t rule, uint8_t role)
{
	const struct collect *collect = context;
	const struct policy_rule *r = &collect->policy->rules[rule];

	if (r->kind != POLICY_POOL)
		return RANGES_SKIP;
	return collect->options->all || is_enforced(collect->policy, r, collect->options->at_s) ? 0 : 1;
}

static int value_taken(const void *context, uint16_t rule, uint8_t role)
{
	const struct collect *collect = context;
	const struct policy_rule *r = &collect->policy->rules[rule];
	int64_t at_s = collect->options->at_s;

	if (r->kind == POLICY_RELAY)
		return 0;
	if (!collect->options->without_exempt || r->kind != POLICY_EXEMPT || role != POLICY_ROLE_SOURCE)
		return RANGES_SKIP;
	return r->to_any && (!r->has_from || r->from.s <= at_s) && (!r->has_until || at_s < r->until.s)
		       ? 0
		       : RANGES_SKIP;
}

static int collect_family(const struct collect *collect, uint8_t family, struct ruleset_set *ret)
{
	struct ruleset_set sets[2] = {{.family = family}, {.family = family}};
	struct ruleset scratch = {.sets = sets, .set_count = 2};
	const int32_t pools = 0, taken = 1;
	int r = ranges_collect(collect->policy, family, value_pool, collect, &scratch, &pools, 1);

	*ret = (struct ruleset_set){.family = family};
	if (r == 0)
		r = ranges_collect(collect->policy, family, value_taken, collect, &scratch, &taken, 1);
	if (r == 0)
		r = space_subtract(&sets[0], &sets[1], ret);
	space_clear(&sets[0]);
	space_clear(&sets[1]);
	return r;
}

int pools_collect(const struct policy *policy, const struct pools_options *options, struct ruleset_set *ip4,
		  struct ruleset_set *ip6)
{
	const struct collect collect = {.policy = policy, .options = options};
	int r = collect_family(&collect, ADDR_IP4, ip4);

	*ip6 = (struct ruleset_set){.family = ADDR_IP6};
	return r < 0 ? r : collect_family(&collect, ADDR_IP6, ip6);
}
