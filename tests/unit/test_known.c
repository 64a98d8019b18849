/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations that are counted and, beyond what is exact, known by name. */
#include "store/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct known_memory memory = {.budget.max = SIZE_MAX, .key = {1, 2}};

static struct addr address_of(uint8_t family, uint64_t number)
{
	if (family == ADDR_IP4)
		return addr_ip4((uint32_t)(number * 2654435761U + 1));
	return addr_ip6(UINT64_C(0x20010db800000000) + number % 3, number * number << 20);
}

static void add(struct known *known, uint8_t family, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		const struct addr address = address_of(family, i);

		assert_true(known_add(known, &address, &memory));
	}
}

/* An estimate errs by some percent: as often it is too small. */
static void test_never_fewer_than_names(void **state)
{
	unsigned raised = 0;

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		struct known known = {0};
		uint64_t wanted = 65 + i * 50;
		bool exact;

		add(&known, i % 2 ? ADDR_IP4 : ADDR_IP6, i * 100000, i * 100000 + wanted);
		add(&known, i % 2 ? ADDR_IP4 : ADDR_IP6, i * 100000, i * 100000 + wanted);
		assert_int_equal(known.name_count, wanted);
		assert_int_equal(known_count(&known, &exact), wanted);
		assert_true(exact);
		raised += destinations_count(known.set, &exact) < wanted;
		known_free(&known, &memory);
	}
	assert_true(raised > 0);
	assert_int_equal(memory.name_bytes, 0);
	assert_int_equal(memory.budget.used, 0);
}

static void test_exact_ones_need_no_names(void **state)
{
	struct known known = {0};
	bool exact;

	(void)state;
	add(&known, ADDR_IP4, 0, DESTINATIONS_EXACT_MAX - 1);
	add(&known, ADDR_IP4, 0, DESTINATIONS_EXACT_MAX - 1);
	assert_null(known.names);
	assert_int_equal(known_count(&known, &exact), DESTINATIONS_EXACT_MAX - 1);
	assert_true(exact);
	known_free(&known, &memory);
}

/* Names that came before registers, after them, and with what was packed. */
static void check_packed(uint8_t family, uint64_t count)
{
	struct known known = {0}, again = {0};
	static const uint8_t none[DESTINATIONS_REGISTERS];
	uint8_t *packed;
	size_t len;

	add(&known, family, 0, count / 2);
	assert_true(known_add_registers(&known, none, &memory));
	add(&known, family, count / 2, count);
	assert_int_equal(known.name_count, count);
	assert_true(known_pack(&known, &packed, &len));
	assert_true(known_add_registers(&again, none, &memory));
	add(&again, family, count - 1, count + 5);
	assert_true(known_unpack(&again, family, packed, len, &memory));
	assert_int_equal(again.name_count, count + 5);
	add(&again, family, 0, count);
	assert_int_equal(again.name_count, count + 5);
	free(packed);
	known_free(&known, &memory);
	known_free(&again, &memory);
}

static void test_packed_and_unpacked(void **state)
{
	(void)state;
	for (uint64_t count = 1; count < 1000; count += 1 + count / 3) {
		check_packed(ADDR_IP4, count);
		check_packed(ADDR_IP6, count);
	}
}

/* What was estimated elsewhere may hold names that nobody told; what is known by name there does not. */
static void test_all_names_are_counted(void **state)
{
	struct known day = {0}, sum = {0};
	uint8_t *packed;
	size_t len;
	bool exact;

	(void)state;
	add(&day, ADDR_IP6, 0, 3000);
	assert_true(known_pack(&day, &packed, &len));
	add(&sum, ADDR_IP6, 2990, 3010);
	assert_true(known_add_named_registers(&sum, destinations_registers(day.set), &memory));
	assert_true(known_unpack(&sum, ADDR_IP6, packed, len, &memory));
	assert_int_equal(known_count(&sum, &exact), 3010);
	assert_true(exact);
	assert_true(known_add_registers(&sum, destinations_registers(day.set), &memory));
	assert_true(known_count(&sum, &exact) >= 3010);
	assert_false(exact);
	free(packed);
	known_free(&day, &memory);
	known_free(&sum, &memory);
}

static void test_bytes_that_are_no_names(void **state)
{
	static const uint8_t bytes[] = {5,    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					0x80, 0x80, 0x80, 0xff, 1,    0,    0xff};
	struct known known = {0};

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		assert_true(known_unpack(&known, ADDR_IP6, bytes, len, &memory));
		assert_true(known.name_count <= len);
		known_free(&known, &memory);
	}
}

static void test_names_have_a_bound(void **state)
{
	struct known known = {0};
	bool exact;

	(void)state;
	add(&known, ADDR_IP4, 0, KNOWN_NAMES_MAX + 1000);
	assert_int_equal(known.name_count, KNOWN_NAMES_MAX);
	assert_true(known_count(&known, &exact) >= KNOWN_NAMES_MAX);
	assert_false(exact);
	assert_true(memory.name_bytes <= KNOWN_NAMES_MAX * 4 * 2);
	known_free(&known, &memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_fewer_than_names),
		cmocka_unit_test(test_exact_ones_need_no_names),
		cmocka_unit_test(test_packed_and_unpacked),
		cmocka_unit_test(test_all_names_are_counted),
		cmocka_unit_test(test_bytes_that_are_no_names),
		cmocka_unit_test(test_names_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
