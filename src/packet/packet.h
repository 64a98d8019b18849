/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to header facts. A packet comes from the kernel's queue (IP first) or from a capture (some link layer
 * first); nothing in it is trusted, nothing is copied but the facts, nothing is allocated, and every input gives an
 * answer. Only the outermost IP header counts: what is quoted in ICMP errors or carried in tunnels was sent by
 * somebody else.
 */
#ifndef OP25B_PACKET_PACKET_H
#define OP25B_PACKET_PACKET_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IP_PROTOCOL_TCP = 6,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
	SMTP_PORT = 25,
	PACKET_VLAN_MAX = 3,
	PACKET_EXTENSIONS_MAX = 16, /* IPv6 extension headers walked before the chain counts as malformed */
};

/* What keeps a packet from being judged like any other. The first one met stays. */
enum packet_fault {
	PACKET_FAULT_NONE = 0,
	PACKET_FAULT_IP_HEADER, /* wrong version, IHL below 5, total length shorter than its header */
	PACKET_FAULT_EXTENSION, /* IPv6 header chain: a length beyond the packet, or more headers than the cap */
	PACKET_FAULT_TCP_HEADER, /* whole packet, yet no whole TCP header: too short, or data offset below 5 or beyond its end */
	PACKET_FAULT_FRAGMENT_TINY,    /* first IPv4 fragment without a whole TCP header (RFC 1858) */
	PACKET_FAULT_FRAGMENT_OVERLAP, /* IPv4 or IPv6 TCP fragment at offset 1, that is byte 8 (RFC 3128) */
	PACKET_FAULT_FRAGMENT_CHAIN,   /* first IPv6 fragment without the whole header chain (RFC 7112) */
	PACKET_FAULT_CUT, /* the copy at hand ends before the facts do (snap length, copy range) */
};

enum packet_fragment {
	PACKET_WHOLE = 0,      /* no fragment, or an atomic one (RFC 6946) */
	PACKET_FRAGMENT_FIRST, /* offset 0 and more to come */
	PACKET_FRAGMENT_LATER, /* any other offset: it shows no ports */
};

/* Everything in host byte order. Facts that the packet does not show are 0. */
struct packet {
	struct addr src;
	struct addr dst;
	uint8_t family; /* enum addr_family; ADDR_NONE: not IP, or an IP header too broken to show who sent it */
	uint8_t fault;    /* enum packet_fault */
	uint8_t fragment; /* enum packet_fragment */
	uint8_t protocol; /* the upper-layer protocol, behind all extension headers; meaningful unless family is ADDR_NONE */
	bool has_protocol; /* the header chain could be walked to its end */
	bool has_ports;    /* TCP, and its first 4 bytes are there */
	bool has_flags;    /* TCP, its first 14 bytes are there, and the data offset in them is not below 5 */
	bool dont_fragment;
	uint8_t tcp_flags; /* TCP_* */
	uint8_t ttl;       /* or hop limit */
	uint8_t tos;       /* or traffic class */
	uint16_t sport;
	uint16_t dport;
	uint16_t ip_len; /* IPv4 total length, IPv6 payload length + 40 (0 when that exceeds 16 bits) */
	uint16_t tcp_window;
	uint32_t ip_id; /* IPv4 identification, or that of the IPv6 fragment header */
	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint32_t fragment_offset; /* bytes */
	uint8_t vlan_count;
	uint16_t vlan[PACKET_VLAN_MAX]; /* VLAN ids, outermost first */
};

enum packet_link {
	PACKET_LINK_UNKNOWN = 0,
	PACKET_LINK_IP,  /* RAW and IPV4: the version nibble tells */
	PACKET_LINK_IP6, /* IPV6: nothing else */
	PACKET_LINK_ETHERNET,
	PACKET_LINK_LINUX_SLL,
	PACKET_LINK_LINUX_SLL2,
	PACKET_LINK_NULL, /* BSD loopback: the family in the writer's byte order; LOOP: in network order */
	PACKET_LINK_PPP,  /* with or without address and control bytes */
	PACKET_LINK_PPP_ETHER, /* LINKTYPE_PPP_ETHER: a PPPoE session header first */
	PACKET_LINK_CISCO_HDLC,
	PACKET_LINK_NFLOG, /* netfilter's log of IP packets */
	PACKET_LINK_FDDI,
	PACKET_LINKS,
};

/*
 * Reads an IP packet. bytes: len bytes, borrowed for the call (NULL only with len 0). wire_len: how long the packet
 * was before it was cut, at least len; where a header ends behind len but within wire_len the fault is
 * PACKET_FAULT_CUT, not a malformed packet. *ret is written whole.
 */
void packet_parse_ip(const uint8_t *bytes, size_t len, size_t wire_len, struct packet *ret);

/*
 * The same from the link layer on: any nesting of VLAN tags (0x8100, 0x88a8, 0x9100) and the other tags of bridges,
 * PPPoE sessions, MPLS labels and pseudowires, 802.3 frames with SNAP. What carries no IP, and what is encrypted,
 * gives family ADDR_NONE and no fault.
 */
void packet_parse_link(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len,
		       struct packet *ret);

enum { PACKET_LOT = 64 };

/*
 * Packets that are what nearly all are: IPv4 without options right behind an untagged Ethernet header or by itself, whole,
 * with a sound TCP header, all of it at hand. For who only counts, this is all that there is to know of them. A column
 * each: what asks one thing of many packets finds it side by side.
 */
struct packet_lot4 {
	size_t count;
	uint32_t src[PACKET_LOT], dst[PACKET_LOT];
	uint16_t sport[PACKET_LOT], dport[PACKET_LOT];
	uint8_t tcp_flags[PACKET_LOT]; /* TCP_* */
	size_t mails;
	uint8_t mail[PACKET_LOT]; /* which of them go to port 25, in their order */
};

/*
 * Adds those of `count` frames (of one link type, frame i with len[i] bytes at hand) that are such packets, for which
 * there must be room: of each, packet_parse_link() finds the same facts, and no fault, fragment or VLAN. The indexes of
 * the others, whose number is returned, are written to `others`, which has room for all.
 */
size_t packet_lot4_add(struct packet_lot4 *lot, enum packet_link link, const uint8_t *const *bytes,
		       const uint32_t *len, size_t count, uint8_t *others);
/* The same facts as a packet; those that a lot does not hold are 0. */
struct packet packet_of_lot4(const struct packet_lot4 *lot, size_t at);

/* Where packet_parse_link() finds the IP packet in a frame, if it finds one; borrowed from the frame's bytes. */
struct packet_ip {
	const uint8_t *bytes;
	size_t len, wire_len;
};

enum packet_found {
	PACKET_FOUND_OTHER, /* no IP */
	PACKET_FOUND_CUT,   /* the copy at hand ends before it shows */
	PACKET_FOUND_IP,
	PACKET_FOUND_IP6, /* nothing but IPv6 may stand there */
};

/* *ret is untouched unless it is one of the last two. */
enum packet_found packet_find_ip(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len,
				 struct packet_ip *ret);

/* TCP, its port seen, and it is 25. */
static inline bool packet_is_port25(const struct packet *packet)
{
	return packet->has_ports && packet->dport == SMTP_PORT;
}

/* The answer to a SYN, from port 25. */
static inline bool packet_answers_port25(const struct packet *packet)
{
	return packet->has_ports && packet->has_flags && packet->sport == SMTP_PORT &&
	       (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* SYN without ACK, RST, FIN: what opens a connection. ECE and CWR do not matter (RFC 3168). */
static inline bool packet_flags_open(uint8_t tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

static inline bool packet_is_syn(const struct packet *packet)
{
	return packet->has_flags && packet_flags_open(packet->tcp_flags);
}

#endif
