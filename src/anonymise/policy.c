/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "anonymise/anonymise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sorted anew: the old order of the lines would tell about the old addresses. As policy/sort.c has it. */
static int compare4(const void *left, const void *right)
{
	const struct policy_prefix4 *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static int compare6(const void *left, const void *right)
{
	const struct policy_prefix6 *a = left, *b = right;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void rewrite_prefixes(const struct siphash_key *key, struct policy *policy)
{
	for (size_t i = 0; i < policy->ip4_count; i++) {
		struct prefix prefix = {addr_ip4(policy->ip4[i].addr), policy->ip4[i].len};

		policy->ip4[i].addr = (uint32_t)anonymise_prefix(key, &prefix).addr.lo;
	}
	for (size_t i = 0; i < policy->ip6_count; i++) {
		struct prefix prefix = {addr_ip6(policy->ip6[i].hi, policy->ip6[i].lo), policy->ip6[i].len};
		struct prefix mapped = anonymise_prefix(key, &prefix);

		policy->ip6[i].hi = mapped.addr.hi;
		policy->ip6[i].lo = mapped.addr.lo;
	}
	if (policy->ip4_count > 1)
		qsort(policy->ip4, policy->ip4_count, sizeof(*policy->ip4), compare4);
	if (policy->ip6_count > 1)
		qsort(policy->ip6, policy->ip6_count, sizeof(*policy->ip6), compare6);
}

static bool clear(char **text)
{
	char *empty = *text ? strdup("") : NULL;

	if (*text && !empty)
		return false;
	free(*text);
	*text = empty;
	return true;
}

int anonymise_policy(const struct siphash_key *key, bool keep_names, struct policy *policy)
{
	unsigned numbers[POLICY_KINDS] = {0};

	rewrite_prefixes(key, policy);
	if (!keep_names)
		policy->gateway.name[0] = '\0';
	for (size_t i = 0; i < policy->rule_count; i++) {
		struct policy_rule *rule = &policy->rules[i];

		if (!clear(&rule->note) || !clear(&rule->ticket) || !clear(&rule->owner) ||
		    !clear(&rule->reason))
			return -ENOMEM;
		/* Five digits: printing sorts by name, and the order of rules must stay. */
		if (!keep_names)
			snprintf(rule->name, sizeof(rule->name), "%s-%05u", policy_kind_name(rule->kind),
				 ++numbers[rule->kind]);
	}
	return 0;
}
