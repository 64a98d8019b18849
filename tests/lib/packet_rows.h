/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table row: bytes, written as hex so that each can be read beside its RFC, and the facts that they show. run_rows()
 * checks them, and every cut of those that are whole packets; run_variants() changes bytes and asks what holds for all.
 */
#ifndef OP25B_TESTS_PACKET_ROWS_H
#define OP25B_TESTS_PACKET_ROWS_H

#include "packet/packet.h"

#include "packet_facts.h"

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

static inline unsigned nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Memory of exactly that size, so that a sanitizer sees every byte read beyond it. The caller frees it. */
static inline uint8_t *from_hex(const char *hex, size_t *ret_len)
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

static inline void parse(const struct row *row, const uint8_t *bytes, size_t len, size_t wire_len,
			 struct packet *ret)
{
	memset(ret, 0xff, sizeof(*ret));
	if (row->link == PACKET_LINK_UNKNOWN)
		packet_parse_ip(bytes, len, wire_len, ret);
	else
		packet_parse_link(row->link, bytes, len, wire_len, ret);
}

static inline void check(const char *name, const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_msg("%s: %s is %llu (0x%llx), not %llu (0x%llx)", name, what, (unsigned long long)got,
			 (unsigned long long)got, (unsigned long long)want, (unsigned long long)want);
}

#define CHECK(field) check(name, #field, got->field, want->field)

static inline void check_facts(const char *name, const struct packet *got, const struct packet *want)
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
static inline void check_cuts(const struct row *row, const uint8_t *bytes, size_t len, bool also_wire)
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

static inline void run_rows(const struct row *rows, size_t count)
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

static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A packet as some row has it, with a few bytes changed and cut anywhere, in memory of its own size. */
static inline void try_variant(const struct row *row, uint64_t *random)
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

static inline void run_variants(const struct row *rows, size_t count, uint64_t *random, int times)
{
	for (int i = 0; i < times; i++)
		try_variant(&rows[next_random(random) % count], random);
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* test_NAME() over the table NAME, and its entry in the list of tests. */
#define TABLE_TEST(rows)                                                                                     \
	static void test_##rows(void **state)                                                                \
	{                                                                                                    \
		uint64_t random = 0x0b25b;                                                                   \
                                                                                                             \
		(void)state;                                                                                 \
		run_rows(rows, COUNT(rows));                                                                 \
		run_variants(rows, COUNT(rows), &random, 50000);                                             \
	}
#define TABLE_ENTRY(rows) cmocka_unit_test(test_##rows),

#endif
