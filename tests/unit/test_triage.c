/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boundaries of triage: each threshold met, and missed by one. */
#include "policy/policy.h"
#include "report/evidence.h"
#include "store/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_US (INT64_C(3600) * 1000000)

static const struct triage_limits limits = {
	.bot_destinations = 20,
	.client_destinations = 2,
	.client_attempts_per_hour = 240,
	.client_silent_hours = 7,
	.server_destinations = 5,
	.server_clock_hours = 20,
	.least_attempts = 10,
};

/* So many destinations, in the first hours of a day, every hour of them, ten attempts in each. */
static struct store_talker talker_of(uint64_t destinations, unsigned hours)
{
	struct store_talker talker = {
		.sums = {.attempts = 1000, .first_us = 48 * HOUR_US},
		.destinations = destinations,
		.destinations_exact = destinations <= 64,
		.hours_active = hours,
		.days_active = 1,
		.busiest_hour = 10,
		.clock_hours = (uint32_t)((UINT64_C(1) << hours) - 1),
	};

	talker.sums.last_us = talker.sums.first_us + (int64_t)hours * HOUR_US - 1;
	return talker;
}

static void assert_class(const struct store_talker *talker, enum triage_class class, const char *evidence)
{
	struct triage triage;

	triage_judge(talker, &limits, &triage);
	assert_string_equal(triage_class_name(triage.class), triage_class_name(class));
	if (!strstr(triage.evidence, evidence))
		fail_msg("\"%s\" is not in \"%s\"", evidence, triage.evidence);
}

static void test_few_attempts_tell_nothing(void **state)
{
	struct store_talker talker = talker_of(500, 24);

	(void)state;
	talker.sums.attempts = 9;
	assert_class(&talker, TRIAGE_UNKNOWN, "9 attempts: fewer than 10 (least_attempts)");
	talker.sums.attempts = 1;
	assert_class(&talker, TRIAGE_UNKNOWN, "1 attempt: fewer");
	talker.sums.attempts = 10;
	assert_class(&talker, TRIAGE_BOT, "20 or more (bot_destinations)");
}

static void test_no_destination_tells_nothing(void **state)
{
	struct store_talker talker = talker_of(0, 24);

	(void)state;
	assert_class(&talker, TRIAGE_UNKNOWN, "no destination");
}

static void test_many_destinations_are_a_bot_at_all_hours(void **state)
{
	struct store_talker talker = talker_of(20, 24);

	(void)state;
	assert_class(&talker, TRIAGE_BOT, "20 destinations: 20 or more (bot_destinations)");
	talker = talker_of(20, 1);
	assert_class(&talker, TRIAGE_BOT, "20 destinations");
	talker = talker_of(19, 24);
	assert_class(&talker, TRIAGE_UNKNOWN,
		     "19 destinations: more than 5 (server_destinations), fewer than 20");
}

/* 1.04 / sqrt(1024) is 3.25 %: of 1000 that is 33. */
static void test_an_estimate_must_reach_the_threshold_less_its_error(void **state)
{
	struct triage_limits high = limits;
	struct store_talker talker = talker_of(1000, 24);
	struct triage triage;

	(void)state;
	high.bot_destinations = 967;
	triage_judge(&talker, &high, &triage);
	assert_int_equal(triage.class, TRIAGE_BOT);
	assert_non_null(strstr(triage.evidence, "about 1000 destinations (estimated, standard error 3.3%)"));
	high.bot_destinations = 968;
	triage_judge(&talker, &high, &triage);
	assert_int_equal(triage.class, TRIAGE_UNKNOWN);
	assert_non_null(strstr(triage.evidence, "too near to 968 (bot_destinations)"));
	high.bot_destinations = 1033;
	triage_judge(&talker, &high, &triage);
	assert_non_null(strstr(triage.evidence, "too near to 1033"));
	high.bot_destinations = 1034;
	triage_judge(&talker, &high, &triage);
	assert_int_equal(triage.class, TRIAGE_UNKNOWN);
	assert_non_null(strstr(triage.evidence, "fewer than 1034 (bot_destinations)"));
	talker.destinations_exact = true;
	high.bot_destinations = 1000;
	triage_judge(&talker, &high, &triage);
	assert_int_equal(triage.class, TRIAGE_BOT);
}

/* Two days of office hours: silent from six in the evening to nine in the morning. */
static struct store_talker office_of(uint64_t destinations)
{
	struct store_talker talker = talker_of(destinations, 33);

	talker.hours_active = 18;
	talker.clock_hours = 0x1ff;
	talker.rest_h = 15;
	return talker;
}

static void test_one_or_two_destinations_and_nights_are_a_client(void **state)
{
	struct store_talker talker = office_of(1);

	(void)state;
	assert_class(
		&talker, TRIAGE_CLIENT,
		"1 destination: at most 2 (client_destinations); in 9 of the day's 24 hours: fewer than 20 "
		"(server_clock_hours); silent for 15 hours on end: 7 or more (client_silent_hours); at most "
		"10 attempts in an hour: up to 240 (client_attempts_per_hour)");
	talker = office_of(2);
	talker.rest_h = 7;
	talker.busiest_hour = 240;
	assert_class(&talker, TRIAGE_CLIENT, "silent for 7 hours on end");
	talker.rest_h = 6;
	assert_class(&talker, TRIAGE_UNKNOWN, "is 6: fewer than 7 (client_silent_hours); no rhythm");
	talker = office_of(3);
	assert_class(&talker, TRIAGE_UNKNOWN, "more than 2 (client_destinations)");
}

/* Whatever he is: in a period of some hours everybody is seen in few hours of the day. */
static void test_a_short_time_tells_no_client(void **state)
{
	(void)state;
	for (unsigned hours = 1; hours < 20; hours++) {
		struct store_talker talker = talker_of(1, hours);
		char evidence[64];

		snprintf(evidence, sizeof(evidence), "seen in %u of %u hours", hours, hours);
		assert_class(&talker, TRIAGE_UNKNOWN, evidence);
		assert_class(&talker, TRIAGE_UNKNOWN, "too short to tell a client from a server");
		talker = talker_of(3, hours);
		assert_class(&talker, TRIAGE_UNKNOWN, "more than 2 (client_destinations)");
	}
}

static void test_no_person_makes_so_many_attempts(void **state)
{
	struct store_talker talker = talker_of(2, 1);

	(void)state;
	talker.sums.attempts = talker.busiest_hour = 10800;
	assert_class(&talker, TRIAGE_UNKNOWN,
		     "but 10800 attempts in an hour: more than 240 (client_attempts_per_hour)");
	talker = office_of(1);
	talker.busiest_hour = 241;
	assert_class(&talker, TRIAGE_UNKNOWN, "241 attempts in an hour: more than 240");
}

static void test_a_steady_stream_day_and_night_is_a_server(void **state)
{
	struct store_talker talker = talker_of(1, 20);

	(void)state;
	assert_class(&talker, TRIAGE_SERVER, "in 20 of the day's 24 hours: 20 or more (server_clock_hours)");
	talker = talker_of(5, 24);
	assert_class(&talker, TRIAGE_SERVER, "5 destinations: at most 5 (server_destinations)");
	talker = talker_of(6, 24);
	assert_class(&talker, TRIAGE_UNKNOWN, "6 destinations: more than 5 (server_destinations)");
	assert_class(&talker, TRIAGE_UNKNOWN, "hours: 20 or more (server_clock_hours)");
}

/* Of whom a filter leaves some records he may be anything to others, but a bot of those is one of all. */
static void test_a_part_tells_bots_alone(void **state)
{
	struct store_talker parts[] = {talker_of(1, 24), office_of(1), talker_of(3, 2)};
	struct store_talker bot = talker_of(20, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		parts[i].in_part = true;
		assert_class(&parts[i], TRIAGE_UNKNOWN, "the filters leave out a part of his records");
	}
	bot.in_part = true;
	assert_class(&bot, TRIAGE_BOT, "20 or more (bot_destinations)");
}

/* Evenings of a month fill the clock, too. 20 of 24 hours are 600 of 720. */
static void test_every_hour_of_the_day_is_no_stream_by_itself(void **state)
{
	struct store_talker talker = talker_of(2, 24);

	(void)state;
	talker.sums.last_us = talker.sums.first_us + 720 * HOUR_US - 1;
	talker.hours_active = 600;
	assert_class(&talker, TRIAGE_SERVER, "active in 600 of 720 hours: at least 600");
	talker.hours_active = 599;
	assert_class(&talker, TRIAGE_UNKNOWN,
		     "but active in only 599 of 720 hours: fewer than 600 are no steady stream");
}

static void test_hours_are_counted_from_the_first_to_the_last(void **state)
{
	struct store_talker talker = talker_of(1, 24);

	(void)state;
	/* From before 1970 on, and within an hour: 23 whole ones and two parts. */
	talker.sums.first_us = -HOUR_US / 2;
	talker.sums.last_us = 23 * HOUR_US + 1;
	assert_class(&talker, TRIAGE_SERVER, "24 of 25 hours");
	talker.sums.last_us = talker.sums.first_us;
	assert_class(&talker, TRIAGE_SERVER, "of 1 hours");
}

static void assert_longest(const struct store_talker *talker, const char *evidence)
{
	const struct triage_limits largest = {
		.bot_destinations = UINT32_MAX,
		.client_destinations = UINT32_MAX - 2,
		.client_attempts_per_hour = talker->rest_h ? UINT32_MAX : UINT32_MAX / 3,
		.client_silent_hours = UINT32_MAX - 1,
		.server_destinations = UINT32_MAX,
		.server_clock_hours = 24,
		.least_attempts = 1,
	};
	char japanese[EVIDENCE_TEXT_MAX];
	struct triage triage;

	triage_judge(talker, &largest, &triage);
	assert_true(strlen(triage.evidence) < TRIAGE_EVIDENCE_MAX - 1);
	assert_non_null(strstr(triage.evidence, evidence));
	assert_true(strlen(evidence_japanese(&triage, &largest, japanese)) < EVIDENCE_TEXT_MAX - 1);
}

static void test_the_longest_evidence_fits(void **state)
{
	struct store_talker talker = talker_of(UINT32_MAX - UINT32_MAX / 10, 24);

	(void)state;
	talker.sums.attempts = UINT64_MAX;
	talker.sums.last_us = INT64_MAX;
	assert_longest(&talker, "no steady stream");
	talker.in_part = true;
	assert_longest(&talker, "leave out a part");
	talker.in_part = false;
	talker.clock_hours = 1;
	talker.hours_active = UINT32_MAX;
	assert_longest(&talker, "no rhythm that tells a client from a server");
	talker.rest_h = UINT32_MAX;
	talker.busiest_hour = UINT32_MAX;
	assert_longest(&talker, "(client_attempts_per_hour)");
	talker.rest_h = 0;
	talker.busiest_hour = UINT64_MAX;
	assert_longest(&talker, "are no person's");
	talker.destinations = UINT32_MAX - 1;
	talker.destinations_exact = true;
	assert_longest(&talker, "fewer than 4294967295 (bot_destinations)");
}

/* Two places say what holds without a policy's word. */
static void test_the_defaults_are_the_policys(void **state)
{
	static char text[] = "[gateway]\nmode = monitor\nfail = open\nupstream_interfaces = eth0\n";
	FILE *stream = fmemopen(text, strlen(text), "r");
	struct policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_read_stream(stream, "text", NULL, 0, NULL, &policy), 0);
	fclose(stream);
	assert_int_equal(policy->triage.bot_destinations, triage_limits_default.bot_destinations);
	assert_int_equal(policy->triage.client_destinations, triage_limits_default.client_destinations);
	assert_int_equal(policy->triage.client_attempts_per_hour,
			 triage_limits_default.client_attempts_per_hour);
	assert_int_equal(policy->triage.client_silent_hours, triage_limits_default.client_silent_hours);
	assert_int_equal(policy->triage.server_destinations, triage_limits_default.server_destinations);
	assert_int_equal(policy->triage.server_clock_hours, triage_limits_default.server_clock_hours);
	assert_int_equal(policy->triage.least_attempts, triage_limits_default.least_attempts);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_attempts_tell_nothing),
		cmocka_unit_test(test_no_destination_tells_nothing),
		cmocka_unit_test(test_many_destinations_are_a_bot_at_all_hours),
		cmocka_unit_test(test_an_estimate_must_reach_the_threshold_less_its_error),
		cmocka_unit_test(test_one_or_two_destinations_and_nights_are_a_client),
		cmocka_unit_test(test_a_short_time_tells_no_client),
		cmocka_unit_test(test_no_person_makes_so_many_attempts),
		cmocka_unit_test(test_a_steady_stream_day_and_night_is_a_server),
		cmocka_unit_test(test_a_part_tells_bots_alone),
		cmocka_unit_test(test_every_hour_of_the_day_is_no_stream_by_itself),
		cmocka_unit_test(test_hours_are_counted_from_the_first_to_the_last),
		cmocka_unit_test(test_the_longest_evidence_fits),
		cmocka_unit_test(test_the_defaults_are_the_policys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
