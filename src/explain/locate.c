/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in which file the rules stand that speak of an address. */
#include "explain/explain.h"

#include <inttypes.h>

struct found {
	struct prefix prefix;
	uint32_t line;
	uint16_t source;
	bool any;
};

static void take_if_longer(struct found *best, const struct found *one)
{
	if (!best->any || one->prefix.len > best->prefix.len)
		*best = *one;
}

/* role -1: any. */
static struct found find_prefix(const struct policy *policy, int32_t rule, int role, const struct addr *addr)
{
	struct found best = {0};

	for (size_t i = 0; addr->family == ADDR_IP4 && i < policy->ip4_count; i++) {
		const struct policy_prefix4 *p = &policy->ip4[i];
		struct found one = {{addr_ip4(p->addr), p->len}, p->line, p->source, true};

		if (p->rule == rule && (role < 0 || p->role == role) && prefix_contains(&one.prefix, addr))
			take_if_longer(&best, &one);
	}
	for (size_t i = 0; addr->family == ADDR_IP6 && i < policy->ip6_count; i++) {
		const struct policy_prefix6 *p = &policy->ip6[i];
		struct found one = {{addr_ip6(p->hi, p->lo), p->len}, p->line, p->source, true};

		if (p->rule == rule && (role < 0 || p->role == role) && prefix_contains(&one.prefix, addr))
			take_if_longer(&best, &one);
	}
	return best;
}

bool explain_covers(const struct policy *policy, int32_t rule, enum policy_role role, const struct addr *addr)
{
	return find_prefix(policy, rule, (int)role, addr).any;
}

void explain_locate(const struct policy *policy, int32_t rule, const struct addr *addr, char *out,
		    size_t size)
{
	const struct policy_rule *section = &policy->rules[rule];
	struct found found = find_prefix(policy, rule, -1, addr);
	char prefix[PREFIX_TEXT_MAX];
	int used = snprintf(out, size, "[%s %s] at %s:%" PRIu32, policy_kind_name(section->kind),
			    section->name, policy->sources[0], section->line);

	if (!found.any || used < 0 || (size_t)used >= size)
		return;
	prefix_format(&found.prefix, prefix);
	snprintf(out + used, size - (size_t)used, ", %s at %s:%" PRIu32, prefix,
		 policy->sources[found.source], found.line);
}
