/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strict reader of JSON: what is none is refused, wherever it ends, and texts mean what RFC 8259 says. */
#include "base/json.h"
#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of its own size, so that a byte read beyond it is found. */
static bool is_json(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct json json;
	bool is;

	assert_non_null(copy);
	memcpy(copy, text, len);
	json = json_over(copy, len);
	is = json_skip(&json, 0) && json_end(&json);
	assert_true(is == (json.why == NULL));
	assert_true(json.at >= json.begin && json.at <= json.end);
	free(copy);
	return is;
}

static void test_values(void **state)
{
	static const char *const good[] = {
		"0",
		"-0",
		"12",
		"-1.5e+10",
		"1E2",
		"0.25",
		"true",
		"false",
		"null",
		"\"\"",
		"{}",
		"[]",
		" [ ] ",
		"{\"a\":1}",
		"{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}",
		"[[],{},[{}]]",
		"\t[1,\r\n2]",
		"\"\\u00e9\\n\\/\"",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
		"\"\\ud83d\\ude00\"",
		"\"long enough for whole words of bytes\"",
	};
	static const char *const bad[] = {
		"",
		" ",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"+1",
		"1x",
		"tru",
		"True",
		"nul",
		"\"",
		"\"a",
		"{",
		"[",
		"[1",
		"[1,",
		"[1,]",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{a:1}",
		"{1:1}",
		"{\"a\" 1}",
		"[1 2]",
		"[}",
		"{]",
		"1 2",
		"{} x",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\\ud83d\"",
		"\"\\ude00\"",
		"\"\\ud83d\\u0041\"",
		"\"\\u0000\"",
		"\"a\tb\"",
		"\"eight by\x01tes\"",
		"\"\xc3\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf5\x80\x80\x80\"",
		"\"\xff\"",
		"\"\\\"",
		"NaN",
		"'a'",
		"[1]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!is_json(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (is_json(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	}
	assert_false(is_json("1\0", 2));
	assert_false(is_json("\"a\0b\"", 5));
	assert_false(is_json("\0", 1));
}

static void test_every_half_is_refused(void **state)
{
	static const char text[] = "{\"a\":[1.5e3,true,null,\"\\u00e9\xc3\xa9\"],\"b\":{\"c\":false}}";

	(void)state;
	assert_true(is_json(text, sizeof(text) - 1));
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_false(is_json(text, len));
}

static void test_nesting_is_bounded(void **state)
{
	enum { BOMB = 1000000 };
	char *bomb = malloc(2 * BOMB);
	char text[2 * JSON_DEPTH_MAX + 2];

	(void)state;
	assert_non_null(bomb);
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_true(is_json(text, 2 * JSON_DEPTH_MAX));
	memset(bomb, '[', BOMB);
	memset(bomb + BOMB, ']', BOMB);
	assert_false(is_json(bomb, 2 * BOMB));
	for (size_t i = 0; i < BOMB / 5; i++)
		memcpy(bomb + i * 5, "{\"a\":", 5);
	assert_false(is_json(bomb, BOMB));
	free(bomb);
}

static void assert_text(const char *written, const char *meant)
{
	struct json json = json_over(written, strlen(written));
	struct json_text text;
	char decoded[64];
	size_t len;

	assert_true(json_text(&json, &text));
	len = json_text_decode(&text, decoded);
	assert_true(len <= text.len);
	assert_int_equal(len, strlen(meant));
	assert_memory_equal(decoded, meant, len);
	assert_true(text.escaped == (strchr(written, '\\') != NULL));
}

static void test_texts(void **state)
{
	(void)state;
	assert_text("\"\"", "");
	assert_text("\"plain\"", "plain");
	assert_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	assert_text("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_text("\"a quote after eight\\\"\"", "a quote after eight\"");
}

static void test_whole_numbers(void **state)
{
	static const char *const bad[] = {
		"-1", "1.0", "1e3", "01", "\"1\"", "18446744073709551616", "99999999999999999999999",
		"",   "x"};
	struct json json = json_over("18446744073709551615 ", 21);
	uint64_t value = 7;

	(void)state;
	assert_true(json_whole(&json, UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	json = json_over("256", 3);
	assert_false(json_whole(&json, 255, &value));
	assert_true(json_whole(&json, 256, &value));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json = json_over(bad[i], strlen(bad[i]));
		if (json_whole(&json, UINT64_MAX, &value))
			fail_msg("taken: %s", bad[i]);
		assert_null(json.why);
	}
}

/* Every written form comes back to the microsecond; nothing else is taken. */
static void test_times(void **state)
{
	static const char *const bad[] = {
		"2026-01-01T00:00:00.123456Z",     "2026-01-01T00:00:00.123456+09:00",
		"2026-13-01T00:00:00.123456+0900", "2026-02-29T00:00:00.123456+0900",
		"2026-01-01T24:00:00.123456+0900", "2026-01-01T00:60:00.123456+0900",
		"2026-01-01T00:00:60.123456+0900", "2026-01-01T00:00:00.12345x+0900",
		"2026-01-01T00:00:00.123456+2400", "2026-01-01 00:00:00.123456+0900",
		"2026-01-00T00:00:00.123456+0900", "0000-01-01T00:00:00.123456+0900",
	};
	static const int32_t offsets[] = {0, 9 * 3600, -5 * 3600 - 1800, 5 * 3600 + 45 * 60};
	char text[MOMENT_TEXT_MAX];
	int64_t us = 0;

	(void)state;
	for (int64_t s = -86400 * 400; s < INT64_C(4102444800); s += 86400 * 13 + 4567) {
		int64_t ns = s * NSEC_PER_SEC + 987654000;

		assert_true(moment_parse_eve(text, moment_format_eve(ns, offsets[(s & 3)], text), &us));
		assert_true(us == ns / 1000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (moment_parse_eve(bad[i], strlen(bad[i]), &us))
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_half_is_refused),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
