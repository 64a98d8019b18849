/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/override_check.h"

#include <stdio.h>

struct search {
	const struct policy *policy;
	const struct prefix *wanted;
	const struct policy_rule *relay;   /* with an address in it */
	const struct policy_rule *settled; /* an exemption that the kernel follows without asking */
	bool pooled;                       /* one pool holds all of it */
};

static void look_at(struct search *search, uint16_t rule_index, uint8_t role, const struct prefix *prefix)
{
	const struct policy_rule *rule = &search->policy->rules[rule_index];

	if (role != POLICY_ROLE_SOURCE ||
	    (!prefix_covers(prefix, search->wanted) && !prefix_covers(search->wanted, prefix)))
		return;
	if (rule->kind == POLICY_RELAY)
		search->relay = rule;
	else if (policy_exemption_is_settled(rule))
		search->settled = rule;
	else if (rule->kind == POLICY_POOL && prefix_covers(prefix, search->wanted))
		search->pooled = true;
}

static void search_policy(struct search *search)
{
	const struct policy *policy = search->policy;

	for (size_t i = 0; search->wanted->addr.family == ADDR_IP4 && i < policy->ip4_count; i++) {
		const struct policy_prefix4 *entry = &policy->ip4[i];
		const struct prefix prefix = {.addr = addr_ip4(entry->addr), .len = entry->len};

		look_at(search, entry->rule, entry->role, &prefix);
	}
	for (size_t i = 0; search->wanted->addr.family == ADDR_IP6 && i < policy->ip6_count; i++) {
		const struct policy_prefix6 *entry = &policy->ip6[i];
		const struct prefix prefix = {.addr = addr_ip6(entry->hi, entry->lo), .len = entry->len};

		look_at(search, entry->rule, entry->role, &prefix);
	}
}

bool override_can_block(const struct policy *policy, const struct prefix *prefix,
			char text[CONTROL_ERROR_TEXT_MAX])
{
	struct search search = {.policy = policy, .wanted = prefix};

	search_policy(&search);
	if (policy->gateway.mode == POLICY_MODE_MONITOR)
		snprintf(text, CONTROL_ERROR_TEXT_MAX,
			 "mode = monitor blocks nothing: change the policy's mode");
	else if (search.relay)
		snprintf(
			text, CONTROL_ERROR_TEXT_MAX,
			"[relay %s] (line %u) has an address in it, and a block does not beat a relay: block less, or "
			"change the policy",
			search.relay->name, search.relay->line);
	else if (search.settled)
		snprintf(
			text, CONTROL_ERROR_TEXT_MAX,
			"[exempt %s] (line %u) has no date, so the kernel does not ask: give it an `until`, then "
			"op25b-rules apply and op25bctl reload",
			search.settled->name, search.settled->line);
	else if (policy->gateway.unlisted == POLICY_UNLISTED_ACCEPT && !search.pooled)
		snprintf(
			text, CONTROL_ERROR_TEXT_MAX,
			"no pool holds it, and with unlisted = accept the kernel does not ask: put it into a pool, then "
			"op25b-rules apply and op25bctl reload");
	else
		return true;
	return false;
}
