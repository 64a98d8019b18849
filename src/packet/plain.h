/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to packet/: the short way to the facts of a packet that has nothing odd, taken where the careful one finds the same. */
#ifndef OP25B_PACKET_PLAIN_H
#define OP25B_PACKET_PLAIN_H

#include "packet/packet.h"

#include <string.h>

enum {
	PLAIN_IP4_HEADER = 20,
	PLAIN_TCP_HEADER = 20,
	PLAIN_TCP_AT = PLAIN_IP4_HEADER, /* from the begin of the IP header */
};

static inline uint16_t plain_load16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* IPv4 without options, whole, with a sound TCP header whose options are at hand, too. What is compared is compared at once. */
static inline bool plain_is_tcp4(const uint8_t *ip, size_t len)
{
	static const uint8_t mask[8] = {0,    0, 0x3f,
					0xff, 0, 0xff}; /* more fragments, the offset, the protocol */
	static const uint8_t wanted[8] = {0, 0, 0, 0, 0, IP_PROTOCOL_TCP};
	uint64_t masked, all, found;
	size_t total, header;

	if (len < PLAIN_IP4_HEADER + PLAIN_TCP_HEADER || ip[0] != 0x45)
		return false;
	memcpy(&all, mask, sizeof(all));
	memcpy(&found, wanted, sizeof(found));
	memcpy(&masked, ip + 4, sizeof(masked));
	if ((masked & all) != found)
		return false;
	total = plain_load16(ip + 2);
	header = (size_t)(ip[PLAIN_TCP_AT + 12] >> 4) * 4;
	return total <= len && header >= PLAIN_TCP_HEADER && PLAIN_IP4_HEADER + header <= total;
}

/* Field by field over zeros: a compound literal is made elsewhere and copied. */
static inline void plain_read_tcp4(const uint8_t *ip, struct packet *ret)
{
	const uint8_t *tcp = ip + PLAIN_TCP_AT;

	memset(ret, 0, sizeof(*ret));
	ret->src.lo = addr_load32(ip + 12);
	ret->src.family = ADDR_IP4;
	ret->dst.lo = addr_load32(ip + 16);
	ret->dst.family = ADDR_IP4;
	ret->family = ADDR_IP4;
	ret->protocol = IP_PROTOCOL_TCP;
	ret->has_protocol = ret->has_ports = ret->has_flags = true;
	ret->dont_fragment = ip[6] & 0x40;
	ret->tcp_flags = tcp[13];
	ret->ttl = ip[8];
	ret->tos = ip[1];
	ret->sport = plain_load16(tcp);
	ret->dport = plain_load16(tcp + 2);
	ret->ip_len = plain_load16(ip + 2);
	ret->tcp_window = plain_load16(tcp + 14);
	ret->ip_id = plain_load16(ip + 4);
	ret->tcp_seq = addr_load32(tcp + 4);
	ret->tcp_ack = addr_load32(tcp + 8);
}

#endif
