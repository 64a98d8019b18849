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

/* Of `total`, what belongs to `part` of `whole`. */
static uint64_t share(uint64_t total, uint64_t part, uint64_t whole)
{
	return whole > 0 ? (uint64_t)((double)total * ((double)part / (double)whole) + 0.5) : 0;
}

static bool part_passes(const struct watch_filter *only, const struct event_line_part *part)
{
	return (!only->pool || json_text_is(&part->pool, only->pool)) &&
	       (!only->rule || json_text_is(&part->rule, only->rule));
}

/* A record of several rules tells what met each. False: none of it is wanted. */
static bool keep_rules(const struct watch_filter *only, struct event_line *line)
{
	const struct event_line_part shown = {.pool = line->pool, .rule = line->rule}, *last = NULL;
	uint64_t packets = 0, attempts = 0, blocked = 0;

	if (line->part_count == 0 || (!only->pool && !only->rule))
		return part_passes(only, &shown);
	for (unsigned i = 0; i < line->part_count; i++) {
		const struct event_line_part *part = &line->parts[i];

		if (!part_passes(only, part))
			continue;
		packets += part->packets;
		attempts += part->attempts;
		blocked += part->monitored ? 0 : part->packets;
		last = part_passes(only, &shown) ? &shown : part;
	}
	if (!last)
		return false;
	line->offloaded = share(line->offloaded, blocked, line->blocked);
	line->packets = packets;
	line->attempts = attempts;
	line->blocked = blocked;
	line->monitored = blocked == 0;
	line->pool = last->pool;
	line->rule = last->rule;
	return true;
}

/* One of several reasons tells how many packets had each; the rest is shared by them. False: none of it is wanted. */
static bool keep_reason(const struct watch_filter *only, struct event_line *line)
{
	if (!only->reason || line->reason_count == 0)
		return !only->reason || json_text_is(&line->reason, only->reason);
	for (unsigned i = 0; i < line->reason_count; i++) {
		const struct event_line_reason *reason = &line->reasons[i];
		uint64_t packets = reason->packets < line->packets ? reason->packets : line->packets;
		uint64_t blocked;

		if (!json_text_is(&reason->name, only->reason))
			continue;
		blocked = event_line_reason_monitors(&reason->name) ? 0 : packets;
		blocked = blocked < line->blocked ? blocked : line->blocked;
		line->offloaded = share(line->offloaded, blocked, line->blocked);
		line->attempts = share(line->attempts, packets, line->packets);
		line->packets = packets;
		line->blocked = blocked;
		line->monitored = blocked == 0;
		line->reason = reason->name;
		return true;
	}
	return false;
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

bool watch_filter_record(const struct watch_filter *only, struct event_line *line)
{
	bool known = line->subscriber.addr.family != ADDR_NONE;

	return watch_filter_host(only, line) && tells_destination(&only->dst, line) &&
	       (only->src.addr.family == ADDR_NONE || (known && meet(&only->src, &line->subscriber))) &&
	       keep_rules(only, line) && keep_reason(only, line);
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
	subscriber_format(prefix, text);
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
