/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <stdlib.h>

static void rule_clear(struct policy_rule *rule)
{
	free(rule->interfaces.names);
	free(rule->note);
	free(rule->ticket);
	free(rule->owner);
	free(rule->reason);
	free(rule->to_groups);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->rule_count; i++)
		rule_clear(&policy->rules[i]);
	for (size_t i = 0; i < policy->source_count; i++)
		free(policy->sources[i]);
	free(policy->gateway.subscriber_interfaces.names);
	free(policy->gateway.upstream_interfaces.names);
	free(policy->gateway.control);
	free(policy->gateway.state);
	free(policy->log.file);
	free(policy->log.syslog);
	free(policy->rules);
	free(policy->ip4);
	free(policy->ip6);
	free(policy->sources);
	free(policy);
}

bool policy_interfaces_match(const struct policy_interfaces *interfaces, const char *name)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (ifpattern_matches(interfaces->names[i], name))
			return true;
	}
	return false;
}

bool policy_exemption_is_settled(const struct policy_rule *rule)
{
	return rule->kind == POLICY_EXEMPT && rule->to_any && !rule->has_from && !rule->has_until &&
	       !rule->count;
}
