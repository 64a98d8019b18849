/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/outputs.h"

#include "daemon/clock.h"
#include "daemon/say.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { OUTPUT_MEMORY = 1 << 20 }; /* bytes that may wait, for each */

static const char *const names[EVENT_FORMS] = {
	[EVENT_FORM_SYSLOG] = "syslog", [EVENT_FORM_JOURNAL] = "journald"};

/* NULL: none. */
static const char *wanted_path(const struct policy *policy, enum event_form form)
{
	const char *syslog = policy->log.syslog;

	if (form == EVENT_FORM_JOURNAL)
		return policy->log.journald ? JOURNAL_SOCKET : NULL;
	return syslog && strcmp(syslog, "-") != 0 ? syslog : NULL;
}

/* One more try, also of what failed a moment ago. What goes then without having been sent is told. */
static void finish_one(struct outlet *outlet, const char *name)
{
	struct outlet_stats stats;

	(void)outlet_flush(outlet, INT64_MAX / 2);
	outlet_stats_get(outlet, &stats);
	if (stats.waiting_messages > 0)
		say(SAY_WARNING,
		    "%s: %" PRIu64 " records were not taken by %s to the end; the record file has them", name,
		    stats.waiting_messages, outlet_path(outlet));
}

static int apply_one(struct outlet **outlet, const char *name, const char *path)
{
	if (*outlet && path && strcmp(outlet_path(*outlet), path) == 0)
		return 0;
	if (*outlet)
		finish_one(*outlet, name);
	outlet_free(*outlet);
	*outlet = path ? outlet_new(path, OUTPUT_MEMORY) : NULL;
	return path && !*outlet ? -ENOMEM : 0;
}

int outputs_apply(struct outputs *outputs, const struct policy *policy)
{
	int result = 0;

	for (enum event_form form = EVENT_FORM_SYSLOG; form < EVENT_FORMS; form++) {
		int r = apply_one(&outputs->outlets[form], names[form], wanted_path(policy, form));

		result = r < 0 ? r : result;
	}
	return result;
}

void outputs_finish(struct outputs *outputs)
{
	for (unsigned form = 0; form < EVENT_FORMS; form++)
		if (outputs->outlets[form])
			finish_one(outputs->outlets[form], names[form]);
}

void outputs_free(struct outputs *outputs)
{
	for (unsigned form = 0; form < EVENT_FORMS; form++) {
		outlet_free(outputs->outlets[form]);
		outputs->outlets[form] = NULL;
	}
}

unsigned outputs_forms(const struct outputs *outputs)
{
	unsigned forms = 0;

	for (unsigned form = 0; form < EVENT_FORMS; form++)
		forms |= outputs->outlets[form] ? 1U << form : 0;
	return forms;
}

void outputs_take(struct outputs *outputs, enum event_form form, const char *message, size_t len)
{
	if (outputs->outlets[form])
		outlet_add(outputs->outlets[form], message, len);
}

static void say_change(const struct outlet *outlet, const char *name)
{
	struct outlet_stats stats;

	outlet_stats_get(outlet, &stats);
	if (stats.error)
		say(SAY_WARNING, "%s: %s takes no records: %s; the record file has them", name,
		    outlet_path(outlet), strerror(-stats.error));
	else
		say(SAY_NOTICE, "%s: %s takes records again; %" PRIu64 " were lost so far", name,
		    outlet_path(outlet), stats.lost);
}

void outputs_flush(struct outputs *outputs)
{
	for (unsigned form = 0; form < EVENT_FORMS; form++) {
		struct outlet *outlet = outputs->outlets[form];

		if (outlet && outlet_flush(outlet, clock_steady_ns()))
			say_change(outlet, names[form]);
	}
}

bool outputs_are_slow(const struct outputs *outputs)
{
	bool slow = false;

	for (unsigned form = 0; form < EVENT_FORMS; form++)
		slow |= outputs->outlets[form] && outlet_is_slow(outputs->outlets[form]);
	return slow;
}

json_t *outputs_json(const struct outputs *outputs)
{
	json_t *list = json_array();

	for (unsigned form = 0; list && form < EVENT_FORMS; form++) {
		struct outlet_stats stats;

		if (!outputs->outlets[form])
			continue;
		outlet_stats_get(outputs->outlets[form], &stats);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "name", names[form], "socket",
				  outlet_path(outputs->outlets[form]), "records", (json_int_t)stats.messages,
				  "sent", (json_int_t)stats.sent, "lost", (json_int_t)stats.lost,
				  "waiting_bytes", (json_int_t)stats.waiting, "error",
				  stats.error ? json_string(strerror(-stats.error)) : json_null()));
	}
	return list;
}

static void put_metric(const struct outputs *outputs, struct out *out, enum metric metric)
{
	metrics_begin(out, metric);
	for (unsigned form = 0; form < EVENT_FORMS; form++) {
		const struct metric_label label = {"output", names[form]};
		struct outlet_stats stats = {0};

		if (outputs->outlets[form])
			outlet_stats_get(outputs->outlets[form], &stats);
		metrics_put(out, metric, "", &label, 1,
			    metric == METRIC_OUTPUT_SENT   ? stats.sent
			    : metric == METRIC_OUTPUT_LOST ? stats.lost
							   : stats.error != 0);
	}
}

void outputs_put_metrics(const struct outputs *outputs, struct out *out)
{
	put_metric(outputs, out, METRIC_OUTPUT_SENT);
	put_metric(outputs, out, METRIC_OUTPUT_LOST);
	put_metric(outputs, out, METRIC_OUTPUT_FAILING);
}
