/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets show from their IP header on. */
#include "../lib/packet_rows.h"

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
/* clang-format on */

#define TABLES(X)                                                                                            \
	X(ip4_rows) X(ip4_fault_rows) X(ip4_fragment_rows) X(ip6_rows) X(ip6_fault_rows) X(ip6_fragment_rows)

TABLES(TABLE_TEST)

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
		TABLES(TABLE_ENTRY) cmocka_unit_test(test_syn_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
