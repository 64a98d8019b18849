/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets show below each link layer. */
#include "../lib/packet_rows.h"

/* clang-format off */
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

#define TABLES(X) X(ethernet_rows) X(pppoe_rows) X(mpls_rows) X(other_link_rows)

TABLES(TABLE_TEST)

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLES(TABLE_ENTRY) cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
