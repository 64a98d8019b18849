/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Counting sort by rule: entries of one rule keep their order. rule_at reads the rule of entry i. */
static int gather(const struct policy *policy, size_t count,
		  uint16_t (*rule_at)(const struct policy *, size_t), uint32_t **ret_index,
		  uint32_t **ret_start)
{
	uint32_t *start = calloc(policy->rule_count + 2, sizeof(*start));
	uint32_t *index = calloc(count + 1, sizeof(*index));

	*ret_index = index;
	*ret_start = start;
	if (!start || !index)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		start[rule_at(policy, i) + 2]++;
	for (size_t rule = 2; rule < policy->rule_count + 2; rule++)
		start[rule] += start[rule - 1];
	/* start[r + 1] is where r's next entry goes, and so ends as where the rule after r begins. */
	for (size_t i = 0; i < count; i++)
		index[start[rule_at(policy, i) + 1]++] = (uint32_t)i;
	return 0;
}

static uint16_t rule_at4(const struct policy *policy, size_t i)
{
	return policy->ip4[i].rule;
}

static uint16_t rule_at6(const struct policy *policy, size_t i)
{
	return policy->ip6[i].rule;
}

struct by_name {
	const struct policy *policy;
};

static int compare_rules(const void *left, const void *right, void *argument)
{
	const struct by_name *by_name = argument;
	const struct policy_rule *a = &by_name->policy->rules[*(const uint16_t *)left];
	const struct policy_rule *b = &by_name->policy->rules[*(const uint16_t *)right];
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (order == 0)
		order = strcmp(a->name, b->name);
	return order ? order : (a > b) - (a < b);
}

uint16_t *policy_rules_by_name(const struct policy *policy)
{
	struct by_name by_name = {policy};
	uint16_t *rules = calloc(policy->rule_count + 1, sizeof(*rules));

	if (!rules)
		return NULL;
	for (size_t i = 0; i < policy->rule_count; i++)
		rules[i] = (uint16_t)i;
	qsort_r(rules, policy->rule_count, sizeof(*rules), compare_rules, &by_name);
	return rules;
}

int policy_order_make(const struct policy *policy, struct policy_order *ret)
{
	struct policy_order order = {.rules = policy_rules_by_name(policy)};
	int error = order.rules ? gather(policy, policy->ip4_count, rule_at4, &order.ip4, &order.ip4_start)
				: -ENOMEM;

	if (!error)
		error = gather(policy, policy->ip6_count, rule_at6, &order.ip6, &order.ip6_start);
	if (error)
		policy_order_free(&order);
	else
		*ret = order;
	return error;
}

void policy_order_free(struct policy_order *order)
{
	free(order->ip4);
	free(order->ip6);
	free(order->ip4_start);
	free(order->ip6_start);
	free(order->rules);
}
