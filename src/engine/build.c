/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sweep.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum verdict action_verdict(enum policy_action action)
{
	switch (action) {
	case POLICY_ACTION_RESET:
		return VERDICT_RESET;
	case POLICY_ACTION_ICMP:
		return VERDICT_ICMP;
	case POLICY_ACTION_DROP:
		break;
	}
	return VERDICT_DROP;
}

/* The number of a pattern, added if it is new; -E2BIG beyond what the bits of a uint64_t can tell apart. */
static int pattern_number(struct engine *engine, const char *pattern)
{
	for (size_t i = 0; i < engine->pattern_count; i++) {
		if (strcmp(engine->patterns[i], pattern) == 0)
			return (int)i;
	}
	if (engine->pattern_count == ENGINE_PATTERNS_MAX)
		return -E2BIG;
	memccpy(engine->patterns[engine->pattern_count], pattern, '\0', IF_NAME_MAX - 1);
	return (int)engine->pattern_count++;
}

static int bind_interfaces(struct engine *engine, const struct policy_interfaces *interfaces, uint64_t *ret)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < interfaces->count; i++) {
		int number = pattern_number(engine, interfaces->names[i]);

		if (number < 0)
			return number;
		bits |= UINT64_C(1) << number;
	}
	*ret = bits;
	return 0;
}

/* Without any date a pool is enforced always; with only monitor_from it is monitored and never enforced. */
static void set_pool_dates(struct rule_facts *facts, const struct policy_rule *rule)
{
	facts->enforced_ever = rule->has_enforce_from || !rule->has_monitor_from;
	facts->enforce_from_s = rule->has_enforce_from
					? rule->enforce_from.s
					: (facts->enforced_ever ? MOMENT_ALWAYS : MOMENT_NEVER);
	facts->monitor_from_s = rule->has_monitor_from ? rule->monitor_from.s : MOMENT_NEVER;
}

static int fill_rule(struct engine *engine, const struct policy_rule *rule, struct rule_facts *facts)
{
	*facts = (struct rule_facts){
		.name = rule->name,
		.kind = rule->kind,
		.subscriber_len6 = rule->delegated_prefix_length,
		.action = action_verdict(rule->action),
		.monitor_from_s = MOMENT_NEVER,
		.enforce_from_s = MOMENT_NEVER,
		.from_s = rule->has_from ? rule->from.s : MOMENT_ALWAYS,
		.until_s = rule->has_until ? rule->until.s : MOMENT_NEVER,
		.to_any = rule->to_any,
		.to_groups = rule->to_groups,
		.to_group_count = rule->to_group_count,
	};
	if (rule->kind == POLICY_POOL)
		set_pool_dates(facts, rule);
	else if (rule->kind == POLICY_RELAY && rule->has_subscribers_until)
		facts->enforce_from_s = rule->subscribers_until.s;
	else if (rule->kind == POLICY_DESTINATION)
		facts->enforce_from_s = rule->enforce_from.s;
	return bind_interfaces(engine, &rule->interfaces, &facts->patterns);
}

static int fill_rules(struct engine *engine, const struct policy *policy)
{
	engine->rules = calloc(policy->rule_count + 1, sizeof(*engine->rules));
	engine->patterns = calloc(ENGINE_PATTERNS_MAX, sizeof(*engine->patterns));
	if (!engine->rules || !engine->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rule_count; i++) {
		int r = fill_rule(engine, &policy->rules[i], &engine->rules[i]);

		if (r < 0)
			return r;
		if (policy->rules[i].kind == POLICY_POOL)
			engine->pool_patterns |= engine->rules[i].patterns;
	}
	return 0;
}

static int fill_tables(struct engine *engine, const struct policy *policy, struct classes *classes)
{
	struct cuts cuts = {0};
	int r = sweep_ip4(policy, SWEEP_SOURCES, classes, &engine->source4);

	if (r == 0)
		r = sweep_ip4(policy, SWEEP_TARGETS, classes, &engine->target4);
	if (r == 0)
		r = sweep_ip6(policy, SWEEP_SOURCES, classes, &cuts, &engine->source6);
	if (r == 0)
		r = sweep_ip6(policy, SWEEP_TARGETS, classes, NULL, &engine->target6);
	engine->cut_count = cuts.count;
	engine->cuts = TAKE_PTR(cuts.items);
	return r;
}

static void take_classes(struct engine *engine, struct classes *classes)
{
	engine->source_count = classes->source_count;
	engine->target_count = classes->target_count;
	engine->cell_count = classes->cell_count;
	engine->sources = TAKE_PTR(classes->sources);
	engine->targets = TAKE_PTR(classes->targets);
	engine->cells = TAKE_PTR(classes->cells);
}

static int fill(struct engine *engine, const struct policy *policy)
{
	struct classes classes;
	int r = fill_rules(engine, policy);

	if (r < 0)
		return r;
	r = classes_init(&classes);
	if (r == 0)
		r = fill_tables(engine, policy, &classes);
	if (r == 0)
		take_classes(engine, &classes);
	classes_free(&classes);
	return r;
}

int engine_build(const struct policy *policy, struct engine **ret)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return -ENOMEM;
	*engine = (struct engine){
		.policy = policy,
		.monitor = policy->gateway.mode == POLICY_MODE_MONITOR,
		.cut = policy->gateway.established == POLICY_ESTABLISHED_CUT,
		.conntrack = policy->gateway.conntrack,
		.sides_listed = policy->gateway.subscriber_interfaces.count > 0,
		.guard = policy->gateway.triangular_guard,
		.unlisted = policy->gateway.unlisted,
	};
	r = fill(engine, policy);
	if (r < 0) {
		engine_free(engine);
		return r;
	}
	*ret = engine;
	return 0;
}

int engine_build_or_tell(const struct policy *policy, struct diag_list *diags, struct engine **ret)
{
	int r = engine_build(policy, ret);

	if (r != -E2BIG)
		return r;
	diag_add(
		diags, DIAG_ERROR, &(struct diag_place){.file = policy->sources[0]},
		"let lists overlap less: exemptions with the same `to` and dates can share one section, and so can "
		"pools with the same dates",
		"the sections overlap in too many different ways: an address can be in one of at most %d combinations of "
		"sections",
		CLASSES_MAX);
	return -EBADMSG;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	free(engine->overrides);
	if (engine->shares) {
		free(engine);
		return;
	}
	lpm4_free(engine->source4);
	lpm4_free(engine->target4);
	lpm6_free(engine->source6);
	lpm6_free(engine->target6);
	free(engine->cuts);
	free(engine->sources);
	free(engine->targets);
	free(engine->cells);
	free(engine->rules);
	free(engine->patterns);
	free(engine);
}

const struct policy *engine_policy(const struct engine *engine)
{
	return engine->policy;
}

size_t engine_memory(const struct engine *engine)
{
	return sizeof(*engine) + lpm4_memory(engine->source4) + lpm4_memory(engine->target4) +
	       lpm6_memory(engine->source6) + lpm6_memory(engine->target6) +
	       engine->source_count * sizeof(*engine->sources) +
	       engine->target_count * sizeof(*engine->targets) + engine->cell_count * sizeof(*engine->cells) +
	       engine->cut_count * sizeof(*engine->cuts);
}

static uint64_t matching_patterns(const struct engine *engine, const char *name)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < engine->pattern_count; i++) {
		if (ifpattern_matches(engine->patterns[i], name))
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

/* Upstream wins over everything, so that a slip in the lists never blocks mail that comes in. */
static enum engine_side side_of(const struct engine *engine, const char *name, uint64_t patterns)
{
	const struct policy_gateway *gateway = &engine->policy->gateway;

	if (policy_interfaces_match(&gateway->upstream_interfaces, name))
		return ENGINE_SIDE_UPSTREAM;
	if (!engine->sides_listed || policy_interfaces_match(&gateway->subscriber_interfaces, name) ||
	    (patterns & engine->pool_patterns) != 0)
		return ENGINE_SIDE_SUBSCRIBER;
	return ENGINE_SIDE_OTHER;
}

struct engine_interface engine_resolve_interface(const struct engine *engine, const char *name)
{
	struct engine_interface interface = {.side = ENGINE_SIDE_UNKNOWN};

	if (!name || name[0] == '\0')
		return interface;
	interface.patterns = matching_patterns(engine, name);
	interface.side = side_of(engine, name, interface.patterns);
	return interface;
}
