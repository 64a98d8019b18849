/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AFTER = 20 };

static const struct siphash_key key = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static struct learner *make(size_t entries, uint32_t packets)
{
	struct learner *learner = NULL;

	assert_int_equal(learner_new(entries, &key, &learner), 0);
	learner_begin(learner, packets);
	return learner;
}

/* Packets until he is known, the one that makes him so included; 0: not within `most`. */
static unsigned packets_until_known(struct learner *learner, struct addr subscriber, unsigned most)
{
	for (unsigned n = 1; n <= most; n++)
		if (learner_count(learner, &subscriber))
			return n;
	return 0;
}

static void test_sizes_are_powers_of_two(void **state)
{
	struct learner *learner = NULL;

	assert_int_equal(learner_new(0, &key, &learner), -EINVAL);
	assert_int_equal(learner_new(4, &key, &learner), -EINVAL);
	assert_int_equal(learner_new(12, &key, &learner), -EINVAL);
	assert_null(learner);
	learner_free(NULL);
}

static void test_known_from_so_many_packets_on(void **state)
{
	struct learner *learner = make(LEARNER_ENTRIES, AFTER);
	struct addr subscriber = addr_ip4(0x0a000001);

	assert_int_equal(packets_until_known(learner, subscriber, 1000), AFTER);
	for (int i = 0; i < 100; i++)
		assert_true(learner_count(learner, &subscriber));
	learner_free(learner);
}

static void test_one_packet_can_be_enough(void **state)
{
	struct learner *learner = make(8, 1);

	/* Also for those who find no place. */
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(packets_until_known(learner, addr_ip4(i), 1), 1);
	learner_free(learner);
}

static void test_subscribers_are_told_apart(void **state)
{
	struct learner *learner = make(LEARNER_ENTRIES, AFTER);
	const struct addr several[] = {
		addr_ip4(0x0a000001),
		addr_ip4(0x0a000002),
		addr_ip6(0, 0x0a000001), /* the same bits */
		addr_ip6(UINT64_C(0x20010db800010000), 0),
		addr_ip6(UINT64_C(0x20010db800010001), 0),
	};

	for (int n = 1; n < AFTER; n++)
		for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
			assert_false(learner_count(learner, &several[i]));
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
		assert_true(learner_count(learner, &several[i]));
	learner_free(learner);
}

static void test_known_before_is_known_at_once(void **state)
{
	struct learner *learner = make(LEARNER_ENTRIES, AFTER);
	struct addr sends = addr_ip4(1), pauses = addr_ip4(2), few = addr_ip4(3);

	assert_int_equal(packets_until_known(learner, sends, 1000), AFTER);
	assert_int_equal(packets_until_known(learner, pauses, 1000), AFTER);
	assert_int_equal(packets_until_known(learner, few, AFTER - 1), 0);
	for (int generation = 0; generation < 5; generation++) {
		learner_begin(learner, AFTER);
		assert_int_equal(packets_until_known(learner, sends, 1000), 1);
		/* What was counted without making him known is not carried over. */
		assert_int_equal(packets_until_known(learner, few, AFTER - 1), 0);
	}
	assert_int_equal(packets_until_known(learner, pauses, 1000), AFTER);
	learner_free(learner);
}

static void test_another_number_of_packets(void **state)
{
	struct learner *learner = make(LEARNER_ENTRIES, 5);
	struct addr subscriber = addr_ip4(1), other = addr_ip4(2);

	assert_int_equal(packets_until_known(learner, subscriber, 100), 5);
	learner_begin(learner, 50);
	assert_int_equal(packets_until_known(learner, subscriber, 100), 1);
	assert_int_equal(packets_until_known(learner, other, 49), 0);
	learner_begin(learner, 10);
	assert_int_equal(packets_until_known(learner, subscriber, 100), 1);
	/* 49 packets did not make him known then, so he is not now. */
	assert_int_equal(packets_until_known(learner, other, 100), 10);
	learner_free(learner);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 32);
}

/* Each forged source once or twice, 1,000 of them for each packet of the offenders, and 40 times more than places. */
static void test_a_flood_does_not_hide_offenders(void **state)
{
	enum { OFFENDERS = 64, ROUNDS = 160, FORGED = 1000, ENTRIES = 4096 };
	struct learner *learner = make(ENTRIES, AFTER);
	bool known[OFFENDERS] = {false};
	uint64_t seed = 1;
	size_t count = 0, wrong = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < OFFENDERS; i++) {
			struct addr offender = addr_ip4(0x0a000000 + i);

			known[i] |= learner_count(learner, &offender);
		}
		for (int i = 0; i < FORGED; i++) {
			struct addr forged = addr_ip4(0x80000000 | next_random(&seed));

			wrong += learner_count(learner, &forged);
		}
	}
	for (size_t i = 0; i < OFFENDERS; i++)
		count += known[i];
	assert_int_equal(count, OFFENDERS);
	assert_int_equal(wrong, 0);
	learner_free(learner);
}

/* Each one without a place costs a wake-up of the daemon a packet. */
static void test_a_hundred_thousand_find_places(void **state)
{
	enum { SUBSCRIBERS = 100000 };
	struct learner *learner = make(LEARNER_ENTRIES, 1);
	unsigned unknown = 0;

	for (uint32_t i = 0; i < SUBSCRIBERS; i++)
		(void)packets_until_known(learner, addr_ip4(i), 1);
	learner_begin(learner, AFTER);
	for (uint32_t i = 0; i < SUBSCRIBERS; i++)
		unknown += packets_until_known(learner, addr_ip4(i), 1) == 0;
	assert_in_range(unknown, 0, 20);
	learner_free(learner);
}

/* Those who took all places and stopped do not keep out who sends now. */
static void test_full_buckets_age(void **state)
{
	struct learner *learner = make(8, AFTER);

	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(packets_until_known(learner, addr_ip4(i), 1000), AFTER);
	assert_int_equal(packets_until_known(learner, addr_ip4(9), 1000), 2 * AFTER - 1);
	learner_begin(learner, AFTER);
	/* Who is known from before has his place until it is wanted as often. */
	assert_int_equal(packets_until_known(learner, addr_ip4(9), 1000), 1);
	assert_int_equal(packets_until_known(learner, addr_ip4(10), 1000), 2 * AFTER - 1);
	learner_begin(learner, AFTER);
	learner_begin(learner, AFTER);
	assert_int_equal(packets_until_known(learner, addr_ip4(11), 1000), AFTER);
	learner_free(learner);
}

static unsigned long resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long total = 0, resident = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &total, &resident), 2);
	fclose(file);
	return resident;
}

static void test_memory_not_used_costs_nothing(void **state)
{
	unsigned long before = resident_pages();
	struct learner *learner = make(LEARNER_ENTRIES, AFTER);
	struct addr subscriber = addr_ip4(1);

	assert_int_equal(packets_until_known(learner, subscriber, 1000), AFTER);
	/* The whole table has 2,048. */
	assert_true(resident_pages() - before < 256);
	learner_free(learner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_are_powers_of_two),
		cmocka_unit_test(test_known_from_so_many_packets_on),
		cmocka_unit_test(test_one_packet_can_be_enough),
		cmocka_unit_test(test_subscribers_are_told_apart),
		cmocka_unit_test(test_known_before_is_known_at_once),
		cmocka_unit_test(test_another_number_of_packets),
		cmocka_unit_test(test_a_flood_does_not_hide_offenders),
		cmocka_unit_test(test_a_hundred_thousand_find_places),
		cmocka_unit_test(test_full_buckets_age),
		cmocka_unit_test(test_memory_not_used_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
