/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text for Prometheus: its table keeps the conventions, its values are escaped, its buckets are those named. */
#include "control/metrics.h"
#include "daemon/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static char memory[4096];

static struct out begin(void)
{
	return out_over(memory, sizeof(memory) - 1);
}

static const char *text_of(struct out *out)
{
	assert_false(out->overflow);
	*out->at = '\0';
	return memory;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* What `promtool check metrics` asks for, without it. */
static void test_rows_keep_the_conventions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];

		assert_non_null(row->name);
		assert_int_equal(strncmp(row->name, "op25b_", 6), 0);
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(row->name));
		assert_int_equal(ends_with(row->name, "_total"), row->type == METRIC_TYPE_COUNTER);
		assert_true(row->type != METRIC_TYPE_HISTOGRAM || ends_with(row->name, "_seconds"));
		if (strncmp(row->unit, "seconds", 7) == 0 && row->type != METRIC_TYPE_COUNTER)
			assert_true(ends_with(row->name, "_seconds"));
		if (strcmp(row->unit, "bytes") == 0)
			assert_true(ends_with(row->name, "_bytes"));
		assert_true(ends_with(row->help, "."));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(row->name, metric_rows[j].name);
	}
}

/* Labels have few values each, and no name under which an address could hide. */
static void test_labels_are_few(void **state)
{
	static const char *const known[] = {
		"version", "verdict, reason", "reason",     "le",          "queue", "mode",  "digest",
		"result",  "action",          "case, fate", "fate, cause", "fate",  "output"};

	(void)state;
	for (unsigned i = 0; i < METRICS; i++) {
		bool found = !metric_rows[i].labels;

		for (size_t j = 0; !found && j < sizeof(known) / sizeof(known[0]); j++)
			found = strcmp(metric_rows[i].labels, known[j]) == 0;
		assert_true(found);
	}
}

static void test_a_metric(void **state)
{
	const struct metric_label labels[] = {{"verdict", "drop"}, {"reason", "pool-enforce"}};
	struct out out = begin();

	(void)state;
	metrics_one(&out, METRIC_UP, 1);
	metrics_begin(&out, METRIC_VERDICTS);
	metrics_put(&out, METRIC_VERDICTS, "", labels, 2, UINT64_MAX);
	assert_string_equal(
		text_of(&out),
		"# HELP op25b_up Whether op25bd answers.\n"
		"# TYPE op25b_up gauge\n"
		"op25b_up 1\n"
		"# HELP op25b_verdicts_total Packets decided, by verdict (accept, drop, reset, icmp) and "
		"reason.\n"
		"# TYPE op25b_verdicts_total counter\n"
		"op25b_verdicts_total{verdict=\"drop\",reason=\"pool-enforce\"} 18446744073709551615\n");
}

static void test_values_are_escaped(void **state)
{
	const struct metric_label label = {"digest", "a\\b\"c\nd\xc3\xa9"};
	struct out out = begin();

	(void)state;
	metrics_put(&out, METRIC_POLICY_INFO, "", &label, 1, 1);
	assert_string_equal(text_of(&out), "op25b_policy_info{digest=\"a\\\\b\\\"c\\nd??\"} 1\n");
}

static void test_seconds(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "0.000000001"},
		{10000, "0.00001"},
		{2500000, "0.0025"},
		{UINT64_C(1000000000), "1"},
		{UINT64_C(10050000000), "10.05"},
		{UINT64_MAX, "18446744073.709551615"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct out out = begin();

		metrics_seconds(&out, cases[i].ns);
		assert_string_equal(text_of(&out), cases[i].text);
	}
}

static void test_no_room_is_told(void **state)
{
	struct out out = out_over(memory, 60);

	(void)state;
	metrics_one(&out, METRIC_UP, 1);
	assert_true(out.overflow);
}

static void test_buckets(void **state)
{
	(void)state;
	assert_int_equal(latency_bounds_ns[0], 10000);
	assert_int_equal(latency_bounds_ns[LATENCY_BOUNDS - 1], INT64_C(10000000000));
	for (unsigned i = 0; i < LATENCY_BOUNDS; i++) {
		assert_true(i == 0 || latency_bounds_ns[i] > latency_bounds_ns[i - 1]);
		assert_int_equal(latency_bucket(latency_bounds_ns[i]), i);
		assert_int_equal(latency_bucket(latency_bounds_ns[i] + 1), i + 1);
	}
	assert_int_equal(latency_bucket(0), 0);
	assert_int_equal(latency_bucket(-1), 0);
	assert_int_equal(latency_bucket(INT64_MAX), LATENCY_BOUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_keep_the_conventions),
		cmocka_unit_test(test_labels_are_few),
		cmocka_unit_test(test_a_metric),
		cmocka_unit_test(test_values_are_escaped),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_no_room_is_told),
		cmocka_unit_test(test_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
