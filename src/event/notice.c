/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/notice.h"

#include "event/put.h"
#include "event/record.h"

#include <string.h>

enum { MESSAGE_MAX = 600 };

/* What is written, and how. */
struct event_notice_line {
	const struct event_config *config;
	const struct event_notice *of;
	uint64_t seq;
};

static const char *const kind_names[] = {
	[EVENT_NOTICE_FAILED_OPEN] = "failed-open", [EVENT_NOTICE_FAILED_CLOSED] = "failed-closed",
	[EVENT_NOTICE_ABSENT] = "absent",           [EVENT_NOTICE_RULES_CHANGED] = "rules-changed",
	[EVENT_NOTICE_RULES_BACK] = "rules-back",   [EVENT_NOTICE_RULES_FAILED] = "rules-failed",
};

_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == EVENT_NOTICES, "one name for each kind");

const char *event_notice_name(enum event_notice_kind kind)
{
	return kind_names[kind];
}

static bool is_period(const struct event_notice_line *n)
{
	return n->of->kind <= EVENT_NOTICE_ABSENT;
}

static bool is_failure(const struct event_notice_line *n)
{
	return n->of->kind <= EVENT_NOTICE_FAILED_CLOSED;
}

static bool has_packets(const struct event_notice_line *n)
{
	return n->of->has_packets;
}

static bool has_causes(const struct event_notice_line *n)
{
	return is_failure(n) && n->of->has_packets;
}

static bool is_over(const struct event_notice_line *n)
{
	return is_period(n) && n->of->state != EVENT_NOTICE_BEGIN;
}

static void put_moment(struct out *out, const struct event_notice_line *n, int64_t ns)
{
	put_time(out, ns, n->config->utc_offset_s);
}

static void write_timestamp(struct out *out, const struct event_notice_line *n)
{
	put_moment(out, n, n->of->time_ns);
}

static void write_level(struct out *out, const struct event_notice_line *n)
{
	out_text(out, n->of->kind == EVENT_NOTICE_RULES_BACK ? "\"Notice\"" : "\"Warning\"");
}

static void write_event_type(struct out *out, const struct event_notice_line *n)
{
	out_text(out, "\"engine\"");
}

static void write_host(struct out *out, const struct event_notice_line *n)
{
	put_text(out, n->config->host, RECORD_NAME_MAX);
}

static void write_message(struct out *out, const struct event_notice_line *n)
{
	put_text(out, n->of->message, MESSAGE_MAX);
}

static void write_schema(struct out *out, const struct event_notice_line *n)
{
	out_u64(out, EVENT_SCHEMA);
}

static void write_boot_id(struct out *out, const struct event_notice_line *n)
{
	put_text(out, n->config->boot_id, RECORD_NAME_MAX);
}

static void write_seq(struct out *out, const struct event_notice_line *n)
{
	out_u64(out, n->seq);
}

static void write_kind(struct out *out, const struct event_notice_line *n)
{
	put_text(out, event_notice_name(n->of->kind), RECORD_NAME_MAX);
}

static void write_state(struct out *out, const struct event_notice_line *n)
{
	static const char *const names[] = {"begin", "end", "once"};

	put_text(out, names[n->of->state], RECORD_NAME_MAX);
}

static void write_fail(struct out *out, const struct event_notice_line *n)
{
	out_text(out, n->of->open ? "\"open\"" : "\"closed\"");
}

static void write_begin(struct out *out, const struct event_notice_line *n)
{
	put_moment(out, n, n->of->first_ns);
}

static void write_end(struct out *out, const struct event_notice_line *n)
{
	put_moment(out, n, n->of->last_ns);
}

static void write_packets(struct out *out, const struct event_notice_line *n)
{
	out_u64(out, n->of->packets);
}

static void write_exact(struct out *out, const struct event_notice_line *n)
{
	out_text(out, n->of->packets_at_most ? "false" : "true");
}

static void write_queue_full(struct out *out, const struct event_notice_line *n)
{
	out_u64(out, n->of->queue_full);
}

static void write_buffer_full(struct out *out, const struct event_notice_line *n)
{
	out_u64(out, n->of->buffer_full);
}

static void write_policy(struct out *out, const struct event_notice_line *n)
{
	put_text(out, n->of->digest ? n->of->digest : "", RECORD_NAME_MAX);
}

/* ---- the table ---- */

#define TOP    "top"
#define ENGINE "engine"
#define OP25B  "op25b"

/* clang-format off */
const struct event_notice_field event_notice_fields[] = {
	{TOP, "timestamp", "text", "when this was written, in the form of all records", write_timestamp, NULL},
	{TOP, "log_level", "text", "\"Warning\", or \"Notice\" where something is well again", write_level, NULL},
	{TOP, "event_type", "text", "always \"engine\"", write_event_type, NULL},
	{TOP, "host", "text", "name of the gateway", write_host, NULL},
	{ENGINE, "message", "text", "what happened, for people", write_message, NULL},
	{OP25B, "schema", "number", "as in block records", write_schema, NULL},
	{OP25B, "boot_id", "text", "as in block records", write_boot_id, NULL},
	{OP25B, "seq", "number", "as in block records; all records are numbered together", write_seq, NULL},
	{OP25B, "kind", "text", "\"failed-open\": the kernel let packets pass that the daemon could not take; \"failed-closed\": it dropped them; \"absent\": no daemon was there; \"rules-changed\": somebody else changed or deleted the rules; \"rules-back\": they are in order again; \"rules-failed\": they could not be put back", write_kind, NULL},
	{OP25B, "state", "text", "\"begin\" or \"end\" of a period, \"once\" where there is none", write_state, NULL},
	{OP25B, "fail", "text", "\"open\": its packets passed; \"closed\": they were dropped; of periods only", write_fail, is_period},
	{OP25B, "begin", "text", "when the period began, to about a second; of periods only", write_begin, is_period},
	{OP25B, "end", "text", "when the last of its packets had been noticed; where the period is over", write_end, is_over},
	{OP25B, "unjudged", "number", "packets of the period so far, which no block record counts; where it can be known. The record of its end has the whole number", write_packets, has_packets},
	{OP25B, "unjudged_exact", "boolean", "false: the number is an upper bound, because the last second before a kill cannot be told apart", write_exact, has_packets},
	{OP25B, "queue_full", "number", "of these packets, such as found no room in a queue", write_queue_full, has_causes},
	{OP25B, "buffer_full", "number", "of these packets, such as found no room in the daemon's socket", write_buffer_full, has_causes},
	{OP25B, "policy", "text", "digest of the policy in force", write_policy, NULL},
};
/* clang-format on */

const size_t event_notice_field_count = sizeof(event_notice_fields) / sizeof(event_notice_fields[0]);

bool event_notice_field_write(struct out *out, const struct event_notice_field *field,
			      const struct event_config *config, uint64_t seq,
			      const struct event_notice *notice)
{
	const struct event_notice_line line = {config, notice, seq};
	bool present = !field->present || field->present(&line);

	if (present)
		field->write(out, &line);
	return present;
}

static void open_object(struct out *out, const char *name)
{
	out_text(out, ",\"");
	out_text(out, name);
	out_text(out, "\":{");
}

size_t event_notice_encode(const struct event_config *config, uint64_t seq, const struct event_notice *notice,
			   char out[EVENT_RECORD_MAX])
{
	const struct event_notice_line n = {config, notice, seq};
	struct out line = out_over(out, EVENT_RECORD_MAX);
	const char *object = TOP;

	out_char(&line, '{');
	for (size_t i = 0; i < event_notice_field_count; i++) {
		const struct event_notice_field *field = &event_notice_fields[i];

		if (field->present && !field->present(&n))
			continue;
		if (strcmp(field->object, object) != 0) {
			if (strcmp(object, TOP) != 0)
				out_char(&line, '}');
			open_object(&line, field->object);
			object = field->object;
		} else if (i > 0) {
			out_char(&line, ',');
		}
		out_json_string(&line, field->name, strlen(field->name));
		out_char(&line, ':');
		field->write(&line, &n);
	}
	out_text(&line, "}}\n");
	return line.overflow ? 0 : out_len(&line);
}
