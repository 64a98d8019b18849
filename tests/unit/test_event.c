/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What records look like, and when they are written. */
#include "event_log.h"

#include "event/fields.h"
#include "event/record.h"

#include <errno.h>

/* ---- whole records, byte for byte ---- */

static void test_first_record(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	event_observe(log->collector, &fact, 1);
	assert_int_equal(log->count, 1);
	assert_string_equal(
		log->lines[0],
		"{\"timestamp\":\"2026-01-01T00:00:00.123456+0900\",\"event_type\":\"drop\",\"host\":\"gw1\","
		"\"in_iface\":\"ppp0\",\"src_ip\":\"192.0.2.1\",\"src_port\":40000,\"dest_ip\":\"198.51.100.1\","
		"\"dest_port\":25,\"ip_v\":4,\"proto\":\"TCP\",\"direction\":\"to_server\","
		"\"drop\":{\"len\":60,\"tos\":8,\"ttl\":63,\"ipid\":4711,\"tcpseq\":1000,\"tcpack\":0,\"tcpwin\":64240,"
		"\"syn\":true,\"ack\":false,\"psh\":false,\"rst\":false,\"urg\":false,\"fin\":false,"
		"\"reason\":\"pool-enforce\"},"
		"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":0,\"kind\":\"first\",\"subscriber\":\"192.0.2.1\","
		"\"pool\":\"homes\",\"rule\":\"homes\",\"rule_kind\":\"pool\",\"reason\":\"pool-enforce\","
		"\"verdict\":\"drop\",\"monitored\":false,\"attempts\":1,\"packets\":1,\"packets_blocked\":1,"
		"\"first_seen\":\"2026-01-01T00:00:00.123456+0900\",\"last_seen\":\"2026-01-01T00:00:00.123456+0900\","
		"\"window_s\":300,\"distinct_destinations\":1,\"distinct_destinations_exact\":true,"
		"\"policy\":\"0123abcd\"}}\n");
	event_flush(log->collector, T0);
	assert_accounted(log);
	log_free(log);
}

static void test_summary_record(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	event_observe(log->collector, &fact, 1);
	fact = syn(1, ALICE, MX);
	event_observe(log->collector, &fact, 1); /* the same SYN once more */
	fact = syn(2, ALICE, MX + 1);
	fact.reason = REASON_TINY;
	fact.attempt = false;
	fact.sport = fact.dport = 0;
	event_observe(log->collector, &fact, 1);
	fact = syn(4, ALICE, MX + 2);
	fact.vlan_count = 2;
	fact.vlan[0] = 100;
	fact.vlan[1] = 7;
	event_observe(log->collector, &fact, 1);
	event_tick(log->collector, T0 + WINDOW_S * NSEC_PER_SEC);
	assert_int_equal(log->count, 2);
	assert_string_equal(
		log->lines[1],
		"{\"timestamp\":\"2026-01-01T00:00:04.123456+0900\",\"event_type\":\"drop\",\"host\":\"gw1\","
		"\"in_iface\":\"ppp0\",\"vlan\":[100,7],\"src_ip\":\"192.0.2.1\",\"src_port\":40000,"
		"\"dest_ip\":\"198.51.100.3\",\"dest_port\":25,\"ip_v\":4,\"proto\":\"TCP\",\"direction\":\"to_server\","
		"\"drop\":{\"len\":60,\"tos\":8,\"ttl\":63,\"ipid\":4711,\"tcpseq\":1000,\"tcpack\":0,\"tcpwin\":64240,"
		"\"syn\":true,\"ack\":false,\"psh\":false,\"rst\":false,\"urg\":false,\"fin\":false,"
		"\"reason\":\"pool-enforce\"},"
		"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":1,\"kind\":\"summary\","
		"\"subscriber\":\"192.0.2.1\",\"pool\":\"homes\",\"rule\":\"homes\",\"rule_kind\":\"pool\","
		"\"reason\":\"pool-enforce\",\"reasons\":{\"pool-enforce\":2,\"fragment-tiny\":1},"
		"\"verdict\":\"drop\",\"monitored\":false,\"attempts\":1,\"packets\":3,\"packets_blocked\":3,"
		"\"first_seen\":\"2026-01-01T00:00:01.123456+0900\",\"last_seen\":\"2026-01-01T00:00:04.123456+0900\","
		"\"window_s\":300,\"distinct_destinations\":3,\"distinct_destinations_exact\":true,"
		"\"destinations\":[\"198.51.100.1\",\"198.51.100.2\",\"198.51.100.3\"],"
		"\"policy\":\"0123abcd\"}}\n");
	event_flush(log->collector, T0);
	assert_accounted(log);
	log_free(log);
}

static void test_monitored_ip6_record_is_an_alert(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	fact.src = addr_ip6(UINT64_C(0x20010db8000101ff), 0xabcd);
	fact.dst = addr_ip6(UINT64_C(0x20010db800ff0000), 1);
	fact.subscriber_len = 56;
	fact.monitored = true;
	fact.verdict = EVENT_RESET;
	fact.in_iface[0] = '\0';
	fact.names.pool = "";
	event_observe(log->collector, &fact, 1);
	assert_string_equal(
		log->lines[0],
		"{\"timestamp\":\"2026-01-01T00:00:00.123456+0900\",\"event_type\":\"alert\",\"host\":\"gw1\","
		"\"src_ip\":\"2001:db8:1:1ff::abcd\",\"src_port\":40000,\"dest_ip\":\"2001:db8:ff::1\",\"dest_port\":25,"
		"\"ip_v\":6,\"proto\":\"TCP\",\"direction\":\"to_server\","
		"\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":2500009,\"rev\":1,"
		"\"signature\":\"op25b: outbound port 25 would be blocked\","
		"\"category\":\"Outbound Port 25 Blocking\",\"severity\":3},"
		"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":0,\"kind\":\"first\","
		"\"subscriber\":\"2001:db8:1:100::/56\",\"rule\":\"homes\",\"rule_kind\":\"pool\","
		"\"reason\":\"pool-enforce\",\"verdict\":\"reset\",\"monitored\":true,\"attempts\":1,\"packets\":1,\"packets_blocked\":0,"
		"\"first_seen\":\"2026-01-01T00:00:00.123456+0900\",\"last_seen\":\"2026-01-01T00:00:00.123456+0900\","
		"\"window_s\":300,\"distinct_destinations\":1,\"distinct_destinations_exact\":true,"
		"\"policy\":\"0123abcd\",\"packet\":{\"len\":20,\"tc\":8,\"hoplimit\":63,\"tcpseq\":1000,\"tcpack\":0,"
		"\"tcpwin\":64240,\"syn\":true,\"ack\":false,\"psh\":false,\"rst\":false,\"urg\":false,"
		"\"fin\":false}}}\n");
	log_free(log);
}

static void test_overflow_record(void **state)
{
	struct log *log = log_new(1);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	event_observe(log->collector, &fact, 1);
	for (uint32_t i = 0; i < 5; i++) {
		fact = syn(1, BOB + i, MX);
		event_observe(log->collector, &fact, 1);
	}
	assert_int_equal(log->count, 1);
	event_flush(log->collector, T0 + NSEC_PER_SEC);
	assert_int_equal(log->count, 2);
	assert_string_equal(
		log->lines[1],
		"{\"timestamp\":\"2026-01-01T00:00:01.123456+0900\",\"event_type\":\"drop\",\"host\":\"gw1\","
		"\"proto\":\"TCP\",\"direction\":\"to_server\",\"drop\":{\"reason\":\"pool-enforce\"},"
		"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":1,\"kind\":\"overflow\",\"reason\":\"pool-enforce\","
		"\"verdict\":\"drop\",\"monitored\":false,\"attempts\":5,\"packets\":5,\"packets_blocked\":5,"
		"\"first_seen\":\"2026-01-01T00:00:01.123456+0900\",\"last_seen\":\"2026-01-01T00:00:01.123456+0900\","
		"\"window_s\":300,\"policy\":\"0123abcd\"}}\n");
	assert_int_equal(stats_of(log).overflowed, 5);
	assert_accounted(log);
	log_free(log);
}

/* Nobody saw a packet, so none is shown. */
static void test_record_of_what_the_kernel_blocked(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = offloaded(0, ALICE, 70000);

	(void)state;
	event_observe(log->collector, &fact, 1);
	assert_int_equal(log->count, 0);
	event_tick(log->collector, T0 + WINDOW_S * NSEC_PER_SEC);
	assert_int_equal(log->count, 1);
	assert_string_equal(
		log->lines[0],
		"{\"timestamp\":\"2026-01-01T00:00:00.123456+0900\",\"event_type\":\"drop\",\"host\":\"gw1\","
		"\"src_ip\":\"192.0.2.1\",\"ip_v\":4,\"proto\":\"TCP\",\"direction\":\"to_server\","
		"\"drop\":{\"reason\":\"pool-enforce\"},"
		"\"op25b\":{\"schema\":1,\"boot_id\":\"b1\",\"seq\":0,\"kind\":\"summary\",\"subscriber\":\"192.0.2.1\","
		"\"pool\":\"homes\",\"rule\":\"homes\",\"rule_kind\":\"pool\",\"reason\":\"pool-enforce\","
		"\"verdict\":\"drop\",\"monitored\":false,\"attempts\":0,\"packets\":70000,\"packets_blocked\":70000,"
		"\"packets_offloaded\":70000,"
		"\"first_seen\":\"2026-01-01T00:00:00.123456+0900\",\"last_seen\":\"2026-01-01T00:00:00.123456+0900\","
		"\"window_s\":300,\"distinct_destinations\":0,\"distinct_destinations_exact\":false,"
		"\"policy\":\"0123abcd\"}}\n");
	assert_accounted(log);
	log_free(log);
}

/* A packet that somebody saw is shown rather than one that nobody saw, whichever came later. */
static void test_a_packet_seen_is_shown(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, offloaded(10, ALICE, 5));
	observe(log, syn(20, ALICE, MX + 1));
	observe(log, offloaded(30, ALICE, 6));
	event_flush(log->collector, T0 + 40 * NSEC_PER_SEC);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "{\"timestamp\":\"2026-01-01T00:00:20.123456+0900\""));
	assert_true(has(log->lines[1], "\"dest_ip\":\"198.51.100.2\""));
	assert_true(has(log->lines[1], "\"src_port\":40000"));
	assert_true(has(log->lines[1], "\"attempts\":1,\"packets\":12,\"packets_blocked\":12,"
				       "\"packets_offloaded\":11,"
				       "\"first_seen\":\"2026-01-01T00:00:10.123456+0900\","
				       "\"last_seen\":\"2026-01-01T00:00:30.123456+0900\""));
	assert_true(has(log->lines[1], "\"distinct_destinations\":1,\"distinct_destinations_exact\":false"));
	assert_accounted(log);
	log_free(log);
}

static void test_the_packet_shown_keeps_its_time(void **state)
{
	struct log *log = log_new(10);
	struct event_fact watched = syn(15, ALICE, MX + 2);

	(void)state;
	watched.monitored = true;
	watched.names.rule = "later";
	observe(log, syn(0, ALICE, MX));
	observe(log, syn(5, ALICE, MX + 1));
	observe(log, offloaded(10, ALICE, 5));
	observe(log, watched);
	event_flush(log->collector, T0 + 40 * NSEC_PER_SEC);
	assert_true(has(log->lines[1], "{\"timestamp\":\"2026-01-01T00:00:05.123456+0900\""));
	assert_int_equal(number_in(log->lines[1], "distinct_destinations"), 2);
	log_free(log);
}

static void test_the_destination_of_a_packet_not_shown_counts(void **state)
{
	struct log *log = log_new(10);
	struct event_fact watched = syn(15, ALICE, MX);

	(void)state;
	watched.monitored = true;
	observe(log, offloaded(10, ALICE, 5));
	observe(log, watched);
	event_flush(log->collector, T0 + 40 * NSEC_PER_SEC);
	assert_int_equal(log->count, 1);
	assert_false(has(log->lines[0], "dest_ip"));
	assert_int_equal(number_in(log->lines[0], "distinct_destinations"), 1);
	log_free(log);
}

/* Blocked by the kernel weighs more than let through; what was seen of the latter still counts. */
static void test_offloaded_packets_are_shown_rather_than_monitored_ones(void **state)
{
	struct log *log = log_new(10);
	struct event_fact watched = syn(1, ALICE, MX + 1);

	(void)state;
	watched.monitored = true;
	watched.names.rule = "later";
	observe(log, watched); /* the first record */
	watched.dst = addr_ip4(MX + 2);
	observe(log, watched);
	observe(log, offloaded(2, ALICE, 9));
	assert_int_equal(log->count, 1);
	watched.dst = addr_ip4(MX + 3);
	watched.time_ns += 5 * NSEC_PER_SEC;
	observe(log, watched);
	event_flush(log->collector, T0 + 40 * NSEC_PER_SEC);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1],
			"\"timestamp\":\"2026-01-01T00:00:02.123456+0900\",\"event_type\":\"drop\""));
	assert_false(has(log->lines[1], "dest_ip"));
	assert_true(has(log->lines[1],
			"\"monitored\":false,\"attempts\":2,\"packets\":11,\"packets_blocked\":9,"
			"\"packets_offloaded\":9"));
	assert_int_equal(number_in(log->lines[1], "distinct_destinations"), 2);
	assert_true(has(log->lines[1], "\"rules\":[{\"rule\":\"later\""));
	assert_accounted(log);
	log_free(log);
}

static void test_a_window_opened_by_the_kernels_count(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, offloaded(0, ALICE, 1));
	observe(log, syn(100, ALICE, MX)); /* blocked already: no first record */
	assert_int_equal(log->count, 0);
	event_tick(log->collector, T0 + WINDOW_S * NSEC_PER_SEC);
	assert_int_equal(log->count, 1);
	assert_true(has(log->lines[0], "\"kind\":\"summary\""));
	assert_int_equal(number_in(log->lines[0], "packets"), 2);
	assert_int_equal(number_in(log->lines[0], "distinct_destinations"), 1);
	event_tick(log->collector, T0 + 2 * WINDOW_S * NSEC_PER_SEC); /* a quiet one */
	assert_int_equal(stats_of(log).subscribers, 0);
	observe(log, syn(2 * WINDOW_S + 1, ALICE, MX));
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"kind\":\"first\""));
	log_free(log);
}

static void test_overflow_record_tells_of_the_kernels_count(void **state)
{
	struct log *log = log_new(1);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, offloaded(0, BOB, 5));
	observe(log, syn(0, BOB, MX));
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"kind\":\"overflow\""));
	assert_true(has(log->lines[1],
			"\"attempts\":1,\"packets\":6,\"packets_blocked\":6,\"packets_offloaded\":5,"));
	assert_accounted(log);
	log_free(log);
}

static void test_overflow_tells_apart_what_was_done_and_by_which_policy(void **state)
{
	struct log *log = log_new(1);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	event_observe(log->collector, &fact, 1);
	fact = syn(1, BOB, MX);
	event_observe(log->collector, &fact, 1);
	fact.monitored = true;
	event_observe(log->collector, &fact, 1);
	fact.monitored = false;
	fact.names.digest = "new";
	event_observe(log->collector, &fact, 1);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"policy\":\"0123abcd\""));
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 4);
	assert_true(has(log->lines[2], "\"policy\":\"new\""));
	assert_true(has(log->lines[3], "\"event_type\":\"alert\""));
	assert_accounted(log);
	log_free(log);
}

static void test_replay_names_the_capture(void **state)
{
	struct log *log = calloc(1, sizeof(*log));
	struct event_config config;
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	assert_non_null(log);
	config = config_for(log, 10);
	config.pcap_filename = "a \"b\".pcap";
	assert_int_equal(event_collector_new(&config, &log->collector), 0);
	for (fact.pcap_cnt = 7; fact.pcap_cnt < 10; fact.pcap_cnt++)
		event_observe(log->collector, &fact, 1);
	event_flush(log->collector, T0);
	assert_true(has(log->lines[0], ",\"pcap_cnt\":7,\"pcap_filename\":\"a \\u0022b\\u0022.pcap\",") ||
		    has(log->lines[0], ",\"pcap_cnt\":7,\"pcap_filename\":\"a \\\"b\\\".pcap\","));
	assert_true(has(log->lines[1], ",\"pcap_cnt\":9,"));
	log_free(log);
}

/* ---- windows ---- */

static void test_no_summary_without_packets(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	event_tick(log->collector, T0 + (WINDOW_S - 1) * NSEC_PER_SEC);
	assert_int_equal(stats_of(log).subscribers, 1);
	event_tick(log->collector, T0 + WINDOW_S * NSEC_PER_SEC);
	assert_int_equal(log->count, 1);
	assert_int_equal(stats_of(log).subscribers, 0);
	observe(log, syn(WINDOW_S + 1, ALICE, MX));
	assert_true(has(log->lines[1], "\"kind\":\"first\""));
	log_free(log);
}

static void test_a_busy_subscriber_stays_open(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, syn(10, ALICE, MX));
	observe(log, syn(WINDOW_S + 10, ALICE, MX)); /* its own packet closes the window before */
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"kind\":\"summary\""));
	assert_int_equal(number_in(log->lines[1], "packets"), 1);
	event_flush(log->collector, T0);
	assert_true(has(log->lines[2], "\"kind\":\"summary\""));
	assert_accounted(log);
	log_free(log);
}

static void test_a_quiet_window_ends_the_entry(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, syn(10, ALICE, MX));
	observe(log, syn(10 * WINDOW_S, ALICE, MX)); /* no tick came in between */
	assert_int_equal(log->count, 3);
	assert_true(has(log->lines[1], "\"kind\":\"summary\""));
	assert_true(has(log->lines[2], "\"kind\":\"first\""));
	log_free(log);
}

static void test_deadlines(void **state)
{
	struct log *log = log_new(1);

	(void)state;
	assert_true(event_next_deadline_ns(log->collector) == INT64_MAX);
	observe(log, syn(5, ALICE, MX));
	observe(log, syn(9, BOB, MX)); /* overflows */
	assert_true(event_next_deadline_ns(log->collector) == T0 + (5 + WINDOW_S) * NSEC_PER_SEC);
	event_tick(log->collector, T0 + (5 + WINDOW_S) * NSEC_PER_SEC);
	assert_true(event_next_deadline_ns(log->collector) == T0 + (9 + WINDOW_S) * NSEC_PER_SEC);
	event_tick(log->collector, T0 + (9 + WINDOW_S) * NSEC_PER_SEC);
	assert_true(event_next_deadline_ns(log->collector) == INT64_MAX);
	assert_accounted(log);
	log_free(log);
}

static void test_a_clock_set_back_does_not_keep_windows_open(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	observe(log, syn(1000000, ALICE, MX));
	observe(log, syn(1000000, ALICE, MX));
	event_tick(log->collector, T0);
	assert_int_equal(log->count, 2);
	observe(log, syn(1, ALICE, MX));
	observe(log, syn(2, ALICE, MX));
	event_tick(log->collector, T0 + (1 + WINDOW_S) * NSEC_PER_SEC);
	assert_int_equal(log->count, 4);
	assert_accounted(log);
	log_free(log);
}

static void test_times_at_the_ends_of_the_clock(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MAX, INT64_MIN};
	struct log *log = log_new(10);

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct event_fact fact = syn(0, ALICE, MX);

		fact.time_ns = times[i];
		event_observe(log->collector, &fact, 1);
		event_tick(log->collector, times[(i + 1) % 6]);
		(void)event_next_deadline_ns(log->collector);
	}
	event_flush(log->collector, INT64_MAX);
	assert_accounted(log);
	log_free(log);
}

static void test_a_late_packet_widens_the_record_but_is_not_shown(void **state)
{
	struct log *log = log_new(10);
	struct event_fact late = syn(10, ALICE, MX);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, syn(20, ALICE, MX));
	late.sport = 1111;
	event_observe(log->collector, &late, 1);
	event_flush(log->collector, T0);
	assert_true(has(log->lines[1], "\"timestamp\":\"2026-01-01T00:00:20.123456+0900\""));
	assert_true(has(log->lines[1], "\"first_seen\":\"2026-01-01T00:00:10.123456+0900\""));
	assert_true(has(log->lines[1], "\"src_port\":40000"));
	log_free(log);
}

/* ---- rules ---- */

static void test_rules_are_told_apart_within_one_record(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(1, ALICE, MX);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	event_observe(log->collector, &fact, 1);
	fact.verdict = EVENT_ICMP;
	event_observe(log->collector, &fact, 1);
	fact = syn(2, ALICE, MX);
	fact.tcp_seq++;
	fact.names.rule = "carriers";
	fact.names.rule_kind = "destination";
	event_observe(log->collector, &fact, 1);
	fact = syn(2, ALICE, MX);
	fact.names.pool = "offices";
	event_observe(log->collector, &fact, 1);
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1],
			"\"rules\":["
			"{\"rule\":\"homes\",\"rule_kind\":\"pool\",\"pool\":\"homes\","
			"\"verdict\":\"drop\",\"monitored\":false,"
			"\"attempts\":0,\"packets\":1,\"policy\":\"0123abcd\"},"
			"{\"rule\":\"homes\",\"rule_kind\":\"pool\",\"pool\":\"homes\","
			"\"verdict\":\"icmp\",\"monitored\":false,"
			"\"attempts\":0,\"packets\":1,\"policy\":\"0123abcd\"},"
			"{\"rule\":\"carriers\",\"rule_kind\":\"destination\",\"pool\":\"homes\","
			"\"verdict\":\"drop\",\"monitored\":false,"
			"\"attempts\":1,\"packets\":1,\"policy\":\"0123abcd\"},"
			"{\"rule\":\"homes\",\"rule_kind\":\"pool\",\"pool\":\"offices\","
			"\"verdict\":\"drop\",\"monitored\":false,"
			"\"attempts\":0,\"packets\":1,\"policy\":\"0123abcd\"}]"));
	assert_true(has(log->lines[1], "\"pool\":\"offices\",\"rule\":\"homes\",")); /* the packet shown */
	assert_accounted(log);
	log_free(log);
}

static void test_changing_to_and_fro_writes_no_record_a_packet(void **state)
{
	struct log *log = log_new(10);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct event_fact fact = syn(0, ALICE, MX);

		fact.verdict = i % 2 ? EVENT_DROP : EVENT_RESET;
		fact.monitored = i % 3 == 0;
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 3); /* monitored, blocked, summary */
	assert_accounted(log);
	log_free(log);
}

static void test_who_was_monitored_is_newly_blocked(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	fact.monitored = true;
	event_observe(log->collector, &fact, 1);
	event_observe(log->collector, &fact, 1);
	observe(log, syn(1, ALICE, MX));
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[0], "\"event_type\":\"alert\""));
	assert_true(has(log->lines[1], "\"event_type\":\"drop\""));
	assert_true(has(log->lines[1], "\"kind\":\"first\""));
	observe(log, syn(2, ALICE, MX));
	fact.time_ns = T0 + 3 * NSEC_PER_SEC;
	event_observe(log->collector, &fact, 1);
	assert_int_equal(log->count, 2);
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 3);
	/* One summary for both. It shows what was blocked, though something was let through later. */
	assert_true(has(log->lines[2], "\"event_type\":\"drop\""));
	assert_true(has(log->lines[2], "\"timestamp\":\"2026-01-01T00:00:02.123456+0900\""));
	assert_true(has(log->lines[2], "\"last_seen\":\"2026-01-01T00:00:03.123456+0900\""));
	assert_true(has(log->lines[2], "\"packets\":3,\"packets_blocked\":1,"));
	assert_accounted(log);
	log_free(log);
}

/* He goes on in monitored packets: his window stays open, but after a whole window without a block he is forgotten. */
static void test_newly_blocked_again_after_a_window_of_monitoring(void **state)
{
	struct log *log = log_new(10);
	int firsts = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct event_fact fact = syn(i * WINDOW_S / 4, ALICE, MX);

		fact.monitored = i % 10 != 0; /* blocked once in two and a half windows */
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0 + 40 * WINDOW_S * NSEC_PER_SEC);
	for (size_t i = 0; i < log->count; i++)
		firsts += has(log->lines[i], "\"kind\":\"first\"");
	assert_int_equal(firsts, 4);
	assert_accounted(log);
	log_free(log);
}

static void test_another_policy_is_told_apart(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(2, ALICE, MX);

	(void)state;
	observe(log, syn(0, ALICE, MX));
	observe(log, syn(1, ALICE, MX));
	fact.names.digest = "new";
	event_observe(log->collector, &fact, 1);
	assert_int_equal(log->count, 1); /* not blocked anew */
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"policy\":\"new\",\"rules\":["));
	assert_true(has(log->lines[1], "\"packets\":1,\"policy\":\"0123abcd\"},"));
	assert_true(has(log->lines[1], "\"packets\":1,\"policy\":\"new\"}]"));
	assert_accounted(log);
	log_free(log);
}

static void test_rules_beyond_the_bound_are_counted_together(void **state)
{
	struct log *log = log_new(1000);

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct event_fact fact = syn(0, ALICE, MX);
		char name[16];

		snprintf(name, sizeof(name), "group%d", i);
		fact.names.rule = name;
		fact.monitored = i >= 90;
		event_observe(log->collector, &fact, 1);
	}
	assert_int_equal(log->count, 1);
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"packets\":99,\"packets_blocked\":89,"));
	assert_true(has(log->lines[1], "\"rule\":\"group8\""));
	assert_true(has(log->lines[1],
			"{\"others\":true,\"monitored\":false,\"attempts\":0,\"packets\":81},"
			"{\"others\":true,\"monitored\":true,\"attempts\":0,\"packets\":10}]"));
	assert_int_equal(stats_of(log).overflowed, 0);
	assert_accounted(log);
	log_free(log);
}

static void test_names_need_not_outlive_the_call(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *name = strdup("short-lived");

		assert_non_null(name);
		fact.names = (struct event_names){name, name, name, name};
		event_observe(log->collector, &fact, 1);
		memset(name, 'x', strlen(name));
		free(name);
	}
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2);
	assert_true(has(log->lines[1], "\"rule\":\"short-lived\""));
	log_free(log);
}

static void test_many_names_come_and_go(void **state)
{
	struct log *log = log_new(100);

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		struct event_fact fact = syn((int64_t)i * 4, i, MX);
		char name[16];

		snprintf(name, sizeof(name), "p%u", i);
		fact.names.pool = name;
		snprintf(fact.in_iface, sizeof(fact.in_iface), "i%u", i);
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0);
	assert_int_equal(stats_of(log).overflowed, 0); /* 65,535 names at once, not in all */
	assert_accounted(log);
	log_free(log);
}

/* ---- the table of fields, and hostile texts ---- */

static void test_fields_are_unique_and_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_field_count; i++) {
		const struct event_field *field = &event_fields[i];

		assert_true(field->name[0] && field->meaning[0]);
		for (size_t j = 0; j < i; j++)
			assert_true(event_fields[j].object != field->object ||
				    strcmp(event_fields[j].name, field->name) != 0);
	}
}

/* The value behind a name is of the type that the table says. */
static bool value_has_type(const char *value, const char *type)
{
	if (strcmp(type, "text") == 0)
		return *value == '"';
	if (strcmp(type, "number") == 0)
		return *value >= '0' && *value <= '9';
	if (strcmp(type, "boolean") == 0)
		return strncmp(value, "true", 4) == 0 || strncmp(value, "false", 5) == 0;
	if (strncmp(type, "list of ", 8) == 0)
		return *value == '[';
	return strcmp(type, "object") == 0 && *value == '{';
}

/* Where the values of a record's object are: behind its opening brace, NULL when the record has none. */
static const char *object_in(const char *line, enum event_object object)
{
	char key[32];

	if (object == EVENT_OBJECT_TOP)
		return line;
	snprintf(key, sizeof(key), "\"%s\":%s{", event_object_name(object),
		 object == EVENT_OBJECT_RULES ? "[" : "");
	return strstr(line, key);
}

static void test_every_field_is_written_with_its_type(void **state)
{
	struct log *log = calloc(1, sizeof(*log));
	struct event_config config;
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	assert_non_null(log);
	config = config_for(log, 10);
	config.pcap_filename = "f";
	assert_int_equal(event_collector_new(&config, &log->collector), 0);
	fact.vlan_count = 1;
	for (int i = 0; i < 4; i++) {
		fact.reason = i % 2 ? REASON_TINY : REASON_ENFORCE;
		event_observe(log->collector, &fact, 1);
	}
	for (int i = 0; i < RECORD_PARTS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "group%d", i);
		fact.names.rule = name;
		event_observe(log->collector, &fact, 1);
	}
	fact = syn(0, ALICE, MX);
	fact.src = fact.dst = addr_ip6(1, 1);
	event_observe(log->collector, &fact, 1);
	fact.src = addr_ip4(BOB);
	fact.monitored = true;
	event_observe(log->collector, &fact, 1);
	observe(log, offloaded(0, BOB, 3));
	for (uint32_t i = 0; i < 70; i++) {
		observe(log, syn(0, BOB + 1, MX + i));
		observe(log, syn(0, BOB + 2, MX + i % 5));
	}
	event_flush(log->collector, T0);
	for (size_t i = 0; i < event_field_count; i++) {
		char key[64];
		bool found = false;

		snprintf(key, sizeof(key), "\"%s\":", event_fields[i].name);
		for (size_t line = 0; line < log->count; line++) {
			const char *object = object_in(log->lines[line], event_fields[i].object);
			const char *at = object ? strstr(object, key) : NULL;

			if (at) {
				assert_true(value_has_type(at + strlen(key), event_fields[i].type));
				found = true;
			}
		}
		if (!found)
			fail_msg("no record has the field %s", event_fields[i].name);
	}
	log_free(log);
}

/* The longest names that a policy can have, each in another rule, and every reason. */
static void test_long_names_leave_nothing_out(void **state)
{
	struct log *log = log_new(10);
	struct event_fact fact = syn(0, ALICE, MX);
	char rule[RECORD_NAME_MAX + 1], pool[RECORD_NAME_MAX + 1];

	(void)state;
	memset(rule, 'r', RECORD_NAME_MAX);
	memset(pool, 'p', RECORD_NAME_MAX);
	rule[RECORD_NAME_MAX] = pool[RECORD_NAME_MAX] = '\0';
	fact.names = (struct event_names){rule, "destination", pool, "0123456789abcdef0123456789abcdef"};
	for (int i = 0; i < 200; i++) {
		rule[0] = (char)('a' + i % 20);
		fact.reason = (uint8_t)(i % EVENT_REASONS_MAX);
		fact.monitored = i % 3 == 0;
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 3);
	assert_true(has(log->lines[2], "\"reasons\":{"));
	assert_true(has(log->lines[2], "\"rules\":[{"));
	assert_accounted(log);
	log_free(log);
}

static void test_hostile_texts_stay_within_a_record(void **state)
{
	char control[400];
	struct log *log = calloc(1, sizeof(*log));
	struct event_config config;
	struct event_fact fact = syn(0, ALICE, MX);

	(void)state;
	memset(control, 1, sizeof(control) - 1);
	control[sizeof(control) - 1] = '\0';
	assert_non_null(log);
	config = config_for(log, 10);
	config.host = config.boot_id = config.pcap_filename = control;
	assert_int_equal(event_collector_new(&config, &log->collector), 0);
	fact.names = (struct event_names){control, control, control, control};
	memset(fact.in_iface, 2, sizeof(fact.in_iface));
	for (int i = 0; i < 3; i++) {
		fact.reason = (uint8_t)i;
		fact.verdict = (uint8_t)(EVENT_DROP + i);
		event_observe(log->collector, &fact, 1);
	}
	event_flush(log->collector, T0);
	assert_int_equal(log->count, 2); /* keep() checks their lengths */
	assert_accounted(log);
	log_free(log);
}

static void test_refused_configurations(void **state)
{
	struct log log = {0};
	struct event_collector *untouched = NULL;
	struct event_config config = config_for(&log, 0);

	(void)state;
	assert_int_equal(event_collector_new(&config, &untouched), -EINVAL);
	config.subscribers_max = 1;
	config.window_s = 0;
	assert_int_equal(event_collector_new(&config, &untouched), -EINVAL);
	assert_null(untouched);
	event_collector_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_record),
		cmocka_unit_test(test_summary_record),
		cmocka_unit_test(test_monitored_ip6_record_is_an_alert),
		cmocka_unit_test(test_overflow_record),
		cmocka_unit_test(test_record_of_what_the_kernel_blocked),
		cmocka_unit_test(test_a_packet_seen_is_shown),
		cmocka_unit_test(test_the_packet_shown_keeps_its_time),
		cmocka_unit_test(test_the_destination_of_a_packet_not_shown_counts),
		cmocka_unit_test(test_offloaded_packets_are_shown_rather_than_monitored_ones),
		cmocka_unit_test(test_a_window_opened_by_the_kernels_count),
		cmocka_unit_test(test_overflow_record_tells_of_the_kernels_count),
		cmocka_unit_test(test_overflow_tells_apart_what_was_done_and_by_which_policy),
		cmocka_unit_test(test_replay_names_the_capture),
		cmocka_unit_test(test_no_summary_without_packets),
		cmocka_unit_test(test_a_busy_subscriber_stays_open),
		cmocka_unit_test(test_a_quiet_window_ends_the_entry),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_a_clock_set_back_does_not_keep_windows_open),
		cmocka_unit_test(test_times_at_the_ends_of_the_clock),
		cmocka_unit_test(test_a_late_packet_widens_the_record_but_is_not_shown),
		cmocka_unit_test(test_rules_are_told_apart_within_one_record),
		cmocka_unit_test(test_changing_to_and_fro_writes_no_record_a_packet),
		cmocka_unit_test(test_who_was_monitored_is_newly_blocked),
		cmocka_unit_test(test_newly_blocked_again_after_a_window_of_monitoring),
		cmocka_unit_test(test_another_policy_is_told_apart),
		cmocka_unit_test(test_rules_beyond_the_bound_are_counted_together),
		cmocka_unit_test(test_names_need_not_outlive_the_call),
		cmocka_unit_test(test_many_names_come_and_go),
		cmocka_unit_test(test_fields_are_unique_and_documented),
		cmocka_unit_test(test_every_field_is_written_with_its_type),
		cmocka_unit_test(test_long_names_leave_nothing_out),
		cmocka_unit_test(test_hostile_texts_stay_within_a_record),
		cmocka_unit_test(test_refused_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
