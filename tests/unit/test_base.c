/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"
#include "base/cursor.h"
#include "base/diag.h"
#include "base/ifpattern.h"
#include "base/moment.h"
#include "base/number.h"
#include "base/out.h"
#include "base/position.h"
#include "base/siphash.h"
#include "base/suggest.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_addresses_read_and_print(void **state)
{
	static const struct {
		const char *text, *canonical;
	} good[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"192.0.2.1", "192.0.2.1"},
		{"::", "::"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(addr_parse(good[i].text, strlen(good[i].text), &addr), ADDR_OK);
		assert_int_equal(addr_format(&addr, text), strlen(good[i].canonical));
		assert_string_equal(text, good[i].canonical);
	}
}

static void test_bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"",           "1.2.3",    "1.2.3.4.5",    "256.1.1.1",
					  "01.2.3.4",   "1.2.3.4 ", " 1.2.3.4",     "1..2.3",
					  "0x7f.0.0.1", "1.2.3.-4", "fe80::1%eth0", "1:2:3:4:5",
					  ":::",        "12345::",  "a.b.c.d",      "1.2.3.4/24"};
	struct addr addr = addr_ip4(7);

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_not_equal(addr_parse(bad[i], strlen(bad[i]), &addr), ADDR_OK);
		assert_int_equal(addr.lo, 7);
	}
	assert_int_not_equal(addr_parse("::1\0::", 6, &addr), ADDR_OK);
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		enum addr_error error;
		const char *canonical, *last;
		bool host_bits;
	} rows[] = {
		{"192.0.2.1", ADDR_OK, "192.0.2.1/32", "192.0.2.1", false},
		{"192.0.2.1/24", ADDR_OK, "192.0.2.0/24", "192.0.2.255", true},
		{"0.0.0.0/0", ADDR_OK, "0.0.0.0/0", "255.255.255.255", false},
		{"10.0.0.0/33", ADDR_LENGTH_RANGE, NULL, NULL, false},
		{"10.0.0.0/", ADDR_BAD_LENGTH, NULL, NULL, false},
		{"10.0.0.0/08", ADDR_BAD_LENGTH, NULL, NULL, false},
		{"10.0.0.0/-1", ADDR_BAD_LENGTH, NULL, NULL, false},
		{"10.0.0.0/255.0.0.0", ADDR_BAD_LENGTH, NULL, NULL, false},
		{"2001:db8::1/32", ADDR_OK, "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"2001:db8::/65", ADDR_OK, "2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", false},
		{"::/0", ADDR_OK, "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
		{"::/129", ADDR_LENGTH_RANGE, NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = {0}, canonical;
		struct addr last;
		char text[PREFIX_TEXT_MAX];
		size_t len;

		assert_int_equal(prefix_parse(rows[i].text, strlen(rows[i].text), &prefix), rows[i].error);
		if (rows[i].error != ADDR_OK)
			continue;
		assert_int_equal(prefix_has_host_bits(&prefix), rows[i].host_bits);
		canonical = prefix_canonical(&prefix);
		prefix_format(&canonical, text);
		assert_string_equal(text, rows[i].canonical);
		/* A host is named without its length. */
		len = subscriber_format(&canonical, text);
		assert_int_equal(len, strlen(text));
		assert_int_equal(strchr(text, '/') == NULL,
				 canonical.len == addr_bits(canonical.addr.family));
		assert_int_equal(strncmp(text, rows[i].canonical, strlen(text)), 0);
		last = prefix_last(&prefix);
		addr_format(&last, text);
		assert_string_equal(text, rows[i].last);
		assert_true(prefix_contains(&prefix, &last));
		assert_true(prefix_covers(&canonical, &prefix));
	}
}

static void test_moments_need_an_offset(void **state)
{
	static const struct {
		const char *text;
		enum moment_error error;
		int64_t s;
	} rows[] = {
		{"2009-10-01T00:00:00+09:00", MOMENT_OK, 1254322800},
		{"2009-10-01 00:00:00+09:00", MOMENT_OK, 1254322800},
		{"2009-09-30T15:00:00Z", MOMENT_OK, 1254322800},
		{"2009-09-30T10:30:00-04:30", MOMENT_OK, 1254322800},
		{"1970-01-01T00:00:00Z", MOMENT_OK, 0},
		{"2024-02-29T12:00:00Z", MOMENT_OK, 1709208000},
		{"9999-12-31T23:59:59Z", MOMENT_OK, 253402300799},
		{"2009-10-01T00:00:00", MOMENT_NO_OFFSET, 0},
		{"2009-10-01", MOMENT_BAD_FORM, 0},
		{"2009-10-01T00:00+09:00", MOMENT_BAD_FORM, 0},
		{"2009-10-01T00:00:00+0900", MOMENT_BAD_OFFSET, 0},
		{"2009-10-01T00:00:00+09", MOMENT_BAD_OFFSET, 0},
		{"2009-10-01T00:00:00 JST", MOMENT_BAD_OFFSET, 0},
		{"2009-10-01T00:00:00.5Z", MOMENT_FRACTION, 0},
		{"2009-10-01T00:00:00Zx", MOMENT_TRAILING, 0},
		{"2023-02-29T00:00:00Z", MOMENT_OUT_OF_RANGE, 0},
		{"2023-13-01T00:00:00Z", MOMENT_OUT_OF_RANGE, 0},
		{"2023-12-01T24:00:00Z", MOMENT_OUT_OF_RANGE, 0},
		{"2016-12-31T23:59:60Z", MOMENT_OUT_OF_RANGE, 0},
		{"1969-12-31T23:59:59Z", MOMENT_OUT_OF_RANGE, 0},
		{"", MOMENT_BAD_FORM, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct moment moment = {.s = -7};

		assert_int_equal(moment_parse(rows[i].text, strlen(rows[i].text), &moment, NULL),
				 rows[i].error);
		assert_int_equal(moment.s, rows[i].error == MOMENT_OK ? rows[i].s : -7);
	}
}

/* The C library's calendar is the oracle. */
static void test_moments_print_like_the_c_library(void **state)
{
	(void)state;
	for (int64_t s = -2000000000; s < INT64_C(250000000000); s += 86399 * 97) {
		time_t t = (time_t)s;
		struct tm tm;
		char expected[MOMENT_TEXT_MAX], got[MOMENT_TEXT_MAX];
		struct moment back;

		gmtime_r(&t, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		moment_format(s, 0, got);
		assert_string_equal(got, expected);
		moment_format(s, 34200, got);
		if (s >= 0) {
			assert_int_equal(moment_parse(got, strlen(got), &back, NULL), MOMENT_OK);
			assert_int_equal(back.s, s);
			assert_int_equal(back.offset_s, 34200);
		}
	}
}

static void test_eve_timestamps(void **state)
{
	char text[MOMENT_TEXT_MAX];

	(void)state;
	moment_format_eve(INT64_C(1767193200123456789), 32400, text);
	assert_string_equal(text, "2026-01-01T00:00:00.123456+0900");
	moment_format_eve(-1, 0, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999+0000");
	moment_format_eve(0, -12600, text);
	assert_string_equal(text, "1969-12-31T20:30:00.000000-0330");
	moment_format_eve_us(INT64_C(1767193200123456), 32400, text);
	assert_string_equal(text, "2026-01-01T00:00:00.123456+0900");
	moment_format_eve_us(INT64_C(253402128000000001), 0, text);
	assert_string_equal(text, "9999-12-30T00:00:00.000001+0000");
	moment_format_eve_us(-1, 0, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999+0000");
	moment_format_eve(INT64_MAX, 0, text);
	moment_format_eve(INT64_MIN, 0, text);
	moment_format_eve_us(INT64_MAX, 0, text);
	moment_format_eve_us(INT64_MIN, 0, text);
	moment_format(INT64_MAX, 50400, text);
	moment_format(INT64_MIN, -50400, text);
}

static void test_numbers_are_strict(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "01", "0x10", "1e3", "1.0", "ten"};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(number_parse(bad[i], strlen(bad[i]), 0, UINT64_MAX, &value),
				 NUMBER_NOT_A_NUMBER);
	assert_int_equal(number_parse("18446744073709551616", 20, 0, UINT64_MAX, &value),
			 NUMBER_OUT_OF_RANGE);
	assert_int_equal(number_parse("5", 1, 6, 9, &value), NUMBER_OUT_OF_RANGE);
	assert_int_equal(value, 7);
	assert_int_equal(number_parse("18446744073709551615", 20, 0, UINT64_MAX, &value), NUMBER_OK);
	assert_true(value == UINT64_MAX);
}

static void test_suggestions(void **state)
{
	static const char *const words[] = {"prefix", "file", "enforce_from", "monitor_from", "action"};

	(void)state;
	assert_string_equal(suggest_nearest("prefx", 5, words, COUNT(words)), "prefix");
	assert_string_equal(suggest_nearest("perfix", 6, words, COUNT(words)), "prefix");
	assert_string_equal(suggest_nearest("Enforce_From", 12, words, COUNT(words)), "enforce_from");
	assert_null(suggest_nearest("banana", 6, words, COUNT(words)));
	assert_null(suggest_nearest("", 0, words, COUNT(words)));
}

static void test_json_strings_are_always_valid(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *json;
	} rows[] = {
		{"plain", 5, "\"plain\""},
		{"q\"b\\", 4, "\"q\\\"b\\\\\""},
		{"\n\x1b\x7f", 3, "\"\\u000a\\u001b\\u007f\""},
		{"\xe6\x97\xa5", 3, "\"\xe6\x97\xa5\""},
		{"\xe6\x97", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\0", 1, "\"\\u0000\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char memory[64], printed[64] = "";
		struct out out = out_over(memory, sizeof(memory));
		FILE *stream = fmemopen(printed, sizeof(printed), "w");

		assert_non_null(stream);
		out_json_string_to(stream, rows[i].text, rows[i].len);
		fclose(stream);
		assert_string_equal(printed, rows[i].json);
		out_json_string(&out, rows[i].text, rows[i].len);
		assert_false(out.overflow);
		assert_int_equal(out_len(&out), strlen(rows[i].json));
		assert_memory_equal(memory, rows[i].json, out_len(&out));
	}
}

static void test_out_never_writes_beyond_its_end(void **state)
{
	char memory[8] = "-------";
	struct out out = out_over(memory, 4);

	(void)state;
	out_text(&out, "abc");
	out_u64(&out, 10);
	assert_true(out.overflow);
	out_char(&out, 'x');
	assert_int_equal(out_len(&out), 3);
	assert_string_equal(memory, "abc----");
}

static void test_cursor_fails_for_good(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_u16(&cursor), 0x0102);
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_true(cursor.failed);
	assert_int_equal(cursor_u8(&cursor), 0);
}

static void test_interface_patterns(void **state)
{
	(void)state;
	assert_true(ifpattern_valid("ppp*", 4));
	assert_true(ifpattern_valid("eth0.100", 8));
	assert_false(ifpattern_valid("*", 1));
	assert_false(ifpattern_valid("p*p", 3));
	assert_false(ifpattern_valid("", 0));
	assert_false(ifpattern_valid("sixteen-bytes-xx", 16));
	assert_false(ifpattern_valid("a b", 3));
	assert_true(ifpattern_matches("ppp*", "ppp"));
	assert_true(ifpattern_matches("ppp*", "ppp12"));
	assert_false(ifpattern_matches("ppp", "ppp1"));
	assert_false(ifpattern_matches("ppp1", "ppp"));
	assert_true(ifpattern_overlap("ppp*", "ppp1"));
	assert_true(ifpattern_overlap("p*", "ppp*"));
	assert_false(ifpattern_overlap("ppp1", "ppp1*x"));
	assert_false(ifpattern_overlap("eth0", "eth1"));
	assert_true(ifpattern_overlap("eth0", "eth0"));
}

static void test_an_error_takes_the_room_of_a_warning(void **state)
{
	struct diag_list list = {0};
	struct diag_place place = {.file = "f.ini"};

	(void)state;
	for (unsigned i = 0; i < DIAG_KEEP_MAX + 5; i++)
		diag_add(&list, DIAG_WARNING, &place, NULL, "warning %u", i);
	diag_add(&list, DIAG_ERROR, &place, NULL, "the error");
	assert_int_equal(list.count, DIAG_KEEP_MAX);
	assert_int_equal(list.errors, 1);
	assert_int_equal(list.warnings, DIAG_KEEP_MAX + 5);
	assert_int_equal(list.kept_warnings, DIAG_KEEP_MAX - 1);
	assert_string_equal(list.items[0].message, "warning 0");
	assert_string_equal(list.items[DIAG_KEEP_MAX - 1].message, "the error");
	for (unsigned i = 0; i < DIAG_KEEP_MAX; i++)
		diag_add(&list, DIAG_ERROR, &place, NULL, "error %u", i);
	assert_int_equal(list.kept_warnings, 0);
	assert_string_equal(list.items[0].message, "the error");
	diag_list_free(&list);
}

static void test_the_first_and_last_dates_print_as_they_were_read(void **state)
{
	static const char *const texts[] = {"1970-01-01T00:00:00+23:59", "1970-01-01T00:00:00-23:59",
					    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct moment moment;
		char text[MOMENT_TEXT_MAX];

		assert_int_equal(moment_parse(texts[i], strlen(texts[i]), &moment, NULL), MOMENT_OK);
		moment_format(moment.s, moment.offset_s, text);
		assert_string_equal(text, texts[i]);
	}
}

static void test_diagnostics_are_counted_beyond_what_is_kept(void **state)
{
	struct diag_list list = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (uint32_t line = 300; line > 0; line--) {
		struct diag_place place = {.file = "f.ini",
					   .line = line,
					   .column = 5,
					   .width = 3,
					   .text = "key\t= v\x1b",
					   .text_len = 8};

		diag_add(&list, DIAG_ERROR, &place, "do that", "wrong %u", line);
	}
	assert_int_equal(list.errors, 300);
	assert_int_equal(list.count, DIAG_KEEP_MAX);
	diag_sort(&list);
	assert_int_equal(list.items[0].line, 101);
	diag_print(&list, out);
	fclose(out);
	assert_memory_equal(text, "f.ini:101:5: error: wrong 101\n    key = v?\n        ^~~\n  do that\n",
			    65);
	assert_non_null(strstr(text, "100 more findings not shown\n"));
	free(text);
	diag_list_free(&list);
}

/* Names and arguments of others are shown in one line, and drive no terminal. */
static void test_diagnostics_escape_what_drives_a_terminal(void **state)
{
	struct diag_list list = {0};
	struct diag_place place = {.file = "\x1b[2J\nf.ini"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	diag_add(&list, DIAG_ERROR, &place, "say \xe2\x80\xae or \xff", "no \"%s\"",
		 "\xc2\x9b\xe6\x9d\xb1\x07");
	diag_print(&list, out);
	fclose(out);
	assert_string_equal(text, "\\x1b[2J\\x0af.ini: error: no \"\\u009b\xe6\x9d\xb1\\x07\"\n"
				  "  say \\u202e or \\xff\n");
	free(text);
	diag_list_free(&list);
}

static void test_siphash_depends_on_key_and_every_word(void **state)
{
	const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)},
				 other = {1, 2};
	uint64_t words[] = {1, 2, 3};
	uint64_t hash = siphash_words(&key, words, 3);

	(void)state;
	assert_true(hash != siphash_words(&other, words, 3));
	assert_true(hash != siphash_words(&key, words, 2));
	for (size_t i = 0; i < 3; i++) {
		words[i] ^= UINT64_C(1) << 63;
		assert_true(hash != siphash_words(&key, words, 3));
		words[i] ^= UINT64_C(1) << 63;
	}
}

static void test_vec_grows_and_refuses_overflow(void **state)
{
	uint64_t *items = NULL;
	size_t capacity = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_true(VEC_RESERVE(items, capacity, i + 1));
		items[i] = i;
	}
	assert_false(VEC_RESERVE(items, capacity, SIZE_MAX / 4));
	assert_int_equal(items[999], 999);
	free(items);
}

static void test_positions_carry_over(void **state)
{
	const struct position first = {0, 0}, last = {UINT64_MAX, UINT64_MAX}, edge = {7, UINT64_MAX},
			      behind = {8, 0};

	(void)state;
	assert_true(position_equal(position_next(edge), behind));
	assert_true(position_equal(position_previous(behind), edge));
	assert_true(position_equal(position_next(last), first));
	assert_true(position_equal(position_previous(first), last));
	assert_true(position_before(edge, behind) && !position_before(behind, edge));
	assert_false(position_before(edge, edge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_positions_carry_over),
		cmocka_unit_test(test_addresses_read_and_print),
		cmocka_unit_test(test_bad_addresses_are_refused),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_moments_need_an_offset),
		cmocka_unit_test(test_moments_print_like_the_c_library),
		cmocka_unit_test(test_eve_timestamps),
		cmocka_unit_test(test_numbers_are_strict),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_json_strings_are_always_valid),
		cmocka_unit_test(test_out_never_writes_beyond_its_end),
		cmocka_unit_test(test_cursor_fails_for_good),
		cmocka_unit_test(test_interface_patterns),
		cmocka_unit_test(test_an_error_takes_the_room_of_a_warning),
		cmocka_unit_test(test_the_first_and_last_dates_print_as_they_were_read),
		cmocka_unit_test(test_diagnostics_are_counted_beyond_what_is_kept),
		cmocka_unit_test(test_diagnostics_escape_what_drives_a_terminal),
		cmocka_unit_test(test_siphash_depends_on_key_and_every_word),
		cmocka_unit_test(test_vec_grows_and_refuses_overflow),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
