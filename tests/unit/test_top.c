/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/top.h"
#include "event_log.h"

static void test_the_greatest_are_kept_whatever_the_order(void **state)
{
	enum { MANY = 5000, FEW = 37 };
	uint64_t places[FEW];
	uint64_t seed = 25;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		struct top top;

		assert_int_equal(top_init(&top, FEW), 0);
		for (uint64_t i = 0; i < MANY; i++) {
			/* Rising, falling, and mixed: each weight below MANY once (7 shares no factor with it). */
			uint64_t weight = round == 0 ? i : round == 1 ? MANY - 1 - i : (i * 7 + seed) % MANY;
			size_t place;

			if (top_offer(&top, weight, &place))
				places[place] = weight;
		}
		top_sort(&top);
		assert_int_equal(top.count, FEW);
		for (size_t i = 0; i < FEW; i++) {
			assert_int_equal(top.items[i].weight, MANY - 1 - i);
			assert_int_equal(places[top.items[i].place], MANY - 1 - i);
		}
		top_free(&top);
	}
}

static void test_fewer_than_there_is_room_for(void **state)
{
	struct top top;
	size_t place;

	(void)state;
	assert_int_equal(top_init(&top, 3), 0);
	top_sort(&top);
	assert_int_equal(top.count, 0);
	assert_true(top_offer(&top, 0, &place));
	assert_true(top_offer(&top, 9, &place));
	top_sort(&top);
	assert_int_equal(top.count, 2);
	assert_int_equal(top.items[0].weight, 9);
	top_free(&top);
	assert_int_equal(top_init(&top, 0), 0);
	assert_false(top_offer(&top, 9, &place));
	top_free(&top);
}

static void test_who_sends_most_is_told_first(void **state)
{
	struct log *log = log_new(100);
	struct event_offender out[2];
	struct event_fact fact;
	struct event_top top;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	assert_int_equal(event_top(log->collector, out, 2, 100, &top), 0);
	assert_int_equal(top.count, 0);
	for (int i = 0; i < 5; i++)
		observe(log, syn(i, ALICE, MX + (uint32_t)i));
	observe(log, syn(5, BOB, MX));
	for (uint32_t i = 0; i < 9; i++) {
		fact = syn(6, ALICE, MX);
		fact.src = addr_ip6(UINT64_C(0x20010db800010000) + i, i);
		fact.dst = addr_ip6(1, 2);
		fact.subscriber_len = 56;
		fact.sport = (uint16_t)(1000 + i);
		fact.monitored = true;
		fact.reason = REASON_TINY;
		observe(log, fact);
	}
	observe(log, offloaded(7, ALICE, 40));
	assert_int_equal(event_top(log->collector, out, 2, 100, &top), 0);
	assert_int_equal(top.count, 2);
	assert_int_equal(top.looked, 3);
	prefix_format(&out[0].subscriber, text);
	assert_string_equal(text, "192.0.2.1/32");
	assert_int_equal(out[0].packets, 45); /* with the one in the first record */
	assert_int_equal(out[0].attempts, 5);
	assert_int_equal(out[0].offloaded, 40);
	assert_false(out[0].destinations_exact);
	assert_int_equal(out[0].opened_ns, T0);
	assert_int_equal(out[0].last_ns, T0 + 7 * NSEC_PER_SEC);
	assert_false(out[0].monitored);
	prefix_format(&out[1].subscriber, text);
	assert_string_equal(text, "2001:db8:1::/56");
	assert_int_equal(out[1].packets, 9);
	assert_int_equal(out[1].destinations, 1);
	assert_true(out[1].destinations_exact);
	assert_true(out[1].monitored);
	assert_int_equal(out[1].reason, REASON_TINY);
	/* No more work than is asked for. */
	assert_int_equal(event_top(log->collector, out, 2, 1, &top), 0);
	assert_int_equal(top.count, 1);
	assert_int_equal(top.looked, 1);
	/* A look changes nothing. */
	event_flush(log->collector, T0 + 8 * NSEC_PER_SEC);
	assert_accounted(log);
	log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_greatest_are_kept_whatever_the_order),
		cmocka_unit_test(test_fewer_than_there_is_room_for),
		cmocka_unit_test(test_who_sends_most_is_told_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
