/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations: which packets a line counts, when it holds, and what is said of lines that are wrong. */
#include "expect/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { T0_S = 1767225600 }; /* 2026-01-01T00:00:00Z */

static int read_text(const char *text, struct diag_list *diags, struct expect **ret)
{
	char *copy = strdup(text);
	FILE *file = fmemopen(copy, strlen(copy), "r");
	int r;

	assert_int_equal(expect_new(ret), 0);
	r = expect_read(*ret, file, "file", diags);
	fclose(file);
	free(copy);
	return r;
}

struct seen {
	const char *source; /* NULL: none */
	enum verdict verdict, would;
	enum reason reason;
	bool attempt, port25;
	int64_t at_s;
	uint64_t number;
	bool made;
};

/* Six packets that all cases below speak of. */
static const struct seen run[] = {
	{"10.1.0.1", VERDICT_DROP, VERDICT_DROP, REASON_POOL_ENFORCE, true, true, 0, 1, true},
	{"10.1.0.1", VERDICT_DROP, VERDICT_DROP, REASON_POOL_ENFORCE, true, true, 10, 2, true},
	{"10.1.0.1", VERDICT_DROP, VERDICT_DROP, REASON_MALFORMED_TCP, false, true, 20, 3, false},
	{"10.1.0.2", VERDICT_ACCEPT, VERDICT_DROP, REASON_POOL_MONITOR, true, true, 30, 4, false},
	{"10.1.0.25", VERDICT_ACCEPT, VERDICT_ACCEPT, REASON_RELAY, true, true, 40, 5, false},
	{"10.1.0.3", VERDICT_ACCEPT, VERDICT_ACCEPT, REASON_NOT_TCP25, false, false, 50, 6, false},
	{"2001:db8::1:1", VERDICT_RESET, VERDICT_RESET, REASON_POOL_ENFORCE, true, true, 60, 7, false},
	{NULL, VERDICT_DROP, VERDICT_DROP, REASON_MALFORMED_IP, false, false, 70, 8, false},
};

static struct expect_fact fact_of(const struct seen *seen, struct packet *packet, struct decision *decision)
{
	*packet = (struct packet){.has_ports = seen->port25, .dport = seen->port25 ? 25 : 0};
	if (seen->source) {
		assert_int_equal(addr_parse(seen->source, strlen(seen->source), &packet->src), ADDR_OK);
		packet->family = packet->src.family;
	}
	*decision = (struct decision){.verdict = seen->verdict,
				      .would = seen->would,
				      .reason = seen->reason,
				      .attempt = seen->attempt,
				      .subscriber_len = packet->family == ADDR_IP4 ? 32 : 56};
	return (struct expect_fact){.packet = packet,
				    .decision = decision,
				    .time_ns = (T0_S + seen->at_s) * NSEC_PER_SEC,
				    .file = "capture",
				    .number = seen->number,
				    .made = seen->made};
}

static void observe_run(struct expect *expect)
{
	for (size_t i = 0; i < COUNT(run); i++) {
		struct packet packet;
		struct decision decision;
		struct expect_fact fact = fact_of(&run[i], &packet, &decision);

		assert_int_equal(expect_observe(expect, &fact), 0);
	}
}

static void test_what_lines_hold(void **state)
{
	static const struct {
		const char *line;
		bool holds;
	} rows[] = {
		{"10.1.0.1 blocked", true},
		{"10.1.0.1 blocked pool-enforce", true},
		{"10.1.0.1 blocked pool-enforce exactly 2 attempts", true},
		{"10.1.0.1 blocked pool-enforce exactly 3 attempts", false},
		{"10.1.0.1 blocked exactly 3 packets", true},
		{"10.1.0.1 blocked exactly 2 attempts", true},
		{"10.1.0.1 blocked at least 2 attempts", true},
		{"10.1.0.1 blocked at least 3 attempts", false},
		{"10.1.0.1 blocked at most 2 attempts", true},
		{"10.1.0.1 blocked at most 1 attempt", false},
		{"10.1.0.1 blocked unlisted-drop", false},
		{"10.1.0.1 never allowed", true},
		{"10.1.0.1 never blocked", false},
		{"10.1.0.1 never blocked unlisted-drop", true},
		{"10.1.0.1 blocked at 2026-01-01T00:00:10Z exactly 1 attempt", true},
		{"10.1.0.1 blocked at 2026-01-01T00:00:11Z", false},
		{"10.1.0.1 blocked from 2026-01-01T00:00:10Z exactly 2 packets", true},
		{"10.1.0.1 blocked until 2026-01-01T00:00:10Z exactly 1 packet", true},
		{"10.1.0.1 never blocked between 2026-01-01T00:00:11Z and 2026-01-01T00:00:20Z", true},
		{"10.1.0.1 never blocked between 2026-01-01T00:00:11Z and 2026-01-01T00:00:21Z", false},
		{"10.1.0.2 monitored pool-monitor", true},
		{"10.1.0.2 allowed", false},
		{"10.1.0.2 blocked", false},
		{"10.1.0.25 allowed relay", true},
		{"10.1.0.0/30 blocked exactly 2 attempts", true},
		{"10.1.0.0/16 monitored exactly 1 packet", true},
		{"10.1.0.3 allowed", false}, /* what is not to port 25 is spoken of by its reason alone */
		{"10.1.0.3 allowed not-tcp25", true},
		{"2001:db8::/56 blocked", true},
		{"2001:db8:0:100::/56 blocked", false},
		{"unknown blocked malformed-ip", true},
		{"unknown never blocked", false},
		{"others blocked exactly 3 attempts", true},
		{"others never monitored", false},
		{"10.9.0.1 never blocked", true},
		{"10.9.0.1 blocked exactly 0 attempts", true},
		{"10.9.0.1 blocked", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag_list diags = {0};
		struct expect *expect = NULL;

		assert_int_equal(read_text(rows[i].line, &diags, &expect), 0);
		observe_run(expect);
		if (expect_holds(expect_at(expect, 0)) != rows[i].holds)
			fail_msg("%s: %s", rows[i].line, rows[i].holds ? "does not hold" : "holds");
		expect_free(expect);
	}
}

static void test_others_are_whom_no_line_names(void **state)
{
	struct diag_list diags = {0};
	struct expect *expect = NULL;

	assert_int_equal(read_text("10.1.0.0/24 blocked\n2001:db8::1:1 blocked\nothers never blocked\n",
				   &diags, &expect),
			 0);
	observe_run(expect);
	for (size_t i = 0; i < 3; i++)
		assert_true(expect_holds(expect_at(expect, i)));
	expect_free(expect);
}

static void test_outcomes_of_made_packets(void **state)
{
	static const struct {
		const char *text;
		uint64_t first, last;
		bool holds;
	} rows[] = {
		{"=> blocked", 1, 2, true},
		{"=> blocked pool-enforce", 1, 1, true},
		{"=> blocked unlisted-drop", 1, 1, false},
		{"=> never blocked", 1, 2, false},
		{"=> never allowed", 1, 2, true},
		{"=> blocked", 3, 3, false}, /* that is of a capture */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag_list diags = {0};
		struct expect *expect = NULL;
		struct line line = line_over("lines", 1, rows[i].text, strlen(rows[i].text), &diags);

		assert_int_equal(expect_new(&expect), 0);
		assert_true(line_next(&line));
		assert_int_equal(expect_read_outcome(expect, &line, rows[i].first, rows[i].last), 0);
		observe_run(expect);
		if (expect_holds(expect_at(expect, 0)) != rows[i].holds)
			fail_msg("%s of %d to %d", rows[i].text, (int)rows[i].first, (int)rows[i].last);
		expect_free(expect);
	}
}

static void test_findings_tell_what_was_there_instead(void **state)
{
	struct diag_list diags = {0};
	struct expect *expect = NULL;
	char text[512];

	assert_int_equal(read_text("10.1.0.1 blocked pool-enforce exactly 1 attempt\n10.1.0.2 blocked\n",
				   &diags, &expect),
			 0);
	observe_run(expect);
	expect_finding(expect_at(expect, 0), text, sizeof(text));
	assert_string_equal(text, "2 attempts blocked (pool-enforce), the first packet 1 of capture, "
				  "2026-01-01T00:00:00.000000+0000 from 10.1.0.1; 1 blocked (pool-enforce)");
	expect_finding(expect_at(expect, 1), text, sizeof(text));
	assert_string_equal(text, "0 packets blocked; 1 monitored (pool-monitor)");
	expect_free(expect);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *line, *message, *hint;
		uint32_t column;
	} rows[] = {
		{"10.1.0.1/16 blocked", "bits behind its length", "10.1.0.0/16", 1},
		{"other never blocked", "whose packets?", "\"others\"", 1},
		{"10.1.0.1", "the line ends where an outcome should stand", "blocked", 9},
		{"10.1.0.1 bloked", "\"bloked\" is not an outcome", "did you mean \"blocked\"?", 10},
		{"10.1.0.1 never", "the line ends", "blocked", 15},
		{"10.1.0.1 blocked pol-enforce", "is not a reason", "\"pool-enforce\"", 18},
		{"10.1.0.1 blocked pool-enforce pool-enforce", "is not a reason", NULL, 31},
		{"10.1.0.1 never blocked exactly 3 attempts", "is a number already", "leave the number out",
		 24},
		{"10.1.0.1 blocked exactly three attempts", "no number", "from 0 to", 26},
		{"10.1.0.1 blocked exactly 3 atempts", "\"atempts\" is not", "\"attempts\"", 28},
		{"10.1.0.1 blocked at least 1 packet at most 3 packets", "a second number", "two lines", 39},
		{"10.1.0.1 blocked at noon", "the date: ", "2026-10-01T00:00:00+09:00", 21},
		{"10.1.0.1 blocked between 2026-01-01T00:00:00Z 2026-01-02T00:00:00Z", "no \"and\"",
		 "DATE and DATE", 47},
		{"10.1.0.1 blocked between 2026-01-02T00:00:00Z and 2026-01-01T00:00:00Z", "not behind",
		 "exchange", 51},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag_list diags = {0};
		struct expect *expect = NULL;

		assert_int_equal(read_text(rows[i].line, &diags, &expect), -EINVAL);
		assert_int_equal(diags.count, 1);
		if (!strstr(diags.items[0].message, rows[i].message) ||
		    diags.items[0].column != rows[i].column ||
		    (rows[i].hint && !strstr(diags.items[0].hint, rows[i].hint)))
			fail_msg("%s: column %u: %s (%s)", rows[i].line, diags.items[0].column,
				 diags.items[0].message, diags.items[0].hint);
		assert_int_equal(expect_count(expect), 0);
		expect_free(expect);
		diag_list_free(&diags);
	}
}

/* Two records of the same packets, once forwards and once backwards, are the same text; and all of it holds. */
static void test_a_record_holds(void **state)
{
	char *texts[2] = {0};

	for (size_t turn = 0; turn < 2; turn++) {
		struct expect_record *record = NULL;
		size_t len;
		FILE *out = open_memstream(&texts[turn], &len);

		assert_int_equal(expect_record_new(&record), 0);
		for (size_t i = 0; i < COUNT(run); i++) {
			struct packet packet;
			struct decision decision;
			struct expect_fact fact =
				fact_of(&run[turn ? COUNT(run) - 1 - i : i], &packet, &decision);

			assert_int_equal(expect_record_add(record, &fact), 0);
		}
		assert_int_equal(expect_record_write(record, out), 0);
		fclose(out);
		expect_record_free(record);
	}
	assert_string_equal(texts[0], texts[1]);
	assert_non_null(strstr(texts[0], "\n10.1.0.1             blocked pool-enforce exactly 2 attempts\n"));
	assert_non_null(strstr(texts[0], "\n2001:db8::/56        blocked pool-enforce exactly 1 attempts\n"));
	{
		struct diag_list diags = {0};
		struct expect *expect = NULL;

		assert_int_equal(read_text(texts[0], &diags, &expect), 0);
		assert_int_equal(expect_count(expect), 8);
		observe_run(expect);
		for (size_t i = 0; i < expect_count(expect); i++)
			assert_true(expect_holds(expect_at(expect, i)));
		expect_free(expect);
	}
	free(texts[0]);
	free(texts[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_lines_hold),
		cmocka_unit_test(test_others_are_whom_no_line_names),
		cmocka_unit_test(test_outcomes_of_made_packets),
		cmocka_unit_test(test_findings_tell_what_was_there_instead),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_a_record_holds),
	};

	return cmocka_run_group_tests_name("expect", tests, NULL, NULL);
}
