/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/plain.h"

enum { ETHERNET_HEADER = 14, ETHERTYPE_IP4 = 0x0800 };

static inline void put(struct packet_lot4 *lot, size_t at, const uint8_t *ip)
{
	lot->src[at] = addr_load32(ip + 12);
	lot->dst[at] = addr_load32(ip + 16);
	lot->sport[at] = plain_load16(ip + PLAIN_TCP_AT);
	lot->dport[at] = plain_load16(ip + PLAIN_TCP_AT + 2);
	lot->tcp_flags[at] = ip[PLAIN_TCP_AT + 13];
}

/*
 * header: so many bytes stand in front of the IP header, the last two of them its EtherType unless there are none. Whether
 * it is mail is written before it is known, and counted if it is: what packets are cannot be guessed.
 */
static inline size_t add_all(struct packet_lot4 *lot, size_t header, const uint8_t *const *bytes,
			     const uint32_t *len, size_t count, uint8_t *others)
{
	size_t n = 0, at = lot->count, mails = lot->mails;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *ip = bytes[i] + header;

		if (len[i] >= header && (header == 0 || plain_load16(ip - 2) == ETHERTYPE_IP4) &&
		    plain_is_tcp4(ip, len[i] - header)) {
			put(lot, at, ip);
			lot->mail[mails] = (uint8_t)at;
			mails += lot->dport[at++] == SMTP_PORT;
		} else {
			others[n++] = (uint8_t)i;
		}
	}
	lot->count = at;
	lot->mails = mails;
	return n;
}

size_t packet_lot4_add(struct packet_lot4 *lot, enum packet_link link, const uint8_t *const *bytes,
		       const uint32_t *len, size_t count, uint8_t *others)
{
	if (link == PACKET_LINK_ETHERNET)
		return add_all(lot, ETHERNET_HEADER, bytes, len, count, others);
	if (link == PACKET_LINK_IP)
		return add_all(lot, 0, bytes, len, count, others);
	for (size_t i = 0; i < count; i++)
		others[i] = (uint8_t)i;
	return count;
}

struct packet packet_of_lot4(const struct packet_lot4 *lot, size_t at)
{
	return (struct packet){
		.src = addr_ip4(lot->src[at]),
		.dst = addr_ip4(lot->dst[at]),
		.family = ADDR_IP4,
		.protocol = IP_PROTOCOL_TCP,
		.has_protocol = true,
		.has_ports = true,
		.has_flags = true,
		.tcp_flags = lot->tcp_flags[at],
		.sport = lot->sport[at],
		.dport = lot->dport[at],
	};
}
