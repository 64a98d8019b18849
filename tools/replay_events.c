/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/moment.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)EVENT_DROP == (int)VERDICT_DROP && (int)EVENT_RESET == (int)VERDICT_RESET &&
		       (int)EVENT_ICMP == (int)VERDICT_ICMP,
	       "a record's verdicts have the engine's numbers");

static const char *reason_by_number(unsigned reason)
{
	return reason_name((enum reason)reason);
}

static void write_line(void *context, const char *line, size_t len)
{
	struct replay_events *events = context;

	fwrite(line, 1, len,
	       events->out); /* the stream remembers an error; it is looked at when the stream is closed */
}

int replay_events_begin(struct replay_events *events, const char *file)
{
	struct event_config config = {
		.host = events->host,
		.boot_id = "replay",
		.first_seq = events->next_seq,
		.window_s = events->policy->log.window_s,
		.subscribers_max = events->policy->log.subscribers_max,
		.pcap_filename = file,
		.hash_key = {1, 2}, /* fixed: the same capture gives the same records */
		.reason_name = reason_by_number,
		.emit = write_line,
		.context = events,
	};

	return events->out ? event_collector_new(&config, &events->collector) : 0;
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

static struct event_fact fact_of(const struct replay_events *events, const struct replay_packet *judged)
{
	const struct packet *packet = judged->packet;
	const struct decision *decision = judged->decision;
	struct event_fact fact = {
		.time_ns = judged->time_ns,
		.src = packet->src,
		.dst = packet->dst,
		.sport = packet->sport,
		.dport = packet->dport,
		.subscriber_len = decision->subscriber_len,
		.verdict = (uint8_t)decision->would,
		.monitored = decision->verdict == VERDICT_ACCEPT,
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
		.names = names_of(events->policy, decision),
		.pcap_cnt = judged->number,
	};

	memcpy(fact.vlan, packet->vlan, sizeof(fact.vlan));
	if (judged->interface)
		memcpy(fact.in_iface, judged->interface, strnlen(judged->interface, IF_NAME_MAX - 1));
	return fact;
}

void replay_events_add(struct replay_events *events, const struct replay_packet *judged)
{
	struct event_fact fact;

	if (!events->collector || !replay_is_recorded(judged->decision))
		return;
	fact = fact_of(events, judged);
	event_observe(events->collector, &fact);
}

void replay_events_end(struct replay_events *events)
{
	struct event_stats stats;

	if (!events->collector)
		return;
	event_flush(events->collector, INT64_MIN); /* the capture's clock ends with its last packet */
	event_stats_get(events->collector, &stats);
	events->next_seq = stats.next_seq;
	event_collector_free(events->collector);
	events->collector = NULL;
}
