/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/build.h"
#include "ruleset/ranges.h"
#include "ruleset/space.h"

#include <errno.h>
#include <stdlib.h>

/* The base sets are there even when empty: a look-up in one costs little, and in an emergency an operator can add to it. */
static struct build_twin add_twin(struct build *build, const char *name, const char *comment)
{
	struct build_twin twin;

	twin.ip4 = build_set(build, ADDR_IP4, name, comment);
	twin.ip6 = build_set(build, ADDR_IP6, name, comment);
	return twin;
}

static void class_comment(char out[RULESET_COMMENT_MAX], const char *what,
			  const struct interface_class *class)
{
	size_t used;

	build_text(out, RULESET_COMMENT_MAX, "%s", what);
	for (size_t i = 0; i < class->count; i++) {
		for (used = 0; out[used] != '\0';)
			used++;
		build_text(out + used, RULESET_COMMENT_MAX - used, "%s%s", i ? ", " : "", class->names[i]);
	}
}

static struct build_twin *add_class_twins(struct build *build, const struct interface_classes *classes,
					  const char *name, const char *what)
{
	struct build_twin *twins = calloc(classes->count + 1, sizeof(*twins));
	char text[RULESET_NAME_MAX], comment[RULESET_COMMENT_MAX];

	if (!twins) {
		build->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < classes->count; i++) {
		build_text(text, sizeof(text), "%s_%zu", name, i + 1);
		class_comment(comment, what, &classes->items[i]);
		twins[i] = add_twin(build, text, comment);
	}
	return twins;
}

static const struct policy_rule *rule_of(const void *context, uint16_t rule)
{
	const struct build *build = context;

	return &build->policy->rules[rule];
}

static int value_relay(const void *context, uint16_t rule, uint8_t role)
{
	return rule_of(context, rule)->kind == POLICY_RELAY ? 0 : RANGES_SKIP;
}

/* Of several relays at one address the later one counts, as in the engine. */
static int value_relay_closing(const void *context, uint16_t rule, uint8_t role)
{
	const struct policy_rule *r = rule_of(context, rule);

	if (r->kind != POLICY_RELAY)
		return RANGES_SKIP;
	return r->has_subscribers_until ? 0 : 1;
}

static int value_relay_class(const void *context, uint16_t rule, uint8_t role)
{
	const struct build *build = context;

	return rule_of(context, rule)->kind == POLICY_RELAY ? (int)build->relays.of_rule[rule] : RANGES_SKIP;
}

static int value_inside(const void *context, uint16_t rule, uint8_t role)
{
	return rule_of(context, rule)->kind == POLICY_INSIDE ? 0 : RANGES_SKIP;
}

/* Only what no date and no destination narrows, and nobody counts; any one such entry exempts, whatever others say of the address. */
static int value_exempt(const void *context, uint16_t rule, uint8_t role)
{
	const struct policy_rule *r = rule_of(context, rule);

	if (r->kind != POLICY_EXEMPT || role != POLICY_ROLE_SOURCE)
		return RANGES_SKIP;
	return policy_exemption_is_settled(r) ? 0 : RANGES_SKIP;
}

static int value_pool(const void *context, uint16_t rule, uint8_t role)
{
	return rule_of(context, rule)->kind == POLICY_POOL ? 0 : RANGES_SKIP;
}

static int value_pool_class(const void *context, uint16_t rule, uint8_t role)
{
	const struct build *build = context;

	return rule_of(context, rule)->kind == POLICY_POOL ? (int)build->pools.of_rule[rule] : RANGES_SKIP;
}

/* Where a rule may say otherwise of some source than the source's own rule does. */
static int value_named(const void *context, uint16_t rule, uint8_t role)
{
	switch (rule_of(context, rule)->kind) {
	case POLICY_RELAY:
	case POLICY_INSIDE:
	case POLICY_DESTINATION:
		return 0;
	default:
		return role == POLICY_ROLE_TO ? 0 : RANGES_SKIP;
	}
}

static int fill_twin(struct build *build, const struct build_twin *twin, ranges_value_fn value)
{
	int32_t ip4 = (int32_t)twin->ip4, ip6 = (int32_t)twin->ip6;
	int r = ranges_collect(build->policy, ADDR_IP4, value, build, build->ruleset, &ip4, 1);

	return r < 0 ? r : ranges_collect(build->policy, ADDR_IP6, value, build, build->ruleset, &ip6, 1);
}

/* Class 0 has no set. */
static int fill_class_twins(struct build *build, const struct build_twin *twins, size_t count,
			    ranges_value_fn value)
{
	int32_t *wanted = calloc(count + 1, sizeof(*wanted));
	int r;

	if (!wanted)
		return -ENOMEM;
	wanted[0] = -1;
	for (size_t i = 0; i < count; i++)
		wanted[i + 1] = (int32_t)twins[i].ip4;
	r = ranges_collect(build->policy, ADDR_IP4, value, build, build->ruleset, wanted, count + 1);
	for (size_t i = 0; i < count; i++)
		wanted[i + 1] = (int32_t)twins[i].ip6;
	if (r == 0)
		r = ranges_collect(build->policy, ADDR_IP6, value, build, build->ruleset, wanted, count + 1);
	free(wanted);
	return r;
}

/* False, by 1, when it is one prefix too many, or all there is, for which no rule can ask. */
static int keep_prefix(void *context, const struct prefix *prefix)
{
	struct build_named *named = context;

	if (named->count == BUILD_NAMED_MAX || prefix->len == 0)
		return 1;
	named->prefixes[named->count++] = *prefix;
	return 0;
}

static int fill_named(struct build *build, uint8_t family, struct build_named *named)
{
	struct ruleset_set space = {.family = family};
	struct ruleset scratch = {.sets = &space, .set_count = 1};
	const int32_t wanted = 0;
	int r = ranges_collect(build->policy, family, value_named, build, &scratch, &wanted, 1);

	named->looked_up = r == 0 && space_prefixes(&space, keep_prefix, named) != 0;
	if (named->looked_up) {
		struct ruleset_set *set;

		named->set = build_set(build, family, "named", "destinations that have rules of their own");
		set = &build->ruleset->sets[named->set];
		if (!build->failed) {
			set->ip4 = space.ip4;
			set->ip6 = space.ip6;
			set->count = space.count;
			set->capacity = space.capacity;
			return 0;
		}
		r = -ENOMEM;
	}
	space_clear(&space);
	return r;
}

static bool needs_pools(const struct build *build)
{
	return build->policy->gateway.unlisted == POLICY_UNLISTED_ACCEPT || build_guards(build);
}

static void add_sets(struct build *build)
{
	build->relay_all = add_twin(build, "relays", "our own relays");
	build->relay_closing =
		add_twin(build, "closing_relays", "relays whose port 25 closes to subscribers at a date");
	build->inside = add_twin(build, "inside", "our own destinations");
	build->exempt = add_twin(build, "exempt", "exempted to anywhere, without a date");
	build->relay_twins = add_class_twins(build, &build->relays, "relays_on", "relays on ");
	build->pool_twins = add_class_twins(build, &build->pools, "pools_on", "pools on ");
	if (needs_pools(build))
		build->pool_all = add_twin(build, "pools", "all pools");
}

int build_sets(struct build *build)
{
	int r;

	add_sets(build);
	if (build->failed)
		return -ENOMEM;
	r = fill_twin(build, &build->relay_all, value_relay);
	if (r == 0)
		r = fill_twin(build, &build->relay_closing, value_relay_closing);
	if (r == 0)
		r = fill_twin(build, &build->inside, value_inside);
	if (r == 0)
		r = fill_twin(build, &build->exempt, value_exempt);
	if (r == 0)
		r = fill_class_twins(build, build->relay_twins, build->relays.count, value_relay_class);
	if (r == 0)
		r = fill_class_twins(build, build->pool_twins, build->pools.count, value_pool_class);
	if (r == 0 && needs_pools(build))
		r = fill_twin(build, &build->pool_all, value_pool);
	for (size_t i = 0; r == 0 && i < 2 && build->groups.count > 0; i++)
		r = fill_named(build, i == 0 ? ADDR_IP4 : ADDR_IP6, &build->named[i]);
	return r;
}
