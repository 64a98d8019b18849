/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of record lines: what event/ writes comes back equal, and what is damaged is refused with its place. */
#include "event/event.h"
#include "event/fields.h"
#include "event/line.h"
#include "event/notice.h"
#include "event/record.h"

#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of its own size, so that a byte read beyond it is found; the texts of *ret are gone afterwards. */
static enum event_line_type read_exact(const char *text, size_t len, struct event_line *ret)
{
	char *copy = malloc(len ? len : 1);
	enum event_line_type type;

	assert_non_null(copy);
	memcpy(copy, text, len);
	type = event_line_read(copy, len, ret);
	free(copy);
	return type;
}

static enum event_line_type read_text(const char *text, struct event_line *ret)
{
	return event_line_read(text, strlen(text), ret);
}

/* ---- random records ---- */

static uint64_t draw_state = 1;

static uint64_t draw(uint64_t below)
{
	draw_state = draw_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (draw_state >> 20) % below;
}

static const char *draw_name(void)
{
	static const char *const names[] = {"homes",       "a \"quoted\" name",
					    "back\\slash", "control\x01\t\n\x7f",
					    "h\xc3\xa9",   "x",
					    "pool",        "\xe2\x82\xac\xf0\x9f\x98\x80"};

	return names[draw(sizeof(names) / sizeof(names[0]))];
}

static const char *reason_name(unsigned reason)
{
	static const char *const names[] = {"pool-enforce", "unlisted", "reason \"three\"", "fragment-tiny"};

	return names[reason & 3];
}

/* Everything that a record borrows. */
struct world {
	struct event_config config;
	struct event_record record;
	struct event_part parts[RECORD_PARTS_MAX + 2];
	uint32_t reasons[EVENT_REASONS_MAX];
	struct destinations_budget budget;
	struct destinations *reached;
};

static struct addr draw_addr(bool ip6)
{
	return ip6 ? addr_ip6(draw(UINT64_MAX), draw(UINT64_MAX)) : addr_ip4((uint32_t)draw(UINT32_MAX));
}

static void draw_fact(struct event_fact *fact)
{
	bool ip6 = draw(2), ports = draw(4) > 0;

	*fact = (struct event_fact){
		.time_ns = (int64_t)draw(UINT64_C(2000000000000000)) * 1000,
		.src = draw_addr(ip6),
		.dst = draw_addr(ip6),
		.sport = ports ? (uint16_t)draw(65536) : 0,
		.dport = ports ? 25 : 0,
		.subscriber_len = (uint8_t)(1 + draw(ip6 ? 128 : 32)),
		.verdict = (uint8_t)(1 + draw(3)),
		.monitored = draw(3) == 0,
		.tcp_flags = (uint8_t)draw(64),
		.ttl = (uint8_t)draw(256),
		.tos = (uint8_t)draw(256),
		.ip_len = (uint16_t)(40 + draw(65000)),
		.tcp_window = (uint16_t)draw(65536),
		.ip_id = (uint32_t)draw(65536),
		.tcp_seq = (uint32_t)draw(UINT32_MAX),
		.tcp_ack = (uint32_t)draw(UINT32_MAX),
		.vlan_count = (uint8_t)draw(4),
		.vlan = {(uint16_t)draw(4096), (uint16_t)draw(4096), (uint16_t)draw(4096)},
		.reason = (uint8_t)draw(4),
		.names = {draw(3) ? draw_name() : "", draw_name(), draw(3) ? draw_name() : "", draw_name()},
		.pcap_cnt = draw(1000000),
	};
	if (draw(2))
		snprintf(fact->in_iface, sizeof(fact->in_iface), "ppp%u", (unsigned)draw(1000));
}

static void draw_parts(struct world *world)
{
	struct event_record *r = &world->record;

	r->part_count = 2 + draw(RECORD_PARTS_MAX + 1);
	r->packets = r->attempts = r->packets_blocked = 0;
	for (size_t i = 0; i < r->part_count; i++) {
		struct event_part *part = &world->parts[i];

		*part = (struct event_part){
			.names = {draw_name(), draw_name(), draw_name(), draw_name()},
			.verdict = (uint8_t)(1 + draw(3)),
			.monitored = r->fact.monitored || draw(2),
			.others = i >= RECORD_PARTS_MAX,
			.packets = 1 + draw(1000),
			.attempts = draw(1000),
		};
		r->packets += part->packets;
		r->attempts += part->attempts;
		r->packets_blocked += part->monitored ? 0 : part->packets;
	}
	r->parts = world->parts;
}

static void draw_reasons(struct world *world)
{
	uint64_t left = world->record.packets;

	memset(world->reasons, 0, sizeof(world->reasons));
	for (size_t i = 0; i < 3; i++) {
		uint64_t part = left ? draw(left) : 0;

		world->reasons[i] = (uint32_t)part;
		left -= part;
	}
	world->reasons[3] = (uint32_t)left;
	world->record.reasons = world->reasons;
}

static void draw_destinations(struct world *world, uint64_t count)
{
	struct event_record *r = &world->record;

	for (uint64_t i = 0; i < count; i++) {
		struct addr addr = draw_addr(r->fact.src.family == ADDR_IP6);

		assert_true(destinations_add(&world->reached, &addr, &world->budget));
	}
	r->destinations = destinations_count(world->reached, &r->destinations_exact);
	r->reached = world->reached;
}

static void draw_record(struct world *world)
{
	struct event_record *r = &world->record;

	*world = (struct world){.budget.max = 1 << 20};
	world->config = (struct event_config){
		.host = draw_name(),
		.boot_id = "0123-boot",
		.window_s = (uint32_t)draw(100000),
		.utc_offset_s = ((int32_t)draw(27) - 12) * 3600 + (int32_t)draw(2) * 1800,
		.pcap_filename = draw(4) ? NULL : "a/capture.pcap",
		.reason_name = reason_name,
	};
	r->config = &world->config;
	r->kind = (enum event_kind)draw(3);
	r->seq = draw(UINT64_C(1) << 60);
	draw_fact(&r->fact);
	r->first_ns = (int64_t)draw(UINT64_C(2000000000000000)) * 1000;
	r->last_ns = r->first_ns + (int64_t)draw(1000000) * 1000;
	r->packets = 1 + draw(4000000000);
	r->attempts = draw(4000000000);
	r->packets_blocked = r->fact.monitored ? 0 : draw(r->packets + 1);
	if (draw(4) == 0)
		draw_parts(world);
	r->packets_offloaded = draw(2) ? 0 : draw(r->packets_blocked + 1);
	if (draw(4) == 0)
		draw_reasons(world);
	draw_destinations(world, draw(8) ? 1 + draw(70) : draw(2000) + 1);
}

/* ---- equal ---- */

static void assert_same_text(const struct json_text *text, const char *meant)
{
	char *decoded = malloc(text->len + 1);
	size_t len;

	assert_non_null(decoded);
	len = json_text_decode(text, decoded);
	decoded[len] = '\0';
	assert_string_equal(decoded, meant);
	free(decoded);
}

static void assert_same_packet(const struct event_line_packet *packet, const struct event_fact *fact)
{
	bool ports = fact->sport | fact->dport;

	assert_int_equal(packet->len, fact->ip_len - (fact->src.family == ADDR_IP6 ? 40 : 0));
	assert_int_equal(packet->tos, fact->tos);
	assert_int_equal(packet->ttl, fact->ttl);
	assert_int_equal(packet->ip_id, fact->src.family == ADDR_IP4 ? fact->ip_id : 0);
	assert_int_equal(packet->seq, ports ? fact->tcp_seq : 0);
	assert_int_equal(packet->ack, ports ? fact->tcp_ack : 0);
	assert_int_equal(packet->window, ports ? fact->tcp_window : 0);
	assert_int_equal(packet->fin | packet->syn << 1 | packet->rst << 2 | packet->psh << 3 |
				 packet->has_ack << 4 | packet->urg << 5,
			 ports ? fact->tcp_flags & 0x3f : 0);
}

static void assert_same_subscriber(const struct event_line *line, const struct event_record *r)
{
	struct addr list[DESTINATIONS_EXACT_MAX];
	uint8_t values[DESTINATIONS_REGISTERS];
	size_t count = destinations_list(r->reached, r->fact.src.family, list);

	assert_true(addr_equal(&line->src, &r->fact.src));
	assert_true(addr_equal(&line->dst, &r->fact.dst));
	assert_int_equal(line->subscriber.len, r->fact.subscriber_len);
	assert_int_equal(line->sport, r->fact.sport);
	assert_int_equal(line->dport, r->fact.dport);
	assert_int_equal(line->vlan_count, r->fact.vlan_count);
	assert_memory_equal(line->vlan, r->fact.vlan, line->vlan_count * sizeof(line->vlan[0]));
	assert_same_text(&line->iface, r->fact.in_iface);
	assert_same_text(&line->rule, r->fact.names.rule);
	assert_same_text(&line->pool, r->fact.names.pool);
	assert_same_packet(&line->packet, &r->fact);
	assert_int_equal(line->destinations, r->destinations);
	assert_int_equal(line->destinations_exact, r->destinations_exact);
	assert_int_equal(line->destination_count, count > 1 ? count : 0);
	for (size_t i = 0; i < line->destination_count; i++)
		assert_true(addr_equal(&line->destination[i], &list[i]));
	assert_int_equal(line->sketch.len > 0, destinations_registers(r->reached) != NULL);
	if (line->sketch.len > 0) {
		assert_true(destinations_sketch_read(line->sketch.at, line->sketch.len, values));
		assert_memory_equal(values, destinations_registers(r->reached), sizeof(values));
	}
}

static void assert_same_parts(const struct event_line *line, const struct event_record *r)
{
	size_t reasons = 0;

	assert_int_equal(line->part_count, r->part_count);
	assert_int_equal(line->rules_as_written.len > 0, r->part_count > 0);
	for (size_t i = 0; i < r->part_count; i++) {
		const struct event_line_part *part = &line->parts[i];

		assert_int_equal(part->others, r->parts[i].others);
		assert_int_equal(part->monitored, r->parts[i].monitored);
		assert_int_equal(part->packets, r->parts[i].packets);
		assert_int_equal(part->attempts, r->parts[i].attempts);
		assert_int_equal(part->verdict, part->others ? 0 : r->parts[i].verdict);
		assert_same_text(&part->rule, part->others ? "" : r->parts[i].names.rule);
		assert_same_text(&part->policy, part->others ? "" : r->parts[i].names.digest);
	}
	for (unsigned i = 0; r->reasons && i < EVENT_REASONS_MAX; i++) {
		if (r->reasons[i] == 0)
			continue;
		assert_same_text(&line->reasons[reasons].name, reason_name(i));
		assert_int_equal(line->reasons[reasons++].packets, r->reasons[i]);
	}
	assert_int_equal(line->reason_count, reasons);
}

static void assert_same(const struct event_line *line, const struct event_record *r)
{
	assert_int_equal(line->time_us, r->fact.time_ns / 1000);
	assert_int_equal(line->first_us, r->first_ns / 1000);
	assert_int_equal(line->last_us, r->last_ns / 1000);
	assert_int_equal(line->seq, r->seq);
	assert_int_equal(line->kind, r->kind);
	assert_int_equal(line->verdict, r->fact.verdict);
	assert_int_equal(line->monitored, r->fact.monitored);
	assert_int_equal(line->packets, r->packets);
	assert_int_equal(line->attempts, r->attempts);
	assert_int_equal(line->blocked, r->packets_blocked);
	assert_int_equal(line->offloaded, r->packets_offloaded);
	assert_int_equal(line->window_s, r->config->window_s);
	assert_same_text(&line->host, r->config->host);
	assert_same_text(&line->boot_id, r->config->boot_id);
	assert_same_text(&line->policy, r->fact.names.digest);
	assert_same_text(&line->reason, reason_name(r->fact.reason));
	assert_same_parts(line, r);
	if (r->kind == EVENT_KIND_OVERFLOW)
		assert_int_equal(line->subscriber.addr.family, ADDR_NONE);
	else
		assert_same_subscriber(line, r);
}

static void test_records_come_back_equal(void **state)
{
	static char memory[EVENT_RECORD_MAX];
	static struct event_line line;
	static struct world world;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len;

		draw_record(&world);
		len = event_record_encode(&world.record, memory);
		assert_true(len > 1 && memory[len - 1] == '\n');
		if (event_line_read(memory, len - 1, &line) != EVENT_LINE_RECORD)
			fail_msg("%s: %s at %zu: %.*s", line.field, line.why, line.offset, (int)len, memory);
		assert_same(&line, &world.record);
		destinations_free(world.reached, &world.budget);
	}
}

static struct event_notice draw_notice(void)
{
	return (struct event_notice){
		.kind = (enum event_notice_kind)draw(EVENT_NOTICES),
		.state = (enum event_notice_state)draw(3),
		.time_ns = (int64_t)draw(UINT64_C(2000000000000000)) * 1000,
		.first_ns = (int64_t)draw(UINT64_C(2000000000000000)) * 1000,
		.last_ns = (int64_t)draw(UINT64_C(2000000000000000)) * 1000,
		.open = draw(2),
		.has_packets = draw(2),
		.packets_at_most = draw(2),
		.packets = draw(1000000),
		.queue_full = draw(1000),
		.buffer_full = draw(1000),
		.digest = draw_name(),
		.message = draw_name(),
	};
}

static void test_notices_come_back_equal(void **state)
{
	static char memory[EVENT_RECORD_MAX];
	static struct event_line line;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct event_config config = {.host = draw_name(), .boot_id = "b", .utc_offset_s = -3600};
		struct event_notice notice = draw_notice();
		size_t len = event_notice_encode(&config, (uint64_t)i, &notice, memory);

		if (event_line_read(memory, len - 1, &line) != EVENT_LINE_NOTICE)
			fail_msg("%s: %s: %.*s", line.field, line.why, (int)len, memory);
		assert_int_equal(line.seq, i);
		assert_int_equal(line.time_us, notice.time_ns / 1000);
		assert_same_text(&line.kind_text, event_notice_name(notice.kind));
		assert_same_text(&line.message, notice.message);
		assert_same_text(&line.policy, notice.digest);
		assert_int_equal(line.has_unjudged, notice.has_packets);
		assert_int_equal(line.unjudged, notice.has_packets ? notice.packets : 0);
		assert_int_equal(line.unjudged_exact, notice.has_packets && !notice.packets_at_most);
		assert_int_equal(line.is_period, notice.kind <= EVENT_NOTICE_ABSENT);
		assert_int_equal(line.first_us, line.is_period ? notice.first_ns / 1000 : 0);
		assert_int_equal(line.last_us, line.is_over ? notice.last_ns / 1000 : 0);
		assert_int_equal(line.open, line.is_period && notice.open);
	}
}

/* A field that somebody adds to what is written must be added to what is read. */
static void test_every_field_written_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_field_count; i++) {
		const char *object = event_fields[i].object == EVENT_OBJECT_TOP
					     ? "top"
					     : event_object_name(event_fields[i].object);

		if (!event_line_knows(object, event_fields[i].name))
			fail_msg("%s of %s", event_fields[i].name, object);
	}
	for (size_t i = 0; i < event_notice_field_count; i++) {
		if (!event_line_knows(event_notice_fields[i].object, event_notice_fields[i].name))
			fail_msg("%s of %s", event_notice_fields[i].name, event_notice_fields[i].object);
	}
	assert_false(event_line_knows("top", "no-such-field"));
}

/* ---- damage ---- */

#define HEAD "{\"timestamp\":\"2026-01-01T00:00:00.123456+0900\",\"event_type\":\"drop\",\"host\":\"gw1\","
#define ONE                                                                                                  \
	"\"src_ip\":\"192.0.2.1\",\"src_port\":40000,\"dest_ip\":\"198.51.100.1\",\"dest_port\":25,\"ip_v\":4,"
#define OP25B                                                                                                \
	"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":7,\"kind\":\"summary\",\"subscriber\":\"192.0.2.1\","
#define NAMES                                                                                                \
	"\"pool\":\"homes\",\"rule\":\"homes\",\"rule_kind\":\"pool\",\"reason\":\"pool-enforce\",\"verdict\":\"drop\","
#define COUNTS "\"monitored\":false,\"attempts\":2,\"packets\":5,\"packets_blocked\":5,"
#define SEEN                                                                                                 \
	"\"first_seen\":\"2026-01-01T00:00:00.123456+0900\",\"last_seen\":\"2026-01-01T00:00:09.123456+0900\","
#define REST                                                                                                 \
	"\"window_s\":300,\"distinct_destinations\":1,\"distinct_destinations_exact\":true,\"policy\":\"0123\"}}"

static const char whole[] = HEAD ONE OP25B NAMES COUNTS SEEN REST;

/* The whole line with `from` changed to `to`, read. */
static enum event_line_type read_changed(const char *from, const char *to, struct event_line *ret)
{
	const char *at = strstr(whole, from);
	size_t size = sizeof(whole) + strlen(to);
	char *text = malloc(size);
	enum event_line_type type;

	assert_non_null(text);
	assert_non_null(at);
	snprintf(text, size, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
	type = read_exact(text, strlen(text), ret);
	free(text);
	return type;
}

static void test_what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *from, *to, *field, *why;
	} rows[] = {
		{"\"seq\":7", "\"seq\":-7", "seq", "no whole number"},
		{"\"seq\":7", "\"seq\":7.5", "seq", "no whole number"},
		{"\"seq\":7", "\"seq\":\"7\"", "seq", "no whole number"},
		{"\"seq\":7", "\"seq\":9223372036854775807", "seq", "too large"},
		{"\"seq\":7", "\"seq\":99999999999999999999999", "seq", "too large"},
		{"\"seq\":7", "\"seq\":null", "seq", "no whole number"},
		{"\"seq\":7", "\"seq\":[[{}]]", "seq", "no whole number"},
		{"\"seq\":7,", "", "seq", "missing"},
		{"\"seq\":7", "\"seq\":7,\"seq\":7", "seq", "twice"},
		{"\"packets\":5", "\"packets\":1099511627777", "packets", "too large"},
		{"\"schema\":1", "\"schema\":2", "schema", "newer"},
		{"\"schema\":1,\"boot_id\":\"b1\"", "\"boot_id\":7,\"schema\":2", "schema", "newer"},
		{"\"boot_id\":\"b1\"", "\"boot_id\":\"\"", "boot_id", "empty"},
		{"\"host\":\"gw1\"", "\"host\":{}", "host", "no text"},
		{"\"timestamp\":\"2026-01-01T00:00:00.123456+0900\"", "\"timestamp\":\"yesterday\"",
		 "timestamp", "no time"},
		{"\"192.0.2.1\",\"src_port\"", "\"192.0.2.01\",\"src_port\"", "src_ip", "no address"},
		{"\"src_port\":40000", "\"src_port\":65536", "src_port", "too large"},
		{"\"subscriber\":\"192.0.2.1\"", "\"subscriber\":\"192.0.2.1/24\"", "subscriber",
		 "no prefix"},
		{"\"subscriber\":\"192.0.2.1\"", "\"subscriber\":\"192.0.3.0/24\"", "subscriber", "outside"},
		{"\"subscriber\":\"192.0.2.1\",", "", "subscriber", "missing"},
		{"\"kind\":\"summary\"", "\"kind\":\"overflow\"", "subscriber", "nobody"},
		{"\"kind\":\"summary\"", "\"kind\":\"x\"", "kind", "none that"},
		{"\"verdict\":\"drop\"", "\"verdict\":\"accept\"", "verdict", "none that"},
		{"\"monitored\":false", "\"monitored\":true", "monitored", "event_type"},
		{"\"monitored\":false", "\"monitored\":0", "monitored", "neither true nor false"},
		{"\"event_type\":\"drop\"", "\"event_type\":\"flow\"", "event_type", "none that"},
		{"\"packets_blocked\":5", "\"packets_blocked\":6", "packets_blocked", "more than"},
		{"\"packets_blocked\":5", "\"packets_blocked\":5,\"packets_offloaded\":6",
		 "packets_offloaded", "more than"},
		{"\"ip_v\":4", "\"ip_v\":6", "ip_v", "fit"},
		{"\"policy\"", "\"reasons\":{\"a\":2,\"b\":2},\"policy\"", "reasons", "add up"},
		{"\"policy\"", "\"reasons\":{\"a\":2,\"a\":3},\"policy\"", "reasons", "no packets by reason"},
		{"\"policy\"", "\"reasons\":[1],\"policy\"", "reasons", "no packets by reason"},
		{"\"policy\"",
		 "\"rules\":[{\"monitored\":false,\"attempts\":2,\"packets\":4,\"verdict\":\"drop\"}],\"policy\"",
		 "rules", "add up"},
		{"\"policy\"",
		 "\"rules\":[{\"monitored\":false,\"attempts\":2,\"verdict\":\"drop\"}],\"policy\"",
		 "packets", "missing"},
		{"\"policy\"", "\"rules\":[{\"monitored\":false,\"attempts\":2,\"packets\":5}],\"policy\"",
		 "rules", "verdict"},
		{"\"policy\"", "\"rules\":[7],\"policy\"", "rules", "no packets by rule"},
		{"\"policy\"", "\"destinations\":[\"198.51.100.1\",\"198.51.100.2\"],\"policy\"",
		 "destinations", "not as many"},
		{"\"policy\"", "\"destinations\":[\"2001:db8::1\"],\"policy\"", "destinations", "fit"},
		{"\"policy\"", "\"destinations\":\"x\",\"policy\"", "destinations", "no list"},
		{"\"policy\"", "\"destinations_sketch\":\"AAAA\",\"policy\"", "destinations_sketch", "1024"},
		{"\"op25b\":{", "\"op25b\":7,\"x\":{", "op25b", "no object"},
		{"gw1", "gw\x01", "", "control character"},
		{"gw1", "gw\\u0000", "", "NUL"},
		{"gw1", "gw\xff", "", "UTF-8"},
		{"0123\"}}", "0123\"}", "", "too early"},
		{"0123\"}}", "0123\"}} {}", "", "behind its end"},
		{HEAD, "", "", "no JSON object"},
	};
	static struct event_line line;
	char why[EVENT_LINE_WHY_MAX];

	(void)state;
	assert_int_equal(read_text(whole, &line), EVENT_LINE_RECORD);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_changed(rows[i].from, rows[i].to, &line), EVENT_LINE_REFUSED);
		if (strcmp(line.field, rows[i].field) != 0 || !strstr(line.why, rows[i].why))
			fail_msg("row %zu: %s: %s", i, line.field, line.why);
		event_line_why(&line, why);
		assert_non_null(strstr(why, rows[i].why));
	}
	(void)read_changed("\"seq\":7", "\"seq\":x", &line);
	assert_int_equal(line.offset, strstr(whole, "\"seq\":7") - whole + 6);
}

static void test_what_does_not_matter(void **state)
{
	static struct event_line line;

	(void)state;
	assert_int_equal(read_changed("\"seq\":7", " \"seq\" :\t7 , \"new\":[{\"a\":[1.5,null]}]", &line),
			 EVENT_LINE_RECORD);
	assert_int_equal(line.seq, 7);
	assert_int_equal(
		read_changed("\"host\":\"gw1\",", "\"host\":\"gw1\",\"flow_id\":12,\"metadata\":{},", &line),
		EVENT_LINE_RECORD);
	assert_int_equal(read_changed("\"policy\"", "\"ticket\":\"T-1\",\"policy\"", &line),
			 EVENT_LINE_RECORD);
}

static void test_every_half_line_is_refused(void **state)
{
	static struct event_line line;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		assert_int_equal(read_exact(whole, len, &line), EVENT_LINE_REFUSED);
		assert_true(line.offset <= len);
	}
}

static void test_other_programs_records(void **state)
{
	static const char *const foreign[] = {
		"{\"timestamp\":\"2026-01-01T00:00:00.123456+0000\",\"event_type\":\"stats\",\"stats\":{\"uptime\":1,\"drop\":{}}}",
		"{\"event_type\":\"alert\",\"src_port\":\"not ours\",\"alert\":{\"severity\":\"x\",\"metadata\":{\"a\":[1]}},\"vlan\":7}",
		"{\"event_type\":\"drop\",\"host\":null,\"host\":null}",
	};
	static const char *const neither[] = {"{}",
					      "{\"a\":1}",
					      "[]",
					      "7",
					      "null",
					      "\"text\"",
					      "{\"event_type\":\"\"}",
					      "{\"event_type\":1}"};
	static struct event_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_int_equal(read_text(foreign[i], &line), EVENT_LINE_FOREIGN);
	for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
		assert_int_equal(read_text(neither[i], &line), EVENT_LINE_REFUSED);
}

static void test_nesting_bombs(void **state)
{
	static char bomb[EVENT_LINE_MAX + 2];
	static struct event_line line;

	(void)state;
	memset(bomb, '[', sizeof(bomb));
	memcpy(bomb, "{\"a\":", 5);
	assert_int_equal(read_exact(bomb, 500000, &line), EVENT_LINE_REFUSED);
	assert_non_null(strstr(line.why, "deep"));
	assert_int_equal(read_exact(bomb, sizeof(bomb), &line), EVENT_LINE_REFUSED);
	assert_non_null(strstr(line.why, "longer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_back_equal),
		cmocka_unit_test(test_notices_come_back_equal),
		cmocka_unit_test(test_every_field_written_is_known),
		cmocka_unit_test(test_what_is_wrong_is_told),
		cmocka_unit_test(test_what_does_not_matter),
		cmocka_unit_test(test_every_half_line_is_refused),
		cmocka_unit_test(test_other_programs_records),
		cmocka_unit_test(test_nesting_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
