/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes and the facts that they show. Rows are written as hex, so that each can be read beside its RFC. */
#include "packet/packet.h"

#include "../lib/packet_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES_MAX = 512 };

/* 10.0.0.1 to 192.0.2.25, id 0x1234, hop limit 64, type of service 0x10. */
#define IP4_WITH(first, total, fragment, protocol)                                                           \
	first "10" total "1234" fragment "40" protocol "0000"                                                \
	      "0a000001"                                                                                     \
	      "c0000219"
#define IP4(total, fragment, protocol) IP4_WITH("45", total, fragment, protocol)
/* 2001:db8::1 to 2001:db8:2::25, traffic class 0x10, hop limit 64. */
#define IP6(payload, next)                                                                                   \
	"61000000" payload next "40"                                                                         \
	"20010db8000000000000000000000001"                                                                   \
	"20010db8000200000000000000000025"
/* Ports 49152 to `to`, sequence 0x01020304, acknowledgement 0x05060708, window 0x7210. */
#define TCP_TO(to, offset, flags)                                                                            \
	"c000" to "01020304"                                                                                 \
	"05060708" offset flags "7210"                                                                       \
	"00000000"
#define TCP_SYN_25        TCP_TO("0019", "50", "02")
#define WHOLE4            IP4("0028", "0000", "06") TCP_SYN_25
#define WHOLE6            IP6("0014", "06") TCP_SYN_25
#define EXTENSION_8(next) next "00010400000000"
#define MACS                                                                                                 \
	"020000000002"                                                                                       \
	"020000000001"
#define PPPOE_SESSION "11000001"

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST16(big, little) big
#else
#define HOST16(big, little) little
#endif

#define SRC4 .src = {.lo = 0x0a000001, .family = ADDR_IP4}
#define DST4 .dst = {.lo = 0xc0000219, .family = ADDR_IP4}
#define SRC6 .src = {.hi = 0x20010db800000000, .lo = 1, .family = ADDR_IP6}
#define DST6 .dst = {.hi = 0x20010db800020000, .lo = 0x25, .family = ADDR_IP6}

#define HEADER4_CUT                                                                                          \
	.family = ADDR_IP4, SRC4, .dst = {.family = ADDR_IP4}, .ttl = 64, .tos = 0x10, .ip_id = 0x1234,      \
	.ip_len = 40
#define HEADER6_CUT                                                                                          \
	.family = ADDR_IP6, SRC6, .dst = {.family = ADDR_IP6}, .ttl = 64, .tos = 0x10, .ip_len = 60
#define HEADER4(total)                                                                                       \
	.family = ADDR_IP4, SRC4, DST4, .ttl = 64, .tos = 0x10, .ip_id = 0x1234, .ip_len = (total)
#define HEADER6(total)   .family = ADDR_IP6, SRC6, DST6, .ttl = 64, .tos = 0x10, .ip_len = (total)
#define UPPER(number)    .has_protocol = true, .protocol = (number)
#define PORTS(to)        UPPER(6), .has_ports = true, .sport = 49152, .dport = (to)
#define NUMBERS          .tcp_seq = 0x01020304, .tcp_ack = 0x05060708
#define FLAGS(flags)     NUMBERS, .has_flags = true, .tcp_flags = (flags), .tcp_window = 0x7210
#define SYN_25           PORTS(25), FLAGS(TCP_SYN)
#define FAULT(name)      .fault = PACKET_FAULT_##name
#define FIRST            .fragment = PACKET_FRAGMENT_FIRST
#define LATER(bytes)     .fragment = PACKET_FRAGMENT_LATER, .fragment_offset = (bytes)
#define VLANS_1(a)       .vlan_count = 1, .vlan = {a}
#define VLANS_2(a, b)    .vlan_count = 2, .vlan = {a, b}
#define VLANS_3(a, b, c) .vlan_count = 3, .vlan = {a, b, c}

struct row {
	const char *name;
	const char *hex;
	enum packet_link
		link;     /* none given: the bytes start with the IP header, and go to packet_parse_ip() */
	size_t wire_more; /* bytes that the wire had and the copy has not */
	size_t tcp_at; /* not 0: a whole packet, whose TCP header begins here; then every cut of it is tried */
	struct packet want;
};

/* clang-format off */
static const struct row ip4_rows[] = {
	{"SYN", WHOLE4, .tcp_at = 20, .want = {HEADER4(40), SYN_25}},
	{"ECN-setup SYN", IP4("0028", "0000", "06") TCP_TO("0019", "50", "c2"), .tcp_at = 20,
	 .want = {HEADER4(40), PORTS(25), FLAGS(TCP_SYN | TCP_ECE | TCP_CWR)}},
	{"SYN-ACK", IP4("0028", "0000", "06") TCP_TO("0019", "50", "12"), .tcp_at = 20,
	 .want = {HEADER4(40), PORTS(25), FLAGS(TCP_SYN | TCP_ACK)}},
	{"submission is another port", IP4("0028", "4000", "06") TCP_TO("024b", "50", "02"), .tcp_at = 20,
	 .want = {HEADER4(40), .dont_fragment = true, PORTS(587), FLAGS(TCP_SYN)}},
	{"IP options", IP4_WITH("47", "0030", "0000", "06") "0101010101010100" TCP_SYN_25, .tcp_at = 28,
	 .want = {HEADER4(48), SYN_25}},
	{"TCP options", IP4("002c", "0000", "06") TCP_TO("0019", "60", "02") "020405b4", .tcp_at = 20,
	 .want = {HEADER4(44), SYN_25}},
	{"padding behind the total length", WHOLE4 "000000000000", .tcp_at = 20, .want = {HEADER4(40), SYN_25}},
	{"padding is no TCP header", IP4("0014", "0000", "06") TCP_SYN_25,
	 .want = {HEADER4(20), UPPER(6), FAULT(TCP_HEADER)}},
	{"authentication header", IP4("0034", "0000", "33") "060100000000000100000002" TCP_SYN_25, .tcp_at = 32,
	 .want = {HEADER4(52), SYN_25}},
	{"UDP to port 25", IP4("001c", "0000", "11") "c000001900080000", .want = {HEADER4(28), UPPER(17)}},
	{"IP in IP is the tunnel's, not the sender's", IP4("003c", "0000", "04") WHOLE4,
	 .want = {HEADER4(60), UPPER(4)}},
	{"IPv6 in IP", IP4("0050", "0000", "29") WHOLE6, .want = {HEADER4(80), UPPER(41)}},
	{"GRE", IP4("0040", "0000", "2f") "00000800" WHOLE4, .want = {HEADER4(64), UPPER(47)}},
	{"ICMP error quoting a SYN", IP4("0044", "0000", "01") "0301000000000000" WHOLE4,
	 .want = {HEADER4(68), UPPER(1)}},
	{"IPv6's chain numbers mean nothing in IPv4", IP4("0030", "0000", "3c") EXTENSION_8("06") TCP_SYN_25,
	 .want = {HEADER4(48), UPPER(60)}},
};

static const struct row ip4_fault_rows[] = {
	{"nothing", "", .want = {FAULT(IP_HEADER)}},
	{"nothing left of a cut packet", "", .wire_more = 40, .want = {FAULT(CUT)}},
	{"version 5", "5500", .want = {FAULT(IP_HEADER)}},
	{"version 5, cut", "5500", .wire_more = 38, .want = {FAULT(IP_HEADER)}},
	{"IHL 4", IP4_WITH("44", "0028", "0000", "06") TCP_SYN_25, .want = {FAULT(IP_HEADER)}},
	{"IHL beyond the total length", IP4_WITH("4f", "0028", "0000", "06") TCP_SYN_25, .want = {FAULT(IP_HEADER)}},
	{"total length below the header", IP4("0013", "0000", "06") TCP_SYN_25, .want = {FAULT(IP_HEADER)}},
	{"15 bytes at hand", "45100028" "12340000" "40060000" "0a0000", .wire_more = 25, .want = {FAULT(CUT)}},
	{"16 bytes at hand show the sender", "45100028" "12340000" "40060000" "0a000001", .wire_more = 24,
	 .want = {HEADER4_CUT, UPPER(6), FAULT(CUT)}},
	{"19 bytes on the wire", "45100028" "12340000" "40060000" "0a000001" "c00002",
	 .want = {HEADER4_CUT, UPPER(6), FAULT(IP_HEADER)}},
	{"total length 0 is that of the wire", IP4("0000", "0000", "06") TCP_SYN_25, .want = {HEADER4(0), SYN_25}},
	{"total length 0, cut", IP4("0000", "0000", "06") "c000", .wire_more = 18,
	 .want = {HEADER4(0), UPPER(6), FAULT(CUT)}},
	{"total length 0, and nothing more on the wire", IP4("0000", "0000", "06") "c000",
	 .want = {HEADER4(0), UPPER(6), FAULT(TCP_HEADER)}},
	{"total length beyond the wire stays readable", IP4("05dc", "0000", "06") TCP_SYN_25,
	 .want = {HEADER4(1500), SYN_25}},
	{"total length beyond the wire, header cut", IP4("05dc", "0000", "06") "c0000019",
	 .want = {HEADER4(1500), PORTS(25), FAULT(CUT)}},
	{"options cut off", IP4_WITH("47", "0030", "0000", "06") "0101", .wire_more = 26,
	 .want = {HEADER4(48), UPPER(6), FAULT(CUT)}},
	{"data offset 4", IP4("0028", "0000", "06") TCP_TO("0019", "40", "02"),
	 .want = {HEADER4(40), PORTS(25), NUMBERS, .tcp_window = 0x7210, FAULT(TCP_HEADER)}},
	{"data offset beyond the packet", IP4("0028", "0000", "06") TCP_TO("0019", "60", "02"),
	 .want = {HEADER4(40), SYN_25, FAULT(TCP_HEADER)}},
	{"3 bytes of TCP in a whole packet", IP4("0017", "0000", "06") "c00000",
	 .want = {HEADER4(23), UPPER(6), FAULT(TCP_HEADER)}},
	{"4 bytes of TCP in a whole packet", IP4("0018", "0000", "06") "c0000019",
	 .want = {HEADER4(24), PORTS(25), FAULT(TCP_HEADER)}},
	{"13 bytes of TCP show no flags", IP4("0021", "0000", "06") "c0000019" "01020304" "05060708" "50",
	 .want = {HEADER4(33), PORTS(25), NUMBERS, FAULT(TCP_HEADER)}},
	{"14 bytes of TCP show them", IP4("0022", "0000", "06") "c0000019" "01020304" "05060708" "5002",
	 .want = {HEADER4(34), PORTS(25), NUMBERS, .has_flags = true, .tcp_flags = TCP_SYN, FAULT(TCP_HEADER)}},
	{"options cut off TCP hide no fact", IP4("003c", "0000", "06") TCP_TO("0019", "a0", "02"), .wire_more = 20,
	 .want = {HEADER4(60), SYN_25}},
	{"authentication header beyond the packet", IP4("0028", "0000", "33") "06ff0000" "0000000000000000" "0000000000000000",
	 .want = {HEADER4(40), FAULT(EXTENSION)}},
};

static const struct row ip4_fragment_rows[] = {
	{"first fragment with a whole TCP header", IP4("0028", "2000", "06") TCP_SYN_25, .tcp_at = 20,
	 .want = {HEADER4(40), FIRST, SYN_25}},
	{"first fragment with 8 bytes (RFC 1858)", IP4("001c", "2000", "06") "c000001901020304",
	 .want = {HEADER4(28), FIRST, PORTS(25), .tcp_seq = 0x01020304, FAULT(FRAGMENT_TINY)}},
	{"first fragment that ends in TCP's options", IP4("0028", "2000", "06") TCP_TO("0019", "70", "02"),
	 .want = {HEADER4(40), FIRST, SYN_25, FAULT(FRAGMENT_TINY)}},
	{"first fragment with data offset 4", IP4("0028", "2000", "06") TCP_TO("0019", "40", "02"),
	 .want = {HEADER4(40), FIRST, PORTS(25), NUMBERS, .tcp_window = 0x7210, FAULT(TCP_HEADER)}},
	{"first fragment, cut, is not tiny", IP4("0028", "2000", "06") "c0000019", .wire_more = 16,
	 .want = {HEADER4(40), FIRST, PORTS(25), FAULT(CUT)}},
	{"offset 8 of TCP (RFC 3128)", IP4("0020", "0001", "06") "0506070850027210" "00000000",
	 .want = {HEADER4(32), LATER(8), UPPER(6), FAULT(FRAGMENT_OVERLAP)}},
	{"offset 8 of UDP is nothing special", IP4("0020", "2001", "11") "000000000000000000000000",
	 .want = {HEADER4(32), LATER(8), UPPER(17)}},
	{"later fragment shows no ports", IP4("0028", "2003", "06") TCP_SYN_25, .want = {HEADER4(40), LATER(24), UPPER(6)}},
	{"the last offset", IP4("0015", "1fff", "06") "00", .want = {HEADER4(21), LATER(65528), UPPER(6)}},
	{"later fragment of an authenticated packet", IP4("0028", "0003", "33") TCP_SYN_25,
	 .want = {HEADER4(40), LATER(24)}},
};

static const struct row ip6_rows[] = {
	{"SYN", WHOLE6, .tcp_at = 40, .want = {HEADER6(60), SYN_25}},
	{"padding behind the payload", WHOLE6 "0000", .tcp_at = 40, .want = {HEADER6(60), SYN_25}},
	{"hop-by-hop", IP6("001c", "00") EXTENSION_8("06") TCP_SYN_25, .tcp_at = 48, .want = {HEADER6(68), SYN_25}},
	{"routing", IP6("001c", "2b") EXTENSION_8("06") TCP_SYN_25, .tcp_at = 48, .want = {HEADER6(68), SYN_25}},
	{"destination options of 16 bytes", IP6("0024", "3c") "06010104" "00000000" "0106000000000000" TCP_SYN_25,
	 .tcp_at = 56, .want = {HEADER6(76), SYN_25}},
	{"mobility", IP6("001c", "87") EXTENSION_8("06") TCP_SYN_25, .tcp_at = 48, .want = {HEADER6(68), SYN_25}},
	{"host identity", IP6("001c", "8b") EXTENSION_8("06") TCP_SYN_25, .tcp_at = 48, .want = {HEADER6(68), SYN_25}},
	{"shim6", IP6("001c", "8c") EXTENSION_8("06") TCP_SYN_25, .tcp_at = 48, .want = {HEADER6(68), SYN_25}},
	{"authentication counts words of 4 bytes", IP6("002c", "33") "060400000000000100000002" "000102030405060708090a0b" TCP_SYN_25,
	 .tcp_at = 64, .want = {HEADER6(84), SYN_25}},
	{"several in a row", IP6("0034", "00") EXTENSION_8("3c") EXTENSION_8("2b") EXTENSION_8("87") EXTENSION_8("06") TCP_SYN_25,
	 .tcp_at = 72, .want = {HEADER6(92), SYN_25}},
	{"atomic fragment (RFC 6946)", IP6("001c", "2c") "06000000" "0000abcd" TCP_SYN_25, .tcp_at = 48,
	 .want = {HEADER6(68), .ip_id = 0xabcd, SYN_25}},
	{"encrypted payload ends the chain", IP6("001c", "32") "0000000100000001" TCP_SYN_25, .want = {HEADER6(68), UPPER(50)}},
	{"no next header", IP6("0000", "3b"), .want = {HEADER6(40), UPPER(59)}},
	{"UDP", IP6("0008", "11") "c000001900080000", .want = {HEADER6(48), UPPER(17)}},
	{"IPv4 in IPv6", IP6("0028", "04") WHOLE4, .want = {HEADER6(80), UPPER(4)}},
	{"ICMPv6 error quoting a SYN", IP6("0044", "3a") "0100000000000000" WHOLE6, .want = {HEADER6(108), UPPER(58)}},
	{"jumbogram (RFC 2675)", IP6("0000", "00") "0600c20400010000" TCP_SYN_25, .wire_more = 65508,
	 .want = {HEADER6(0), SYN_25}},
	{"jumbogram, most of it cut", IP6("0000", "00") "0600c20400010000" TCP_SYN_25, .want = {HEADER6(0), SYN_25}},
	{"jumbogram, cut in its option", IP6("0000", "00") "0600c20400", .wire_more = 23, .want = {HEADER6(40), FAULT(CUT)}},
	{"offloaded beyond 64 KiB without saying so", IP6("0000", "06") TCP_SYN_25, .wire_more = 70000,
	 .want = {HEADER6(0), SYN_25}},
	{"the greatest length that fits 16 bits", IP6("ffd7", "06") TCP_SYN_25, .want = {HEADER6(65535), SYN_25}},
	{"the greatest payload length", IP6("ffff", "06") TCP_SYN_25, .wire_more = 65515, .want = {HEADER6(0), SYN_25}},
};

#define EXTENSIONS_4(last) EXTENSION_8("3c") EXTENSION_8("3c") EXTENSION_8("3c") EXTENSION_8(last)
#define EXTENSIONS_16(last) EXTENSIONS_4("3c") EXTENSIONS_4("3c") EXTENSIONS_4("3c") EXTENSIONS_4(last)

static const struct row ip6_fault_rows[] = {
	{"23 bytes at hand", "6100000000140640" "20010db80000000000000000000000", .wire_more = 37, .want = {FAULT(CUT)}},
	{"24 bytes at hand", "6100000000140640" "20010db8000000000000000000000001", .wire_more = 36,
	 .want = {HEADER6_CUT, FAULT(CUT)}},
	{"39 bytes on the wire", "6100000000140640" "20010db8000000000000000000000001" "20010db80002000000000000000000",
	 .want = {HEADER6_CUT, FAULT(IP_HEADER)}},
	{"16 headers are walked", IP6("0094", "3c") EXTENSIONS_16("06") TCP_SYN_25, .tcp_at = 168,
	 .want = {HEADER6(188), SYN_25}},
	{"17 are not", IP6("009c", "3c") EXTENSIONS_16("3c") EXTENSION_8("06") TCP_SYN_25,
	 .want = {HEADER6(196), FAULT(EXTENSION)}},
	{"header beyond the packet", IP6("001c", "3c") "06ff010400000000" TCP_SYN_25, .want = {HEADER6(68), FAULT(EXTENSION)}},
	{"authentication beyond the packet", IP6("001c", "33") "06060000" "00000000" TCP_SYN_25,
	 .want = {HEADER6(68), FAULT(EXTENSION)}},
	{"authentication that just fits", IP6("001c", "33") "3b050000" "00000000" TCP_SYN_25, .want = {HEADER6(68), UPPER(59)}},
	{"chain that ends with the packet", IP6("0008", "3c") EXTENSION_8("3c"), .want = {HEADER6(48), FAULT(EXTENSION)}},
	{"header cut off the copy", IP6("001c", "3c") "06000104", .wire_more = 24, .want = {HEADER6(68), FAULT(CUT)}},
	{"payload length beyond the wire, nothing there", IP6("0014", "00"), .want = {HEADER6(60), FAULT(CUT)}},
	{"payload length 0 is no payload", IP6("0000", "06") TCP_SYN_25, .want = {HEADER6(40), UPPER(6), FAULT(TCP_HEADER)}},
	{"jumbo length that needs no jumbogram", IP6("0000", "00") "0600c2040000001c" TCP_SYN_25,
	 .want = {HEADER6(40), FAULT(EXTENSION)}},
	{"jumbo length one too short", IP6("0000", "00") "0600c2040000ffff" TCP_SYN_25, .want = {HEADER6(40), FAULT(EXTENSION)}},
	{"jumbo option of another size", IP6("0000", "00") "0600c20300010000" TCP_SYN_25, .want = {HEADER6(40), FAULT(EXTENSION)}},
	{"hop-by-hop without payload length or jumbo option", IP6("0000", "00") EXTENSION_8("06") TCP_SYN_25,
	 .want = {HEADER6(40), FAULT(EXTENSION)}},
	{"payload length 0, and the wire's 65,575 bytes are no jumbogram", IP6("0000", "06") TCP_SYN_25, .wire_more = 65515,
	 .want = {HEADER6(40), UPPER(6), FAULT(TCP_HEADER)}},
	{"a header of 39 bytes, the last byte cut", "6100000000003b40" "20010db8000000000000000000000001" "20010db80002000000000000000000", .wire_more = 1,
	 .want = {.family = ADDR_IP6, SRC6, .dst = {.family = ADDR_IP6}, .ttl = 64, .tos = 0x10, .ip_len = 40, FAULT(CUT)}},
	{"TCP in a payload of 19 bytes", IP6("0013", "06") TCP_SYN_25,
	 .want = {HEADER6(59), SYN_25, FAULT(TCP_HEADER)}},
};

static const struct row ip6_fragment_rows[] = {
	{"first fragment with the whole chain", IP6("001c", "2c") "06000001" "0000abcd" TCP_SYN_25, .tcp_at = 48,
	 .want = {HEADER6(68), .ip_id = 0xabcd, FIRST, SYN_25}},
	{"first fragment without a whole TCP header (RFC 7112)", IP6("0010", "2c") "06000001" "0000abcd" "c000001901020304",
	 .want = {HEADER6(56), .ip_id = 0xabcd, FIRST, PORTS(25), .tcp_seq = 0x01020304, FAULT(FRAGMENT_CHAIN)}},
	{"first fragment that ends in the chain", IP6("0010", "2c") "3c000001" "0000abcd" "0602010400000000",
	 .want = {HEADER6(56), .ip_id = 0xabcd, FIRST, FAULT(FRAGMENT_CHAIN)}},
	{"first fragment with nothing", IP6("0008", "2c") "06000001" "0000abcd",
	 .want = {HEADER6(48), .ip_id = 0xabcd, FIRST, UPPER(6), FAULT(FRAGMENT_CHAIN)}},
	{"first fragment, cut", IP6("001c", "2c") "06000001" "0000abcd" "c000", .wire_more = 18,
	 .want = {HEADER6(68), .ip_id = 0xabcd, FIRST, UPPER(6), FAULT(CUT)}},
	{"first fragment of UDP", IP6("0010", "2c") "11000001" "0000abcd" "c000001900080000",
	 .want = {HEADER6(56), .ip_id = 0xabcd, FIRST, UPPER(17)}},
	{"later fragment", IP6("001c", "2c") "06000018" "0000abcd" TCP_SYN_25,
	 .want = {HEADER6(68), .ip_id = 0xabcd, LATER(24), UPPER(6)}},
	{"later fragment at byte 8 (RFC 3128)", IP6("001c", "2c") "06000008" "0000abcd" TCP_SYN_25,
	 .want = {HEADER6(68), .ip_id = 0xabcd, LATER(8), UPPER(6), FAULT(FRAGMENT_OVERLAP)}},
	{"later fragment's bytes are no header", IP6("001c", "2c") "3c000019" "0000abcd" "06ff010400000000" "000000000000000000000000",
	 .want = {HEADER6(68), .ip_id = 0xabcd, LATER(24)}},
	{"behind other headers", IP6("0024", "00") EXTENSION_8("2c") "06000018" "0000abcd" TCP_SYN_25,
	 .want = {HEADER6(76), .ip_id = 0xabcd, LATER(24), UPPER(6)}},
	{"an atomic header behind a first fragment's does not make it whole", IP6("0018", "2c") "2c000001" "0000abcd" "06000000" "0000abce" "c000001901020304",
	 .want = {HEADER6(64), .ip_id = 0xabce, FIRST, PORTS(25), .tcp_seq = 0x01020304, FAULT(FRAGMENT_CHAIN)}},
};

#define ETHERNET .link = PACKET_LINK_ETHERNET

static const struct row ethernet_rows[] = {
	{"IPv4", MACS "0800" WHOLE4, ETHERNET, .tcp_at = 34, .want = {HEADER4(40), SYN_25}},
	{"IPv6", MACS "86dd" WHOLE6, ETHERNET, .tcp_at = 54, .want = {HEADER6(60), SYN_25}},
	{"IPv4, padded to the least frame", MACS "0800" IP4("0018", "0000", "06") "c0000019" TCP_SYN_25, ETHERNET,
	 .want = {HEADER4(24), PORTS(25), FAULT(TCP_HEADER)}},
	{"IPv6 under IPv4's type", MACS "0800" WHOLE6, ETHERNET, .tcp_at = 54, .want = {HEADER6(60), SYN_25}},
	{"IPv4 under IPv6's type", MACS "86dd" WHOLE4, ETHERNET, .want = {FAULT(IP_HEADER)}},
	{"ARP", MACS "0806" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"VLAN", MACS "8100" "a005" "0800" WHOLE4, ETHERNET, .tcp_at = 38, .want = {HEADER4(40), SYN_25, VLANS_1(5)}},
	{"QinQ", MACS "88a8" "0064" "8100" "0fff" "86dd" WHOLE6, ETHERNET, .tcp_at = 62,
	 .want = {HEADER6(60), SYN_25, VLANS_2(100, 4095)}},
	{"old QinQ", MACS "9100" "0064" "8100" "0005" "0800" WHOLE4, ETHERNET, .tcp_at = 42,
	 .want = {HEADER4(40), SYN_25, VLANS_2(100, 5)}},
	{"four tags, of which three are kept", MACS "8100" "0001" "8100" "0002" "8100" "0003" "8100" "0004" "0800" WHOLE4, ETHERNET,
	 .tcp_at = 50, .want = {HEADER4(40), SYN_25, VLANS_3(1, 2, 3)}},
	{"VLAN without IP", MACS "8100" "0007" "0806" "0001", ETHERNET, .want = {VLANS_1(7)}},
	{"VLAN tag cut off", MACS "8100" "00", ETHERNET, .wire_more = 40, .want = {FAULT(CUT)}},
	{"SNAP", MACS "0030" "aaaa03" "000000" "0800" WHOLE4, ETHERNET, .tcp_at = 42, .want = {HEADER4(40), SYN_25}},
	{"SNAP for bridges (802.1H)", MACS "0030" "aaaa03" "0000f8" "0800" WHOLE4, ETHERNET, .tcp_at = 42,
	 .want = {HEADER4(40), SYN_25}},
	{"SNAP of another organisation", MACS "0030" "aaaa03" "00000c" "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"IP on LLC", MACS "002b" "060603" WHOLE4, ETHERNET, .tcp_at = 37, .want = {HEADER4(40), SYN_25}},
	{"VLAN and SNAP", MACS "8100" "0005" "0030" "aaaa03" "000000" "0800" WHOLE4, ETHERNET, .tcp_at = 46,
	 .want = {HEADER4(40), SYN_25, VLANS_1(5)}},
	{"what is behind an 802.3 length is padding", MACS "001e" "aaaa03" "000000" "0800" WHOLE4, ETHERNET,
	 .want = {HEADER4(40), UPPER(6), FAULT(CUT)}},
	{"spanning tree", MACS "0026" "424203" "0000000000", ETHERNET, .want = {FAULT(NONE)}},
	{"the greatest length", MACS "05dc" "aaaa03" "000000" "0800" WHOLE4, ETHERNET, .tcp_at = 42, .want = {HEADER4(40), SYN_25}},
	{"SNAP of an organisation 80:00:00", MACS "0030" "aaaa03" "800000" "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"SNAP of an organisation 00:80:00", MACS "0030" "aaaa03" "008000" "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"neither type nor length", MACS "05dd" "aaaa03" "000000" "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"VN-tag", MACS "8926" "00000000" "8100" "0005" "0800" WHOLE4, ETHERNET, .tcp_at = 44,
	 .want = {HEADER4(40), SYN_25, VLANS_1(5)}},
	{"E-tag", MACS "893f" "100000d30000" "0800" WHOLE4, ETHERNET, .tcp_at = 42, .want = {HEADER4(40), SYN_25}},
	{"fabric", MACS "8903" "0020" MACS "0800" WHOLE4, ETHERNET, .tcp_at = 30 + 20, .want = {HEADER4(40), SYN_25}},
	{"service chain", MACS "894f" "00030201" "00000000" "00000000" WHOLE4, ETHERNET, .tcp_at = 46,
	 .want = {HEADER4(40), SYN_25}},
	{"service chain with a frame", MACS "894f" "00020203" "00000000" MACS "0800" WHOLE4, ETHERNET, .tcp_at = 56,
	 .want = {HEADER4(40), SYN_25}},
	{"service chain shorter than itself", MACS "894f" "00010201" "00000000" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"backbone", MACS "88e7" "00000064" MACS "8100" "0005" "0800" WHOLE4, ETHERNET, .tcp_at = 56,
	 .want = {HEADER4(40), SYN_25, VLANS_1(5)}},
	{"signed", MACS "88e5" "0000" "00000001" "0800" WHOLE4, ETHERNET, .tcp_at = 42, .want = {HEADER4(40), SYN_25}},
	{"signed, with its channel", MACS "88e5" "2000" "00000001" "0200000000010001" "0800" WHOLE4, ETHERNET, .tcp_at = 50,
	 .want = {HEADER4(40), SYN_25}},
	{"encrypted", MACS "88e5" "0c00" "00000001" "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"13 bytes", "0200000000020200000000010800", ETHERNET, .wire_more = 0, .want = {FAULT(IP_HEADER)}},
	{"a frame of 12 bytes", MACS, ETHERNET, .want = {FAULT(NONE)}},
	{"a frame of 14 bytes, cut at 12", MACS, ETHERNET, .wire_more = 2, .want = {FAULT(CUT)}},
	{"a frame cut at 12 bytes", MACS, ETHERNET, .wire_more = 42, .want = {FAULT(CUT)}},
};

static const struct row pppoe_rows[] = {
	{"IPv4", MACS "8864" PPPOE_SESSION "002a" "0021" WHOLE4, ETHERNET, .tcp_at = 42, .want = {HEADER4(40), SYN_25}},
	{"IPv6", MACS "8864" PPPOE_SESSION "003e" "0057" WHOLE6, ETHERNET, .tcp_at = 62, .want = {HEADER6(60), SYN_25}},
	{"over QinQ", MACS "88a8" "0064" "8100" "0005" "8864" PPPOE_SESSION "002a" "0021" WHOLE4, ETHERNET, .tcp_at = 50,
	 .want = {HEADER4(40), SYN_25, VLANS_2(100, 5)}},
	{"compressed protocol", MACS "8864" PPPOE_SESSION "0029" "21" WHOLE4, ETHERNET, .tcp_at = 41, .want = {HEADER4(40), SYN_25}},
	{"MPLS", MACS "8864" PPPOE_SESSION "002e" "0281" "00010140" WHOLE4, ETHERNET, .tcp_at = 46, .want = {HEADER4(40), SYN_25}},
	{"echo request", MACS "8864" PPPOE_SESSION "000e" "c021" "096a000ca4cbea340ee2f609", ETHERNET, .want = {FAULT(NONE)}},
	{"discovery", MACS "8863" PPPOE_SESSION "002a" "0021" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"length shorter than what it carries", MACS "8864" PPPOE_SESSION "0016" "0021" WHOLE4, ETHERNET,
	 .want = {HEADER4(40), UPPER(6), FAULT(CUT)}},
	{"length longer than what is there", MACS "8864" PPPOE_SESSION "00c8" "0021" WHOLE4, ETHERNET, .tcp_at = 42,
	 .want = {HEADER4(40), SYN_25}},
};

static const struct row mpls_rows[] = {
	{"one label", MACS "8847" "00010140" WHOLE4, ETHERNET, .tcp_at = 38, .want = {HEADER4(40), SYN_25}},
	{"two labels", MACS "8848" "00010040" "00020140" WHOLE6, ETHERNET, .tcp_at = 62, .want = {HEADER6(60), SYN_25}},
	{"no last label", MACS "8847" "00010040" "00020040", ETHERNET, .want = {FAULT(NONE)}},
	{"cut in the labels", MACS "8847" "00010040" "0002", ETHERNET, .wire_more = 40, .want = {FAULT(CUT)}},
	{"cut behind the labels", MACS "8847" "00010140", ETHERNET, .wire_more = 40, .want = {FAULT(CUT)}},
	{"pseudowire with a control word", MACS "8847" "00010140" "00000007" MACS "0800" WHOLE4, ETHERNET,
	 .want = {HEADER4(40), SYN_25}},
	{"pseudowire without", MACS "8847" "00010140" MACS "8100" "0005" "0800" WHOLE4, ETHERNET,
	 .want = {HEADER4(40), SYN_25, VLANS_1(5)}},
	{"pseudowire, cut behind IP's first byte", MACS "8847" "00010140" MACS "0800" "45", ETHERNET, .wire_more = 39, .want = {FAULT(CUT)}},
	{"pseudowire whose type is not what it carries", MACS "8847" "00010140" MACS "0800" WHOLE6, ETHERNET, .want = {FAULT(NONE)}},
	{"labels with nothing behind", MACS "8847" "00010140", ETHERNET, .want = {FAULT(NONE)}},
	{"no control word starts with 2", MACS "8847" "00010140" "20000000" MACS "0800" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
	{"associated channel", MACS "8847" "00010140" "10000021" WHOLE4, ETHERNET, .want = {FAULT(NONE)}},
};

static const struct row other_link_rows[] = {
	{"raw IPv4", WHOLE4, .link = PACKET_LINK_IP, .tcp_at = 20, .want = {HEADER4(40), SYN_25}},
	{"raw IPv6", WHOLE6, .link = PACKET_LINK_IP, .tcp_at = 40, .want = {HEADER6(60), SYN_25}},
	{"IPv6 alone", WHOLE6, .link = PACKET_LINK_IP6, .tcp_at = 40, .want = {HEADER6(60), SYN_25}},
	{"IPv6 alone, with IPv4", WHOLE4, .link = PACKET_LINK_IP6, .want = {FAULT(IP_HEADER)}},
	{"loopback, no family in either byte order", "02010000" WHOLE4, .link = PACKET_LINK_NULL, .want = {FAULT(NONE)}},
	{"loopback, nor here", "02000100" WHOLE4, .link = PACKET_LINK_NULL, .want = {FAULT(NONE)}},
	{"cooked", "0000000100060200000000010000" "0800" WHOLE4, .link = PACKET_LINK_LINUX_SLL, .tcp_at = 36,
	 .want = {HEADER4(40), SYN_25}},
	{"cooked, VLAN", "0000000100060200000000010000" "8100" "0005" "86dd" WHOLE6, .link = PACKET_LINK_LINUX_SLL, .tcp_at = 60,
	 .want = {HEADER6(60), SYN_25, VLANS_1(5)}},
	{"cooked, LLC", "0000000100060200000000010000" "0004" "aaaa03" "000000" "0800" WHOLE4, .link = PACKET_LINK_LINUX_SLL,
	 .tcp_at = 44, .want = {HEADER4(40), SYN_25}},
	{"cooked, PPP", "0000020000000000000000000000" "0007" "ff03" "0021" WHOLE4, .link = PACKET_LINK_LINUX_SLL, .tcp_at = 40,
	 .want = {HEADER4(40), SYN_25}},
	{"cooked, ARP", "0000000100060200000000010000" "0806" WHOLE4, .link = PACKET_LINK_LINUX_SLL, .want = {FAULT(NONE)}},
	{"cooked 2", "0800" "0000" "00000001" "0001" "00" "06" "0200000000010000" WHOLE4, .link = PACKET_LINK_LINUX_SLL2, .tcp_at = 40,
	 .want = {HEADER4(40), SYN_25}},
	{"cooked 2, PPPoE", "8864" "0000" "00000001" "0001" "00" "06" "0200000000010000" PPPOE_SESSION "002a" "0021" WHOLE4,
	 .link = PACKET_LINK_LINUX_SLL2, .tcp_at = 48, .want = {HEADER4(40), SYN_25}},
	{"loopback, little-endian", "02000000" WHOLE4, .link = PACKET_LINK_NULL, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"loopback, big-endian", "00000002" WHOLE4, .link = PACKET_LINK_NULL, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"loopback, NetBSD", "18000000" WHOLE6, .link = PACKET_LINK_NULL, .tcp_at = 44, .want = {HEADER6(60), SYN_25}},
	{"loopback, FreeBSD", "0000001c" WHOLE6, .link = PACKET_LINK_NULL, .tcp_at = 44, .want = {HEADER6(60), SYN_25}},
	{"loopback, macOS", "1e000000" WHOLE6, .link = PACKET_LINK_NULL, .tcp_at = 44, .want = {HEADER6(60), SYN_25}},
	{"loopback, a family of neither", "10000000" WHOLE6, .link = PACKET_LINK_NULL, .want = {FAULT(NONE)}},
	{"loopback, no family at all", "02000002" WHOLE6, .link = PACKET_LINK_NULL, .want = {FAULT(NONE)}},
	{"loopback, an Ethernet type", "0f000800" WHOLE4, .link = PACKET_LINK_NULL, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"loopback, PPP", "ff030021" WHOLE4, .link = PACKET_LINK_NULL, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"log", "02000019" HOST16("0007", "0700") HOST16("000a", "0a00") "73796e00" HOST16("002c", "2c00") HOST16("0009", "0900") WHOLE4,
	 .link = PACKET_LINK_NFLOG, .tcp_at = 36, .want = {HEADER4(40), SYN_25}},
	{"log with an empty attribute", "02000019" HOST16("0004", "0400") HOST16("000a", "0a00") HOST16("002c", "2c00") HOST16("0009", "0900") WHOLE4,
	 .link = PACKET_LINK_NFLOG, .tcp_at = 32, .want = {HEADER4(40), SYN_25}},
	{"log, behind the packet", "02000019" HOST16("001b", "1b00") HOST16("0009", "0900") IP4("0000", "0000", "06") "c00000" "19",
	 .link = PACKET_LINK_NFLOG, .want = {HEADER4(0), UPPER(6), FAULT(TCP_HEADER)}},
	{"log of another family", "07000019" HOST16("002c", "2c00") HOST16("0009", "0900") WHOLE4, .link = PACKET_LINK_NFLOG,
	 .want = {FAULT(NONE)}},
	{"log with an attribute of no length", "02000019" "00000000" WHOLE4, .link = PACKET_LINK_NFLOG, .want = {FAULT(NONE)}},
	{"PPP", "ff03" "0021" WHOLE4, .link = PACKET_LINK_PPP, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"PPP without address and control", "0057" WHOLE6, .link = PACKET_LINK_PPP, .tcp_at = 42, .want = {HEADER6(60), SYN_25}},
	{"PPP, all compressed", "21" WHOLE4, .link = PACKET_LINK_PPP, .tcp_at = 21, .want = {HEADER4(40), SYN_25}},
	{"PPP, Cisco's framing", "0f00" "0800" WHOLE4, .link = PACKET_LINK_PPP, .tcp_at = 24, .want = {HEADER4(40), SYN_25}},
	{"PPP with nothing", "", .link = PACKET_LINK_PPP, .want = {FAULT(NONE)}},
	{"PPP, cut in the protocol", "ff0300", .link = PACKET_LINK_PPP, .wire_more = 41, .want = {FAULT(CUT)}},
	{"PPP, link control", "ff03" "c021" WHOLE4, .link = PACKET_LINK_PPP, .want = {FAULT(NONE)}},
	{"PPPoE without Ethernet", PPPOE_SESSION "002a" "0021" WHOLE4, .link = PACKET_LINK_PPP_ETHER, .tcp_at = 28,
	 .want = {HEADER4(40), SYN_25}},
	{"Cisco HDLC", "8f00" "86dd" WHOLE6, .link = PACKET_LINK_CISCO_HDLC, .tcp_at = 44, .want = {HEADER6(60), SYN_25}},
	{"ring", "50" MACS "aaaa03" "000000" "0800" WHOLE4, .link = PACKET_LINK_FDDI, .tcp_at = 41, .want = {HEADER4(40), SYN_25}},
	{"a link type we do not know", WHOLE4, .link = PACKET_LINKS, .want = {FAULT(NONE)}},
};
/* clang-format on */

static unsigned nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Memory of exactly that size, so that a sanitizer sees every byte read beyond it. The caller frees it. */
static uint8_t *from_hex(const char *hex, size_t *ret_len)
{
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = malloc(len ? len : 1);

	assert_non_null(bytes);
	assert_true(len < BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	*ret_len = len;
	return bytes;
}

static void parse(const struct row *row, const uint8_t *bytes, size_t len, size_t wire_len,
		  struct packet *ret)
{
	memset(ret, 0xff, sizeof(*ret));
	if (row->link == PACKET_LINK_UNKNOWN)
		packet_parse_ip(bytes, len, wire_len, ret);
	else
		packet_parse_link(row->link, bytes, len, wire_len, ret);
}

static void check(const char *name, const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_msg("%s: %s is %llu (0x%llx), not %llu (0x%llx)", name, what, (unsigned long long)got,
			 (unsigned long long)got, (unsigned long long)want, (unsigned long long)want);
}

#define CHECK(field) check(name, #field, got->field, want->field)

static void check_facts(const char *name, const struct packet *got, const struct packet *want)
{
	CHECK(family);
	CHECK(fault);
	CHECK(src.family);
	CHECK(src.hi);
	CHECK(src.lo);
	CHECK(dst.family);
	CHECK(dst.hi);
	CHECK(dst.lo);
	CHECK(fragment);
	CHECK(fragment_offset);
	CHECK(has_protocol);
	CHECK(protocol);
	CHECK(has_ports);
	CHECK(sport);
	CHECK(dport);
	CHECK(has_flags);
	CHECK(tcp_flags);
	CHECK(tcp_seq);
	CHECK(tcp_ack);
	CHECK(tcp_window);
	CHECK(dont_fragment);
	CHECK(ttl);
	CHECK(tos);
	CHECK(ip_len);
	CHECK(ip_id);
	CHECK(vlan_count);
	for (int i = 0; i < PACKET_VLAN_MAX; i++)
		CHECK(vlan[i]);
}

/* One byte less and less: each fact goes with its own bytes, and nothing else is made up. */
static void check_cuts(const struct row *row, const uint8_t *bytes, size_t len, bool also_wire)
{
	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		const char *broken;
		struct packet got;
		char name[160];

		assert_non_null(copy);
		memcpy(copy, bytes, n);
		parse(row, copy, n, also_wire ? n : len, &got);
		snprintf(name, sizeof(name), "%s, %s %zu bytes", row->name, also_wire ? "only" : "cut at", n);
		broken = packet_facts_broken(&got);
		if (broken)
			fail_msg("%s: %s", name, broken);
		check(name, "has_ports", got.has_ports, n >= row->tcp_at + 4);
		check(name, "has_flags", got.has_flags, n >= row->tcp_at + 14);
		check(name, "dport", got.dport, n >= row->tcp_at + 4 ? row->want.dport : 0);
		check(name, "tcp_flags", got.tcp_flags, n >= row->tcp_at + 14 ? row->want.tcp_flags : 0);
		if (also_wire && got.fault == PACKET_FAULT_IP_HEADER)
			assert_true(n < row->tcp_at);
		else if (!also_wire || got.family != ADDR_NONE)
			check(name, "fault", got.fault,
			      n < row->tcp_at + 20 ? PACKET_FAULT_CUT : PACKET_FAULT_NONE);
		if (got.family != ADDR_NONE)
			check(name, "src", got.src.lo, row->want.src.lo);
		free(copy);
	}
}

static void run(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len;
		uint8_t *bytes = from_hex(rows[i].hex, &len);
		struct packet got;

		parse(&rows[i], bytes, len, len + rows[i].wire_more, &got);
		check_facts(rows[i].name, &got, &rows[i].want);
		assert_null(packet_facts_broken(&got));
		if (rows[i].tcp_at != 0) {
			check_cuts(&rows[i], bytes, len, false);
			check_cuts(&rows[i], bytes, len, true);
		}
		free(bytes);
	}
}

#define TABLES(X)                                                                                            \
	X(ip4_rows)                                                                                          \
	X(ip4_fault_rows)                                                                                    \
	X(ip4_fragment_rows)                                                                                 \
	X(ip6_rows)                                                                                          \
	X(ip6_fault_rows) X(ip6_fragment_rows) X(ethernet_rows) X(pppoe_rows) X(mpls_rows) X(other_link_rows)
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define TABLE_TEST(rows)                                                                                     \
	static void test_##rows(void **state)                                                                \
	{                                                                                                    \
		(void)state;                                                                                 \
		run(rows, COUNT(rows));                                                                      \
	}
TABLES(TABLE_TEST)

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A packet as some row has it, with a few bytes changed and cut anywhere, in memory of its own size. */
static void try_variant(const struct row *row, uint64_t *random)
{
	size_t len;
	uint8_t *bytes = from_hex(row->hex, &len);
	struct packet got, again;
	size_t wire_len = len;
	const char *broken;

	for (uint64_t n = next_random(random) % 8; n > 0 && len > 0; n--)
		bytes[next_random(random) % len] = (uint8_t)next_random(random);
	if (next_random(random) % 2) {
		len = next_random(random) % (len + 1);
		bytes = realloc(bytes, len ? len : 1);
		assert_non_null(bytes);
	}
	if (next_random(random) % 4 == 0)
		wire_len = next_random(random) % 100000;
	parse(row, bytes, len, wire_len, &got);
	parse(row, bytes, len, wire_len, &again);
	broken = packet_facts_broken(&got);
	if (broken)
		fail_msg("a variant of %s: %s", row->name, broken);
	check_facts(row->name, &got, &again);
	free(bytes);
}

static void test_variants(void **state)
{
	static const struct {
		const struct row *rows;
		size_t count;
	} tables[] = {
#define TABLE(rows) {rows, COUNT(rows)},
		TABLES(TABLE)
#undef TABLE
	};
	uint64_t random = 0x0b25b;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		size_t table = next_random(&random) % COUNT(tables);

		try_variant(&tables[table].rows[next_random(&random) % tables[table].count], &random);
	}
}

static void test_noise(void **state)
{
	uint64_t random = 0x25;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t len = next_random(&random) % 128;
		uint8_t *bytes = malloc(len ? len : 1);
		struct packet got;

		assert_non_null(bytes);
		for (size_t at = 0; at < len; at++)
			bytes[at] = (uint8_t)next_random(&random);
		packet_parse_link((enum packet_link)(next_random(&random) % (PACKET_LINKS + 1)), bytes, len,
				  len, &got);
		if (packet_facts_broken(&got))
			fail_msg("%s", packet_facts_broken(&got));
		free(bytes);
	}
}

static void test_syn_and_port(void **state)
{
	struct packet packet = {
		.has_ports = true, .has_flags = true, .dport = 25, .tcp_flags = TCP_SYN | TCP_ECE | TCP_CWR};

	(void)state;
	assert_true(packet_is_port25(&packet));
	assert_true(packet_is_syn(&packet));
	packet.dport = 465;
	assert_false(packet_is_port25(&packet));
	for (unsigned flag = TCP_FIN; flag <= TCP_ACK; flag <<= 1) {
		packet.tcp_flags = (uint8_t)(TCP_SYN | flag);
		assert_int_equal(packet_is_syn(&packet), flag == TCP_SYN || flag == TCP_PSH);
	}
	packet.tcp_flags = TCP_SYN;
	packet.has_flags = false;
	assert_false(packet_is_syn(&packet));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ENTRY(rows) cmocka_unit_test(test_##rows),
		TABLES(ENTRY)
#undef ENTRY
			cmocka_unit_test(test_variants),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_syn_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
