/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How each field of a record is written. The names of the fields outside "op25b", and which of them an IPv4 and an IPv6 packet
 * has, are those of Suricata's etc/schema.json and its drop log (version 7): "ttl" and "tos" belong to IPv4, "hoplimit"
 * and "tc" to IPv6.
 */
#include "event/fields.h"
#include "event/put.h"
#include "event/record.h"

#include <string.h>

enum {
	ALERT_SIGNATURE_BASE =
		2500000, /* plus the reason's number: a signature number for EVE readers that want one */
	ALERT_SEVERITY = 3,
	FLAG_FIN = 0x01,
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_PSH = 0x08,
	FLAG_ACK = 0x10,
	FLAG_URG = 0x20,
};

/* ---- which records have a field ---- */

static bool about_one(const struct event_record *r)
{
	return r->kind != EVENT_KIND_OVERFLOW;
}

static bool is_replay(const struct event_record *r)
{
	return r->config->pcap_filename != NULL;
}

static bool is_replayed_packet(const struct event_record *r)
{
	return is_replay(r) && about_one(r);
}

static bool is_dropped(const struct event_record *r)
{
	return !r->fact.monitored;
}

static bool has_iface(const struct event_record *r)
{
	return about_one(r) && r->fact.in_iface[0] != '\0';
}

static bool has_vlan(const struct event_record *r)
{
	return about_one(r) && r->fact.vlan_count > 0;
}

static bool has_ports(const struct event_record *r)
{
	return about_one(r) && (r->fact.sport | r->fact.dport) != 0;
}

/* Packets that the kernel blocked by itself were seen by nobody. */
static bool shows_packet(const struct event_record *r)
{
	return about_one(r) && r->fact.dst.family != ADDR_NONE;
}

static bool is_ip4(const struct event_record *r)
{
	return shows_packet(r) && r->fact.src.family == ADDR_IP4;
}

static bool is_ip6(const struct event_record *r)
{
	return shows_packet(r) && r->fact.src.family == ADDR_IP6;
}

static bool has_rule(const struct event_record *r)
{
	return about_one(r) && r->fact.names.rule[0] != '\0';
}

static bool has_pool(const struct event_record *r)
{
	return about_one(r) && r->fact.names.pool[0] != '\0';
}

static bool has_offloaded(const struct event_record *r)
{
	return r->packets_offloaded > 0;
}

/* A single destination is the packet's. */
static bool lists_destinations(const struct event_record *r)
{
	return about_one(r) && r->reached && r->destinations_exact && r->destinations > 1;
}

static bool has_sketch(const struct event_record *r)
{
	return about_one(r) && destinations_registers(r->reached);
}

static bool has_reasons(const struct event_record *r)
{
	return r->reasons != NULL;
}

static bool has_parts(const struct event_record *r)
{
	return r->part_count > 0;
}

static bool is_others(const struct event_record *r)
{
	return !about_one(r);
}

/* ---- how a field is written ---- */

static void put_string(struct out *out, const char *text)
{
	out_json_string(out, text, strlen(text));
}

static void put_name(struct out *out, const char *text)
{
	put_text(out, text, RECORD_NAME_MAX);
}

static void put_moment(struct out *out, const struct event_record *r, int64_t ns)
{
	put_time(out, ns, r->config->utc_offset_s);
}

static const char *reason_text(const struct event_record *r, unsigned reason)
{
	const char *text = r->config->reason_name(reason);

	return text ? text : "unknown";
}

static void write_timestamp(struct out *out, const struct event_record *r)
{
	put_moment(out, r, r->fact.time_ns);
}

static void write_event_type(struct out *out, const struct event_record *r)
{
	put_string(out, r->fact.monitored ? "alert" : "drop");
}

static void write_host(struct out *out, const struct event_record *r)
{
	put_string(out, r->config->host);
}

static void write_in_iface(struct out *out, const struct event_record *r)
{
	put_string(out, r->fact.in_iface);
}

static void write_pcap_cnt(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.pcap_cnt);
}

static void write_pcap_filename(struct out *out, const struct event_record *r)
{
	put_string(out, r->config->pcap_filename);
}

static void write_vlan(struct out *out, const struct event_record *r)
{
	for (size_t i = 0; i < r->fact.vlan_count; i++) {
		out_char(out, i == 0 ? '[' : ',');
		out_u64(out, r->fact.vlan[i]);
	}
	out_char(out, ']');
}

static void write_src_ip(struct out *out, const struct event_record *r)
{
	put_addr(out, &r->fact.src);
}

static void write_src_port(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.sport);
}

static void write_dest_ip(struct out *out, const struct event_record *r)
{
	put_addr(out, &r->fact.dst);
}

static void write_dest_port(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.dport);
}

static void write_ip_v(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.src.family);
}

static void write_proto(struct out *out, const struct event_record *r)
{
	put_string(out, "TCP");
}

static void write_direction(struct out *out, const struct event_record *r)
{
	put_string(out, "to_server");
}

/* Suricata gives IPv4's total length, but of IPv6 the length behind the fixed header. */
static void write_len(struct out *out, const struct event_record *r)
{
	unsigned header = is_ip6(r) ? 40 : 0;

	out_u64(out, r->fact.ip_len > header ? r->fact.ip_len - header : 0);
}

static void write_tos(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.tos);
}

static void write_ttl(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.ttl);
}

static void write_ipid(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.ip_id);
}

static void write_tcpseq(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.tcp_seq);
}

static void write_tcpack(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.tcp_ack);
}

static void write_tcpwin(struct out *out, const struct event_record *r)
{
	out_u64(out, r->fact.tcp_window);
}

static void write_syn(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_SYN);
}

static void write_ack(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_ACK);
}

static void write_psh(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_PSH);
}

static void write_rst(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_RST);
}

static void write_urg(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_URG);
}

static void write_fin(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.tcp_flags & FLAG_FIN);
}

static void write_reason(struct out *out, const struct event_record *r)
{
	put_string(out, reason_text(r, r->fact.reason));
}

static void write_action(struct out *out, const struct event_record *r)
{
	put_string(out, "allowed");
}

static void write_gid(struct out *out, const struct event_record *r)
{
	out_u64(out, 1);
}

static void write_signature_id(struct out *out, const struct event_record *r)
{
	out_u64(out, ALERT_SIGNATURE_BASE + (unsigned)r->fact.reason);
}

static void write_schema(struct out *out, const struct event_record *r)
{
	out_u64(out, EVENT_SCHEMA);
}

static void write_signature(struct out *out, const struct event_record *r)
{
	put_string(out, "op25b: outbound port 25 would be blocked");
}

static void write_category(struct out *out, const struct event_record *r)
{
	put_string(out, "Outbound Port 25 Blocking");
}

static void write_severity(struct out *out, const struct event_record *r)
{
	out_u64(out, ALERT_SEVERITY);
}

static void write_boot_id(struct out *out, const struct event_record *r)
{
	put_string(out, r->config->boot_id);
}

static void write_seq(struct out *out, const struct event_record *r)
{
	out_u64(out, r->seq);
}

static void write_kind(struct out *out, const struct event_record *r)
{
	static const char *const names[] = {"first", "summary", "overflow"};

	put_string(out, names[r->kind]);
}

static void write_subscriber(struct out *out, const struct event_record *r)
{
	put_prefix(out,
		   &(struct prefix){addr_mask(&r->fact.src, r->fact.subscriber_len), r->fact.subscriber_len});
}

static void write_pool(struct out *out, const struct event_record *r)
{
	put_name(out, r->fact.names.pool);
}

static void write_rule(struct out *out, const struct event_record *r)
{
	put_name(out, r->fact.names.rule);
}

static void write_rule_kind(struct out *out, const struct event_record *r)
{
	put_name(out, r->fact.names.rule_kind);
}

static void write_reasons(struct out *out, const struct event_record *r)
{
	char separator = '{';

	for (unsigned i = 0; i < EVENT_REASONS_MAX; i++) {
		if (r->reasons[i] == 0)
			continue;
		out_char(out, separator);
		put_string(out, reason_text(r, i));
		out_char(out, ':');
		out_u64(out, r->reasons[i]);
		separator = ',';
	}
	out_char(out, '}');
}

static void write_verdict(struct out *out, const struct event_record *r)
{
	static const char *const names[] = {"accept", "drop", "reset", "icmp"};

	put_string(out, names[r->fact.verdict & 3]);
}

static void write_monitored(struct out *out, const struct event_record *r)
{
	put_bool(out, r->fact.monitored);
}

static void write_others(struct out *out, const struct event_record *r)
{
	put_bool(out, is_others(r));
}

static void write_attempts(struct out *out, const struct event_record *r)
{
	out_u64(out, r->attempts);
}

static void write_packets(struct out *out, const struct event_record *r)
{
	out_u64(out, r->packets);
}

static void write_packets_blocked(struct out *out, const struct event_record *r)
{
	out_u64(out, r->packets_blocked);
}

static void write_packets_offloaded(struct out *out, const struct event_record *r)
{
	out_u64(out, r->packets_offloaded);
}

static void write_first_seen(struct out *out, const struct event_record *r)
{
	put_moment(out, r, r->first_ns);
}

static void write_last_seen(struct out *out, const struct event_record *r)
{
	put_moment(out, r, r->last_ns);
}

static void write_window(struct out *out, const struct event_record *r)
{
	out_u64(out, r->config->window_s);
}

static void write_destinations(struct out *out, const struct event_record *r)
{
	out_u64(out, r->destinations);
}

static void write_destinations_exact(struct out *out, const struct event_record *r)
{
	put_bool(out, r->destinations_exact);
}

static void write_destination_list(struct out *out, const struct event_record *r)
{
	put_destinations(out, r->reached, r->fact.src.family);
}

static void write_sketch(struct out *out, const struct event_record *r)
{
	put_sketch(out, r->reached);
}

static void write_policy(struct out *out, const struct event_record *r)
{
	put_name(out, r->fact.names.digest);
}

/* A part is written as what it is: a record of fewer packets. */
static void write_part(struct out *out, const struct event_record *r, const struct event_part *part)
{
	struct event_record record = {
		.config = r->config,
		.kind = part->others ? EVENT_KIND_OVERFLOW : EVENT_KIND_SUMMARY,
		.fact = {.verdict = part->verdict, .monitored = part->monitored, .names = part->names},
		.packets = part->packets,
		.attempts = part->attempts,
	};

	out_char(out, '{');
	event_fields_write(out, EVENT_OBJECT_RULES, &record);
	out_char(out, '}');
}

static void write_parts(struct out *out, const struct event_record *r)
{
	for (size_t i = 0; i < r->part_count; i++) {
		out_char(out, i == 0 ? '[' : ',');
		write_part(out, r, &r->parts[i]);
	}
	out_char(out, ']');
}

/* ---- the table ---- */

#define TOP   EVENT_OBJECT_TOP
#define DROP  EVENT_OBJECT_DROP
#define ALERT EVENT_OBJECT_ALERT
#define OP25B EVENT_OBJECT_OP25B
#define RULES EVENT_OBJECT_RULES

/* clang-format off */
const struct event_field event_fields[] = {
	{TOP, "timestamp", "text", "when the packet shown was seen, which is the latest one counted, of those not let through if there are any, or where none is shown when they were collected: YYYY-MM-DDTHH:MM:SS.ssssss+hhmm", write_timestamp, NULL},
	{TOP, "event_type", "text", "\"drop\", or \"alert\" where everything counted was only monitored", write_event_type, NULL},
	{TOP, "host", "text", "name of the gateway", write_host, NULL},
	{TOP, "in_iface", "text", "interface the packet came in by, where known", write_in_iface, has_iface},
	{TOP, "pcap_cnt", "number", "the packet's number in its capture, from 1; replay only", write_pcap_cnt, is_replayed_packet},
	{TOP, "pcap_filename", "text", "the capture; replay only", write_pcap_filename, is_replay},
	{TOP, "vlan", "list of numbers", "VLAN ids of the packet, outermost first, if it had any", write_vlan, has_vlan},
	{TOP, "src_ip", "text", "source address of the packet, or an address of the subscriber where no packet is shown; not in overflow records", write_src_ip, about_one},
	{TOP, "src_port", "number", "source port, where the packet shows ports", write_src_port, has_ports},
	{TOP, "dest_ip", "text", "destination address of the packet; without it the record shows no packet, because all that it counts as blocked were blocked by the kernel itself", write_dest_ip, shows_packet},
	{TOP, "dest_port", "number", "destination port, where the packet shows ports", write_dest_port, has_ports},
	{TOP, "ip_v", "number", "4 or 6; not in overflow records", write_ip_v, about_one},
	{TOP, "proto", "text", "always \"TCP\"", write_proto, NULL},
	{TOP, "direction", "text", "always \"to_server\"", write_direction, NULL},
	{DROP, "len", "number", "IPv4 total length, or IPv6 payload length", write_len, shows_packet},
	{DROP, "tos", "number", "IPv4 type of service", write_tos, is_ip4},
	{DROP, "ttl", "number", "IPv4 time to live", write_ttl, is_ip4},
	{DROP, "ipid", "number", "IPv4 identification", write_ipid, is_ip4},
	{DROP, "tc", "number", "IPv6 traffic class", write_tos, is_ip6},
	{DROP, "hoplimit", "number", "IPv6 hop limit", write_ttl, is_ip6},
	{DROP, "tcpseq", "number", "TCP sequence number", write_tcpseq, has_ports},
	{DROP, "tcpack", "number", "TCP acknowledgement number", write_tcpack, has_ports},
	{DROP, "tcpwin", "number", "TCP window", write_tcpwin, has_ports},
	{DROP, "syn", "boolean", "TCP flag SYN", write_syn, has_ports},
	{DROP, "ack", "boolean", "TCP flag ACK", write_ack, has_ports},
	{DROP, "psh", "boolean", "TCP flag PSH", write_psh, has_ports},
	{DROP, "rst", "boolean", "TCP flag RST", write_rst, has_ports},
	{DROP, "urg", "boolean", "TCP flag URG", write_urg, has_ports},
	{DROP, "fin", "boolean", "TCP flag FIN", write_fin, has_ports},
	{DROP, "reason", "text", "the same as reason in op25b", write_reason, is_dropped},
	{ALERT, "action", "text", "always \"allowed\"", write_action, NULL},
	{ALERT, "gid", "number", "always 1", write_gid, NULL},
	{ALERT, "signature_id", "number", "2500000 plus the reason's number", write_signature_id, NULL},
	{ALERT, "rev", "number", "the same as schema in op25b", write_schema, NULL},
	{ALERT, "signature", "text", "a fixed sentence", write_signature, NULL},
	{ALERT, "category", "text", "a fixed name", write_category, NULL},
	{ALERT, "severity", "number", "always 3", write_severity, NULL},
	{OP25B, "schema", "number", "version of this object; fields may be added to a version, never changed or taken away", write_schema, NULL},
	{OP25B, "boot_id", "text", "the boot of the machine that wrote the record, \"replay\" in replay; host, boot_id and seq name a live record for ever", write_boot_id, NULL},
	{OP25B, "seq", "number", "number of the record; it grows by one, but at a restart and where records were lost by more", write_seq, NULL},
	{OP25B, "kind", "text", "\"first\": a subscriber is newly blocked; \"summary\": packets of a window; \"overflow\": packets that came from subscribers for whom the table had no room, or faster than they could be told apart", write_kind, NULL},
	{OP25B, "subscriber", "text", "the source address, or the subscriber's delegated prefix; not in overflow records", write_subscriber, about_one},
	{OP25B, "pool", "text", "the pool that the subscriber is in, if any", write_pool, has_pool},
	{OP25B, "rule", "text", "name of the rule that decided about the packet shown, if one did", write_rule, has_rule},
	{OP25B, "rule_kind", "text", "what kind of section the rule is: pool, destination, relay", write_rule_kind, has_rule},
	{OP25B, "reason", "text", "why, of the packet shown", write_reason, NULL},
	{OP25B, "reasons", "object", "packets by reason, when the packets counted have several", write_reasons, has_reasons},
	{OP25B, "verdict", "text", "drop, reset or icmp: what was done with the packet shown, or in a monitored record would have been", write_verdict, NULL},
	{OP25B, "monitored", "boolean", "true: all packets counted were let through", write_monitored, NULL},
	{OP25B, "attempts", "number", "connections tried: SYNs without their retransmissions", write_attempts, NULL},
	{OP25B, "packets", "number", "packets counted; each packet is counted in one record", write_packets, NULL},
	{OP25B, "packets_blocked", "number", "how many of them were not let through", write_packets_blocked, NULL},
	{OP25B, "packets_offloaded", "number", "how many of those the kernel blocked by itself, with offload = yes, if any: their destinations, ports and attempts are unknown", write_packets_offloaded, has_offloaded},
	{OP25B, "first_seen", "text", "time of the earliest packet counted; for packets_offloaded, when they were collected", write_first_seen, NULL},
	{OP25B, "last_seen", "text", "time of the latest packet counted, likewise", write_last_seen, NULL},
	{OP25B, "window_s", "number", "length of a window in seconds", write_window, NULL},
	{OP25B, "distinct_destinations", "number", "how many addresses the packets counted went to, but for packets_offloaded; not in overflow records", write_destinations, about_one},
	{OP25B, "distinct_destinations_exact", "boolean", "false: more than 64, and the number is an estimate (standard error 3.3 %), or memory was short or packets were offloaded, and it is a lower bound", write_destinations_exact, about_one},
	{OP25B, "destinations", "list of texts", "these addresses, when there are 2 to 64 and the number is exact; a single one is dest_ip", write_destination_list, lists_destinations},
	{OP25B, "destinations_sketch", "text", "when there are more than 64: what they are estimated from, so that readers can unite them with those of other records; see DESTINATIONS", write_sketch, has_sketch},
	{OP25B, "policy", "text", "digest of the policy that decided about the packet shown", write_policy, NULL},
	{OP25B, "rules", "list of objects", "packets by rule, when the packets counted met several or in several ways", write_parts, has_parts},
	{RULES, "rule", "text", "name of the rule that decided, if one did", write_rule, has_rule},
	{RULES, "rule_kind", "text", "what kind of section the rule is", write_rule_kind, has_rule},
	{RULES, "pool", "text", "the pool that the source is in, if any", write_pool, has_pool},
	{RULES, "others", "boolean", "true: all that met still other rules, more than are told apart here", write_others, is_others},
	{RULES, "verdict", "text", "drop, reset or icmp, as above", write_verdict, about_one},
	{RULES, "monitored", "boolean", "true: these packets were let through", write_monitored, NULL},
	{RULES, "attempts", "number", "of the record's attempts", write_attempts, NULL},
	{RULES, "packets", "number", "of the record's packets", write_packets, NULL},
	{RULES, "policy", "text", "digest of the policy that decided", write_policy, about_one},
};
/* clang-format on */
const size_t event_field_count = sizeof(event_fields) / sizeof(event_fields[0]);

const char *event_object_name(enum event_object object)
{
	static const char *const names[EVENT_OBJECTS] = {"", "drop", "alert", "op25b", "rules"};

	return object < EVENT_OBJECTS ? names[object] : "";
}

static void write_field(struct out *out, const struct event_field *field, const struct event_record *record)
{
	/* The first field of an object follows its brace. */
	if (out->at > out->begin && out->at[-1] != '{')
		out_char(out, ',');
	out_char(out, '"');
	out_text(out, field->name);
	out_text(out, "\":");
	field->write(out, record);
}

void event_fields_write(struct out *out, enum event_object object, const struct event_record *record)
{
	for (size_t i = 0; i < event_field_count; i++) {
		const struct event_field *field = &event_fields[i];

		if (field->object == object && (!field->present || field->present(record)))
			write_field(out, field, record);
	}
}
