/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What records list, as sums: put together in any way, and as bytes, they say the same. */
#include "store/listed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DESTINATIONS = 400, PEOPLE = 30, MENTIONS = 6000, SETS = 3, DEEP = 8 };

struct truth {
	uint64_t records[DESTINATIONS];
	int64_t first_us[DESTINATIONS], last_us[DESTINATIONS];
	bool met[DESTINATIONS][PEOPLE];
};

static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (seed >> 33) % below;
}

static struct addr address_of(uint64_t number)
{
	if (number % 2)
		return addr_ip4((uint32_t)(number * 2654435761U));
	return addr_ip6(number % 3 ? UINT64_C(0x20010db800000000) : 0, number * 7);
}

static void mention(struct listed_pairs *pairs, struct truth *truth)
{
	uint64_t number = draw(DESTINATIONS);
	uint32_t person = (uint32_t)draw(PEOPLE);
	int64_t first_us = (int64_t)draw(1000000) - 500000, last_us = first_us + (int64_t)draw(5000);
	const struct addr address = address_of(number);

	assert_true(listed_pairs_add(pairs, &address, person, first_us, last_us));
	if (truth->records[number] == 0 || first_us < truth->first_us[number])
		truth->first_us[number] = first_us;
	if (truth->records[number] == 0 || last_us > truth->last_us[number])
		truth->last_us[number] = last_us;
	truth->records[number]++;
	truth->met[number][person] = true;
}

static void check_entry(const struct listed *listed, const struct listed_entry *entry, uint8_t family,
			const struct truth *truth, uint64_t *found)
{
	for (uint64_t i = 0; i < DESTINATIONS; i++) {
		const struct addr address = address_of(i);
		uint32_t people = 0;

		if (address.family != family || address.hi != entry->hi || address.lo != entry->lo)
			continue;
		++*found;
		assert_int_equal(entry->records, truth->records[i]);
		assert_int_equal(entry->first_us, truth->first_us[i]);
		assert_int_equal(entry->last_us, truth->last_us[i]);
		for (uint32_t person = 1; person < PEOPLE; person++)
			if (truth->met[i][person])
				assert_int_equal(listed->people[entry->people + people++], person);
		assert_int_equal(entry->people_count, people);
	}
}

static void pack_and_unpack(struct listed *listed, int64_t base_us)
{
	uint8_t *bytes = NULL;
	size_t len;

	assert_true(listed_pack(listed, base_us, &bytes, &len));
	assert_true(listed_unpack(listed, base_us, bytes, len));
	free(bytes);
}

/* Some sets of records, each packed, and all of them united. */
static void test_sums_are_those_of_the_mentions(void **state)
{
	static struct listed_pairs pairs[SETS];
	static struct truth truth;
	uint64_t found = 0;

	(void)state;
	for (unsigned i = 0; i < SETS; i++) {
		assert_true(listed_pairs_init(&pairs[i], &(struct siphash_key){i, 2}));
		for (unsigned j = 0; j < MENTIONS; j++)
			mention(&pairs[i], &truth);
		assert_true(listed_pairs_settle(&pairs[i]));
		listed_pairs_sort(&pairs[i]);
	}
	for (unsigned bucket = 0; bucket < LISTED_BUCKETS; bucket++) {
		struct listed sum = {0}, one = {0};

		for (unsigned i = 0; i < SETS; i++) {
			assert_true(listed_pairs_take(&pairs[i], bucket, &one));
			pack_and_unpack(&one, i * INT64_C(86400000000));
			assert_true(listed_add(&sum, &one));
		}
		pack_and_unpack(&sum, INT64_MIN);
		for (size_t i = 0; i < sum.count; i++)
			check_entry(&sum, &sum.entries[i], listed_family(bucket), &truth, &found);
		listed_free(&sum);
		listed_free(&one);
	}
	assert_int_equal(found, DESTINATIONS);
	for (unsigned i = 0; i < SETS; i++)
		listed_pairs_free(&pairs[i]);
}

static void test_bytes_that_are_no_sums(void **state)
{
	struct listed listed = {0};
	uint8_t bytes[200];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = draw(sizeof(bytes));

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(draw(DEEP) ? draw(8) : draw(256));
		assert_true(listed_unpack(&listed, 0, bytes, len));
		assert_true(listed.count <= len && listed.people_count <= len);
	}
	listed_free(&listed);
}

static void test_more_pairs_than_are_held(void **state)
{
	static struct listed_pairs pairs;
	bool full = false;

	(void)state;
	assert_true(listed_pairs_init(&pairs, &(struct siphash_key){1, 2}));
	for (uint32_t i = 0; i <= LISTED_PAIRS_MAX + LISTED_WAITING; i++) {
		const struct addr address = addr_ip4(i);

		assert_true(listed_pairs_add(&pairs, &address, 1, 1, 2));
		assert_true(i >= LISTED_PAIRS_MAX || !pairs.full);
	}
	full = pairs.full;
	assert_true(full && pairs.count == LISTED_PAIRS_MAX);
	listed_pairs_forget(&pairs);
	assert_false(pairs.full);
	listed_pairs_free(&pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_are_those_of_the_mentions),
		cmocka_unit_test(test_bytes_that_are_no_sums),
		cmocka_unit_test(test_more_pairs_than_are_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
