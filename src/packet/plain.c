/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/plain.h"

enum { ETHERNET_HEADER = 14, ETHERTYPE_IP4 = 0x0800 };

static bool is_ethernet4(const uint8_t *bytes, size_t len)
{
	return len >= ETHERNET_HEADER && plain_load16(bytes + 12) == ETHERTYPE_IP4;
}

bool packet_read_plain4(enum packet_link link, const uint8_t *bytes, size_t len, struct packet_plain4 *ret)
{
	const uint8_t *ip = bytes;

	if (link == PACKET_LINK_ETHERNET && is_ethernet4(bytes, len)) {
		ip += ETHERNET_HEADER;
		len -= ETHERNET_HEADER;
	} else if (link != PACKET_LINK_IP) {
		return false;
	}
	if (!plain_is_tcp4(ip, len))
		return false;
	ret->src = addr_load32(ip + 12);
	ret->dst = addr_load32(ip + 16);
	ret->sport = plain_load16(ip + PLAIN_TCP_AT);
	ret->dport = plain_load16(ip + PLAIN_TCP_AT + 2);
	ret->tcp_flags = ip[PLAIN_TCP_AT + 13];
	return true;
}

struct packet packet_of_plain4(const struct packet_plain4 *plain)
{
	return (struct packet){
		.src = addr_ip4(plain->src),
		.dst = addr_ip4(plain->dst),
		.family = ADDR_IP4,
		.protocol = IP_PROTOCOL_TCP,
		.has_protocol = true,
		.has_ports = true,
		.has_flags = true,
		.tcp_flags = plain->tcp_flags,
		.sport = plain->sport,
		.dport = plain->dport,
	};
}
