/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaced addresses keep common prefixes, and packets without their payload show the same facts. */
#include "anonymise/anonymise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct siphash_key key = {1, 2}, other_key = {1, 3};
static uint64_t state = 88172645463325252ULL;

static uint64_t random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct addr random_addr(uint8_t family)
{
	return family == ADDR_IP4 ? addr_ip4((uint32_t)(random_bits() >> 16))
				  : addr_ip6(random_bits(), random_bits());
}

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, strlen(text), &addr), ADDR_OK);
	return addr;
}

static unsigned common(const struct addr *a, const struct addr *b)
{
	unsigned len = addr_bits(a->family);
	struct addr one = addr_mask(a, len), other = addr_mask(b, len);

	while (!addr_equal(&one, &other)) {
		len--;
		one = addr_mask(a, len);
		other = addr_mask(b, len);
	}
	return len;
}

/* A pair that shares a random number of bits shares as many afterwards: so it is one to one, too. */
static void test_common_prefixes_stay(void **context)
{
	for (int i = 0; i < 4000; i++) {
		uint8_t family = i % 2 ? ADDR_IP4 : ADDR_IP6;
		struct addr a = random_addr(family), b = random_addr(family), from, to;
		unsigned keep = (unsigned)(random_bits() >> 20) % (addr_bits(family) + 1);
		struct addr head = addr_mask(&a, keep), tail = addr_mask(&b, keep);

		b.hi ^= tail.hi ^ head.hi;
		b.lo ^= tail.lo ^ head.lo;
		from = anonymise_addr(&key, &a);
		to = anonymise_addr(&key, &b);
		assert_int_equal(from.family, family);
		assert_int_equal(common(&from, &to), common(&a, &b));
	}
}

static void test_special_addresses_stay(void **context)
{
	static const char *const same[] = {"0.0.0.0",         "0.1.2.3",     "127.0.0.1",
					   "127.255.0.3",     "224.0.0.251", "239.1.2.3",
					   "255.255.255.255", "::",          "::1"};
	static const char *const within[][2] = {{"fe80::1", "fe80::/10"}, {"ff02::1:ff00:1", "ff00::/8"}};
	struct prefix prefix;

	for (size_t i = 0; i < COUNT(same); i++) {
		struct addr addr = parsed(same[i]), mapped = anonymise_addr(&key, &addr);

		assert_true(addr_equal(&addr, &mapped));
	}
	for (size_t i = 0; i < COUNT(within); i++) {
		struct addr addr = parsed(within[i][0]), mapped = anonymise_addr(&key, &addr);

		assert_int_equal(prefix_parse(within[i][1], strlen(within[i][1]), &prefix), ADDR_OK);
		assert_true(prefix_contains(&prefix, &mapped));
	}
}

static void test_others_change_with_the_key(void **context)
{
	static const char *const texts[] = {"10.1.2.3", "192.0.2.1", "203.0.113.7", "2001:db8::1",
					    "64:ff9b::c000:201"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr addr = parsed(texts[i]), one = anonymise_addr(&key, &addr),
			    again = anonymise_addr(&key, &addr), other = anonymise_addr(&other_key, &addr);

		assert_false(addr_equal(&addr, &one));
		assert_false(addr_equal(&other, &one));
		assert_true(addr_equal(&again, &one));
	}
}

static void test_prefixes_hold_the_same_addresses(void **context)
{
	for (int i = 0; i < 2000; i++) {
		uint8_t family = i % 2 ? ADDR_IP4 : ADDR_IP6;
		struct addr addr = random_addr(family), mapped = anonymise_addr(&key, &addr);
		uint8_t len = (uint8_t)((random_bits() >> 20) % (addr_bits(family) + 1));
		struct prefix prefix = {addr_mask(&addr, len), len}, after = anonymise_prefix(&key, &prefix);

		assert_int_equal(after.len, len);
		assert_false(prefix_has_host_bits(&after));
		assert_true(prefix_contains(&after, &mapped));
	}
}

/* ---- packets ---- */

enum { PACKET_BYTES = 200 };

static uint8_t pick(const uint8_t *values, size_t count)
{
	return values[(random_bits() >> 20) % count];
}

/* Headers that mostly make sense, with some that do not, cut anywhere. Returns what is at hand. */
static size_t random_packet(uint8_t bytes[PACKET_BYTES], size_t *ret_wire)
{
	static const uint8_t nexts[] = {6, 6, 6, 17, 0, 43, 44, 51, 60, 135, 139, 140, 1, 58};
	bool ip6 = random_bits() & 1;
	size_t len = 1 + (random_bits() >> 20) % PACKET_BYTES;

	for (size_t i = 0; i < PACKET_BYTES; i++)
		bytes[i] = (uint8_t)(random_bits() >> 24);
	bytes[0] = (uint8_t)(ip6 ? 0x60 : 0x40 | (5 + (random_bits() >> 30) % 3));
	bytes[ip6 ? 4 : 2] = 0;
	for (size_t i = ip6 ? 40 : 20; i + 8 < PACKET_BYTES; i += 8) {
		bytes[i] = pick(nexts, COUNT(nexts));
		bytes[i + 1] = (uint8_t)((random_bits() >> 30) % 3);
		if (random_bits() & 1)
			bytes[i + 2] = bytes[i + 3] = 0;
	}
	bytes[ip6 ? 6 : 9] = pick(nexts, COUNT(nexts));
	if (!ip6 && random_bits() & 1)
		bytes[6] = bytes[7] = 0;
	if (ip6 && (random_bits() & 7) == 0)
		bytes[4] = bytes[5] = 0;
	if ((random_bits() & 31) == 0)
		bytes[0] = (uint8_t)(random_bits() >> 24);
	*ret_wire = len + (random_bits() & 1 ? 0 : (random_bits() >> 20) % 100);
	return len;
}

static void check_facts(const uint8_t *bytes, size_t len, size_t wire)
{
	uint8_t out[PACKET_BYTES];
	size_t kept = anonymise_ip(&key, bytes, len, out);
	struct packet before, after;

	assert_true(kept <= len);
	packet_parse_ip(bytes, len, wire, &before);
	packet_parse_ip(out, kept, wire, &after);
	if (before.family != ADDR_NONE) {
		struct addr src = anonymise_addr(&key, &before.src);

		assert_true(addr_equal(&src, &after.src));
		before.src = after.src;
		if (after.fault != PACKET_FAULT_CUT || len >= (before.family == ADDR_IP4 ? 20U : 40U)) {
			struct addr dst = anonymise_addr(&key, &before.dst);

			assert_true(addr_equal(&dst, &after.dst));
		}
		before.dst = after.dst;
	}
	assert_int_equal(before.family, after.family);
	assert_int_equal(before.fault, after.fault);
	assert_int_equal(before.fragment, after.fragment);
	assert_int_equal(before.fragment_offset, after.fragment_offset);
	assert_int_equal(before.has_protocol, after.has_protocol);
	assert_int_equal(before.protocol, after.protocol);
	assert_int_equal(before.has_ports, after.has_ports);
	assert_int_equal(before.has_flags, after.has_flags);
	assert_int_equal(before.tcp_flags, after.tcp_flags);
	assert_int_equal(before.dport, after.dport);
	assert_int_equal(before.ip_len, after.ip_len);
}

static void test_packets_show_the_same_facts(void **context)
{
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes[PACKET_BYTES];
		size_t wire, len = random_packet(bytes, &wire);

		check_facts(bytes, len, wire);
	}
}

/* A whole SYN with options and payload keeps its 40 bytes of headers, and nothing of the rest. */
static void test_nothing_of_the_payload_stays(void **context)
{
	uint8_t bytes[PACKET_BYTES] = {0x46, 0, 0, PACKET_BYTES, 0, 1, 0, 0, 64, 6, 0xaa, 0xaa, 10,
				       1,    0, 1, 192,          0, 2, 1};
	uint8_t out[PACKET_BYTES];

	memset(bytes + 20, 's', sizeof(bytes) - 20);
	memcpy(bytes + 24,
	       (uint8_t[]){0x9c, 0x40, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 1, 0, 0xbb, 0xbb, 0, 0}, 20);
	assert_int_equal(anonymise_ip(&key, bytes, sizeof(bytes), out), 48);
	assert_null(memchr(out, 's', 48));
	assert_int_equal(out[10] | out[11] | out[40] | out[41], 0);
}

/* What they carry may look like a TCP header, and is none. */
static void test_nothing_of_later_fragments_stays(void **context)
{
	uint8_t ip4[PACKET_BYTES] = {0x45, 0, 0, PACKET_BYTES, 0, 1, 0, 9, 64, 6, 0, 0, 10,
				     1,    0, 1, 192,          0, 2, 1};
	uint8_t ip6[PACKET_BYTES] = {0x60, 0, 0, 0, 0, PACKET_BYTES - 40, 44, 64};
	uint8_t out[PACKET_BYTES];

	memset(ip4 + 20, 's', sizeof(ip4) - 20);
	assert_int_equal(anonymise_ip(&key, ip4, sizeof(ip4), out), 20);
	memset(ip6 + 40, 's', sizeof(ip6) - 40);
	memcpy(ip6 + 40, (uint8_t[]){6, 0, 0, 72, 0, 0, 0, 1}, 8);
	assert_int_equal(anonymise_ip(&key, ip6, sizeof(ip6), out), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_common_prefixes_stay),
		cmocka_unit_test(test_special_addresses_stay),
		cmocka_unit_test(test_others_change_with_the_key),
		cmocka_unit_test(test_prefixes_hold_the_same_addresses),
		cmocka_unit_test(test_packets_show_the_same_facts),
		cmocka_unit_test(test_nothing_of_the_payload_stays),
		cmocka_unit_test(test_nothing_of_later_fragments_stays),
	};

	return cmocka_run_group_tests_name("anonymise", tests, NULL, NULL);
}
