/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of policy.ip4 and ip6: by address, length, role, rule, and where equal by place. */
#include "base/sort.h"
#include "policy/reading.h"

#include <string.h>

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

static uint64_t high4(const char *item)
{
	struct policy_prefix4 entry;

	memcpy(&entry, item, sizeof(entry));
	return entry.addr;
}

static uint64_t high6(const char *item)
{
	struct policy_prefix6 entry;

	memcpy(&entry, item, sizeof(entry));
	return entry.hi;
}

void policy_prefixes_sort(struct policy *policy)
{
	struct sort ip4 = {.items = (char *)policy->ip4,
			   .count = policy->ip4_count,
			   .size = sizeof(*policy->ip4),
			   .high_bits = 32,
			   .high = high4,
			   .compare = compare4};
	struct sort ip6 = {.items = (char *)policy->ip6,
			   .count = policy->ip6_count,
			   .size = sizeof(*policy->ip6),
			   .high_bits = 64,
			   .high = high6,
			   .compare = compare6};

	sort_items(&ip4);
	sort_items(&ip6);
}
