/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25bd answers, as a snapshot. */
#include "log_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void watch_snapshot_free(struct watch_snapshot *snapshot)
{
	free(snapshot->offenders);
	snapshot->offenders = NULL;
	snapshot->offender_count = 0;
}

void watch_text(char *out, size_t size, const char *text)
{
	size_t len = 0;

	for (; text && *text && len + 1 < size; text++) {
		unsigned char byte = (unsigned char)*text;

		/* One '?' for all bytes of a character. */
		if ((byte & 0xc0) != 0x80)
			out[len++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
	}
	out[len] = '\0';
}

void watch_warn(struct watch_snapshot *snapshot, const char *format, ...)
{
	char text[WATCH_TEXT_MAX];
	va_list arguments;

	if (snapshot->warning_count == WATCH_WARNINGS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	watch_text(snapshot->warnings[snapshot->warning_count++], WATCH_TEXT_MAX, text);
}

static uint64_t number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static const char *item(const json_t *list, size_t i)
{
	const char *value = json_string_value(json_array_get(list, i));

	return value ? value : "";
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* One is missing in answers of an older daemon: the rate is then not known, rather than 0. */
static void count(struct watch_snapshot *snapshot, enum watch_counter counter, uint64_t value)
{
	snapshot->counters[counter] = value;
	snapshot->known[counter] = true;
}

static void read_counters(const json_t *status, struct watch_snapshot *snapshot)
{
	const json_t *ledger = json_object_get(status, "ledger");
	const json_t *offload = json_object_get(status, "offload");
	uint64_t learned = number(offload, "learned"), offloaded = number(offload, "packets");
	uint64_t dropped = number(ledger, "dropped"), received = number(ledger, "received");

	/* What the kernel was taught with it counts, too. */
	dropped = dropped > learned ? dropped - learned : 0;
	received = received > learned ? received - learned : 0;
	count(snapshot, WATCH_PACKETS, received + offloaded);
	count(snapshot, WATCH_BLOCKED, dropped + offloaded);
	count(snapshot, WATCH_ACCEPTED, number(ledger, "accepted"));
	count(snapshot, WATCH_ATTEMPTS, number(json_object_get(status, "events"), "attempts"));
	count(snapshot, WATCH_RECORDS, number(json_object_get(status, "log"), "records"));
	snapshot->failed_open = number(ledger, "failed_open");
	snapshot->in_flight = number(ledger, "in_flight");
	snapshot->offload_wanted = is_true(offload, "wanted");
	if (snapshot->offload_wanted)
		count(snapshot, WATCH_OFFLOADED, offloaded);
	snapshot->offload_sources = number(offload, "sources");
}

static const char *offload_state(const json_t *offload)
{
	if (is_true(offload, "drained"))
		return "drained for an exchange of the rules";
	if (json_is_false(json_object_get(offload, "ready")))
		return "NOT READY";
	return json_is_integer(json_object_get(offload, "generation")) ? "in force" : "ready";
}

static void read_fates(const json_t *modes, struct watch_snapshot *snapshot)
{
	static const char *const names[WATCH_CASES] = {"no-daemon", "queue-full", "buffer-full", "killed",
						       "stalled"};
	const json_t *cases = json_object_get(modes, "cases");

	for (unsigned i = 0; i < WATCH_CASES; i++) {
		const json_t *row = json_object_get(cases, names[i]);
		const char *fate = text(row, "fate"), *then = text(row, "then");
		char words[WATCH_NAME_MAX];

		snprintf(words, sizeof(words), "%s%s%s", fate, strcmp(fate, then) ? ", then " : "",
			 strcmp(fate, then) ? then : "");
		watch_text(snapshot->fates[i], WATCH_NAME_MAX, words);
	}
}

static void warn_of_workers(const json_t *status, struct watch_snapshot *snapshot)
{
	const json_t *workers = json_object_get(status, "workers");

	snapshot->queues = json_array_size(workers);
	for (size_t i = 0; i < json_array_size(workers); i++) {
		const json_t *worker = json_array_get(workers, i);

		if (json_is_string(json_object_get(worker, "error")))
			watch_warn(snapshot, "queue %" PRIu64 ": %s", number(worker, "queue"),
				   text(worker, "error"));
	}
}

static void warn(const json_t *status, struct watch_snapshot *snapshot)
{
	const json_t *modes = json_object_get(status, "fail_modes");
	const json_t *warnings = json_object_get(modes, "warnings");
	const json_t *missing = json_object_get(status, "missing_interfaces");
	const json_t *offload = json_object_get(status, "offload"), *log = json_object_get(status, "log");

	if (is_true(json_object_get(modes, "unjudged"), "now"))
		watch_warn(snapshot, "packets %s unjudged at this moment",
			   strcmp(snapshot->fail, "open") == 0 ? "pass" : "are dropped");
	for (size_t i = 0; i < json_array_size(warnings); i++)
		watch_warn(snapshot, "%s", item(warnings, i));
	for (size_t i = 0; i < json_array_size(missing); i++)
		watch_warn(snapshot, "%s, which the policy names, is not there", item(missing, i));
	warn_of_workers(status, snapshot);
	if (json_is_string(json_object_get(log, "error")))
		watch_warn(snapshot, "records cannot be written: %s", text(log, "error"));
	if (number(log, "lost") > 0)
		watch_warn(snapshot, "%" PRIu64 " records are lost", number(log, "lost"));
	if (snapshot->offload_wanted && json_is_string(json_object_get(offload, "error")))
		watch_warn(snapshot, "offload: %s", text(offload, "error"));
	if (json_is_false(json_object_get(json_object_get(status, "policy"), "last_reload_ok")))
		watch_warn(snapshot, "the last reload was refused: its policy is not in force");
}

void watch_read_status(const json_t *status, struct watch_snapshot *snapshot)
{
	const json_t *kernel = json_object_get(status, "kernel"), *log = json_object_get(status, "log");

	snapshot->of_daemon = true;
	snapshot->pid = number(status, "pid");
	snapshot->uptime_s = number(status, "uptime_s");
	watch_text(snapshot->gateway, WATCH_NAME_MAX, text(status, "name"));
	watch_text(snapshot->version, WATCH_NAME_MAX, text(status, "version"));
	watch_text(snapshot->mode, WATCH_NAME_MAX, text(status, "mode"));
	watch_text(snapshot->fail, WATCH_NAME_MAX, text(status, "fail"));
	read_counters(status, snapshot);
	snapshot->kernel_known = json_is_object(kernel);
	snapshot->waiting = number(kernel, "waiting");
	snapshot->queue_dropped = number(kernel, "queue_dropped");
	snapshot->socket_dropped = number(kernel, "user_dropped");
	read_fates(json_object_get(status, "fail_modes"), snapshot);
	watch_text(snapshot->offload, WATCH_NAME_MAX, offload_state(json_object_get(status, "offload")));
	snapshot->records_lost = number(log, "lost");
	snapshot->log_waiting = number(log, "waiting_bytes");
	warn(status, snapshot);
}

/* By the clock of who looks. What is no moment stays as it is. */
static void take_moment(char out[MOMENT_TEXT_MAX], const char *told)
{
	struct moment moment;
	struct tm local;
	time_t s;

	watch_text(out, MOMENT_TEXT_MAX, told);
	if (moment_parse(told, strlen(told), &moment, NULL) != MOMENT_OK)
		return;
	s = (time_t)moment.s;
	moment_format(s, localtime_r(&s, &local) ? (int32_t)local.tm_gmtoff : 0, out);
}

static void read_offender(const json_t *row, struct watch_offender *offender)
{
	watch_text(offender->subscriber, sizeof(offender->subscriber), text(row, "subscriber"));
	offender->packets = number(row, "packets");
	offender->attempts = number(row, "attempts");
	offender->offloaded = number(row, "offloaded");
	offender->destinations = number(row, "destinations");
	offender->destinations_exact = is_true(row, "destinations_exact");
	offender->monitored = is_true(row, "monitored");
	watch_text(offender->reason, sizeof(offender->reason), text(row, "reason"));
	take_moment(offender->since, text(row, "since"));
	take_moment(offender->last, text(row, "last"));
}

int watch_read_offenders(const json_t *answer, struct watch_snapshot *snapshot)
{
	const json_t *rows = json_object_get(answer, "offenders");
	size_t rows_there = json_array_size(rows);
	struct watch_offender *offenders;

	if (rows_there > WATCH_OFFENDERS_MAX)
		rows_there = WATCH_OFFENDERS_MAX;
	offenders = calloc(rows_there ? rows_there : 1, sizeof(*offenders));
	if (!offenders)
		return -ENOMEM;
	for (size_t i = 0; i < rows_there; i++)
		read_offender(json_array_get(rows, i), &offenders[i]);
	free(snapshot->offenders);
	snapshot->offenders = offenders;
	snapshot->offender_count = rows_there;
	snapshot->subscribers = number(answer, "subscribers");
	snapshot->looked = number(answer, "looked");
	snapshot->window_s = number(answer, "window_s");
	return 0;
}

static void __attribute__((format(printf, 3, 4)))
add_line(char lines[WATCH_ANSWERS_MAX][WATCH_TEXT_MAX], size_t *lines_there, const char *format, ...)
{
	char line[WATCH_TEXT_MAX];
	va_list arguments;

	if (*lines_there == WATCH_ANSWERS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	watch_text(lines[(*lines_there)++], WATCH_TEXT_MAX, line);
}

size_t watch_read_explain(const json_t *answer, char lines[WATCH_ANSWERS_MAX][WATCH_TEXT_MAX])
{
	const json_t *rule = json_object_get(answer, "rule"), *pool = json_object_get(answer, "pool");
	const json_t *override = json_object_get(answer, "override");
	const char *verdict = text(answer, "verdict"), *would = text(answer, "would");
	size_t lines_there = 0;

	add_line(lines, &lines_there, "to %s now: %s%s%s", text(answer, "dst"), verdict,
		 strcmp(verdict, would) ? ", monitored: would be " : "", strcmp(verdict, would) ? would : "");
	add_line(lines, &lines_there, "reason      %s: %s", text(answer, "reason"), text(answer, "meaning"));
	if (json_is_object(rule))
		add_line(lines, &lines_there, "rule        [%s %s], line %" PRIu64, text(rule, "kind"),
			 text(rule, "name"), number(rule, "line"));
	if (json_is_object(pool))
		add_line(lines, &lines_there, "pool        %s", text(pool, "name"));
	if (json_is_object(override))
		add_line(lines, &lines_there, "override    %s until %s: %s", text(override, "action"),
			 text(override, "until"), text(override, "reason"));
	add_line(lines, &lines_there, "next change %s",
		 json_is_string(json_object_get(answer, "next_change")) ? text(answer, "next_change")
									: "none by date");
	return lines_there;
}
