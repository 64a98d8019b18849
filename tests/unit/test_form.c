/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in the forms of syslog and journald. */
#include "event_log.h"

#include "event/form.h"

static char told[EVENT_FORMS][EVENT_FORM_MAX + 1];
static unsigned counts[EVENT_FORMS];

static void take_form(void *context, enum event_form form, const char *message, size_t len)
{
	(void)context;
	assert_in_range(len, 1, EVENT_FORM_MAX);
	memcpy(told[form], message, len);
	told[form][len] = '\0';
	counts[form]++;
}

static void ignore_line(void *context, const char *line, size_t len)
{
	(void)context;
	assert_true(len > 0 && line[len - 1] == '\n');
}

static struct log *log_with_forms(const char *host)
{
	struct log *log = calloc(1, sizeof(*log));
	struct event_config config;

	assert_non_null(log);
	memset(counts, 0, sizeof(counts));
	config = config_for(log, 10);
	config.host = host;
	config.emit = ignore_line;
	config.emit_form = take_form;
	assert_int_equal(event_collector_new(&config, &log->collector), 0);
	return log;
}

static void test_none_unless_asked_for(void **state)
{
	struct log *log = log_with_forms("gw1");

	(void)state;
	observe(log, syn(0, ALICE, MX));
	assert_int_equal(counts[EVENT_FORM_SYSLOG] + counts[EVENT_FORM_JOURNAL], 0);
	event_collector_set_forms(log->collector, 1U << EVENT_FORM_JOURNAL);
	observe(log, syn(0, BOB, MX));
	assert_int_equal(counts[EVENT_FORM_SYSLOG], 0);
	assert_int_equal(counts[EVENT_FORM_JOURNAL], 1);
	event_collector_set_forms(log->collector, 0);
	observe(log, syn(0, BOB + 1, MX));
	assert_int_equal(counts[EVENT_FORM_JOURNAL], 1);
	log_free(log);
}

static void test_a_record_in_both(void **state)
{
	struct log *log = log_with_forms("gw1");

	(void)state;
	event_collector_set_forms(log->collector, 1U << EVENT_FORM_SYSLOG | 1U << EVENT_FORM_JOURNAL);
	observe(log, syn(0, ALICE, MX));
	assert_string_equal(
		told[EVENT_FORM_SYSLOG],
		"<29>1 2026-01-01T00:00:00.123456+09:00 gw1 op25bd - first [op25b@32473 event_type=\"drop\" "
		"in_iface=\"ppp0\" src_ip=\"192.0.2.1\" src_port=\"40000\" dest_ip=\"198.51.100.1\" dest_port=\"25\" "
		"ip_v=\"4\" proto=\"TCP\" direction=\"to_server\" schema=\"1\" boot_id=\"b1\" seq=\"0\" kind=\"first\" "
		"subscriber=\"192.0.2.1\" pool=\"homes\" rule=\"homes\" rule_kind=\"pool\" reason=\"pool-enforce\" "
		"verdict=\"drop\" monitored=\"false\" attempts=\"1\" packets=\"1\" packets_blocked=\"1\" "
		"first_seen=\"2026-01-01T00:00:00.123456+0900\" last_seen=\"2026-01-01T00:00:00.123456+0900\" "
		"window_s=\"300\" distinct_destinations=\"1\" distinct_destinations_exact=\"true\" policy=\"0123abcd\"] "
		"port 25 blocked for 192.0.2.1: 1 packet, 1 attempt, 1 destination, pool-enforce");
	assert_true(
		has(told[EVENT_FORM_JOURNAL],
		    "PRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=op25bd\n"
		    "OP25B_TIMESTAMP=2026-01-01T00:00:00.123456+0900\nOP25B_EVENT_TYPE=drop\nOP25B_HOST=gw1\n"
		    "OP25B_IN_IFACE=ppp0\nOP25B_SRC_IP=192.0.2.1\n"));
	assert_true(has(
		told[EVENT_FORM_JOURNAL],
		"\nOP25B_POLICY=0123abcd\n"
		"MESSAGE=port 25 blocked for 192.0.2.1: 1 packet, 1 attempt, 1 destination, pool-enforce\n"));
	log_free(log);
}

static void test_other_sentences(void **state)
{
	struct log *log = log_with_forms("gw1");
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	event_collector_set_forms(log->collector, 1U << EVENT_FORM_SYSLOG);
	fact.src = addr_ip6(UINT64_C(0x20010db8000101ff), 1);
	fact.dst = addr_ip6(UINT64_C(0x20010db800ff0000), 1);
	fact.subscriber_len = 56;
	fact.monitored = true;
	observe(log, fact);
	assert_true(has(told[EVENT_FORM_SYSLOG], "<30>1 "));
	assert_true(has(told[EVENT_FORM_SYSLOG],
			"] port 25 would be blocked for 2001:db8:1:100::/56: 1 packet, "));
	fact = syn(0, ALICE, MX);
	fact.many.packets = 7;
	fact.many.attempts = 5;
	observe(log, fact);
	event_flush(log->collector, T0);
	assert_true(has(told[EVENT_FORM_SYSLOG], " op25bd - overflow ["));
	assert_true(has(told[EVENT_FORM_SYSLOG],
			"] port 25 blocked for unknown subscribers: 7 packets, 5 attempts, pool-enforce"));
	log_free(log);
}

/* They stand in the record's line only. */
static void test_lists_and_sketches_are_left_out(void **state)
{
	struct log *log = log_with_forms("gw1");

	(void)state;
	event_collector_set_forms(log->collector, 3);
	for (uint32_t i = 0; i < 200; i++)
		observe(log, syn(0, ALICE, MX + i % 100));
	event_flush(log->collector, T0);
	for (unsigned form = 0; form < EVENT_FORMS; form++) {
		assert_null(strcasestr(told[form], "destinations_sketch"));
		assert_true(has(told[form], "99 destinations") || has(told[form], "destinations,"));
	}
	log_free(log);
}

static void test_notices(void **state)
{
	struct log *log = log_with_forms("gw1");
	struct event_notice notice = {
		.kind = EVENT_NOTICE_FAILED_OPEN,
		.state = EVENT_NOTICE_END,
		.time_ns = T0,
		.first_ns = T0,
		.last_ns = T0,
		.open = true,
		.has_packets = true,
		.packets = 12,
		.digest = "d",
		.message = "a full queue\nand a ] in it",
	};

	(void)state;
	event_collector_set_forms(log->collector, 3);
	event_notice(log->collector, &notice);
	assert_true(has(told[EVENT_FORM_SYSLOG],
			"<28>1 2026-01-01T00:00:00.123456+09:00 gw1 op25bd - failed-open [op25b@32473 "));
	assert_true(has(told[EVENT_FORM_SYSLOG], " kind=\"failed-open\" state=\"end\" fail=\"open\" "));
	assert_true(has(told[EVENT_FORM_SYSLOG], "] a full queue?and a ] in it"));
	assert_true(has(told[EVENT_FORM_JOURNAL], "\nOP25B_UNJUDGED=12\n"));
	assert_true(has(told[EVENT_FORM_JOURNAL], "\nMESSAGE=a full queue?and a ] in it\n"));
	log_free(log);
}

/* Nothing that a name says ends a field, a message, or the structured data. */
static void test_hostile_names(void **state)
{
	struct log *log = log_with_forms("g w\n1");
	struct event_fact fact = syn(0, ALICE, MX);
	const char *at;

	(void)state;
	event_collector_set_forms(log->collector, 3);
	fact.names.pool = "a]\"b\\c\nMESSAGE=x";
	observe(log, fact);
	assert_true(has(told[EVENT_FORM_SYSLOG], " g?w?1 op25bd "));
	assert_true(has(told[EVENT_FORM_SYSLOG], " pool=\"a\\]\\\"b\\\\c\\\\u000aMESSAGE=x\" "));
	assert_true(has(told[EVENT_FORM_JOURNAL], "\nOP25B_POOL=a]\"b\\c\\u000aMESSAGE=x\n"));
	for (at = told[EVENT_FORM_SYSLOG]; *at; at++)
		assert_true((unsigned char)*at >= ' ');
	at = strstr(told[EVENT_FORM_JOURNAL], "\nMESSAGE=");
	assert_non_null(at);
	assert_null(strstr(at + 1, "\nMESSAGE="));
	log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_unless_asked_for),
		cmocka_unit_test(test_a_record_in_both),
		cmocka_unit_test(test_other_sentences),
		cmocka_unit_test(test_lists_and_sketches_are_left_out),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
