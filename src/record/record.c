/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/record.h"

#include <string.h>

_Static_assert((int)EVENT_DROP == (int)VERDICT_DROP && (int)EVENT_RESET == (int)VERDICT_RESET &&
		       (int)EVENT_ICMP == (int)VERDICT_ICMP,
	       "a record's verdicts have the engine's numbers");
_Static_assert((int)REASONS <= (int)EVENT_REASONS_MAX, "a record can count every reason");

bool record_is_due(const struct decision *decision)
{
	return decision->would != VERDICT_ACCEPT && engine_reasons[decision->reason].charged;
}

static struct event_names names_of(const struct policy *policy, const struct decision *decision)
{
	bool ruled = decision->rule >= 0, pooled = decision->pool >= 0;

	return (struct event_names){
		.rule = decision->rule_name,
		.rule_kind = ruled ? policy_kind_name(policy->rules[decision->rule].kind) : "",
		.pool = pooled ? policy->rules[decision->pool].name : "",
		.digest = policy->digest,
	};
}

void record_fill(const struct policy *policy, const struct packet *packet, const struct decision *decision,
		 struct event_fact *ret)
{
	*ret = (struct event_fact){
		.src = packet->src,
		.dst = packet->dst,
		.sport = packet->sport,
		.dport = packet->dport,
		.subscriber_len = decision->subscriber_len,
		.verdict = (uint8_t)decision->would,
		.monitored = decision->verdict != decision->would,
		.attempt = decision->attempt,
		.tcp_flags = packet->tcp_flags,
		.ttl = packet->ttl,
		.tos = packet->tos,
		.ip_len = packet->ip_len,
		.tcp_window = packet->tcp_window,
		.ip_id = packet->ip_id,
		.tcp_seq = packet->tcp_seq,
		.tcp_ack = packet->tcp_ack,
		.vlan_count = packet->vlan_count,
		.reason = (uint8_t)decision->reason,
		.names = names_of(policy, decision),
	};
	memcpy(ret->vlan, packet->vlan, sizeof(ret->vlan));
}

void record_fill_source(const struct policy *policy, const struct addr *subscriber,
			const struct decision *decision, struct event_fact *ret)
{
	*ret = (struct event_fact){
		.src = addr_mask(subscriber, decision->subscriber_len),
		.subscriber_len = decision->subscriber_len,
		.verdict = (uint8_t)decision->would,
		.reason = (uint8_t)decision->reason,
		.names = names_of(policy, decision),
	};
}
