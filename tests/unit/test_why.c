/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What decided a class, in a column: the figure and the threshold it was held to, as the evidence has them. */
#include "../../tools/log_why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_US (INT64_C(3600) * 1000000)

/* The longest that stands beside a prefix, a class and attempts on 80 columns. */
enum { COLUMN_MAX = 24 };

static const struct triage_limits limits = {
	.bot_destinations = 100,
	.client_destinations = 2,
	.client_attempts_per_hour = 240,
	.client_silent_hours = 7,
	.server_destinations = 10,
	.server_clock_hours = 20,
	.least_attempts = 10,
};

static const struct {
	uint64_t attempts, destinations;
	bool exact;
	unsigned clock_hours, hours_active, hours_between, rest_h, busiest_hour;
	enum triage_class class;
	const char *why;
} cases[] = {
	{9, 500, true, 24, 24, 24, 0, 9, TRIAGE_UNKNOWN, "9 att: under 10"},
	{99, 0, true, 24, 24, 24, 0, 9, TRIAGE_UNKNOWN, "no dst known"},
	{99, 100, true, 3, 3, 3, 0, 9, TRIAGE_BOT, "100 dst: 100 or more"},
	{99, 2328, false, 3, 3, 3, 0, 9, TRIAGE_BOT, "~2328 dst: 100 or more"},
	{99, 101, false, 3, 3, 3, 0, 9, TRIAGE_UNKNOWN, "~101 dst: too near 100"},
	{99, 3, true, 24, 330, 336, 0, 9, TRIAGE_SERVER, "24 h: 20 or more"},
	{99, 3, true, 24, 300, 744, 9, 9, TRIAGE_UNKNOWN, "300 of 744 h: under 620"},
	{99, 1, true, 19, 100, 300, 12, 9, TRIAGE_CLIENT, "rest 12 h: 7 or more"},
	{99, 1, true, 19, 19, 23, 2, 9, TRIAGE_UNKNOWN, "19 of 23 h: too short"},
	{99, 1, true, 19, 20, 24, 2, 9, TRIAGE_UNKNOWN, "rest 2 h: under 7"},
	{10800, 2, true, 1, 1, 1, 0, 10800, TRIAGE_UNKNOWN, "10800 att/h: over 240"},
	{99, 3, true, 19, 19, 19, 0, 9, TRIAGE_UNKNOWN, "3 dst: 3 to 99"},
	{99, 70, false, 24, 24, 24, 0, 9, TRIAGE_UNKNOWN, "~70 dst: 11 to 99"},
};

static void judge(size_t i, struct triage *triage)
{
	struct store_talker talker = {.destinations = cases[i].destinations,
				      .destinations_exact = cases[i].exact,
				      .hours_active = cases[i].hours_active,
				      .rest_h = cases[i].rest_h,
				      .busiest_hour = cases[i].busiest_hour,
				      .clock_hours = (uint32_t)((UINT64_C(1) << cases[i].clock_hours) - 1)};

	talker.sums.attempts = cases[i].attempts;
	talker.sums.first_us = 0;
	talker.sums.last_us = (int64_t)cases[i].hours_between * HOUR_US - 1;
	triage_judge(&talker, &limits, triage);
}

static void each_rule_has_its_threshold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char why[LOG_WHY_MAX];
		struct triage triage;

		judge(i, &triage);
		log_why(&triage, &limits, why);
		assert_int_equal(triage.class, cases[i].class);
		assert_string_equal(why, cases[i].why);
		assert_true(strlen(why) <= COLUMN_MAX);
	}
}

static void what_filters_leave_is_marked(void **state)
{
	struct store_talker talker = {
		.destinations = 3, .destinations_exact = true, .in_part = true, .hours_active = 24};
	char why[LOG_WHY_MAX];
	struct triage triage;

	(void)state;
	talker.sums.attempts = 99;
	triage_judge(&talker, &limits, &triage);
	log_why(&triage, &limits, why);
	assert_string_equal(why, "in part 3 dst: under 100");
}

/* A client may have more destinations than a server where the policy says so. */
static void limits_of_other_order(void **state)
{
	const struct triage_limits odd = {.bot_destinations = 100,
					  .client_destinations = 30,
					  .server_destinations = 10,
					  .server_clock_hours = 20,
					  .least_attempts = 10};
	struct store_talker talker = {
		.destinations = 25, .destinations_exact = true, .clock_hours = 0xffffff, .hours_active = 24};
	char why[LOG_WHY_MAX];
	struct triage triage;

	(void)state;
	talker.sums.attempts = 99;
	triage_judge(&talker, &odd, &triage);
	log_why(&triage, &odd, why);
	assert_int_equal(triage.class, TRIAGE_UNKNOWN);
	assert_string_equal(why, "25 dst: 11 to 99");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_threshold),
		cmocka_unit_test(what_filters_leave_is_marked),
		cmocka_unit_test(limits_of_other_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
