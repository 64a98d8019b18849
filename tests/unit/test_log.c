/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25b-log makes of times on its command line, of texts that nobody trusts, and of rows of cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/log.h"
#include "../../tools/log_text.h"
#include "../../tools/log_time.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what tables ask of the rest of the program ---- */

void log_page(const struct log_context *context)
{
}

int log_error(const char *format, ...)
{
	return LOG_ERROR;
}

int log_nothing(const struct log_context *context)
{
	return LOG_NOTHING;
}

/* ---- times ---- */

#define S LOG_US_PER_S

/* Sunday 2026-11-22 07:00:00.5 UTC */
static const int64_t now_us = INT64_C(1795330800) * S + 500000;

static const char tokyo[] = "JST-9", berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3",
		  sao_paulo[] = "<-03>3<-02>,M11.1.0/0,M2.3.0/0";

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

struct time_case {
	const char *text, *zone;
	int64_t wanted_us;
};

static int64_t read_time(const struct time_case *row, bool utc, bool later)
{
	int64_t us = -1;
	int r;

	set_zone(row->zone);
	r = log_time_parse(row->text, now_us, utc, later, &us);
	if (r < 0)
		print_message("\"%s\" in %s: %d\n", row->text, row->zone, r);
	assert_int_equal(r, 0);
	return us;
}

static void test_moments(void **state)
{
	static const struct time_case rows[] = {
		{"now", tokyo, now_us},
		{" now ", tokyo, now_us},
		{"-2h", tokyo, now_us - 7200 * S},
		{"-1h30min", tokyo, now_us - 5400 * S},
		{"+5min", tokyo, now_us + 300 * S},
		{"2 hours ago", tokyo, now_us - 7200 * S},
		{"1 day 2 hours ago", tokyo, now_us - 93600 * S},
		{"-90", tokyo, now_us - 90 * S},
		{"-1M", tokyo, now_us - 2629800 * S},
		{"-1m", tokyo, now_us - 60 * S},
		{"-250ms", tokyo, now_us - 250000},
		{"today", tokyo, INT64_C(1795273200) * S},
		{"TODAY", "UTC", INT64_C(1795305600) * S},
		{"yesterday", tokyo, INT64_C(1795186800) * S},
		{"tomorrow", "UTC", INT64_C(1795392000) * S},
		{"@1795330800", tokyo, INT64_C(1795330800) * S},
		{"@1795330800.25", tokyo, INT64_C(1795330800) * S + 250000},
		{"2026-11-22", tokyo, INT64_C(1795273200) * S},
		{"2026-11-22 10:00", "UTC", INT64_C(1795341600) * S},
		{"2026-11-22 10:00:00", tokyo, INT64_C(1795309200) * S},
		{"2026-11-22T10:00:00.5", "UTC", INT64_C(1795341600) * S + 500000},
		{"10:00", tokyo, INT64_C(1795309200) * S},
		{"2026-11-22 10:00 UTC", tokyo, INT64_C(1795341600) * S},
		{"2026-11-22T10:00:00Z", tokyo, INT64_C(1795341600) * S},
		{"2026-11-22T10:00:00+09:00", berlin, INT64_C(1795309200) * S},
		/* As a record writes it. */
		{"2026-11-22T10:00:00.123456+0900", berlin, INT64_C(1795309200) * S + 123456},
		{"2026-11-22T10:00:00-03:30", berlin, INT64_C(1795354200) * S},
		{"yesterday 16:00", tokyo, INT64_C(1795244400) * S},
		{"Yesterday 16:00:30", "UTC", INT64_C(1795276830) * S},
		{"tomorrow 00:30", tokyo, INT64_C(1795361400) * S},
		{"today 10:00 UTC", tokyo, INT64_C(1795341600) * S},
		{"today  10:00  +09:00", berlin, INT64_C(1795309200) * S},
		/* As journalctl writes them. */
		{"Sun 2026-11-22 10:00:00", tokyo, INT64_C(1795309200) * S},
		{"sunday  2026-11-22   10:00:00   UTC", tokyo, INT64_C(1795341600) * S},
		{"Sun 2026-11-22", tokyo, INT64_C(1795273200) * S},
		{"2026-11-22 UTC", tokyo, INT64_C(1795305600) * S},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t us = read_time(&rows[i], false, false);

		if (us != rows[i].wanted_us)
			print_message("%s\n", rows[i].text);
		assert_int_equal(us, rows[i].wanted_us);
	}
}

/* Sunday 2026-11-22 16:30 UTC: Monday 01:30 in Tokyo. */
static void test_today_is_that_of_the_clock_that_is_meant(void **state)
{
	const int64_t night_us = INT64_C(1795365000) * S, midnight_utc_us = INT64_C(1795305600) * S;
	static const struct {
		const char *text;
		int64_t behind_s; /* that midnight */
	} rows[] = {
		{"10:00Z", 36000}, {"10:00 UTC", 36000},    {"10:00+09:00", 90000},
		{"10:00", 90000},  {"23:00 -03:00", 93600}, {"yesterday 10:00Z", 36000 - 86400},
		{"today UTC", 0},  {"today", 54000},
	};

	set_zone(tokyo);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t us = -1;

		assert_int_equal(log_time_parse(rows[i].text, night_us, false, false, &us), 0);
		if (us != midnight_utc_us + rows[i].behind_s * S)
			print_message("%s\n", rows[i].text);
		assert_int_equal(us, midnight_utc_us + rows[i].behind_s * S);
	}
}

static void test_utc_leaves_the_zone_out(void **state)
{
	assert_int_equal(read_time(&(struct time_case){"2026-11-22 10:00", tokyo, 0}, true, false),
			 INT64_C(1795341600) * S);
	assert_int_equal(read_time(&(struct time_case){"today", tokyo, 0}, true, false),
			 INT64_C(1795305600) * S);
}

/* 2026-03-29 01:00 UTC: 02:00 becomes 03:00. 2026-10-25 01:00 UTC: 03:00 becomes 02:00. */
static void test_clocks_that_change(void **state)
{
	const struct time_case before = {"2026-03-29 01:59:59", berlin, 0},
			       gap = {"2026-03-29 02:30", berlin, 0}, after = {"2026-03-29 03:00", berlin, 0},
			       twice = {"2026-10-25 02:30", berlin, 0},
			       single = {"2026-10-25 03:00", berlin, 0};
	const int64_t spring = INT64_C(1774746000) * S, autumn = INT64_C(1792890000) * S;

	assert_int_equal(read_time(&before, false, false), spring - S);
	assert_int_equal(read_time(&gap, false, false), spring + 1800 * S);
	assert_int_equal(read_time(&gap, false, true), spring + 1800 * S);
	assert_int_equal(read_time(&after, false, false), spring);
	/* A period from and to a time that comes twice holds both. */
	assert_int_equal(read_time(&twice, false, false), autumn - 1800 * S);
	assert_int_equal(read_time(&twice, false, true), autumn + 1800 * S);
	assert_int_equal(read_time(&single, false, false), autumn + 3600 * S);
}

/* Days of 23 and 25 hours; and one that begins at 01:00, because its midnight is left out. */
static void test_days(void **state)
{
	const int64_t spring = INT64_C(1774746000) * S, autumn = INT64_C(1792890000) * S;

	set_zone(berlin);
	assert_int_equal(log_time_day(spring + 9 * 3600 * S, false, 0), spring - 2 * 3600 * S);
	assert_int_equal(log_time_day(spring + 9 * 3600 * S, false, 1), spring + 21 * 3600 * S);
	assert_int_equal(log_time_day(autumn + 9 * 3600 * S, false, 0), autumn - 3 * 3600 * S);
	assert_int_equal(log_time_day(autumn + 9 * 3600 * S, false, 1), autumn + 22 * 3600 * S);
	assert_int_equal(log_time_day(autumn + 33 * 3600 * S, false, -1), autumn - 3 * 3600 * S);
	set_zone(sao_paulo);
	/* 2026-11-01: at 00:00 (03:00 UTC) the clocks go to 01:00. */
	assert_int_equal(log_time_day(INT64_C(1793534400) * S, false, 0), INT64_C(1793502000) * S);
}

static void test_the_first_and_last_day_are_there_in_all_zones(void **state)
{
	int64_t us = 4711;

	set_zone(tokyo);
	assert_int_equal(log_time_parse("1970-01-01", now_us, false, false, &us), 0);
	assert_int_equal(us, 0);
	set_zone("UTC+5");
	assert_int_equal(log_time_parse("9999-12-31 23:59:59", now_us, false, true, &us), 0);
	assert_int_equal(us, INT64_C(253402300800) * S - 1);
}

static void test_no_moments(void **state)
{
	static const struct {
		const char *text;
		int wanted;
	} rows[] = {
		{"", -EINVAL},
		{"noon", -EINVAL},
		{"2h", -EINVAL},
		{"-2x", -EINVAL},
		{"-", -EINVAL},
		{"- ago", -EINVAL},
		{"-2h ago", -EINVAL},
		{"--2h", -EINVAL},
		{"2 hours ago now", -EINVAL},
		{"@", -EINVAL},
		{"@-1", -EINVAL},
		{"@1.", -EINVAL},
		{"@1x", -EINVAL},
		{"2026-1-2", -EINVAL},
		{"2026-11-22 1:00", -EINVAL},
		{"2026-11-22 10:00:", -EINVAL},
		{"2026-11-22T10:00:00+9", -EINVAL},
		{"2026-11-22T10:00:00+09:00x", -EINVAL},
		{"2026-11-22 10:00:00 JST", -ENOTSUP},
		{"2026-11-22 10:00 Asia/Tokyo", -ENOTSUP},
		{"yesterday 10:00 CET", -ENOTSUP},
		{"2026-11-22x", -EINVAL},
		{"yesterday 1:00", -EINVAL},
		{"yesterdays", -EINVAL},
		{"yesterday -2h", -EINVAL},
		{"Sun", -EINVAL},
		{"Sun 10:00", -EINVAL},
		{"Mon 2026-11-22", -ERANGE},
		{"2026-02-29", -ERANGE},
		{"2026-13-01", -ERANGE},
		{"2026-00-01", -ERANGE},
		{"2026-11-22 24:00", -ERANGE},
		{"2026-11-22 10:60", -ERANGE},
		{"1969-12-31", -ERANGE},
		{"@99999999999999999999", -ERANGE},
		{"-9223372036854775807s", -ERANGE},
		{"+9223372036854775807us", -ERANGE},
		{"-300y", -ERANGE},
		{"2026-11-22T10:00:00+24:00", -ERANGE},
		{"2026-11-22 10:00:00.00000000000000000000000000000000000000000000000000000000000000000000",
		 -EINVAL},
	};

	set_zone(tokyo);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t us = 4711;
		int r = log_time_parse(rows[i].text, now_us, false, false, &us);

		if (r != rows[i].wanted)
			print_message("\"%s\": %d\n", rows[i].text, r);
		assert_int_equal(r, rows[i].wanted);
		assert_int_equal(us, 4711);
	}
}

static void test_lengths(void **state)
{
	int64_t us = 0;

	assert_int_equal(log_span_parse("1h 30min", &us), 0);
	assert_int_equal(us, 5400 * S);
	assert_int_equal(log_span_parse("2 weeks", &us), 0);
	assert_int_equal(us, 14 * 86400 * S);
	assert_int_equal(log_span_parse("90", &us), 0);
	assert_int_equal(us, 90 * S);
	assert_int_equal(log_span_parse("1.5h", &us), 0);
	assert_int_equal(us, 5400 * S);
	assert_int_equal(log_span_parse("0.25d 1.5ms", &us), 0);
	assert_int_equal(us, 21600 * S + 1500);
	assert_int_equal(log_span_parse("1.h", &us), -EINVAL);
	assert_int_equal(log_span_parse("9000000000000.9y", &us), -ERANGE);
	assert_int_equal(log_span_parse("h", &us), -EINVAL);
	assert_int_equal(log_span_parse("1h2", &us), 0);
	assert_int_equal(us, 3602 * S);
	assert_int_equal(log_span_parse("99999999999999999999s", &us), -ERANGE);
}

static void test_times_as_text(void **state)
{
	char text[LOG_TIME_TEXT_MAX];

	set_zone(tokyo);
	log_time_format(now_us, false, text);
	assert_string_equal(text, "2026-11-22 16:00:00");
	log_time_format(now_us, true, text);
	assert_string_equal(text, "2026-11-22 07:00:00Z");
	log_time_format_exact(now_us, false, text);
	assert_string_equal(text, "2026-11-22T16:00:00.500000+09:00");
	log_time_format_exact(now_us, true, text);
	assert_string_equal(text, "2026-11-22T07:00:00.500000Z");
	/* Times of damaged records: something, and no more. */
	log_time_format_exact(INT64_MIN, false, text);
	log_time_format_exact(INT64_MAX, false, text);
	assert_true(strlen(text) < LOG_TIME_TEXT_MAX - 1);
}

/* ---- texts ---- */

static char printed[8192];

/* What print() writes. */
static const char *print_to_memory(void (*print)(FILE *out, const char *text, bool utf8, size_t most),
				   const char *text, bool utf8, size_t most)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	assert_non_null(out);
	print(out, text, utf8, most);
	assert_int_equal(fclose(out), 0);
	return printed;
}

static void print_line(FILE *out, const char *text, bool utf8, size_t most)
{
	size_t width = log_text_print(out, text, utf8, most);

	if (most == 0)
		assert_int_equal(width, log_text_width(text, utf8));
	else
		assert_true(width <= most);
}

static void print_json(FILE *out, const char *text, bool utf8, size_t most)
{
	log_text_json(out, text);
}

static void print_csv(FILE *out, const char *text, bool utf8, size_t most)
{
	log_text_csv(out, text);
}

static void test_hostile_texts(void **state)
{
	static const struct {
		const char *text, *line, *json, *csv;
	} rows[] = {
		{"plain", "plain", "\"plain\"", "plain"},
		{"\x1b[31mred", "\\x1b[31mred", "\"\\u001b[31mred\"", "\\x1b[31mred"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f", "\"a\\u000ab\\u0009c\\u007f\"",
		 "\"a\\x0ab\\x09c\\x7f\""},
		/* CSI as one character of C1. */
		{"\xC2\x9B"
		 "31m",
		 "\\u009b31m", "\"\\u009b31m\"", "\\u009b31m"},
		/* Right-to-left override; an isolate; a zero-width joiner; a tag. */
		{"a\xE2\x80\xAE"
		 "b",
		 "a\\u202eb", "\"a\\u202eb\"", "a\\u202eb"},
		{"\xE2\x81\xA6", "\\u2066", "\"\\u2066\"", "\\u2066"},
		{"\xE2\x80\x8D", "\\u200d", "\"\\u200d\"", "\\u200d"},
		{"\xF3\xA0\x80\x81", "\\U000e0001", "\"\\udb40\\udc01\"", "\\U000e0001"},
		/* No UTF-8: a byte alone, a surrogate, an overlong slash, a sequence that ends early. */
		{"\xFF", "\\xff", "\"\\ufffd\"", "\\xff"},
		{"\xED\xA0\x80", "\\xed\\xa0\\x80", "\"\\ufffd\\ufffd\\ufffd\"", "\\xed\\xa0\\x80"},
		{"\xC0\xAF", "\\xc0\\xaf", "\"\\ufffd\\ufffd\"", "\\xc0\\xaf"},
		{"\xE3\x81", "\\xe3\\x81", "\"\\ufffd\\ufffd\"", "\\xe3\\x81"},
		{"<b>&amp;", "<b>&amp;", "\"<b>&amp;\"", "\"<b>&amp;\""},
		{"say \"x\\\"", "say \"x\\\"", "\"say \\\"x\\\\\\\"\"", "\"say \"\"x\\\"\"\""},
		{"=1+1", "=1+1", "\"=1+1\"", "'=1+1"},
		{"@SUM(A1)", "@SUM(A1)", "\"@SUM(A1)\"", "'@SUM(A1)"},
		{"-2", "-2", "\"-2\"", "'-2"},
		{"+3,\"4\"", "+3,\"4\"", "\"+3,\\\"4\\\"\"", "\"'+3,\"\"4\"\"\""},
		{" =5", " =5", "\" =5\"", "\"' =5\""},
		{"\t=6", "\\x09=6", "\"\\u0009=6\"", "'\\x09=6"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(print_to_memory(print_line, rows[i].text, true, 0), rows[i].line);
		assert_string_equal(print_to_memory(print_line, rows[i].text, false, 0), rows[i].line);
		assert_string_equal(print_to_memory(print_json, rows[i].text, true, 0), rows[i].json);
		assert_string_equal(print_to_memory(print_csv, rows[i].text, true, 0), rows[i].csv);
	}
}

static void test_widths(void **state)
{
	/* Two characters of two columns each. */
	static const char kanji[] = "\xE6\x9D\xB1\xE4\xBA\xAC";

	assert_string_equal(print_to_memory(print_line, "abcdef", true, 4), "abc\xE2\x80\xA6");
	assert_string_equal(print_to_memory(print_line, "abcdef", false, 4), "abc>");
	assert_string_equal(print_to_memory(print_line, "abcd", false, 4), "abcd");
	/* An escape is never cut in its midst. */
	assert_string_equal(print_to_memory(print_line, "a\x1b\x1b", false, 6), "a\\x1b>");
	assert_string_equal(print_to_memory(print_line, kanji, false, 0), "\\u6771\\u4eac");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return;
	assert_int_equal(log_text_width(kanji, true), 4);
	assert_string_equal(print_to_memory(print_line, kanji, true, 0), kanji);
	assert_string_equal(print_to_memory(print_line, kanji, true, 3), "\xE6\x9D\xB1\xE2\x80\xA6");
	setlocale(LC_CTYPE, "C");
}

/* ---- tables ---- */

static const struct log_column columns[] = {
	{"name", "NAME", LOG_CELL_TEXT, 0, 0}, {"count", "COUNT", LOG_CELL_NUMBER, 2, 0},
	{"when", "WHEN", LOG_CELL_TIME, 1, 0}, {"sure", NULL, LOG_CELL_BOOL, 0, 0},
	{NULL, "LINE", LOG_CELL_SPARK, 3, 0},  {"more", "MORE", LOG_CELL_TEXT, 0, 4},
};

static void write_rows(struct log_table *table, size_t count)
{
	static const uint64_t values[] = {0, 1, 4, 8};

	for (size_t i = 0; i < count; i++) {
		log_table_text(table, i % 2 ? NULL : "a,\x1b");
		log_table_number(table, i * 1000);
		log_table_time(table, i % 2 ? INT64_MIN : now_us);
		log_table_bool(table, i % 2);
		log_table_spark(table, values, 4);
		log_table_text(table, i % 2 ? "=x" : "the end");
	}
}

/* What a table of so many rows prints; *ret its code. */
static char *print_table(struct log_context context, size_t rows, int *ret)
{
	FILE *before = stdout;
	struct log_table *table;
	char *text = NULL;
	size_t size = 0;

	set_zone("UTC");
	stdout = open_memstream(&text, &size);
	assert_non_null(stdout);
	table = log_table_new(&context, columns, sizeof(columns) / sizeof(columns[0]));
	write_rows(table, rows);
	*ret = log_table_end(table);
	fclose(stdout);
	stdout = before;
	return text;
}

static void expect_table(struct log_context context, size_t rows, int code, const char *wanted)
{
	int got;
	char *text = print_table(context, rows, &got);

	assert_string_equal(text, wanted);
	assert_int_equal(got, code);
	free(text);
}

static void test_table(void **state)
{
	expect_table((struct log_context){.output = LOG_TABLE, .utc = true}, 2, LOG_FOUND,
		     "NAME    COUNT  WHEN                  LINE  MORE\n"
		     "a,\\x1b      0  2026-11-22 07:00:00Z   _-#  the end\n"
		     "-        1000  -                      _-#  =x\n");
	expect_table((struct log_context){.output = LOG_TABLE}, 0, LOG_NOTHING, "");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return;
	expect_table(
		(struct log_context){.output = LOG_TABLE, .utc = true, .utf8 = true, .colour = true}, 1,
		LOG_FOUND,
		"\033[1mNAME\033[0m    \033[1mCOUNT\033[0m  \033[1mWHEN\033[0m                  \033[1mLINE\033[0m  "
		"\033[1mMORE\033[0m\n"
		"a,\\x1b      0  2026-11-22 07:00:00Z   \xE2\x96\x81\xE2\x96\x84\xE2\x96\x88  the end\n");
	setlocale(LC_CTYPE, "C");
}

/* Shorter times first, then the ranks, then what may be cut. */
static void test_narrow_tables(void **state)
{
	struct log_context context = {
		.output = LOG_TABLE, .utc = true, .width = 50, .now_us = now_us, .wide = false};

	expect_table(context, 1, LOG_FOUND,
		     "NAME    COUNT  WHEN                  LINE  MORE\n"
		     "a,\\x1b      0  2026-11-22 07:00:00Z   _-#  the end\n");
	context.width = 45;
	expect_table(context, 1, LOG_FOUND,
		     "NAME    COUNT  WHEN             LINE  MORE\n"
		     "a,\\x1b      0  11-22 07:00:00Z   _-#  the end\n");
	context.now_us = 0;
	context.width = 40;
	expect_table(context, 1, LOG_FOUND,
		     "NAME    COUNT  WHEN        LINE  MORE\n"
		     "a,\\x1b      0  2026-11-22   _-#  the end\n");
	context.width = 30;
	expect_table(context, 1, LOG_FOUND,
		     "NAME    WHEN        LINE  MORE\n"
		     "a,\\x1b  2026-11-22   _-#  the>\n"
		     "(no room for COUNT: --wide)\n");
	context.width = 12;
	expect_table(context, 1, LOG_FOUND,
		     "NAME    MORE\n"
		     "a,\\x1b  the>\n"
		     "(no room for\nCOUNT, WHEN,\nLINE:\n--wide)\n");
	context.wide = true;
	expect_table(context, 1, LOG_FOUND,
		     "NAME    COUNT  WHEN                  LINE  MORE\n"
		     "a,\\x1b      0  2026-11-22 07:00:00Z   _-#  the end\n");
}

/* Whatever the width, no line is longer; also where later rows are wider than all that was looked at. */
static void test_no_line_is_wider(void **state)
{
	for (unsigned width = 1; width < 60; width++) {
		int code;
		char *text = print_table(
			(struct log_context){.output = LOG_TABLE, .utc = true, .width = width}, 1700, &code);
		size_t rows = 0;

		for (char *line = text, *end; rows < 1701; line = end + 1, rows++) {
			end = strchr(line, '\n');
			assert_non_null(end);
			assert_true((size_t)(end - line) <= width);
		}
		free(text);
	}
}

static void test_table_json(void **state)
{
	static const char rows[] =
		"{\"name\":\"a,\\u001b\",\"count\":0,\"when\":\"2026-11-22T07:00:00.500000Z\",\"sure\":false,\"more\":\"the end\"}",
			  second[] =
				  "{\"name\":null,\"count\":1000,\"when\":null,\"sure\":true,\"more\":\"=x\"}";
	char wanted[512];

	snprintf(wanted, sizeof(wanted), "[\n %s,\n %s\n]\n", rows, second);
	expect_table((struct log_context){.output = LOG_JSON, .utc = true}, 2, LOG_FOUND, wanted);
	snprintf(wanted, sizeof(wanted), "%s\n%s\n", rows, second);
	expect_table((struct log_context){.output = LOG_NDJSON, .utc = true}, 2, LOG_FOUND, wanted);
	expect_table((struct log_context){.output = LOG_JSON}, 0, LOG_NOTHING, "[]\n");
	expect_table((struct log_context){.output = LOG_NDJSON}, 0, LOG_NOTHING, "");
}

static void test_table_csv(void **state)
{
	expect_table((struct log_context){.output = LOG_CSV, .utc = true}, 2, LOG_FOUND,
		     "name,count,when,sure,more\r\n"
		     "\"a,\\x1b\",0,2026-11-22T07:00:00.500000Z,false,the end\r\n"
		     ",1000,,true,'=x\r\n");
	expect_table((struct log_context){.output = LOG_CSV}, 0, LOG_NOTHING,
		     "name,count,when,sure,more\r\n");
}

/* More rows than are looked at ahead: none is lost, and the title stands there once. */
static void test_long_table(void **state)
{
	size_t lines = 0;
	int code;
	char *text = print_table((struct log_context){.output = LOG_TABLE, .utc = true}, 1700, &code);

	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 1701);
	assert_null(strstr(text + 1, "NAME"));
	assert_non_null(strstr(text, "1699000"));
	free(text);
}

static void test_no_table(void **state)
{
	write_rows(NULL, 3);
	assert_int_equal(log_table_end(NULL), LOG_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_today_is_that_of_the_clock_that_is_meant),
		cmocka_unit_test(test_utc_leaves_the_zone_out),
		cmocka_unit_test(test_clocks_that_change),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_the_first_and_last_day_are_there_in_all_zones),
		cmocka_unit_test(test_no_moments),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_times_as_text),
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_narrow_tables),
		cmocka_unit_test(test_no_line_is_wider),
		cmocka_unit_test(test_table_json),
		cmocka_unit_test(test_table_csv),
		cmocka_unit_test(test_long_table),
		cmocka_unit_test(test_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
