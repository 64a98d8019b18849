/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/groups.h"

#include "base/siphash.h"
#include "ruleset/classes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAY_MIN_S = 60, STAY_GENERATIONS = 4 };

static bool is_like(const struct learn_group *a, const struct learn_group *b)
{
	return a->interface_class == b->interface_class && a->action == b->action && a->ip6_len == b->ip6_len;
}

/* The group's number, a new one if there is none like it; -1 when there is no number left. */
static int16_t put_group(struct learn_groups *groups, const struct learn_group *group)
{
	for (size_t i = 0; i < groups->count; i++) {
		if (is_like(&groups->items[i], group))
			return (int16_t)i;
	}
	if (groups->count == LEARN_GROUPS_MAX)
		return -1;
	groups->items[groups->count] = *group;
	return (int16_t)groups->count++;
}

static bool is_ever_enforced(const struct policy_rule *rule)
{
	return rule->kind == POLICY_POOL && (rule->has_enforce_from || !rule->has_monitor_from);
}

static void collect(const struct policy *policy, const struct interface_classes *classes,
		    struct learn_groups *groups)
{
	const struct learn_group unlisted = {.action = POLICY_ACTION_DROP,
					     .ip6_len = POLICY_IP6_SUBSCRIBER_LEN};

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		const struct learn_group group = {.interface_class = classes->of_rule[i],
						  .action = rule->action,
						  .ip6_len = rule->delegated_prefix_length};

		if (is_ever_enforced(rule))
			groups->of_rule[i] = put_group(groups, &group);
	}
	if (policy->gateway.unlisted == POLICY_UNLISTED_DROP)
		groups->unlisted = put_group(groups, &unlisted);
}

static void fold(uint64_t *layout, uint64_t word)
{
	static const struct siphash_key key = {0x6f70323562, 0x6c61796f7574};
	const uint64_t words[] = {*layout, word};

	*layout = siphash_words(&key, words, 2);
}

static void fold_names(uint64_t *layout, const char (*names)[IF_NAME_MAX], size_t count)
{
	uint64_t words[IF_NAME_MAX / sizeof(uint64_t)];

	fold(layout, count);
	for (size_t i = 0; i < count; i++) {
		memset(words, 0, sizeof(words));
		memcpy(words, names[i], strlen(names[i]));
		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			fold(layout, words[j]);
	}
}

/* As the destination of some rule. */
static bool is_named(const struct policy *policy, uint16_t rule, uint8_t role)
{
	return role != POLICY_ROLE_SOURCE || policy->rules[rule].kind == POLICY_RELAY;
}

static void fold_destinations(uint64_t *layout, const struct policy *policy)
{
	for (size_t i = 0; i < policy->ip4_count; i++) {
		const struct policy_prefix4 *prefix = &policy->ip4[i];

		if (is_named(policy, prefix->rule, prefix->role))
			fold(layout, (uint64_t)prefix->addr << 8 | prefix->len);
	}
	for (size_t i = 0; i < policy->ip6_count; i++) {
		const struct policy_prefix6 *prefix = &policy->ip6[i];

		if (!is_named(policy, prefix->rule, prefix->role))
			continue;
		fold(layout, prefix->hi);
		fold(layout, prefix->lo);
		fold(layout, prefix->len);
	}
}

/* Byte order goes into it, which is no harm: the digest never leaves the machine. */
static uint64_t layout_of(const struct policy *policy, const struct interface_classes *classes,
			  const struct learn_groups *groups)
{
	const struct policy_gateway *gateway = &policy->gateway;
	uint64_t layout = groups->count;

	for (size_t i = 0; i < groups->count; i++) {
		fold(&layout, groups->items[i].interface_class);
		fold(&layout, groups->items[i].action);
		fold(&layout, groups->items[i].ip6_len);
	}
	for (size_t i = 0; i < classes->count; i++)
		fold_names(&layout, (const char(*)[IF_NAME_MAX])classes->items[i].names,
			   classes->items[i].count);
	fold_names(&layout, (const char(*)[IF_NAME_MAX])gateway->subscriber_interfaces.names,
		   gateway->subscriber_interfaces.count);
	fold_names(&layout, (const char(*)[IF_NAME_MAX])gateway->upstream_interfaces.names,
		   gateway->upstream_interfaces.count);
	fold_destinations(&layout, policy);
	fold(&layout, learned_stay_s(policy));
	return layout;
}

int learn_groups_collect(const struct policy *policy, struct learn_groups *ret)
{
	struct interface_classes classes = {0};
	int r = 0;

	*ret = (struct learn_groups){.of_rule = calloc(policy->rule_count + 1, sizeof(*ret->of_rule)),
				     .unlisted = -1};
	if (!ret->of_rule)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rule_count; i++)
		ret->of_rule[i] = -1;
	if (!policy->gateway.offload || policy->gateway.mode == POLICY_MODE_MONITOR)
		return 0;
	r = interface_classes_collect(policy, POLICY_POOL, &classes);
	if (r == 0) {
		collect(policy, &classes, ret);
		ret->layout = layout_of(policy, &classes, ret);
	}
	interface_classes_free(&classes);
	return r;
}

void learn_groups_free(struct learn_groups *groups)
{
	free(groups->of_rule);
	*groups = (struct learn_groups){.unlisted = -1};
}

uint32_t learned_stay_s(const struct policy *policy)
{
	uint32_t stay = STAY_GENERATIONS * policy->gateway.offload_s;

	return stay > STAY_MIN_S ? stay : STAY_MIN_S;
}

void learned_turn_name(char out[RULESET_NAME_MAX], unsigned group, uint8_t family)
{
	snprintf(out, RULESET_NAME_MAX, "learned_turn_%u_ip%u", group, family);
}

void learned_shard_name(char out[RULESET_NAME_MAX], unsigned generation, unsigned group, unsigned shard,
			uint8_t family)
{
	snprintf(out, RULESET_NAME_MAX, "learned_%u_%u_%u_ip%u", generation, group, shard, family);
}

void learn_group_name(char out[RULESET_NAME_MAX], unsigned generation, unsigned group)
{
	snprintf(out, RULESET_NAME_MAX, "learn_%u_%u", generation, group);
}

bool learned_is_name(const char *name)
{
	static const char begin[] = "learned_";

	return strcmp(name, LEARN_TURN_MAP) == 0 || strncmp(name, begin, sizeof(begin) - 1) == 0;
}
