/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/packet.h"
#include "packet/plain.h"

#include <string.h>

enum {
	IP4_THROUGH_SOURCE = 16,
	IP4_HEADER = 20,
	IP6_THROUGH_SOURCE = 24,
	IP6_HEADER = 40,
	TCP_HEADER = 20,
	TCP_PORTS = 4,
	TCP_THROUGH_SEQ = 8,
	TCP_THROUGH_ACK = 12,
	TCP_THROUGH_OFFSET = 13,
	TCP_THROUGH_FLAGS = 14,
	TCP_THROUGH_WINDOW = 16,
	FRAGMENT_HEADER = 8,
	FRAGMENT_UNIT = 8,
	OPTION_JUMBO = 0xc2,
};

/* Protocol numbers that stand for one more header of the chain (RFC 7045 section 4, RFC 4302). */
enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTHENTICATION = 51,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
	NEXT_HOST_IDENTITY = 139,
	NEXT_SHIM6 = 140,
};

/*
 * One packet while it is read; offsets count from the first byte of the IP header. `claimed` is where the packet
 * says it ends, `visible` where the bytes at hand do. A header that ends behind `claimed` is malformed, one that
 * ends between the two was cut off the copy. A packet that claims more than the wire carried counts as cut, too:
 * receivers drop it (Linux: ip_rcv_core, ip6_rcv_core), so its headers are only as good as what is there.
 */
struct reader {
	const uint8_t *bytes;
	size_t visible;
	size_t claimed;
	struct packet *packet;
};

static uint16_t load16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t load32(const uint8_t *bytes)
{
	return (uint32_t)load16(bytes) << 16 | load16(bytes + 2);
}

/* True when n bytes are there at `at`. Neither can overflow: both stay below the sum of some headers. */
static bool is_visible(const struct reader *reader, size_t at, size_t n)
{
	return at + n <= reader->visible;
}

static void set_fault(struct packet *packet, enum packet_fault fault)
{
	if (packet->fault == PACKET_FAULT_NONE)
		packet->fault = (uint8_t)fault;
}

/* Notes why n bytes at `at` are not all there: `malformed` when the packet has no room for them, else the copy was cut. */
static void set_missing(const struct reader *reader, size_t at, size_t n, enum packet_fault malformed)
{
	set_fault(reader->packet, at + n > reader->claimed ? malformed : PACKET_FAULT_CUT);
}

static void set_claimed(struct reader *reader, size_t claimed)
{
	reader->claimed = claimed;
	if (reader->visible > claimed)
		reader->visible = claimed;
}

/* What a TCP header without room in its packet is called; a whole packet and the two kinds of fragments differ. */
static enum packet_fault short_tcp_fault(const struct packet *packet)
{
	if (packet->fragment == PACKET_WHOLE)
		return PACKET_FAULT_TCP_HEADER;
	return packet->family == ADDR_IP4 ? PACKET_FAULT_FRAGMENT_TINY : PACKET_FAULT_FRAGMENT_CHAIN;
}

/* Every fact as soon as its own bytes are there: ports stay readable in a header that is cut behind them. */
static void read_tcp_facts(const struct reader *reader, size_t at)
{
	struct packet *packet = reader->packet;
	const uint8_t *tcp = reader->bytes + at;

	if (!is_visible(reader, at, TCP_PORTS))
		return;
	packet->has_ports = true;
	packet->sport = load16(tcp);
	packet->dport = load16(tcp + 2);
	if (is_visible(reader, at, TCP_THROUGH_SEQ))
		packet->tcp_seq = load32(tcp + 4);
	if (is_visible(reader, at, TCP_THROUGH_ACK))
		packet->tcp_ack = load32(tcp + 8);
	if (is_visible(reader, at, TCP_THROUGH_FLAGS)) {
		packet->has_flags = true;
		packet->tcp_flags = tcp[13];
	}
	if (is_visible(reader, at, TCP_THROUGH_WINDOW))
		packet->tcp_window = load16(tcp + 14);
}

/* Options may be cut off the copy without a fault, because no fact is read from them. */
static void read_tcp(const struct reader *reader, size_t at)
{
	struct packet *packet = reader->packet;
	size_t header = TCP_HEADER;

	read_tcp_facts(reader, at);
	if (is_visible(reader, at, TCP_THROUGH_OFFSET))
		header = (size_t)(reader->bytes[at + 12] >> 4) * 4;
	if (header < TCP_HEADER) {
		packet->has_flags = false;
		packet->tcp_flags = 0;
		set_fault(packet, PACKET_FAULT_TCP_HEADER);
	} else if (at + header > reader->claimed) {
		set_fault(packet, short_tcp_fault(packet));
	} else if (!is_visible(reader, at, TCP_HEADER)) {
		set_fault(packet, PACKET_FAULT_CUT);
	}
}

static bool is_extension(uint8_t family, uint8_t next)
{
	switch (next) {
	case NEXT_AUTHENTICATION:
		return true;
	case NEXT_HOP_BY_HOP:
	case NEXT_ROUTING:
	case NEXT_FRAGMENT:
	case NEXT_DESTINATION:
	case NEXT_MOBILITY:
	case NEXT_HOST_IDENTITY:
	case NEXT_SHIM6:
		return family == ADDR_IP6;
	default:
		return false;
	}
}

/* Hdr Ext Len counts 8-byte units behind the first (RFC 8200), but AH's 4-byte units less 2 (RFC 4302 section 2.2). */
static size_t extension_size(uint8_t kind, const uint8_t *header)
{
	switch (kind) {
	case NEXT_FRAGMENT:
		return FRAGMENT_HEADER;
	case NEXT_AUTHENTICATION:
		return (header[1] + (size_t)2) * 4;
	default:
		return (header[1] + (size_t)1) * 8;
	}
}

/*
 * An atomic fragment changes nothing but the id (RFC 6946). A first fragment stays one, whatever a second fragment
 * header says short of an offset.
 */
static void read_fragment_header(const uint8_t *header, struct packet *packet)
{
	uint16_t field = load16(header + 2);
	uint16_t offset = field & 0xfff8;

	packet->ip_id = load32(header + 4);
	if (offset != 0) {
		packet->fragment = PACKET_FRAGMENT_LATER;
		packet->fragment_offset = offset;
	} else if (field & 1) {
		packet->fragment = PACKET_FRAGMENT_FIRST;
	}
}

/* The chain ends here: `next` is what the packet carries. A later fragment shows no more than that number. */
static void read_upper(const struct reader *reader, size_t at, uint8_t next)
{
	struct packet *packet = reader->packet;

	packet->protocol = next;
	packet->has_protocol = true;
	if (next != IP_PROTOCOL_TCP)
		return;
	if (packet->fragment != PACKET_FRAGMENT_LATER)
		read_tcp(reader, at);
	else if (packet->fragment_offset == FRAGMENT_UNIT)
		set_fault(packet, PACKET_FAULT_FRAGMENT_OVERLAP);
}

/* What a chain that leaves its packet is called (RFC 7112 for first fragments). */
static enum packet_fault long_chain_fault(const struct packet *packet)
{
	return packet->family == ADDR_IP6 && packet->fragment == PACKET_FRAGMENT_FIRST
		       ? PACKET_FAULT_FRAGMENT_CHAIN
		       : PACKET_FAULT_EXTENSION;
}

static void read_chain(const struct reader *reader, size_t at, uint8_t next)
{
	struct packet *packet = reader->packet;

	for (int walked = 0; is_extension(packet->family, next); walked++) {
		const uint8_t *header = reader->bytes + at;
		size_t size = 2;

		/* What later fragments carry is not a header, even if its number is that of one. */
		if (packet->fragment == PACKET_FRAGMENT_LATER)
			return;
		if (walked == PACKET_EXTENSIONS_MAX) {
			set_fault(packet, PACKET_FAULT_EXTENSION);
			return;
		}
		if (is_visible(reader, at, size))
			size = extension_size(next, header);
		if (!is_visible(reader, at, size)) {
			set_missing(reader, at, size, long_chain_fault(packet));
			return;
		}
		if (next == NEXT_FRAGMENT)
			read_fragment_header(header, packet);
		next = header[0];
		at += size;
	}
	read_upper(reader, at, next);
}

static void read_ip4_fragment(const uint8_t *ip, struct packet *packet)
{
	uint16_t field = load16(ip + 6);

	packet->dont_fragment = field & 0x4000;
	packet->fragment_offset = (uint32_t)(field & 0x1fff) * FRAGMENT_UNIT;
	if (packet->fragment_offset != 0)
		packet->fragment = PACKET_FRAGMENT_LATER;
	else if (field & 0x2000)
		packet->fragment = PACKET_FRAGMENT_FIRST;
}

/* The bytes through the source address are there. */
static void read_ip4_facts(const struct reader *reader)
{
	const uint8_t *ip = reader->bytes;
	struct packet *packet = reader->packet;

	packet->family = ADDR_IP4;
	packet->tos = ip[1];
	packet->ip_len = load16(ip + 2);
	packet->ip_id = load16(ip + 4);
	read_ip4_fragment(ip, packet);
	packet->ttl = ip[8];
	packet->has_protocol = ip[9] != NEXT_AUTHENTICATION;
	packet->protocol = packet->has_protocol ? ip[9] : 0;
	packet->src = addr_from_bytes4(ip + 12);
	packet->dst.family = ADDR_IP4;
	if (is_visible(reader, 0, IP4_HEADER))
		packet->dst = addr_from_bytes4(ip + 16);
}

/* False when the header's own two lengths contradict each other: then nothing in it is believed. */
static bool ip4_lengths_agree(const struct reader *reader, size_t header)
{
	size_t total = is_visible(reader, 0, 4) ? load16(reader->bytes + 2) : 0;

	return header >= IP4_HEADER && (total == 0 || total >= header);
}

/*
 * Total length 0 is what segmentation offload leaves in the copies of oversized packets: the wire's length counts
 * then. The protocol is known even where the options are cut off, the ports behind them are not.
 */
static void read_ip4(struct reader *reader)
{
	const uint8_t *ip = reader->bytes;
	struct packet *packet = reader->packet;
	size_t header = (size_t)(ip[0] & 0x0f) * 4;

	if (!ip4_lengths_agree(reader, header)) {
		set_fault(packet, PACKET_FAULT_IP_HEADER);
		return;
	}
	if (!is_visible(reader, 0, IP4_HEADER))
		set_missing(reader, 0, IP4_HEADER, PACKET_FAULT_IP_HEADER);
	if (!is_visible(reader, 0, IP4_THROUGH_SOURCE))
		return;
	if (load16(ip + 2) != 0)
		set_claimed(reader, load16(ip + 2));
	read_ip4_facts(reader);
	if (!is_visible(reader, 0, header))
		set_missing(reader, 0, header, PACKET_FAULT_IP_HEADER);
	if (packet->fault == PACKET_FAULT_NONE)
		read_chain(reader, header, ip[9]);
}

/*
 * Where the packet ends when its payload length is 0: at its header, unless it is a jumbogram, which says so in a
 * hop-by-hop option right behind it (RFC 2675 section 2). Linux also hands around offloaded packets beyond 64 KiB
 * without that option, known by their size.
 */
static size_t jumbogram_end(const struct reader *reader)
{
	const uint8_t *option = reader->bytes + IP6_HEADER + 2;
	size_t end = IP6_HEADER + 8;

	if (reader->claimed > IP6_HEADER + UINT16_MAX)
		return reader->claimed;
	if (reader->bytes[6] != NEXT_HOP_BY_HOP)
		return IP6_HEADER;
	if (!is_visible(reader, 0, end))
		return reader->claimed > reader->visible ? reader->claimed : IP6_HEADER;
	if (option[0] != OPTION_JUMBO || option[1] != 4 || load32(option + 2) <= UINT16_MAX)
		return IP6_HEADER;
	return IP6_HEADER + (size_t)load32(option + 2);
}

/* The bytes through the source address are there. */
static void read_ip6_facts(const struct reader *reader)
{
	const uint8_t *ip = reader->bytes;
	struct packet *packet = reader->packet;
	size_t len = load16(ip + 4) + (size_t)IP6_HEADER;

	packet->family = ADDR_IP6;
	packet->tos = (uint8_t)(load16(ip) >> 4);
	packet->ttl = ip[7];
	packet->src = addr_from_bytes16(ip + 8);
	packet->dst.family = ADDR_IP6;
	if (is_visible(reader, 0, IP6_HEADER))
		packet->dst = addr_from_bytes16(ip + 24);
	if (len <= UINT16_MAX)
		packet->ip_len = (uint16_t)len;
}

static void read_ip6(struct reader *reader)
{
	const uint8_t *ip = reader->bytes;
	size_t payload;

	if (!is_visible(reader, 0, IP6_HEADER))
		set_missing(reader, 0, IP6_HEADER, PACKET_FAULT_IP_HEADER);
	if (!is_visible(reader, 0, IP6_THROUGH_SOURCE))
		return;
	read_ip6_facts(reader);
	if (reader->packet->fault != PACKET_FAULT_NONE)
		return;
	payload = load16(ip + 4);
	set_claimed(reader, payload != 0 ? payload + IP6_HEADER : jumbogram_end(reader));
	if (payload == 0 && reader->claimed > UINT16_MAX)
		reader->packet->ip_len = 0;
	read_chain(reader, IP6_HEADER, ip[6]);
}

static void read_carefully(const uint8_t *bytes, size_t len, size_t wire_len, struct packet *ret)
{
	struct reader reader = {
		.bytes = bytes,
		.visible = len,
		.claimed = wire_len > len ? wire_len : len,
		.packet = ret,
	};

	memset(ret, 0, sizeof(*ret));
	if (len == 0)
		set_missing(&reader, 0, 1, PACKET_FAULT_IP_HEADER);
	else if (bytes[0] >> 4 == 4)
		read_ip4(&reader);
	else if (bytes[0] >> 4 == 6)
		read_ip6(&reader);
	else
		set_fault(ret, PACKET_FAULT_IP_HEADER);
}

void packet_parse_ip(const uint8_t *bytes, size_t len, size_t wire_len, struct packet *ret)
{
	if (plain_is_tcp4(bytes, len))
		plain_read_tcp4(bytes, ret);
	else
		read_carefully(bytes, len, wire_len, ret);
}
