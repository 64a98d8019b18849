/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/line_check.h"

#include "event/event.h"

#include <stdio.h>
#include <string.h>

bool line_wrong_at(struct event_line *line, const char *field, size_t offset, const char *why)
{
	if (!line->why) {
		line->why = why;
		line->field = field;
		line->offset = offset;
	}
	return false;
}

static bool wrong(struct event_line *line, const char *field, const char *why)
{
	return line_wrong_at(line, field, 0, why);
}

void line_check_schema(struct event_line *line)
{
	if (line->schema <= EVENT_SCHEMA)
		return;
	line->why = NULL;
	(void)wrong(line, "schema", "written by a newer op25b than this one");
}

static int word_number(const struct json_text *text, const char *const *words, int count)
{
	for (int i = 0; i < count; i++) {
		if (json_text_is(text, words[i]))
			return i;
	}
	return -1;
}

/* 0 where it is no verdict. */
static uint8_t verdict_of(const struct json_text *text)
{
	static const char *const words[] = {"drop", "reset", "icmp"};

	return (uint8_t)(word_number(text, words, 3) + EVENT_DROP);
}

static bool check_names(struct event_line *line)
{
	static const char *const kinds[] = {"first", "summary", "overflow"};
	int kind = word_number(&line->kind_text, kinds, 3);
	bool alert = json_text_is(&line->event_type, "alert");

	if (!alert && !json_text_is(&line->event_type, "drop"))
		return wrong(line, "event_type", "none that op25b writes");
	if (kind < 0)
		return wrong(line, "kind", "none that op25b writes");
	line->kind = (enum event_line_kind)kind;
	line->verdict = verdict_of(&line->verdict_text);
	if (line->verdict == 0)
		return wrong(line, "verdict", "none that op25b knows");
	if (alert != line->monitored)
		return wrong(line, "monitored", "it does not fit the event_type");
	return line->boot_id.len > 0 || wrong(line, "boot_id", "it is empty");
}

static bool check_addresses(struct event_line *line)
{
	if (line->kind == EVENT_LINE_OVERFLOW)
		return line->subscriber.addr.family == ADDR_NONE ||
		       wrong(line, "subscriber", "an overflow record is of nobody");
	if (!prefix_contains(&line->subscriber, &line->src))
		return wrong(line, "subscriber", "src_ip is outside of it");
	if (line->ip_v != line->src.family ||
	    (line->dst.family != ADDR_NONE && line->dst.family != line->src.family))
		return wrong(line, "ip_v", "it does not fit the addresses");
	if (line->destination_count > 0 && line->destination_count != line->destinations)
		return wrong(line, "destinations", "they are not as many as distinct_destinations");
	for (size_t i = 0; i < line->destination_count; i++) {
		if (line->destination[i].family != line->src.family)
			return wrong(line, "destinations", "they do not fit src_ip");
	}
	return true;
}

static bool check_parts(struct event_line *line)
{
	uint64_t packets = 0, attempts = 0, blocked = 0;

	for (size_t i = 0; i < line->part_count; i++) {
		struct event_line_part *part = &line->parts[i];

		part->verdict = verdict_of(&part->verdict_text);
		if (part->verdict == 0 && !part->others)
			return wrong(line, "rules", "one has no verdict that op25b knows");
		packets += part->packets;
		attempts += part->attempts;
		blocked += part->monitored ? 0 : part->packets;
	}
	if (line->part_count > 0 &&
	    (packets != line->packets || attempts != line->attempts || blocked != line->blocked))
		return wrong(line, "rules", "they do not add up");
	return true;
}

static bool check_counts(struct event_line *line)
{
	uint64_t packets = 0;

	if (line->blocked > line->packets || (line->monitored && line->blocked > 0))
		return wrong(line, "packets_blocked", "more than there are");
	if (line->offloaded > line->blocked)
		return wrong(line, "packets_offloaded", "more than were blocked");
	for (size_t i = 0; i < line->reason_count; i++)
		packets += line->reasons[i].packets;
	if (line->reason_count > 0 && packets != line->packets)
		return wrong(line, "reasons", "they do not add up");
	return check_parts(line);
}

void line_check_record(struct event_line *line)
{
	if (check_names(line) && check_addresses(line))
		(void)check_counts(line);
}

void line_check_notice(struct event_line *line)
{
	static const char *const states[] = {"begin", "end", "once"};

	if (word_number(&line->state, states, 3) < 0)
		(void)wrong(line, "state", "none that op25b writes");
	line->open = json_text_is(&line->fail, "open");
	if (line->fail.len > 0 && !line->open && !json_text_is(&line->fail, "closed"))
		(void)wrong(line, "fail", "neither open nor closed");
	if (line->boot_id.len == 0)
		(void)wrong(line, "boot_id", "it is empty");
	line->is_period = line->fail.len > 0;
	line->is_over = line->is_period && !json_text_is(&line->state, "begin");
	line->has_unjudged = line->unjudged != UINT64_MAX;
	line->unjudged = line->has_unjudged ? line->unjudged : 0;
}

bool event_line_reason_monitors(const struct json_text *reason)
{
	static const char end[] = "-monitor";
	const size_t len = sizeof(end) - 1;

	return reason->len >= len && memcmp(reason->at + reason->len - len, end, len) == 0;
}

void event_line_why(const struct event_line *line, char out[EVENT_LINE_WHY_MAX])
{
	snprintf(out, EVENT_LINE_WHY_MAX, "%s%s%s (byte %zu)", line->field, line->field[0] ? ": " : "",
		 line->why ? line->why : "", line->offset);
}
