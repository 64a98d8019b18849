/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the options let through: of records as they are read, of offenders as they are shown. */
#include "log_watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool watch_filter_wants_records(const struct watch_filter *only)
{
	return only->dst.addr.family != ADDR_NONE || only->pool || only->rule || only->host;
}

/* One of them is in the other. */
static bool meet(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

static bool names_pass(const struct watch_filter *only, const struct event_line *line)
{
	return (!only->pool || json_text_is(&line->pool, only->pool)) &&
	       (!only->rule || json_text_is(&line->rule, only->rule)) &&
	       (!only->reason || json_text_is(&line->reason, only->reason));
}

static bool tells_destination(const struct prefix *wanted, const struct event_line *line)
{
	if (wanted->addr.family == ADDR_NONE)
		return true;
	for (unsigned i = 0; i < line->destination_count; i++)
		if (prefix_contains(wanted, &line->destination[i]))
			return true;
	return line->dst.family != ADDR_NONE && prefix_contains(wanted, &line->dst);
}

bool watch_filter_host(const struct watch_filter *only, const struct event_line *line)
{
	return !only->host || json_text_is(&line->host, only->host);
}

bool watch_filter_record(const struct watch_filter *only, const struct event_line *line)
{
	bool known = line->subscriber.addr.family != ADDR_NONE;

	return watch_filter_host(only, line) && names_pass(only, line) &&
	       tells_destination(&only->dst, line) &&
	       (only->src.addr.family == ADDR_NONE || (known && meet(&only->src, &line->subscriber)));
}

bool watch_filter_offender(const struct watch_filter *only, const struct watch_offender *offender)
{
	struct prefix subscriber;

	if (offender->attempts < only->min_attempts)
		return false;
	/* That of a record is a name of his last one only; records were looked at before. */
	if (only->reason && !offender->host[0] && strcmp(offender->reason, only->reason) != 0)
		return false;
	if (only->src.addr.family == ADDR_NONE)
		return true;
	return prefix_parse(offender->subscriber, strlen(offender->subscriber), &subscriber) == ADDR_OK &&
	       meet(&only->src, &subscriber);
}

static void __attribute__((format(printf, 2, 3))) add(struct watch_filter *only, const char *format, ...)
{
	size_t len = strlen(only->text);
	char text[WATCH_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	watch_text(only->text + len, sizeof(only->text) - len, text);
}

static void add_prefix(struct watch_filter *only, const char *option, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix->addr.family == ADDR_NONE)
		return;
	watch_subscriber(text, prefix);
	add(only, " --%s %s", option, text);
}

void watch_filter_name(struct watch_filter *only)
{
	const struct {
		const char *option, *value;
	} names[] = {
		{"pool", only->pool}, {"rule", only->rule}, {"reason", only->reason}, {"host", only->host}};

	only->text[0] = '\0';
	add_prefix(only, "src", &only->src);
	add_prefix(only, "dst", &only->dst);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].value)
			add(only, " --%s %s", names[i].option, names[i].value);
	if (only->min_attempts > 0)
		add(only, " --min-attempts %" PRIu64, only->min_attempts);
}
