/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of record lines: what event/ writes, as a value again. Strict, because a log file may hold anything by the
 * time it is read: what is wrong is told with its place, and other programs' EVE records in the same file are known as
 * such. Reads no file and allocates nothing.
 */
#ifndef OP25B_EVENT_LINE_H
#define OP25B_EVENT_LINE_H

#include "base/addr.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EVENT_LINE_PARTS_MAX = 16,
	EVENT_LINE_REASONS_MAX = 64,
	EVENT_LINE_DESTINATIONS_MAX = 64,
	EVENT_LINE_SKETCH = 1024, /* characters */
	EVENT_LINE_VLANS_MAX = 3,
	EVENT_LINE_WHY_MAX = 200,
	EVENT_LINE_MAX = 1 << 20, /* bytes; other programs' records may be long */
};

/* Packets of one record: no line is as fast as that, so more is damage. Their sums have room in 63 bits. */
#define EVENT_LINE_PACKETS_MAX (UINT64_C(1) << 40)

enum event_line_type {
	EVENT_LINE_RECORD,  /* of packets blocked or monitored */
	EVENT_LINE_NOTICE,  /* of the gateway itself (event/notice.h) */
	EVENT_LINE_FOREIGN, /* another program's EVE record: only `type` means something */
	EVENT_LINE_REFUSED,
};

/* Numbered as kept in the review store. */
enum event_line_kind { EVENT_LINE_FIRST = 0, EVENT_LINE_SUMMARY = 1, EVENT_LINE_OVERFLOW = 2 };

/* One object of "rules". Texts are empty where the record has none. */
struct event_line_part {
	struct json_text rule, rule_kind, pool, policy;
	struct json_text verdict_text;
	uint8_t verdict; /* enum event_verdict; 0 with others */
	bool monitored, others;
	uint64_t packets, attempts;
};

/* One entry of "reasons". */
struct event_line_reason {
	struct json_text name;
	uint64_t packets;
};

/* Header facts of the packet shown. */
struct event_line_packet {
	uint16_t len, window;
	uint8_t tos, ttl; /* in IPv6: traffic class, hop limit */
	uint32_t ip_id, seq, ack;
	bool syn, has_ack, psh, rst, urg, fin;
};

/* Texts are borrowed from the line; empty: not there. Times are microseconds since 1970 UTC. */
struct event_line {
	enum event_line_type type;
	int64_t time_us, first_us, last_us;
	struct json_text event_type, host, boot_id, kind_text, verdict_text, policy;
	uint64_t schema, seq;

	/* Of a record. */
	enum event_line_kind kind;
	struct prefix subscriber; /* ADDR_NONE: overflow */
	struct addr src, dst;     /* ADDR_NONE: none is told */
	uint16_t sport, dport;
	uint16_t vlan[EVENT_LINE_VLANS_MAX];
	uint8_t vlan_count, ip_v;
	uint8_t verdict; /* enum event_verdict */
	bool monitored;
	struct json_text iface, capture, pool, rule, rule_kind, reason, ticket;
	uint64_t capture_number;
	uint64_t packets, attempts, blocked, offloaded;
	uint64_t destinations;
	bool destinations_exact;
	uint32_t window_s;
	struct event_line_packet packet;
	struct json_text sketch; /* 1024 characters, or empty */
	struct json_text
		reasons_as_written; /* the JSON objects and lists themselves; empty: there are none */
	struct json_text rules_as_written;
	uint8_t part_count, reason_count, destination_count;

	/* Of a notice, whose kind is kind_text. */
	struct json_text level, message, state, fail;
	bool is_period, is_over, open, has_unjudged,
		unjudged_exact; /* first_us and last_us: of a period, and when it is over */
	uint64_t unjudged, queue_full, buffer_full;

	/* As many as counted above; the others hold nothing. */
	struct event_line_part parts[EVENT_LINE_PARTS_MAX];
	struct event_line_reason reasons[EVENT_LINE_REASONS_MAX];
	struct addr destination[EVENT_LINE_DESTINATIONS_MAX];

	/* Of a line refused: the field's name ("" where it is none's), what is wrong, and at which byte from 0. */
	const char *field, *why;
	size_t offset;
};

/* Reads len bytes without their line feed; they are borrowed for as long as *ret is used. Returns ret->type. */
enum event_line_type event_line_read(const char *line, size_t len, struct event_line *ret);

/* Of a line refused, one sentence: "packets: no whole number, or too large (byte 312)". */
void event_line_why(const struct event_line *line, char out[EVENT_LINE_WHY_MAX]);

/* Packets for this reason were let through. */
bool event_line_reason_monitors(const struct json_text *reason);

/* True when the reader knows a field of this object ("top", "drop", "alert", "op25b", "rules", "engine"); for the test that
 * compares it with the writers' tables. */
bool event_line_knows(const char *object, const char *name);

#endif
