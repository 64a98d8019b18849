/* SPDX-License-Identifier: GPL-2.0-or-later */
/* That the figures in records are true: attempts, destinations, and packets without one lost or counted twice. */
#include "event_log.h"

#include "event/destinations.h"

#include <errno.h>

/* The allocation that fails, counted from 1; 0: none. With fail_ever_after all later ones fail as well. */
static unsigned allocations, fail_at;
static bool fail_ever_after;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *items, size_t size);
void *__real_reallocarray(void *items, size_t count, size_t size);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *items, size_t size);
void *__wrap_reallocarray(void *items, size_t count, size_t size);
char *__wrap_strndup(const char *text, size_t len);

static bool allocation_fails(void)
{
	allocations++;
	return fail_at != 0 && (allocations == fail_at || (fail_ever_after && allocations > fail_at));
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *items, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(items, size);
}

void *__wrap_reallocarray(void *items, size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_reallocarray(items, count, size);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return allocation_fails() ? NULL : __real_strndup(text, len);
}

static void test_subscribers_of_ip6_are_prefixes(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	for (uint64_t i = 0; i < 256; i++) {
		struct event_fact fact = syn(0, ALICE, MX);

		fact.src = addr_ip6(UINT64_C(0x20010db800010000) + i, i * 7);
		fact.dst = addr_ip6(1, 2);
		fact.subscriber_len = 56;
		event_observe(log->collector, &fact, 1);
	}
	assert_int_equal(stats_of(log).subscribers, 1);
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_int_equal(number_in(log->lines[1], "packets"), 255);
	log_free(log);
}

/* ---- attempts ---- */

static void test_a_retransmitted_syn_is_no_attempt(void **state)
{
	static const int64_t repeats[] = {0, 1, 3, 7, 15, 31, 63, 127};
	struct log *log = log_new(10);

	(void)state;
	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++)
		observe(log, syn(repeats[i], ALICE, MX));
	assert_int_equal(stats_of(log).attempts, 1);
	observe(log, syn(131, ALICE, MX)); /* later than any sender repeats */
	assert_int_equal(stats_of(log).attempts, 2);
	log_free(log);
}

static void test_what_makes_another_attempt(void **state)
{
	struct log *log = log_new(10);
	struct event_fact changed[6];

	(void)state;
	observe(log, syn(0, ALICE, MX));
	for (size_t i = 0; i < 6; i++)
		changed[i] = syn(1, ALICE, MX);
	changed[0].sport++;
	changed[1].tcp_seq++;
	changed[2].dst = addr_ip4(MX + 1);
	changed[3].src = addr_ip4(BOB);
	changed[4].dport++;
	changed[5].attempt = false;
	for (size_t i = 0; i < 6; i++)
		event_observe(log->collector, &changed[i], 1);
	assert_int_equal(stats_of(log).attempts, 6);
	assert_int_equal(stats_of(log).observed, 7);
	log_free(log);
}

static void test_many_syns_are_told_apart(void **state)
{
	struct log *log = log_new(10000);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 10000; i++)
			observe(log, syn(round, ALICE + i, MX));
	}
	assert_int_equal(stats_of(log).attempts, 10000);
	log_free(log);
}

/* ---- destinations ---- */

static uint64_t count_distinct(uint32_t destinations, int rounds, bool *ret_exact)
{
	struct destinations_budget budget = {.max = 1 << 20};
	struct destinations *set = NULL;
	uint64_t counted;

	for (int round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i < destinations; i++) {
			struct addr addr = addr_ip4(i * 7919);

			assert_true(destinations_add(&set, &addr, &budget));
		}
	}
	counted = destinations_count(set, ret_exact);
	assert_true(budget.used <= 1100);
	destinations_free(set, &budget);
	assert_int_equal(budget.used, 0);
	return counted;
}

static void test_destinations_are_exact_to_64(void **state)
{
	bool exact;

	(void)state;
	for (uint32_t n = 0; n <= 64; n++) {
		assert_int_equal(count_distinct(n, 3, &exact), n);
		assert_true(exact);
	}
	assert_in_range(count_distinct(65, 3, &exact), 65, 75);
	assert_false(exact);
}

static void test_destinations_are_estimated_beyond(void **state)
{
	static const uint32_t sizes[] = {100, 500, 1000, 2000, 2600, 5000, 20000, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bool exact;
		uint64_t counted = count_distinct(sizes[i], 1, &exact);

		assert_false(exact);
		assert_in_range(counted, sizes[i] * UINT64_C(90) / 100, sizes[i] * UINT64_C(110) / 100);
	}
}

static void test_destinations_short_of_memory_say_so(void **state)
{
	struct log *log = log_new(1);

	(void)state;
	for (uint32_t i = 0; i < 65; i++)
		observe(log, syn(0, ALICE, MX + i));
	event_flush(log->collector, T0);
	assert_int_equal(number_in(log->lines[1], "distinct_destinations"), 64);
	assert_true(has(log->lines[1], "\"distinct_destinations_exact\":true"));
	log_free(log);

	log = log_new(100);
	for (uint32_t i = 0; i < 100 * 70; i++) /* the sets of all 100 together do not fit their budget */
		observe(log, syn(0, ALICE + i / 70, MX + i % 70));
	event_flush(log->collector, T0);
	assert_true(has(log->lines[(log->count - 1) % LINES_KEPT], "\"distinct_destinations_exact\":false"));
	assert_accounted(log);
	log_free(log);
}

/* ---- everything at random ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct event_fact random_fact(uint64_t *seed, int64_t *now_s)
{
	static const char *const names[] = {"", "a", "b", "c"};
	uint64_t r = random_next(seed), q = random_next(seed);
	struct event_fact fact;

	*now_s += r % 50 == 0 ? -(int64_t)(q % 2000) : r % 20 == 0 ? (int64_t)(q % 900) : (int64_t)(r % 3);
	fact = syn(*now_s, ALICE + (uint32_t)(r >> 8) % 40, MX + (uint32_t)(r >> 16) % 200);
	if (r >> 24 & 1) {
		fact.src = addr_ip6(UINT64_C(0x20010db800000000) + (r >> 32) % 2000, q);
		fact.dst = addr_ip6(q % 100, 1);
		fact.subscriber_len = q % 3 == 0 ? 48 : 56;
	}
	if ((r >> 25) % 200 == 0)
		fact.src.family = ADDR_NONE;
	fact.sport = (uint16_t)(q % 4);
	fact.tcp_seq = (uint32_t)(q >> 8) % 4;
	fact.attempt = q >> 16 & 1;
	fact.reason = (uint8_t)((q >> 20) % 80);
	fact.verdict = (uint8_t)((q >> 28) % 5);
	fact.monitored = q >> 32 & 1;
	fact.names.rule = names[(q >> 36) % 4];
	fact.names.digest = (q >> 40) % 100 == 0 ? "d2" : "d1";
	fact.vlan_count = (uint8_t)((q >> 48) % 6);
	if ((r >> 40) % 5 == 0)
		fact.offloaded = (r >> 44) % 100 == 0 ? UINT32_MAX - (q >> 52) : 1 + (q >> 44) % 1000;
	return fact;
}

static void random_run(uint64_t seed, uint32_t subscribers_max)
{
	struct log *log = log_new(subscribers_max);
	uint64_t blocked = 0, unseen = 0, all = 0;
	int64_t now_s = 0;

	for (int i = 0; i < 20000; i++) {
		struct event_fact fact = random_fact(&seed, &now_s);

		event_observe(log->collector, &fact, 1);
		blocked += fact.offloaded > 0 ? fact.offloaded : !fact.monitored;
		unseen += fact.offloaded;
		all += fact.offloaded > 0 ? fact.offloaded : 1;
		if (seed % 97 == 0)
			event_tick(log->collector, T0 + now_s * NSEC_PER_SEC);
		if (seed % 4999 == 0)
			event_flush(log->collector, T0 + now_s * NSEC_PER_SEC);
		assert_true(stats_of(log).subscribers <= subscribers_max);
	}
	event_flush(log->collector, T0 + now_s * NSEC_PER_SEC);
	assert_int_equal(stats_of(log).subscribers, 0);
	assert_int_equal(stats_of(log).observed, all);
	assert_int_equal(log->packets_blocked, blocked);
	assert_int_equal(log->packets_offloaded, unseen);
	assert_accounted(log);
	log_free(log);
}

static void test_every_packet_is_in_one_record(void **state)
{
	static const uint32_t sizes[] = {1, 2, 10, 100, 5000};

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			random_run(seed * UINT64_C(0x9e3779b97f4a7c15), sizes[i]);
	}
}

/* Packets handed over together make the same records as one by one. */
static void test_groups_make_no_difference(void **state)
{
	static struct event_fact facts[2000];
	struct log *singly = log_new(50), *grouped = log_new(50);
	uint64_t seed = 465;
	int64_t now_s = 0;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		facts[i] = random_fact(&seed, &now_s);
	for (size_t i = 0; i < 2000; i++)
		event_observe(singly->collector, &facts[i], 1);
	for (size_t done = 0, n; done < 2000; done += n) {
		n = random_next(&seed) % 100;
		n = n < 2000 - done ? n : 2000 - done;
		event_observe(grouped->collector, &facts[done], n);
	}
	event_flush(singly->collector, T0 + now_s * NSEC_PER_SEC);
	event_flush(grouped->collector, T0 + now_s * NSEC_PER_SEC);
	assert_int_equal(grouped->count, singly->count);
	for (size_t i = 0; i < LINES_KEPT; i++)
		assert_string_equal(grouped->lines[i], singly->lines[i]);
	assert_accounted(grouped);
	log_free(singly);
	log_free(grouped);
}

/* Sums over all records of a log, by what the tests call a rule or a reason. */
struct sums {
	uint64_t rules[3], reasons[3];
	struct log *log; /* where they are kept as well */
};

static const char *const sum_rules[] = {"homes", "carriers", "relays"};
static const char *const sum_reasons[] = {"pool-enforce", "fragment-tiny", "other"};

/* Within the list or object that begins with `from`: the numbers behind `after` that follow the key. */
static uint64_t sum_behind(const char *line, const char *from, const char *key, const char *after)
{
	const char *at = strstr(line, from), *end;
	uint64_t sum = 0;

	assert_non_null(at);
	end = strchr(at, from[strlen(from) - 1] == '{' ? '}' : ']');
	for (at = strstr(at, key); at && at < end; at = strstr(at + 1, key)) {
		const char *number = strstr(at, after);

		assert_non_null(number);
		sum += strtoull(number + strlen(after), NULL, 10);
	}
	return sum;
}

static void take_sums(void *context, const char *line, size_t len)
{
	struct sums *sums = context;
	char text[EVENT_RECORD_MAX + 1], key[64];

	keep(sums->log, line, len);
	memcpy(text, line, len);
	text[len] = '\0';
	assert_false(has(text, "\"others\":true") || has(text, "overflow"));
	for (size_t i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "\"rule\":\"%s\"", sum_rules[i]);
		if (has(text, "\"rules\":["))
			sums->rules[i] += sum_behind(text, "\"rules\":[", key, "\"packets\":");
		else if (has(text, key))
			sums->rules[i] += number_in(text, "packets");
		snprintf(key, sizeof(key), "\"reason\":\"%s\"", sum_reasons[i]);
		if (!has(text, "\"reasons\":{") && has(text, key))
			sums->reasons[i] += number_in(text, "packets");
		snprintf(key, sizeof(key), "\"%s\":", sum_reasons[i]);
		if (has(text, "\"reasons\":{"))
			sums->reasons[i] += sum_behind(text, "\"reasons\":{", key, "\":");
	}
}

/* Which rule and which reason: exact for packets seen and unseen, let through and blocked, also where counters end. */
static void test_each_packet_counts_for_its_rule_and_reason(void **state)
{
	static const uint8_t reasons[] = {REASON_ENFORCE, REASON_TINY, 30};
	struct sums wanted = {0}, got = {.log = calloc(1, sizeof(*got.log))};
	uint64_t seed = 2525, r, many;
	struct event_config config;

	(void)state;
	assert_non_null(got.log);
	config = config_for(got.log, 100);
	config.emit = take_sums;
	config.context = &got;
	assert_int_equal(event_collector_new(&config, &got.log->collector), 0);
	for (int i = 0; i < 20000; i++) {
		struct event_fact fact;

		r = random_next(&seed);
		many = (r >> 50) % 200 == 0 ? 3 * (uint64_t)UINT32_MAX + 5 : 1 + (r >> 50) % 300;
		fact = r % 3 == 0 ? offloaded(i, ALICE + (uint32_t)(r >> 8) % 20, many)
				  : syn(i, ALICE + (uint32_t)(r >> 8) % 20, MX + (uint32_t)(r >> 16) % 9);
		fact.names.rule = sum_rules[(r >> 24) % 3];
		fact.reason = reasons[(r >> 28) % 3];
		fact.monitored = r >> 32 & 1;
		many = fact.offloaded > 0 ? many : 1;
		wanted.rules[(r >> 24) % 3] += many;
		wanted.reasons[(r >> 28) % 3] += many;
		event_observe(got.log->collector, &fact, 1);
	}
	event_flush(got.log->collector, T0 + 20000 * NSEC_PER_SEC);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(got.rules[i], wanted.rules[i]);
		assert_int_equal(got.reasons[i], wanted.reasons[i]);
	}
	assert_accounted(got.log);
	log_free(got.log);
}

static void test_facts_of_many_packets_are_in_overflow_records(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = {
		.time_ns = T0,
		.verdict = EVENT_DROP,
		.reason = REASON_ENFORCE,
		.names = {"", "", "", "d"},
		.many = {UINT32_MAX - 1, 7},
	};

	(void)state;
	event_observe(log->collector, &fact, 1);
	fact.many.packets = 5; /* more than the counter holds: the first are told */
	event_observe(log->collector, &fact, 1);
	fact.reason = REASON_TINY;
	event_observe(log->collector, &fact, 1);
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_int_equal(number_in(log->lines[0], "packets"), UINT32_MAX - 1);
	assert_true(has(log->lines[1], "\"reasons\":{\"pool-enforce\":5,\"fragment-tiny\":5}"));
	assert_int_equal(stats_of(log).observed, UINT64_C(4294967304));
	assert_accounted(log);
	log_free(log);
}

/* A flood of forged sources: one record for each place in the table, then one a window, whatever comes. */
static void test_a_flood_writes_few_records(void **state)
{
	struct log *log = log_new(100);

	(void)state;
	for (uint32_t i = 0; i < 200000; i++)
		observe(log, syn(i / 1000, i * 2654435761u, MX));
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 101);
	assert_accounted(log);
	log_free(log);
}

/* ---- without memory ---- */

static struct event_fact short_of_memory_fact(uint32_t i)
{
	struct event_fact fact = syn(i, ALICE + i % 3, MX + i % 100);

	if (i % 5 == 0)
		fact = offloaded(i, ALICE + i % 3 + i % 2, 7);
	fact.reason = (uint8_t)(i / 3 % 4);
	fact.names.rule = i % 7 ? "homes" : "carriers";
	fact.monitored = i % 2;
	return fact;
}

/* A few packets that need every kind of memory. True when the collector could be made at all. */
static bool run_short_of_memory(unsigned *ret_allocations)
{
	struct log *log = __real_calloc(1, sizeof(*log));
	struct event_config config;
	int r;

	assert_non_null(log);
	config = config_for(log, 50);
	allocations = 0;
	r = event_collector_new(&config, &log->collector);
	for (uint32_t i = 0; r == 0 && i < 3000; i++) {
		struct event_fact fact = short_of_memory_fact(i);

		event_observe(log->collector, &fact, 1);
	}
	if (r == 0) {
		event_flush(log->collector, T0);
		assert_int_equal(stats_of(log).observed, 2400 + 600 * 7);
		assert_int_equal(log->packets_offloaded, 600 * 7);
		assert_int_equal(log->packets_blocked, 1200 + 600 * 7);
		assert_accounted(log);
	} else {
		assert_int_equal(r, -ENOMEM);
		assert_null(log->collector);
	}
	*ret_allocations = allocations;
	log_free(log);
	return r == 0;
}

static void test_no_memory_no_packet_lost(void **state)
{
	unsigned total, refused = 0, ignored;

	(void)state;
	assert_true(run_short_of_memory(&total));
	for (unsigned at = 1; at <= total; at++) {
		fail_at = at;
		refused += !run_short_of_memory(&ignored);
	}
	fail_at = 1;
	fail_ever_after = true;
	assert_false(run_short_of_memory(&ignored));
	for (fail_at = refused + 1; fail_at <= refused + 20; fail_at++)
		assert_true(run_short_of_memory(&ignored)); /* all memory is gone from the first packet on */
	fail_at = 0;
	fail_ever_after = false;
	assert_true(refused > 0 && refused < total);
}

/* Who cannot be counted takes no place in the table. */
static void test_no_memory_no_empty_window(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(0, BOB, MX)); /* the names are known */
	allocations = 0;
	fail_at = 1;
	fail_ever_after = true;
	observe(log, offloaded(0, ALICE, 5));
	fail_at = 0;
	fail_ever_after = false;
	assert_true(allocations > 0);
	assert_int_equal(stats_of(log).subscribers, 1);
	event_flush(log->collector, T0);
	assert_true(has(log->lines[1], "overflow"));
	assert_accounted(log);
	log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subscribers_of_ip6_are_prefixes),
		cmocka_unit_test(test_no_memory_no_packet_lost),
		cmocka_unit_test(test_no_memory_no_empty_window),
		cmocka_unit_test(test_a_retransmitted_syn_is_no_attempt),
		cmocka_unit_test(test_what_makes_another_attempt),
		cmocka_unit_test(test_many_syns_are_told_apart),
		cmocka_unit_test(test_destinations_are_exact_to_64),
		cmocka_unit_test(test_destinations_are_estimated_beyond),
		cmocka_unit_test(test_destinations_short_of_memory_say_so),
		cmocka_unit_test(test_every_packet_is_in_one_record),
		cmocka_unit_test(test_groups_make_no_difference),
		cmocka_unit_test(test_each_packet_counts_for_its_rule_and_reason),
		cmocka_unit_test(test_facts_of_many_packets_are_in_overflow_records),
		cmocka_unit_test(test_a_flood_writes_few_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
