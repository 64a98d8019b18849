/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of destinations that are united, and how records carry them. */
#include "event_log.h"

#include "event/destinations.h"
#include "event/record.h"

#include "base/siphash.h"

struct sets {
	struct destinations_budget budget;
	struct destinations *set;
};

static void add_range(struct sets *sets, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr addr = addr_ip4(first + i);

		assert_true(destinations_add(&sets->set, &addr, &sets->budget));
	}
}

static void clear(struct sets *sets)
{
	destinations_free(sets->set, &sets->budget);
	assert_int_equal(sets->budget.used, 0);
}

static void test_a_list_gives_back_what_was_added(void **state)
{
	struct sets sets = {.budget.max = 4096};
	struct addr list[DESTINATIONS_EXACT_MAX];

	(void)state;
	assert_int_equal(destinations_list(NULL, ADDR_IP4, list), 0);
	add_range(&sets, MX, 64);
	assert_int_equal(destinations_list(sets.set, ADDR_IP4, list), 64);
	for (uint32_t i = 0; i < 64; i++)
		assert_true(addr_equal(&list[i], &(struct addr){.lo = MX + i, .family = ADDR_IP4}));
	assert_null(destinations_registers(sets.set));
	add_range(&sets, MX + 64, 1);
	assert_int_equal(destinations_list(sets.set, ADDR_IP4, list), 0);
	assert_non_null(destinations_registers(sets.set));
	clear(&sets);
}

static void test_exact_sets_unite_exactly(void **state)
{
	struct sets a = {.budget.max = 4096}, b = {.budget.max = 4096};
	bool exact;

	(void)state;
	add_range(&a, MX, 40);
	add_range(&b, MX + 20, 40);
	assert_true(destinations_unite(&a.set, b.set, &a.budget));
	assert_true(destinations_unite(&a.set, NULL, &a.budget));
	assert_int_equal(destinations_count(a.set, &exact), 60);
	assert_true(exact);
	clear(&a);
	clear(&b);
}

/* Whether a set saw them all, or is united of parts in any order and form, its registers are the same. */
static void test_a_union_is_as_if_one_had_seen_all(void **state)
{
	struct sets whole = {.budget.max = 4096}, parts = {.budget.max = 4096}, few = {.budget.max = 4096};
	struct sets many = {.budget.max = 4096};

	(void)state;
	add_range(&whole, MX, 1000);
	add_range(&few, MX, 30);
	add_range(&many, MX + 20, 980);
	assert_true(destinations_unite(&parts.set, few.set, &parts.budget));
	assert_true(destinations_unite(&parts.set, many.set, &parts.budget));
	assert_memory_equal(destinations_registers(parts.set), destinations_registers(whole.set),
			    DESTINATIONS_REGISTERS);
	assert_true(destinations_unite(&many.set, few.set, &many.budget));
	assert_memory_equal(destinations_registers(many.set), destinations_registers(whole.set),
			    DESTINATIONS_REGISTERS);
	clear(&whole);
	clear(&parts);
	clear(&few);
	clear(&many);
}

static void test_a_union_without_memory_leaves_the_set_valid(void **state)
{
	struct sets many = {.budget.max = 4096}, poor = {.budget.max = 100};
	bool exact;

	(void)state;
	add_range(&many, MX, 100);
	add_range(&poor, MX, 3);
	assert_false(destinations_unite(&poor.set, many.set, &poor.budget));
	assert_int_equal(destinations_count(poor.set, &exact), 3);
	assert_true(exact);
	clear(&many);
	clear(&poor);
}

/* What the manual page says, done again here. */
static void test_the_registers_are_those_of_the_manual(void **state)
{
	static const struct siphash_key key = {0x6f70323562206473, 0x6574636820763120};
	struct sets sets = {.budget.max = 4096};
	uint8_t expected[DESTINATIONS_REGISTERS] = {0};

	(void)state;
	add_range(&sets, MX, 500);
	for (uint32_t i = 0; i < 500; i++) {
		uint64_t hash = siphash_words(&key, (const uint64_t[]){0, MX + i}, 2);
		uint8_t value = 1;

		while (value < 55 && !(hash >> (9 + value) & 1))
			value++;
		if (value > expected[hash % 1024])
			expected[hash % 1024] = value;
	}
	assert_memory_equal(destinations_registers(sets.set), expected, sizeof(expected));
	clear(&sets);
}

static void test_sketches_read_back(void **state)
{
	uint8_t values[DESTINATIONS_REGISTERS], again[DESTINATIONS_REGISTERS] = {0};
	char text[DESTINATIONS_REGISTERS];

	(void)state;
	for (size_t i = 0; i < sizeof(values); i++)
		values[i] = (uint8_t)(i % 64);
	destinations_sketch_write(values, text);
	assert_memory_equal(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/A", 65);
	assert_true(destinations_sketch_read(text, sizeof(text), again));
	assert_memory_equal(values, again, sizeof(values));
	assert_false(destinations_sketch_read(text, sizeof(text) - 1, again));
	text[7] = '=';
	memset(again, 9, sizeof(again));
	assert_false(destinations_sketch_read(text, sizeof(text), again));
	text[7] = '\0';
	assert_false(destinations_sketch_read(text, sizeof(text), again));
	assert_int_equal(again[0], 9);
	memset(values, 200, sizeof(values));
	destinations_sketch_write(values, text);
	assert_int_equal(text[0], '/');
}

/* ---- in records ---- */

static void observe_destinations(struct log *log, uint32_t count)
{
	observe(log, syn(0, ALICE, MX));
	for (uint32_t i = 0; i < count; i++)
		observe(log, syn(1, ALICE, MX + i));
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
}

static void test_few_destinations_are_listed(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe_destinations(log, 3);
	assert_false(has(log->lines[0], "\"destinations"));
	assert_true(has(log->lines[1],
			"\"distinct_destinations\":3,\"distinct_destinations_exact\":true,"
			"\"destinations\":[\"198.51.100.1\",\"198.51.100.2\",\"198.51.100.3\"],\"policy\""));
	log_free(log);
	log = log_new(10);
	observe_destinations(log, 1);
	assert_false(has(log->lines[1], "\"destinations"));
	log_free(log);
}

static void test_many_destinations_are_a_sketch(void **state)
{
	struct log *log = log_new(1000);
	struct sets sets = {.budget.max = 4096};
	uint8_t values[DESTINATIONS_REGISTERS];
	const char *at;

	(void)state;
	observe_destinations(log, 200);
	assert_false(has(log->lines[1], "\"destinations\":"));
	at = strstr(log->lines[1], "\"destinations_sketch\":\"");
	assert_non_null(at);
	at += strlen("\"destinations_sketch\":\"");
	assert_int_equal(strchr(at, '"') - at, DESTINATIONS_REGISTERS);
	assert_true(destinations_sketch_read(at, DESTINATIONS_REGISTERS, values));
	add_range(&sets, MX, 200);
	assert_memory_equal(values, destinations_registers(sets.set), sizeof(values));
	clear(&sets);
	log_free(log);
}

/* Those that nobody saw are not in the list, so there is none. */
static void test_destinations_not_all_known_are_not_listed(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, offloaded(0, ALICE, 7));
	observe(log, syn(1, ALICE, MX));
	observe(log, syn(2, ALICE, MX + 1));
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 1);
	assert_true(has(log->lines[0],
			"\"distinct_destinations\":2,\"distinct_destinations_exact\":false,\"policy\""));
	log_free(log);
}

/* 64 IPv6 addresses of full length, with all reasons, and rules of the longest names. */
static void test_the_longest_record_leaves_nothing_out(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);
	char rule[RECORD_NAME_MAX + 1], pool[RECORD_NAME_MAX + 1];

	(void)state;
	memset(rule, 'r', RECORD_NAME_MAX);
	memset(pool, 'p', RECORD_NAME_MAX);
	rule[RECORD_NAME_MAX] = pool[RECORD_NAME_MAX] = '\0';
	fact.src = addr_ip6(UINT64_C(0x2001111122223333), UINT64_C(0x4444555566667777));
	fact.subscriber_len = 56;
	fact.names = (struct event_names){rule, "destination", pool, "0123456789abcdef0123456789abcdef"};
	for (unsigned i = 0; i < 1000; i++) {
		rule[0] = (char)('a' + i % 20);
		fact.reason = (uint8_t)(i % EVENT_REASONS_MAX);
		fact.dst = addr_ip6(UINT64_C(0x2001888899991111), UINT64_C(0x4444555566667000) + i % 64);
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	for (unsigned i = 0; i < 64; i++) {
		char text[64];

		snprintf(text, sizeof(text), "\"2001:8888:9999:1111:4444:5555:6666:70%02x\"", i);
		assert_true(has(log->lines[1], text));
	}
	assert_true(has(log->lines[1], "\"reasons\":{"));
	assert_true(has(log->lines[1], "\"rules\":[{"));
	assert_accounted(log);
	log_free(log);
}

/* A record made of hostile texts, with what each step of shortening should have left. */
static size_t encode_with_names(size_t name_len, size_t path_len, char out[EVENT_RECORD_MAX])
{
	static char name[256], path[256];
	static uint32_t reasons[EVENT_REASONS_MAX];
	struct log log = {0};
	struct event_config config = config_for(&log, 1);
	struct sets sets = {.budget.max = 4096};
	struct event_part parts[RECORD_PARTS_MAX + 2];
	struct event_record record = {
		.config = &config,
		.kind = EVENT_KIND_SUMMARY,
		.fact = syn(0, ALICE, MX),
		.packets = 64,
		.destinations = 64,
		.destinations_exact = true,
		.reasons = reasons,
		.parts = parts,
		.part_count = RECORD_PARTS_MAX + 2,
	};
	size_t len;

	memset(name, 1, name_len);
	memset(path, 1, path_len);
	name[name_len] = path[path_len] = '\0';
	reasons[1] = 64;
	for (size_t i = 0; i < RECORD_PARTS_MAX + 2; i++)
		parts[i] = (struct event_part){.names = {name, name, name, name}};
	config.pcap_filename = path;
	record.fact.names = parts[0].names;
	add_range(&sets, MX, 64);
	record.reached = sets.set;
	len = event_record_encode(&record, out);
	clear(&sets);
	return len;
}

static void test_what_is_left_out_first(void **state)
{
	static const struct {
		size_t name_len, path_len;
		bool capture, list, rules;
	} cases[] = {
		{8, 8, true, true, true},
		{30, 255, false, true, true},
		{37, 255, false, false, true},
		{64, 255, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[EVENT_RECORD_MAX + 1] = "";
		size_t len = encode_with_names(cases[i].name_len, cases[i].path_len, line);

		assert_true(len > 0 && line[len - 1] == '\n');
		line[len] = '\0';
		assert_int_equal(has(line, "\"pcap_filename\":"), cases[i].capture);
		assert_int_equal(has(line, "\"destinations\":["), cases[i].list);
		assert_int_equal(has(line, "\"reasons\":{"), cases[i].rules);
		assert_int_equal(has(line, "\"rules\":["), cases[i].rules);
		assert_true(has(line, "\"distinct_destinations\":64"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_gives_back_what_was_added),
		cmocka_unit_test(test_exact_sets_unite_exactly),
		cmocka_unit_test(test_a_union_is_as_if_one_had_seen_all),
		cmocka_unit_test(test_a_union_without_memory_leaves_the_set_valid),
		cmocka_unit_test(test_the_registers_are_those_of_the_manual),
		cmocka_unit_test(test_sketches_read_back),
		cmocka_unit_test(test_few_destinations_are_listed),
		cmocka_unit_test(test_many_destinations_are_a_sketch),
		cmocka_unit_test(test_destinations_not_all_known_are_not_listed),
		cmocka_unit_test(test_the_longest_record_leaves_nothing_out),
		cmocka_unit_test(test_what_is_left_out_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
