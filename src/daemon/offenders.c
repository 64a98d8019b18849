/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/offenders.h"

#include "base/cleanup.h"
#include "daemon/gateway.h"

#include <time.h>

static json_t *moment_json(int64_t ns)
{
	time_t time = (time_t)(ns / NSEC_PER_SEC);
	char text[MOMENT_TEXT_MAX];
	struct tm local;

	moment_format(time, localtime_r(&time, &local) ? (int32_t)local.tm_gmtoff : 0, text);
	return json_string(text);
}

static json_t *offender_json(const struct event_offender *offender)
{
	char subscriber[PREFIX_TEXT_MAX];

	subscriber_format(&offender->subscriber, subscriber);
	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:s, s:b}", "subscriber", subscriber,
			 "since", moment_json(offender->opened_ns), "last", moment_json(offender->last_ns),
			 "packets", (json_int_t)offender->packets, "attempts", (json_int_t)offender->attempts,
			 "offloaded", (json_int_t)offender->offloaded, "destinations",
			 (json_int_t)offender->destinations, "destinations_exact",
			 offender->destinations_exact, "reason", reason_name((enum reason)offender->reason),
			 "monitored", offender->monitored);
}

json_t *offenders_json(const struct gateway *gateway, size_t most)
{
	CLEANUP_FREE struct event_offender *offenders = calloc(most, sizeof(*offenders));
	struct event_stats stats;
	struct event_top top;
	json_t *rows;

	if (!offenders || event_top(gateway->collector, offenders, most, OFFENDERS_LOOKS_MAX, &top) < 0)
		return NULL;
	event_stats_get(gateway->collector, &stats);
	rows = json_array();
	for (size_t i = 0; i < top.count; i++)
		json_array_append_new(rows, offender_json(&offenders[i]));
	return json_pack("{s:o, s:I, s:I, s:I}", "offenders", rows, "window_s",
			 (json_int_t)gateway->world->policy->log.window_s, "subscribers",
			 (json_int_t)stats.subscribers, "looked", (json_int_t)top.looked);
}
