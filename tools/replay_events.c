/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "record/record.h"

#include <stdlib.h>
#include <string.h>

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

void replay_events_add(struct replay_events *events, const struct replay_packet *judged)
{
	struct event_fact fact;

	if (!events->collector || !record_is_due(judged->decision))
		return;
	record_fill(events->policy, judged->packet, judged->decision, &fact);
	fact.time_ns = judged->time_ns;
	fact.pcap_cnt = judged->merged_number ? judged->merged_number : judged->number;
	if (judged->interface)
		memcpy(fact.in_iface, judged->interface, strnlen(judged->interface, IF_NAME_MAX - 1));
	event_observe(events->collector, &fact, 1);
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
