/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report is what the records say: gathered from a store of random records, and counted once more, slowly. */
#include "query_world.h"

#include "report/gather.h"
#include "report/markup.h"
#include "report/texts.h"

#include "engine/engine.h"

#include <time.h>

enum { TOP = 6 };

static struct world world;
static uint64_t many = WORLD_RECORDS;

static int32_t offset_of(void *context, int64_t us)
{
	(void)us;
	return *(const int32_t *)context;
}

static struct report_gathered *gathered_by(const struct store_filter *filter, int32_t *offset)
{
	const struct report_question question = {.filter = filter,
						 .limits = &triage_limits_default,
						 .top = TOP,
						 .many = many,
						 .now_us = EPOCH_US + WORLD_DAYS * DAY_US,
						 .offset = offset_of,
						 .context = offset,
						 .filters = ""};
	struct report_gathered *gathered = NULL;

	assert_int_equal(report_gather(world.store, &question, &gathered), 0);
	return gathered;
}

/* Most of what is stored, with something before it. Ends at no full hour. */
static struct store_filter period(void)
{
	return (struct store_filter){.since_us = EPOCH_US + 2 * DAY_US,
				     .until_us = EPOCH_US + 4 * DAY_US + 5 * HOUR_US + 17 * SECOND_US};
}

static struct store_sums counted(const struct store_filter *filter, uint64_t *ret_people)
{
	bool seen[WORLD_SUBSCRIBERS] = {true};
	struct store_sums sums = {0};

	*ret_people = 0;
	world_count(&world, filter);
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (!made_counts(&world, filter, made))
			continue;
		sum_up(&sums, &made->sums);
		*ret_people += !seen[made->subscriber];
		seen[made->subscriber] = true;
	}
	return sums;
}

static void assert_report_sums(const struct report_sums *found, const struct store_sums *wanted,
			       uint64_t people)
{
	assert_int_equal(found->records, wanted->records);
	assert_int_equal(found->packets, wanted->packets);
	assert_int_equal(found->blocked, wanted->blocked);
	assert_int_equal(found->attempts, wanted->attempts);
	assert_int_equal(found->subscribers, people);
}

static void test_headline(void **state)
{
	struct store_filter filter = period(), before = period();
	int32_t offset = 0;
	struct report_gathered *gathered = gathered_by(&filter, &offset);
	const struct report *report = report_gathered_value(gathered);
	struct store_sums sums;
	uint64_t people;

	(void)state;
	sums = counted(&filter, &people);
	assert_true(sums.records > 100);
	assert_report_sums(&report->totals, &sums, people);
	before.until_us = filter.since_us;
	before.since_us = filter.since_us - (filter.until_us - filter.since_us);
	sums = counted(&before, &people);
	assert_report_sums(&report->before, &sums, people);
	assert_true(report->has_before);
	report_gathered_free(gathered);
	filter.since_us = EPOCH_US - DAY_US;
	gathered = gathered_by(&filter, &offset);
	assert_false(report_gathered_value(gathered)->has_before);
	report_gathered_free(gathered);
}

/* Every bucket, and that they begin where the clock shown does. */
static void test_timeline(void **state)
{
	static const int32_t offsets[] = {0, 9 * 3600, -(3 * 3600 + 1800), 5 * 3600 + 1800};

	(void)state;
	for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++) {
		struct store_filter filter = period();
		int32_t offset = offsets[o];
		struct report_gathered *gathered = gathered_by(&filter, &offset);
		const struct report *report = report_gathered_value(gathered);

		assert_in_range(report->bucket_count, 20, 101);
		for (size_t i = 0; i < report->bucket_count; i++) {
			struct store_filter part = filter;
			struct store_sums sums;
			uint64_t people;

			part.since_us = report->buckets[i].start_us;
			part.until_us = part.since_us + report->step_s * SECOND_US;
			assert_int_equal((part.since_us / SECOND_US + offset) % report->step_s, 0);
			part.since_us = part.since_us < filter.since_us ? filter.since_us : part.since_us;
			part.until_us = part.until_us > filter.until_us ? filter.until_us : part.until_us;
			sums = counted(&part, &people);
			assert_report_sums(&report->buckets[i].sums, &sums, people);
		}
		report_gathered_free(gathered);
	}
}

/* Second by second, by the C library's calendar. */
static void cover(int64_t covered[REPORT_WEEK_DAYS][REPORT_DAY_HOURS], const struct store_filter *filter,
		  int32_t offset)
{
	for (int64_t us = filter->since_us; us < filter->until_us; us += SECOND_US) {
		time_t local = (time_t)(us / SECOND_US + offset);
		struct tm tm;

		assert_non_null(gmtime_r(&local, &tm));
		covered[(tm.tm_wday + 6) % 7][tm.tm_hour] += SECOND_US;
	}
}

static void test_hours_of_the_week(void **state)
{
	static const int32_t offsets[] = {0, 9 * 3600, -(3 * 3600 + 1800)};

	(void)state;
	for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++) {
		uint64_t attempts[REPORT_WEEK_DAYS][REPORT_DAY_HOURS] = {{0}};
		int64_t covered[REPORT_WEEK_DAYS][REPORT_DAY_HOURS] = {{0}};
		struct store_filter filter = period();
		int32_t offset = offsets[o];
		struct report_gathered *gathered = gathered_by(&filter, &offset);
		const struct report *report = report_gathered_value(gathered);

		cover(covered, &filter, offset);
		world_count(&world, &filter);
		for (unsigned i = 0; i < WORLD_RECORDS; i++) {
			const struct made *made = &world.records[i];
			time_t local = (time_t)(made->time_us / SECOND_US + offset);
			struct tm tm;

			if (!made_counts(&world, &filter, made))
				continue;
			assert_non_null(gmtime_r(&local, &tm));
			attempts[(tm.tm_wday + 6) % 7][tm.tm_hour] += made->sums.attempts;
		}
		for (unsigned day = 0; day < REPORT_WEEK_DAYS; day++) {
			for (unsigned hour = 0; hour < REPORT_DAY_HOURS; hour++) {
				assert_int_equal(report->heat[day][hour].attempts, attempts[day][hour]);
				assert_int_equal(report->heat[day][hour].covered_us, covered[day][hour]);
			}
		}
		report_gathered_free(gathered);
	}
}

/* Of a period that goes on no hour counts that is still to come. */
static void test_hours_to_come(void **state)
{
	struct store_filter filter = period();
	const int64_t end_us = EPOCH_US + WORLD_DAYS * DAY_US;
	int32_t offset = 0;
	int64_t covered_us = 0;
	struct report_gathered *gathered;

	(void)state;
	filter.until_us = end_us + 30 * DAY_US;
	gathered = gathered_by(&filter, &offset);
	for (unsigned i = 0; i < REPORT_WEEK_DAYS * REPORT_DAY_HOURS; i++)
		covered_us += report_gathered_value(gathered)
				      ->heat[i / REPORT_DAY_HOURS][i % REPORT_DAY_HOURS]
				      .covered_us;
	assert_in_range(covered_us, end_us - filter.since_us, end_us - filter.since_us + DAY_US);
	report_gathered_free(gathered);
}

static void test_short_numbers(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"},       {999, "999"},      {1000, "1k"},      {1049, "1k"},
		     {1050, "1.1k"}, {1856, "1.9k"},    {3755, "3.8k"},    {9949, "9.9k"},
		     {9950, "10k"},  {99499, "99k"},    {99500, "100k"},   {999499, "999k"},
		     {999500, "1M"}, {1449999, "1.4M"}, {999500000, "1G"}, {UINT64_MAX, "18E"}};
	char text[NUMBER_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(number_short(cases[i].value, text), cases[i].text);
}

static bool met_by(const struct report_talker *talker, const struct addr *destination)
{
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (prefix_compare(&world.subscribers[made->subscriber], &talker->subscriber) != 0)
			continue;
		for (unsigned j = 0; j < made->met_count; j++) {
			if (addr_equal(&made->met[j], destination))
				return true;
		}
	}
	return false;
}

static void test_subscribers(void **state)
{
	struct store_filter filter = period();
	int32_t offset = 0;
	struct report_gathered *gathered = gathered_by(&filter, &offset);
	const struct report *report = report_gathered_value(gathered);
	size_t known = 0;

	(void)state;
	assert_int_equal(report->top.count, TOP);
	assert_int_equal(report->top.total, WORLD_SUBSCRIBERS - 1); /* overflow is none */
	for (size_t i = 0; i < report->top.count; i++) {
		const struct report_talker *talker = &report->top.rows[i];

		if (i > 0)
			assert_true(talker->sums.attempts <= report->top.rows[i - 1].sums.attempts);
		assert_true(*talker->evidence);
		assert_true(talker->known_count <= talker->destinations || !talker->destinations_exact);
		for (size_t j = 0; j < talker->known_count; j++)
			assert_true(met_by(talker, &talker->known[j]));
		known += talker->known_count;
	}
	assert_true(known > TOP);
	report_gathered_free(gathered);
}

/* Who has no packet before the last day of the period, and one in it. */
static uint64_t newcomers(const struct store_filter *filter)
{
	uint64_t count = 0;

	for (unsigned subscriber = 1; subscriber < WORLD_SUBSCRIBERS; subscriber++) {
		int64_t first_us = INT64_MAX;
		bool counts = false;

		for (unsigned i = 0; i < WORLD_RECORDS; i++) {
			const struct made *made = &world.records[i];

			if (made->subscriber != subscriber)
				continue;
			first_us = made->sums.first_us < first_us ? made->sums.first_us : first_us;
			counts = counts || (made->time_us >= filter->until_us - DAY_US &&
					    made->time_us < filter->until_us);
		}
		count += counts && first_us >= filter->until_us - DAY_US;
	}
	return count;
}

static void test_newcomers(void **state)
{
	struct store_filter filter = period();
	int32_t offset = 0;
	uint64_t most = 0;

	(void)state;
	for (int64_t hours = 1; hours < 30; hours += 2) {
		struct report_gathered *gathered;

		filter.since_us = EPOCH_US - DAY_US;
		filter.until_us = EPOCH_US + hours * HOUR_US;
		gathered = gathered_by(&filter, &offset);
		assert_int_equal(report_gathered_value(gathered)->fresh.total, newcomers(&filter));
		assert_int_equal(report_gathered_value(gathered)->fresh.count, newcomers(&filter));
		most = newcomers(&filter) > most ? newcomers(&filter) : most;
		report_gathered_free(gathered);
	}
	assert_true(most > 3);
}

/* Of many records, destinations are those of the last day. */
static void test_destinations(void **state)
{
	struct store_filter filter = period();
	int32_t offset = 0;

	(void)state;
	for (many = 10; many <= WORLD_RECORDS; many += WORLD_RECORDS - 10) {
		const int64_t since_us = many == 10 ? filter.until_us - DAY_US : filter.since_us;
		struct report_gathered *gathered = gathered_by(&filter, &offset);
		const struct report *report = report_gathered_value(gathered);
		struct store_filter part = filter;
		uint64_t found = 0;

		part.since_us = since_us;
		world_count(&world, &part);
		assert_int_equal(report->destinations_since_us, since_us);
		assert_true(report->destinations.count > 5);
		for (unsigned i = 0; i < WORLD_RECORDS; i++) {
			struct addr address;
			char text[ADDR_TEXT_MAX];

			for (unsigned j = 0; made_counts(&world, &part, &world.records[i]) &&
					     made_told(&world.records[i], j, &address);
			     j++) {
				addr_format(&address, text);
				found += strcmp(text, report->destinations.rows[0].name) == 0;
			}
		}
		assert_int_equal(report->destinations.rows[0].sums.records, found);
		report_gathered_free(gathered);
	}
	many = WORLD_RECORDS;
}

static void insert_notice(unsigned source, int64_t time_us, const char *what, const char *state,
			  int64_t first_us, bool open, const char *json)
{
	char sql[600];

	insert_name(&world, what);
	insert_name(&world, state);
	snprintf(
		sql, sizeof(sql),
		"INSERT INTO notice(source, seq, time, what, state, first, last, packets, open, json) SELECT %u, 1, %lld, w.id, s.id,"
		" %lld, %lld, 42, %d, '%s' FROM name AS w, name AS s WHERE w.text = '%s' AND s.text = '%s'",
		source, (long long)time_us, (long long)first_us, (long long)time_us, open, json, what, state);
	world_sql(&world, sql);
}

/* Begin and end are one row; what has no end goes on; a text that looks like a member is none. */
static void test_notices(void **state)
{
	struct store_filter filter = period();
	const int64_t at = filter.since_us + HOUR_US;
	int32_t offset = 0;
	struct report_gathered *gathered;
	const struct report *report;

	(void)state;
	insert_notice(1, at, "failed-open", "begin", at, true, "{\"op25b\":{\"unjudged\":1}}");
	insert_notice(2, at + 2, "failed-open", "begin", at, true, "{\"op25b\":{\"unjudged\":2}}");
	insert_notice(1, at + 5 * SECOND_US, "failed-open", "end", at, true, "{\"op25b\":{\"unjudged\":42}}");
	insert_notice(1, at + HOUR_US, "rules-changed", "once", at, false,
		      "{\"message\":\"\\\"unjudged\\\":3\"}");
	gathered = gathered_by(&filter, &offset);
	report = report_gathered_value(gathered);
	assert_int_equal(report->notice_count, 3);
	assert_string_equal(report->notices[0].what, "rules-changed");
	assert_false(report->notices[0].is_period || report->notices[0].has_packets);
	for (size_t i = 1; i < 3; i++) {
		const struct report_notice *notice = &report->notices[i];
		bool ended = notice->is_over;

		assert_true(notice->is_period && notice->open && notice->has_packets);
		assert_int_equal(notice->first_us, at);
		assert_int_equal(notice->last_us, ended ? at + 5 * SECOND_US : at + 2);
		assert_string_equal(notice->host, ended ? "gw1" : "gw2");
	}
	assert_true(report->notices[1].is_over != report->notices[2].is_over);
	report_gathered_free(gathered);
}

static void test_what_cannot_be_asked(void **state)
{
	static const int64_t periods[][2] = {{INT64_MIN, EPOCH_US},
					     {EPOCH_US, INT64_MAX},
					     {EPOCH_US, EPOCH_US},
					     {EPOCH_US, EPOCH_US - 1},
					     {-EPOCH_US, 2 * EPOCH_US}};
	struct report_gathered *gathered = NULL;
	int32_t offset = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		const struct store_filter filter = {.since_us = periods[i][0], .until_us = periods[i][1]};
		const struct report_question question = {.filter = &filter,
							 .limits = &triage_limits_default,
							 .offset = offset_of,
							 .context = &offset,
							 .filters = ""};

		assert_int_equal(report_gather(world.store, &question, &gathered), -EINVAL);
		assert_null(gathered);
	}
}

/* What blocks, or would, has words in every language. */
static void test_reasons_have_words(void **state)
{
	unsigned told = 0;

	(void)state;
	for (unsigned reason = 0; reason < REASONS; reason++) {
		const struct reason_row *row = &engine_reasons[reason];

		if (strcmp(row->action, "accept") == 0)
			continue;
		for (enum report_language language = 0; language < REPORT_LANGUAGES; language++)
			assert_non_null(report_reason(row->name, language));
		told++;
	}
	assert_true(told > 10);
	assert_null(report_reason("<b>", REPORT_ENGLISH));
}

static int open_world(void **state)
{
	(void)state;
	world_open(&world, 5);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headline),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_hours_of_the_week),
		cmocka_unit_test(test_hours_to_come),
		cmocka_unit_test(test_short_numbers),
		cmocka_unit_test(test_subscribers),
		cmocka_unit_test(test_newcomers),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_what_cannot_be_asked),
		cmocka_unit_test(test_reasons_have_words),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
