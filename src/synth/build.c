/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "synth/spec.h"

#include <assert.h>
#include <string.h>

enum { IP4_BYTES = 20, IP6_BYTES = 40, TCP_BYTES = 20, ROUTING_BYTES = 24, AUTHENTICATION_BYTES = 24 };

/* SYNTH_FRAME_MAX has room for the longest of everything the grammar can ask for. */
static_assert(14 + 12 + 8 + 60 + SYNTH_CHAIN_MAX * 24 + 60 + SYNTH_PAYLOAD_MAX < SYNTH_FRAME_MAX, "frame");

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

/* RFC 1071 section 1. */
static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t upper_checksum(const struct synth_spec *spec, const uint8_t *upper, size_t len)
{
	uint8_t address[16];
	uint32_t sum = spec->protocol + (uint32_t)len;
	size_t n = addr_to_bytes(&spec->src, address);

	sum = add_words(sum, address, n);
	addr_to_bytes(&spec->dst, address);
	return folded(add_words(add_words(sum, address, n), upper, len));
}

/* ---- the layers in front ---- */

static uint8_t *put_ethernet(const struct synth_spec *spec, uint8_t *at)
{
	static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	bool ip6 = spec->src.family == ADDR_IP6;

	memcpy(at, addresses, sizeof(addresses));
	at += sizeof(addresses);
	for (unsigned i = 0; i < spec->vlan_count; i++)
		at = put16(put16(at, i + 1 < spec->vlan_count ? 0x88a8 : 0x8100), spec->vlan[i]);
	return put16(at, spec->pppoe ? 0x8864 : ip6 ? 0x86dd : 0x0800);
}

/* RFC 2516 section 4: version, type and code 0 of a session, its number, the length, and PPP's protocol. */
static uint8_t *put_pppoe(const struct synth_spec *spec, uint8_t *at, size_t ip_len)
{
	if (!spec->pppoe)
		return at;
	at = put16(put16(put16(at, 0x1100), spec->session), (unsigned)ip_len + 2);
	return put16(at, spec->src.family == ADDR_IP6 ? 0x0057 : 0x0021);
}

/* ---- IP ---- */

static void put_ip4(const struct synth_spec *spec, uint8_t *ip, size_t upper_len)
{
	size_t header = IP4_BYTES + (size_t)spec->ip_options;
	unsigned fragment =
		spec->fragment_offset / 8 | (spec->more ? 0x2000U : 0) | (spec->dont_fragment ? 0x4000U : 0);

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = spec->tos;
	put16(ip + 2, (unsigned)(header + upper_len));
	put16(ip + 4, spec->id);
	put16(ip + 6, fragment);
	ip[8] = spec->ttl;
	ip[9] = spec->protocol;
	addr_to_bytes(&spec->src, ip + 12);
	addr_to_bytes(&spec->dst, ip + 16);
	memset(ip + IP4_BYTES, 1, spec->ip_options); /* "no operation" */
	put16(ip + 10, folded(add_words(0, ip, header)));
}

static void put_ip6(const struct synth_spec *spec, uint8_t *ip, size_t payload_len)
{
	put32(ip, 6U << 28 | (uint32_t)spec->tos << 20);
	put16(ip + 4, (unsigned)payload_len);
	ip[6] = spec->chain_count > 0 ? spec->chain[0] : spec->protocol;
	ip[7] = spec->ttl;
	addr_to_bytes(&spec->src, ip + 8);
	addr_to_bytes(&spec->dst, ip + 24);
}

/* RFC 8200 section 4 (options: one PadN), RFC 4302 section 2, and a used up routing header of type 2 (RFC 6275). */
static size_t put_extension(const struct synth_spec *spec, uint8_t kind, uint8_t *at)
{
	switch (kind) {
	case CHAIN_FRAGMENT:
		put16(at + 2, spec->fragment_offset | spec->more);
		put32(at + 4, spec->id);
		return 8;
	case CHAIN_ROUTING:
		at[1] = ROUTING_BYTES / 8 - 1;
		at[2] = 2;
		addr_to_bytes(&spec->dst, at + 8);
		return ROUTING_BYTES;
	case CHAIN_AUTHENTICATION:
		at[1] = AUTHENTICATION_BYTES / 4 - 2;
		put32(at + 4, 256);
		return AUTHENTICATION_BYTES;
	default:
		at[2] = 1;
		at[3] = 4;
		return 8;
	}
}

static size_t put_chain(const struct synth_spec *spec, uint8_t *begin)
{
	uint8_t *at = begin;

	if (spec->src.family != ADDR_IP6)
		return 0;
	for (unsigned i = 0; i < spec->chain_count; i++) {
		at[0] = i + 1 < spec->chain_count ? spec->chain[i + 1] : spec->protocol;
		at += put_extension(spec, spec->chain[i], at);
	}
	return (size_t)(at - begin);
}

/* ---- what it carries ---- */

static size_t put_tcp(const struct synth_spec *spec, uint8_t *tcp)
{
	size_t header = TCP_BYTES + (spec->option_len + 3) / 4 * 4, len = header + spec->payload;

	put16(put16(tcp, spec->sport), spec->dport);
	put32(tcp + 4, spec->seq);
	tcp[12] = (uint8_t)((spec->has_data_offset ? spec->data_offset : header / 4) << 4);
	tcp[13] = spec->tcp_flags;
	put16(tcp + 14, spec->window);
	memcpy(tcp + TCP_BYTES, spec->options, spec->option_len);
	if (!spec->more)
		put16(tcp + 16, upper_checksum(spec, tcp, len));
	return len;
}

/* A checksum of 0 would say that there is none (RFC 768). */
static size_t put_udp(const struct synth_spec *spec, uint8_t *udp)
{
	size_t len = (size_t)8 + spec->payload;
	uint16_t sum;

	put16(put16(put16(udp, spec->sport), spec->dport), (unsigned)len);
	sum = upper_checksum(spec, udp, len);
	put16(udp + 6, sum ? sum : 0xffff);
	return len;
}

static size_t put_echo_request(const struct synth_spec *spec, uint8_t *icmp)
{
	size_t len = (size_t)8 + spec->payload;

	icmp[0] = spec->protocol == PROTOCOL_ICMP ? 8 : 128;
	put16(icmp + 2, spec->protocol == PROTOCOL_ICMP ? folded(add_words(0, icmp, len))
							: upper_checksum(spec, icmp, len));
	return len;
}

/* Later fragments carry no header, but what would stand behind it. */
static size_t put_upper(const struct synth_spec *spec, uint8_t *at)
{
	if (spec->fragment_offset == 0) {
		switch (spec->protocol) {
		case PROTOCOL_TCP:
			return put_tcp(spec, at);
		case PROTOCOL_UDP:
			return put_udp(spec, at);
		case PROTOCOL_ICMP:
		case PROTOCOL_ICMP6:
			return put_echo_request(spec, at);
		default:
			break;
		}
	}
	return spec->payload ? spec->payload : 8;
}

size_t synth_build(const struct synth_spec *spec, uint8_t out[SYNTH_FRAME_MAX], size_t *ret_captured)
{
	bool ip6 = spec->src.family == ADDR_IP6;
	size_t link, header = ip6 ? IP6_BYTES : IP4_BYTES + (size_t)spec->ip_options, chain, upper, ip_len;
	uint8_t *ip;

	memset(out, 0, SYNTH_FRAME_MAX);
	ip = put_ethernet(spec, out) + (spec->pppoe ? 8 : 0);
	chain = put_chain(spec, ip + header);
	upper = put_upper(spec, ip + header + chain);
	ip_len = header + chain + upper;
	put_pppoe(spec, ip - (spec->pppoe ? 8 : 0), ip_len);
	if (ip6)
		put_ip6(spec, ip, chain + upper);
	else
		put_ip4(spec, ip, upper);
	link = (size_t)(ip - out);
	*ret_captured = link + (spec->cut && spec->cut < ip_len ? spec->cut : ip_len);
	return link + ip_len;
}
