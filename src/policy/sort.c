/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of policy.ip4 and ip6: by address, length, role, rule, and where equal by place. */
#include "policy/reading.h"

#include <stdlib.h>

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What follows the address in the order, as one number. */
static uint64_t tail4(const struct policy_prefix4 *entry)
{
	return (uint64_t)entry->len << 56 | (uint64_t)entry->role << 48 | (uint64_t)entry->rule << 16 |
	       entry->source;
}

static uint64_t tail6(const struct policy_prefix6 *entry)
{
	return (uint64_t)entry->len << 56 | (uint64_t)entry->role << 48 | (uint64_t)entry->rule << 16 |
	       entry->source;
}

static int compare4(const void *left, const void *right)
{
	const struct policy_prefix4 *a = left, *b = right;
	int order = compare_u64(a->addr, b->addr);

	if (order == 0)
		order = compare_u64(tail4(a), tail4(b));
	return order ? order : compare_u64(a->line, b->line);
}

static int compare6(const void *left, const void *right)
{
	const struct policy_prefix6 *a = left, *b = right;
	int order = compare_u64(a->hi, b->hi);

	if (order == 0)
		order = compare_u64(a->lo, b->lo);
	if (order == 0)
		order = compare_u64(tail6(a), tail6(b));
	return order ? order : compare_u64(a->line, b->line);
}

static bool sorted(const void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	const char *at = items;

	for (size_t i = 1; i < count; i++, at += size) {
		if (compare(at, at + size) > 0)
			return false;
	}
	return true;
}

int policy_prefixes_sort(struct policy *policy)
{
	if (!sorted(policy->ip4, policy->ip4_count, sizeof(*policy->ip4), compare4))
		qsort(policy->ip4, policy->ip4_count, sizeof(*policy->ip4), compare4);
	if (!sorted(policy->ip6, policy->ip6_count, sizeof(*policy->ip6), compare6))
		qsort(policy->ip6, policy->ip6_count, sizeof(*policy->ip6), compare6);
	return 0;
}
