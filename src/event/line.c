/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table of fields for each object of a record. Fields come in the order in which the writers' tables have them nearly
 * always, so the one expected next is tried first.
 *
 * A field of the wrong type is noted and read on over: only at the end is it known whether the line is one of ours.
 */
#include "event/line_check.h"

#include "base/moment.h"

#include <string.h>

enum read {
	READ_TEXT,
	READ_WHOLE,
	READ_BOOL,
	READ_TIME,
	READ_ADDR,
	READ_PREFIX,
	READ_VLAN,
	READ_REASONS,
	READ_RULES,
	READ_DESTINATIONS,
	READ_SKETCH,
	READ_ALERT, /* objects */
	READ_DROP,
	READ_OP25B,
	READ_ENGINE,
	READ_NOTHING, /* known, and of no use */
};

enum { NAME_MAX_BYTES = 2048, MESSAGE_MAX_BYTES = 8192, WIDTH_TEXT = sizeof(struct json_text) };

/* Where a value goes: offset and width in struct event_line, or of "rules" in struct event_line_part. */
struct field {
	const char *name;
	uint64_t max; /* of a number; bytes of a text */
	uint16_t offset;
	uint8_t name_len, width, read;
	uint8_t required; /* by which lines: LINE_... */
};

struct object {
	const char *name;
	const struct field *fields;
	size_t count;
};

struct reader {
	struct json json;
	struct event_line *line;
	bool ours; /* there is an "op25b" */
	uint64_t seen_top, seen_op25b;
};

#define WIDTH(type, member) sizeof(((type *)NULL)->member)
#define ROW(n, r, type, member, most, need)                                                                  \
	{                                                                                                    \
		n, most, offsetof(type, member), sizeof(n) - 1, WIDTH(type, member), r, need                 \
	}
#define TEXT(n, member, need)        ROW(n, READ_TEXT, struct event_line, member, NAME_MAX_BYTES, need)
#define WHOLE(n, member, most, need) ROW(n, READ_WHOLE, struct event_line, member, most, need)
#define VALUE(n, r, member, need)    ROW(n, r, struct event_line, member, 0, need)
#define PART_TEXT(n, member, need)   ROW(n, READ_TEXT, struct event_line_part, member, NAME_MAX_BYTES, need)
#define PART_WHOLE(n, member)                                                                                \
	ROW(n, READ_WHOLE, struct event_line_part, member, EVENT_LINE_PACKETS_MAX, LINE_ANY)
#define PART_BOOL(n, member, need) ROW(n, READ_BOOL, struct event_line_part, member, 0, need)
#define OTHER(n, r)                                                                                          \
	{                                                                                                    \
		n, 0, 0, sizeof(n) - 1, 0, r, 0                                                              \
	}

static const struct field top_fields[] = {
	VALUE("timestamp", READ_TIME, time_us, LINE_ANY),
	TEXT("log_level", level, 0),
	TEXT("event_type", event_type, LINE_ANY),
	TEXT("host", host, LINE_ANY),
	TEXT("in_iface", iface, 0),
	WHOLE("pcap_cnt", capture_number, INT64_MAX, 0),
	TEXT("pcap_filename", capture, 0),
	VALUE("vlan", READ_VLAN, vlan, 0),
	VALUE("src_ip", READ_ADDR, src, LINE_ONE),
	WHOLE("src_port", sport, UINT16_MAX, 0),
	VALUE("dest_ip", READ_ADDR, dst, 0),
	WHOLE("dest_port", dport, UINT16_MAX, 0),
	WHOLE("ip_v", ip_v, 6, LINE_ONE),
	OTHER("proto", READ_NOTHING),
	OTHER("direction", READ_NOTHING),
	OTHER("drop", READ_DROP),
	OTHER("alert", READ_ALERT),
	OTHER("engine", READ_ENGINE),
	OTHER("op25b", READ_OP25B),
};

static const struct field drop_fields[] = {
	WHOLE("len", packet.len, UINT16_MAX, 0),       WHOLE("tos", packet.tos, UINT8_MAX, 0),
	WHOLE("ttl", packet.ttl, UINT8_MAX, 0),        WHOLE("ipid", packet.ip_id, UINT32_MAX, 0),
	WHOLE("tc", packet.tos, UINT8_MAX, 0),         WHOLE("hoplimit", packet.ttl, UINT8_MAX, 0),
	WHOLE("tcpseq", packet.seq, UINT32_MAX, 0),    WHOLE("tcpack", packet.ack, UINT32_MAX, 0),
	WHOLE("tcpwin", packet.window, UINT16_MAX, 0), VALUE("syn", READ_BOOL, packet.syn, 0),
	VALUE("ack", READ_BOOL, packet.has_ack, 0),    VALUE("psh", READ_BOOL, packet.psh, 0),
	VALUE("rst", READ_BOOL, packet.rst, 0),        VALUE("urg", READ_BOOL, packet.urg, 0),
	VALUE("fin", READ_BOOL, packet.fin, 0),        OTHER("reason", READ_NOTHING),
};

static const struct field alert_fields[] = {
	OTHER("action", READ_NOTHING),       OTHER("gid", READ_NOTHING),
	OTHER("signature_id", READ_NOTHING), OTHER("rev", READ_NOTHING),
	OTHER("signature", READ_NOTHING),    OTHER("category", READ_NOTHING),
	OTHER("severity", READ_NOTHING),
};

static const struct field engine_fields[] = {
	ROW("message", READ_TEXT, struct event_line, message, MESSAGE_MAX_BYTES, 0),
};

/* Of block records and of notices. */
static const struct field op25b_fields[] = {
	WHOLE("schema", schema, UINT32_MAX, LINE_ANY),
	TEXT("boot_id", boot_id, LINE_ANY),
	WHOLE("seq", seq, INT64_MAX - 1, LINE_ANY),
	TEXT("kind", kind_text, LINE_ANY),
	VALUE("subscriber", READ_PREFIX, subscriber, LINE_ONE),
	TEXT("pool", pool, 0),
	TEXT("rule", rule, 0),
	TEXT("rule_kind", rule_kind, 0),
	TEXT("ticket", ticket, 0),
	TEXT("reason", reason, LINE_RECORD),
	VALUE("reasons", READ_REASONS, reasons_as_written, 0),
	TEXT("verdict", verdict_text, LINE_RECORD),
	VALUE("monitored", READ_BOOL, monitored, LINE_RECORD),
	WHOLE("attempts", attempts, EVENT_LINE_PACKETS_MAX, LINE_RECORD),
	WHOLE("packets", packets, EVENT_LINE_PACKETS_MAX, LINE_RECORD),
	WHOLE("packets_blocked", blocked, EVENT_LINE_PACKETS_MAX, LINE_RECORD),
	WHOLE("packets_offloaded", offloaded, EVENT_LINE_PACKETS_MAX, 0),
	VALUE("first_seen", READ_TIME, first_us, LINE_RECORD),
	VALUE("last_seen", READ_TIME, last_us, LINE_RECORD),
	WHOLE("window_s", window_s, UINT32_MAX, LINE_RECORD),
	WHOLE("distinct_destinations", destinations, EVENT_LINE_PACKETS_MAX, LINE_ONE),
	VALUE("distinct_destinations_exact", READ_BOOL, destinations_exact, LINE_ONE),
	VALUE("destinations", READ_DESTINATIONS, destination_count, 0),
	VALUE("destinations_sketch", READ_SKETCH, sketch, 0),
	TEXT("policy", policy, LINE_ANY),
	VALUE("rules", READ_RULES, rules_as_written, 0),
	OTHER("packet", READ_DROP),
	TEXT("state", state, LINE_NOTICE),
	TEXT("fail", fail, 0),
	VALUE("begin", READ_TIME, first_us, 0),
	VALUE("end", READ_TIME, last_us, 0),
	WHOLE("unjudged", unjudged, EVENT_LINE_PACKETS_MAX, 0),
	VALUE("unjudged_exact", READ_BOOL, unjudged_exact, 0),
	WHOLE("queue_full", queue_full, EVENT_LINE_PACKETS_MAX, 0),
	WHOLE("buffer_full", buffer_full, EVENT_LINE_PACKETS_MAX, 0),
};

static const struct field rules_fields[] = {
	PART_TEXT("rule", rule, 0),
	PART_TEXT("rule_kind", rule_kind, 0),
	PART_TEXT("pool", pool, 0),
	PART_BOOL("others", others, 0),
	PART_TEXT("verdict", verdict_text, 0),
	PART_BOOL("monitored", monitored, LINE_ANY),
	PART_WHOLE("attempts", attempts),
	PART_WHOLE("packets", packets),
	PART_TEXT("policy", policy, 0),
};

#define OBJECT(name, fields)                                                                                 \
	{                                                                                                    \
		name, fields, sizeof(fields) / sizeof((fields)[0])                                           \
	}

static const struct object top_object = OBJECT("top", top_fields);
static const struct object drop_object = OBJECT("drop", drop_fields);
static const struct object alert_object = OBJECT("alert", alert_fields);
static const struct object engine_object = OBJECT("engine", engine_fields);
static const struct object op25b_object = OBJECT("op25b", op25b_fields);
static const struct object rules_object = OBJECT("rules", rules_fields);

static const struct object *const objects[] = {&top_object,    &drop_object,  &alert_object,
					       &engine_object, &op25b_object, &rules_object};

_Static_assert(sizeof(op25b_fields) / sizeof(op25b_fields[0]) <= 64, "one bit of `seen` each");
_Static_assert(offsetof(struct event_line, parts) <= UINT16_MAX, "offsets of fields have 16 bits");

bool event_line_knows(const char *object, const char *name)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		for (size_t j = 0; strcmp(objects[i]->name, object) == 0 && j < objects[i]->count; j++) {
			if (strcmp(objects[i]->fields[j].name, name) == 0)
				return true;
		}
	}
	return false;
}

static size_t place_of(const struct reader *reader)
{
	return (size_t)(reader->json.at - reader->json.begin);
}

static bool read_object(struct reader *reader, const struct object *object, void *base, unsigned depth,
			uint64_t *ret_seen);

/* Whether each field that such lines always have was seen. */
static void check_required(const struct reader *reader, const struct object *object, uint64_t seen,
			   uint8_t needed)
{
	for (size_t i = 0; i < object->count; i++) {
		if ((object->fields[i].required & needed) && !(seen >> i & 1))
			(void)line_wrong_at(reader->line, object->fields[i].name, place_of(reader),
					    "it is missing");
	}
}

/* ---- values: false when it is of another type ---- */

static bool read_text(struct reader *reader, uint64_t max, struct json_text *ret)
{
	return json_text(&reader->json, ret) && ret->len <= max;
}

static bool read_whole(struct reader *reader, const struct field *field, void *base)
{
	uint64_t value;
	void *place = (char *)base + field->offset;

	if (!json_whole(&reader->json, field->max, &value))
		return false;
	switch (field->width) {
	case 1:
		*(uint8_t *)place = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)place = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)place = (uint32_t)value;
		break;
	default:
		*(uint64_t *)place = value;
	}
	return true;
}

static bool read_time(struct reader *reader, int64_t *ret)
{
	struct json_text text;

	return json_text(&reader->json, &text) && moment_parse_eve(text.at, text.len, ret);
}

static bool read_addr(struct reader *reader, struct addr *ret)
{
	struct json_text text;

	return json_text(&reader->json, &text) && addr_parse(text.at, text.len, ret) == ADDR_OK;
}

static bool read_prefix(struct reader *reader, struct prefix *ret)
{
	struct json_text text;

	return json_text(&reader->json, &text) && prefix_parse(text.at, text.len, ret) == ADDR_OK &&
	       !prefix_has_host_bits(ret);
}

static bool read_vlan(struct reader *reader)
{
	struct event_line *line = reader->line;
	uint64_t id;

	if (!json_have(&reader->json, '['))
		return false;
	do {
		if (line->vlan_count == EVENT_LINE_VLANS_MAX || !json_whole(&reader->json, 0xfff, &id))
			return false;
		line->vlan[line->vlan_count++] = (uint16_t)id;
	} while (json_have(&reader->json, ','));
	return json_have(&reader->json, ']');
}

static bool has_reason(const struct event_line *line, const struct json_text *name)
{
	for (size_t i = 0; i < line->reason_count; i++) {
		const struct json_text *known = &line->reasons[i].name;

		if (known->len == name->len && memcmp(known->at, name->at, name->len) == 0)
			return true;
	}
	return false;
}

static bool read_reasons(struct reader *reader, struct json_text *ret)
{
	struct event_line *line = reader->line;
	const char *begin = reader->json.at;

	if (!json_have(&reader->json, '{'))
		return false;
	do {
		struct event_line_reason reason;

		if (line->reason_count == EVENT_LINE_REASONS_MAX ||
		    !read_text(reader, NAME_MAX_BYTES, &reason.name) || !json_have(&reader->json, ':') ||
		    !json_whole(&reader->json, EVENT_LINE_PACKETS_MAX, &reason.packets) ||
		    has_reason(line, &reason.name))
			return false;
		line->reasons[line->reason_count++] = reason;
	} while (json_have(&reader->json, ','));
	if (!json_have(&reader->json, '}'))
		return false;
	*ret = (struct json_text){.at = begin, .len = (uint32_t)(reader->json.at - begin)};
	return true;
}

static bool read_rules(struct reader *reader, unsigned depth, struct json_text *ret)
{
	struct event_line *line = reader->line;
	const char *begin = reader->json.at;
	uint64_t seen;

	if (!json_have(&reader->json, '['))
		return false;
	do {
		struct event_line_part *part = &line->parts[line->part_count];

		if (line->part_count == EVENT_LINE_PARTS_MAX || json_next(&reader->json) != '{')
			return false;
		*part = (struct event_line_part){0};
		if (!read_object(reader, &rules_object, part, depth + 2, &seen))
			return false;
		check_required(reader, &rules_object, seen, LINE_ANY);
		line->part_count++;
	} while (json_have(&reader->json, ','));
	if (!json_have(&reader->json, ']'))
		return false;
	*ret = (struct json_text){.at = begin, .len = (uint32_t)(reader->json.at - begin)};
	return true;
}

static bool read_destinations(struct reader *reader)
{
	struct event_line *line = reader->line;

	if (!json_have(&reader->json, '['))
		return false;
	do {
		if (line->destination_count == EVENT_LINE_DESTINATIONS_MAX ||
		    !read_addr(reader, &line->destination[line->destination_count]))
			return false;
		line->destination_count++;
	} while (json_have(&reader->json, ','));
	return json_have(&reader->json, ']');
}

static bool read_sketch(struct reader *reader, struct json_text *ret)
{
	struct json_text text;

	if (!json_text(&reader->json, &text) || text.len != EVENT_LINE_SKETCH)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '+' &&
		    c != '/')
			return false;
	}
	*ret = text;
	return true;
}

static bool read_inner(struct reader *reader, const struct object *object, unsigned depth)
{
	uint64_t seen;

	return json_next(&reader->json) == '{' && read_object(reader, object, reader->line, depth + 1, &seen);
}

static bool read_op25b(struct reader *reader, unsigned depth)
{
	reader->ours = true;
	return json_next(&reader->json) == '{' &&
	       read_object(reader, &op25b_object, reader->line, depth + 1, &reader->seen_op25b);
}

/* ---- fields ---- */

static bool read_value(struct reader *reader, const struct field *field, void *base, unsigned depth)
{
	void *place = (char *)base + field->offset;

	switch ((enum read)field->read) {
	case READ_TEXT:
		return read_text(reader, field->max, place);
	case READ_WHOLE:
		return read_whole(reader, field, base);
	case READ_BOOL:
		return json_bool(&reader->json, place);
	case READ_TIME:
		return read_time(reader, place);
	case READ_ADDR:
		return read_addr(reader, place);
	case READ_PREFIX:
		return read_prefix(reader, place);
	case READ_VLAN:
		return read_vlan(reader);
	case READ_REASONS:
		return read_reasons(reader, place);
	case READ_RULES:
		return read_rules(reader, depth, place);
	case READ_DESTINATIONS:
		return read_destinations(reader);
	case READ_SKETCH:
		return read_sketch(reader, place);
	case READ_ALERT:
		return read_inner(reader, &alert_object, depth);
	case READ_DROP:
		return read_inner(reader, &drop_object, depth);
	case READ_ENGINE:
		return read_inner(reader, &engine_object, depth);
	case READ_OP25B:
		return read_op25b(reader, depth);
	case READ_NOTHING:
		break;
	}
	return json_skip(&reader->json, depth);
}

static const char *const not_such[] = {
	[READ_TEXT] = "no text, or too long",
	[READ_WHOLE] = "no whole number, or too large",
	[READ_BOOL] = "neither true nor false",
	[READ_TIME] = "no time of the form 2026-01-01T00:00:00.123456+0900",
	[READ_ADDR] = "no address",
	[READ_PREFIX] = "no prefix",
	[READ_VLAN] = "no list of VLAN ids",
	[READ_REASONS] = "no packets by reason",
	[READ_RULES] = "no packets by rule",
	[READ_DESTINATIONS] = "no list of at most 64 addresses",
	[READ_SKETCH] = "no 1024 characters of base64",
	[READ_ALERT] = "no object",
	[READ_DROP] = "no object",
	[READ_OP25B] = "no object",
	[READ_ENGINE] = "no object",
	[READ_NOTHING] = "no value",
};

static bool take_field(struct reader *reader, const struct field *field, bool again, void *base,
		       unsigned depth)
{
	const char *begin;

	if (!json_take(&reader->json, ':'))
		return false;
	(void)json_next(&reader->json);
	begin = reader->json.at;
	if (!again && read_value(reader, field, base, depth))
		return true;
	if (reader->json.why)
		return false;
	reader->json.at = begin;
	(void)line_wrong_at(reader->line, field->name, place_of(reader),
			    again ? "it stands there twice" : not_such[field->read]);
	return json_skip(&reader->json, depth);
}

static bool key_is_next(struct json *json, const struct field *field)
{
	const char *key = json->at + 1; /* behind the quote */
	size_t len = field->name_len;

	if ((size_t)(json->end - key) <= len || key[0] != field->name[0] ||
	    memcmp(key, field->name, len) != 0 || key[len] != '"')
		return false;
	json->at = key + len + 1;
	return true;
}

/* The number of the field whose key comes next, object->count when it is none of them; it is most likely number `likely`. */
static bool take_key(struct json *json, const struct object *object, size_t likely, size_t *ret)
{
	struct json_text key;

	if (json_next(json) != '"')
		return json_take(json, '"');
	for (*ret = likely; *ret < object->count; (*ret)++) {
		if (key_is_next(json, &object->fields[*ret]))
			return true;
	}
	for (*ret = 0; *ret < likely && *ret < object->count; (*ret)++) {
		if (key_is_next(json, &object->fields[*ret]))
			return true;
	}
	*ret = object->count;
	return json_text(json, &key);
}

/* At the opening brace. */
static bool read_object(struct reader *reader, const struct object *object, void *base, unsigned depth,
			uint64_t *ret_seen)
{
	struct json *json = &reader->json;
	uint64_t seen = 0;
	size_t field = 0;

	json->at++;
	if (json_have(json, '}')) {
		*ret_seen = 0;
		return true;
	}
	do {
		if (!take_key(json, object, field, &field))
			return false;
		if (field == object->count) {
			if (!json_take(json, ':') || !json_skip(json, depth))
				return false;
			field = 0;
			continue;
		}
		if (!take_field(reader, &object->fields[field], seen >> field & 1, base, depth))
			return false;
		seen |= UINT64_C(1) << field;
		field++;
	} while (json_have(json, ','));
	*ret_seen = seen;
	return json_take(json, '}');
}

/* ---- the line ---- */

static void check_line(struct reader *reader)
{
	struct event_line *line = reader->line;
	bool notice = json_text_is(&line->event_type, "engine");
	uint8_t needed = notice ? LINE_ANY | LINE_NOTICE : LINE_ANY | LINE_RECORD;

	line_check_schema(line);
	if (!notice && !json_text_is(&line->kind_text, "overflow"))
		needed |= LINE_ONE;
	check_required(reader, &top_object, reader->seen_top, needed);
	check_required(reader, &op25b_object, reader->seen_op25b, needed);
	if (notice)
		line_check_notice(line);
	else
		line_check_record(line);
}

static enum event_line_type read_line(struct reader *reader)
{
	struct event_line *line = reader->line;
	struct json *json = &reader->json;

	if (json_next(json) != '{' || !read_object(reader, &top_object, line, 1, &reader->seen_top) ||
	    !json_end(json)) {
		if (!json->why)
			(void)json_wrong(json, json->at,
					 json->at == json->end ? "an empty line" : "no JSON object");
		*line = (struct event_line){
			.why = json->why, .offset = (size_t)(json->at - json->begin), .field = ""};
		return EVENT_LINE_REFUSED;
	}
	if (!reader->ours && line->event_type.len > 0)
		return EVENT_LINE_FOREIGN;
	if (!reader->ours)
		(void)line_wrong_at(line, "", 0, "neither a record of op25b nor any other EVE record");
	else
		check_line(reader);
	return line->why                                   ? EVENT_LINE_REFUSED
	       : json_text_is(&line->event_type, "engine") ? EVENT_LINE_NOTICE
							   : EVENT_LINE_RECORD;
}

enum event_line_type event_line_read(const char *line, size_t len, struct event_line *ret)
{
	struct reader reader = {.json = json_over(line, len), .line = ret};

	memset(ret, 0, offsetof(struct event_line, parts));
	ret->why = NULL;
	ret->field = "";
	ret->offset = 0;
	ret->unjudged = UINT64_MAX;
	ret->type = len > EVENT_LINE_MAX ? EVENT_LINE_REFUSED : EVENT_LINE_FOREIGN;
	if (ret->type == EVENT_LINE_REFUSED)
		(void)line_wrong_at(ret, "", 0, "longer than any record");
	else
		ret->type = read_line(&reader);
	return ret->type;
}
