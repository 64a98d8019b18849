/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an operator may rely on, rule by rule; test_model.c covers the combinations. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
	struct policy *policy;
	struct engine *engine;
};

static const char policy_text[] = "[gateway]\n"
				  "name = gw1\n"
				  "mode = enforce\n"
				  "fail = closed\n"
				  "unlisted = drop\n"
				  "subscriber_interfaces = ppp*\n"
				  "upstream_interfaces = up0\n"
				  "[pool home]\n"
				  "prefix = 198.51.100.0/24\n"
				  "prefix = 2001:db8:100::/48\n"
				  "delegated_prefix_length = 56\n"
				  "monitor_from = 2026-01-01T00:00:00+09:00\n"
				  "enforce_from = 2026-02-01T00:00:00+09:00\n"
				  "action = reset\n"
				  "[pool bound]\n"
				  "prefix = 203.0.113.0/24\n"
				  "interface = ppp7\n"
				  "[relay mail-out]\n"
				  "address = 192.0.2.25\n"
				  "address = 2001:db8:25::25\n"
				  "subscribers_until = 2026-03-01T00:00:00+09:00\n"
				  "[relay submission-only]\n"
				  "address = 192.0.2.26\n"
				  "interface = srv0\n"
				  "[inside servers]\n"
				  "prefix = 192.0.2.0/24\n"
				  "[destination carriers]\n"
				  "prefix = 198.18.0.0/16\n"
				  "enforce_from = 2025-02-01T00:00:00+09:00\n"
				  "[destination partner]\n"
				  "prefix = 198.19.0.0/16\n"
				  "enforce_from = 2026-06-01T00:00:00+09:00\n"
				  "[exempt office]\n"
				  "prefix = 198.51.100.10\n"
				  "from = 2026-02-10T00:00:00+09:00\n"
				  "until = 2026-04-01T00:00:00+09:00\n"
				  "[exempt to-partner]\n"
				  "prefix = 198.51.100.20\n"
				  "to = carriers 198.20.0.0/16\n"
				  "until = 2026-04-01T00:00:00+09:00\n"
				  "[exempt printer]\n"
				  "prefix = 2001:db8:100:1234::25\n"
				  "from = 2026-05-01T00:00:00+09:00\n"
				  "until = 2026-05-02T00:00:00+09:00\n"
				  "[pool large]\n"
				  "prefix = 2001:db8:200::/57\n"
				  "prefix = 2001:db8:200:180::/57\n"
				  "delegated_prefix_length = 56\n"
				  "[pool small]\n"
				  "prefix = 2001:db8:200:80::/57\n"
				  "prefix = 2001:db8:200:100::/57\n"
				  "delegated_prefix_length = 60\n";

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	FILE *in = fmemopen((void *)(uintptr_t)policy_text, strlen(policy_text), "r");
	struct diag_list diags = {0};
	int r = policy_read_stream(in, "test.ini", NULL, 0, &diags, &fixture->policy);

	fclose(in);
	if (r < 0)
		diag_print(&diags, stderr);
	diag_list_free(&diags);
	*state = fixture;
	return r < 0 ? r : engine_build(fixture->policy, &fixture->engine);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	engine_free(fixture->engine);
	policy_free(fixture->policy);
	free(fixture);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr addr = {0};

	assert_int_equal(addr_parse(text, strlen(text), &addr), ADDR_OK);
	return addr;
}

static int64_t date(const char *text)
{
	struct moment moment = {0};

	assert_int_equal(moment_parse(text, strlen(text), &moment, NULL), MOMENT_OK);
	return moment.s;
}

static struct packet syn(const char *src, const char *dst)
{
	struct packet packet = {.src = address(src),
				.dst = address(dst),
				.protocol = IP_PROTOCOL_TCP,
				.has_protocol = true,
				.has_ports = true,
				.has_flags = true,
				.sport = 40000,
				.dport = 25,
				.tcp_flags = TCP_SYN};

	packet.family = packet.src.family;
	return packet;
}

/* One question to the engine: who, whither, on which interface, when. */
static struct decision ask(void **state, const char *src, const char *dst, const char *interface,
			   const char *when)
{
	const struct fixture *fixture = *state;
	struct packet packet = syn(src, dst);
	struct engine_context context = {.interface = engine_resolve_interface(fixture->engine, interface),
					 .now_s = date(when)};

	return decide(fixture->engine, &packet, &context);
}

#define assert_decision(decision_, verdict_, reason_, rule_)                                                 \
	do {                                                                                                 \
		struct decision got_ = (decision_);                                                          \
		assert_string_equal(reason_name(got_.reason), (reason_));                                    \
		assert_int_equal(got_.verdict, (verdict_));                                                  \
		assert_string_equal(got_.rule_name, (rule_));                                                \
	} while (0)

#define OUTSIDE "198.51.99.1"
#define MARCH   "2026-03-15T12:00:00+09:00"

static void test_pool_passes_through_its_phases_to_the_second(void **state)
{
	static const struct {
		const char *when, *reason;
		enum verdict verdict, would;
		const char *next;
	} rows[] = {
		{"2025-12-31T23:59:59+09:00", "pool-off", VERDICT_ACCEPT, VERDICT_ACCEPT,
		 "2026-01-01T00:00:00+09:00"},
		{"2026-01-01T00:00:00+09:00", "pool-monitor", VERDICT_ACCEPT, VERDICT_RESET,
		 "2026-02-01T00:00:00+09:00"},
		{"2026-01-31T23:59:59+09:00", "pool-monitor", VERDICT_ACCEPT, VERDICT_RESET,
		 "2026-02-01T00:00:00+09:00"},
		{"2026-02-01T00:00:00+09:00", "pool-enforce", VERDICT_RESET, VERDICT_RESET, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decision decision = ask(state, "198.51.100.7", OUTSIDE, "ppp0", rows[i].when);

		assert_decision(decision, rows[i].verdict, rows[i].reason, "home");
		assert_int_equal(decision.would, rows[i].would);
		assert_int_equal(decision.next_change_s, rows[i].next ? date(rows[i].next) : MOMENT_NEVER);
		assert_decision(ask(state, "2001:db8:100::7", "2001:db8:ffff::1", "ppp0", rows[i].when),
				rows[i].verdict, rows[i].reason, "home");
	}
}

static void test_exemption_ends_at_that_very_second(void **state)
{
	struct decision decision;

	assert_decision(ask(state, "198.51.100.10", OUTSIDE, "ppp0", "2026-02-09T23:59:59+09:00"),
			VERDICT_RESET, "pool-enforce", "home");
	decision = ask(state, "198.51.100.10", OUTSIDE, "ppp0", "2026-02-10T00:00:00+09:00");
	assert_decision(decision, VERDICT_ACCEPT, "exempt", "office");
	assert_int_equal(decision.next_change_s, date("2026-04-01T00:00:00+09:00"));
	assert_decision(ask(state, "198.51.100.10", OUTSIDE, "ppp0", "2026-03-31T23:59:59+09:00"),
			VERDICT_ACCEPT, "exempt", "office");
	assert_decision(ask(state, "198.51.100.10", OUTSIDE, "ppp0", "2026-04-01T00:00:00+09:00"),
			VERDICT_RESET, "pool-enforce", "home");
}

static void test_exemption_holds_only_for_its_destinations(void **state)
{
	assert_decision(ask(state, "198.51.100.20", "198.18.5.5", "ppp0", MARCH), VERDICT_ACCEPT, "exempt",
			"to-partner");
	assert_decision(ask(state, "198.51.100.20", OUTSIDE, "ppp0", MARCH), VERDICT_RESET, "pool-enforce",
			"home");
}

static void test_destination_group_has_its_own_date_earlier_or_later(void **state)
{
	const char *december = "2025-12-01T00:00:00+09:00";

	assert_decision(ask(state, "198.51.100.7", "198.18.5.5", "ppp0", december), VERDICT_RESET,
			"destination-enforce", "carriers");
	assert_decision(ask(state, "198.51.100.7", OUTSIDE, "ppp0", december), VERDICT_ACCEPT, "pool-off",
			"home");
	assert_decision(ask(state, "198.51.100.7", "198.19.5.5", "ppp0", "2026-06-01T00:00:00+09:00"),
			VERDICT_RESET, "destination-enforce", "partner");
	assert_decision(ask(state, "203.0.113.5", "198.19.5.5", "ppp7", MARCH), VERDICT_ACCEPT,
			"destination-off", "partner");
}

static void test_relay_is_a_destination_until_its_date(void **state)
{
	struct decision decision =
		ask(state, "198.51.100.7", "192.0.2.25", "ppp0", "2026-02-28T23:59:59+09:00");

	assert_decision(decision, VERDICT_ACCEPT, "relay-destination", "mail-out");
	assert_int_equal(decision.next_change_s, date("2026-03-01T00:00:00+09:00"));
	assert_decision(ask(state, "198.51.100.7", "192.0.2.25", "ppp0", "2026-03-01T00:00:00+09:00"),
			VERDICT_RESET, "relay-closed", "mail-out");
	assert_decision(ask(state, "198.51.100.7", "192.0.2.1", "ppp0", MARCH), VERDICT_ACCEPT, "inside",
			"servers");
}

static void test_relay_address_on_a_subscriber_line_is_spoofed(void **state)
{
	struct decision decision = ask(state, "192.0.2.25", OUTSIDE, "ppp0", MARCH);

	assert_decision(decision, VERDICT_DROP, "spoofed", "mail-out");
	assert_false(engine_reasons[decision.reason].charged);
	assert_decision(ask(state, "192.0.2.25", OUTSIDE, "srv1", MARCH), VERDICT_ACCEPT, "relay",
			"mail-out");
	assert_decision(ask(state, "192.0.2.25", OUTSIDE, NULL, MARCH), VERDICT_ACCEPT, "relay", "mail-out");
	assert_decision(ask(state, "192.0.2.26", OUTSIDE, "srv0", MARCH), VERDICT_ACCEPT, "relay",
			"submission-only");
	assert_decision(ask(state, "192.0.2.26", OUTSIDE, "ppp3", MARCH), VERDICT_DROP, "spoofed",
			"submission-only");
}

static void test_pool_bound_to_an_interface_is_spoofed_elsewhere(void **state)
{
	assert_decision(ask(state, "203.0.113.5", OUTSIDE, "ppp7", MARCH), VERDICT_DROP, "pool-enforce",
			"bound");
	assert_decision(ask(state, "203.0.113.5", OUTSIDE, "ppp8", MARCH), VERDICT_DROP, "spoofed", "bound");
	assert_decision(ask(state, "203.0.113.5", OUTSIDE, NULL, MARCH), VERDICT_DROP, "pool-enforce",
			"bound");
}

static void test_inbound_is_never_judged(void **state)
{
	assert_decision(ask(state, "8.8.8.8", "192.0.2.25", "up0", MARCH), VERDICT_ACCEPT, "inbound", "");
	assert_decision(ask(state, "198.51.100.7", "198.51.100.8", "up0", MARCH), VERDICT_ACCEPT, "inbound",
			"");
	assert_decision(ask(state, "8.8.8.8", "198.51.100.8", "srv0", MARCH), VERDICT_ACCEPT, "inbound", "");
}

static void test_unlisted_source_is_dropped(void **state)
{
	struct decision decision = ask(state, "100.64.0.1", OUTSIDE, "ppp0", MARCH);

	assert_decision(decision, VERDICT_DROP, "unlisted-drop", "");
	assert_int_equal(decision.rule, -1);
	assert_int_equal(decision.subscriber_len, 32);
	assert_int_equal(ask(state, "2001:db8:aaaa::1", "2001:db8:ffff::1", "ppp0", MARCH).subscriber_len,
			 64);
	assert_int_equal(ask(state, "2001:db8:100::1", "2001:db8:ffff::1", "ppp0", MARCH).subscriber_len, 56);
}

static void test_submission_ports_are_never_touched(void **state)
{
	static const uint16_t ports[] = {465, 587, 110, 995, 24, 26, 0, 65535};
	const struct fixture *fixture = *state;
	struct packet packet = syn("198.51.100.7", OUTSIDE);
	struct engine_context context = {.now_s = date(MARCH)};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		packet.dport = ports[i];
		assert_decision(decide(fixture->engine, &packet, &context), VERDICT_ACCEPT, "not-tcp25", "");
	}
	packet.dport = 25;
	packet.protocol = 17;
	packet.has_ports = packet.has_flags = false;
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_ACCEPT, "not-tcp25", "");
}

static void test_only_a_syn_is_an_attempt(void **state)
{
	const struct fixture *fixture = *state;
	struct packet packet = syn("198.51.100.7", OUTSIDE);
	struct engine_context context = {.now_s = date(MARCH)};
	struct decision decision = decide(fixture->engine, &packet, &context);

	assert_true(decision.attempt);
	packet.tcp_flags = TCP_SYN | TCP_ECE | TCP_CWR;
	assert_true(decide(fixture->engine, &packet, &context).attempt);
	packet.tcp_flags = TCP_ACK;
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_ACCEPT, "established", "home");
	context.flow = ENGINE_FLOW_NEW;
	decision = decide(fixture->engine, &packet, &context);
	assert_decision(decision, VERDICT_DROP, "midstream", "home");
	assert_false(decision.attempt);
	packet.tcp_flags = TCP_SYN | TCP_FIN;
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_DROP, "bad-flags", "home");
}

static void test_faults_follow_the_phase(void **state)
{
	const struct fixture *fixture = *state;
	struct packet packet = syn("198.51.100.7", OUTSIDE);
	struct engine_context context = {.now_s = date("2025-12-01T00:00:00+09:00")};

	packet.fault = PACKET_FAULT_FRAGMENT_OVERLAP;
	packet.fragment = PACKET_FRAGMENT_LATER;
	packet.has_ports = packet.has_flags = false;
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_ACCEPT, "pool-off", "home");
	context.now_s = date("2026-01-15T00:00:00+09:00");
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_ACCEPT, "fragment-overlap",
			"home");
	context.now_s = date(MARCH);
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_DROP, "fragment-overlap", "home");
}

/* The answer of an outside port 25, arriving from upstream. */
static struct decision ask_answer(void **state, const char *from, const char *to, const char *interface,
				  const char *when)
{
	struct fixture *fixture = *state;
	struct packet packet = syn(from, to);
	struct engine_context context = {.interface = engine_resolve_interface(fixture->engine, interface),
					 .now_s = date(when)};

	packet.sport = 25;
	packet.dport = 40000;
	packet.tcp_flags = TCP_SYN | TCP_ACK;
	return decide(fixture->engine, &packet, &context);
}

static void test_an_answer_nobody_could_have_asked_for(void **state)
{
	const char *march = "2026-03-10T00:00:00+09:00";
	struct decision d =
		ask_answer(state, "203.0.113.9", "198.51.100.1", "up0", "2026-01-31T23:59:59+09:00");

	assert_int_equal(d.reason, REASON_TRIANGULAR); /* monitored */
	assert_int_equal(d.verdict, VERDICT_ACCEPT);
	assert_int_equal(d.would, VERDICT_DROP);
	assert_int_equal(d.next_change_s, date("2026-02-01T00:00:00+09:00"));
	d = ask_answer(state, "203.0.113.9", "198.51.100.1", "up0", "2026-02-01T00:00:00+09:00");
	assert_int_equal(d.reason, REASON_TRIANGULAR);
	assert_int_equal(d.verdict, VERDICT_DROP); /* and no reset, whatever the pool's action */
	assert_false(d.attempt);
	assert_string_equal(d.rule_name, "home");
	assert_false(engine_reasons[d.reason].charged);
	d = ask_answer(state, "2001:db8:9::9", "2001:db8:100::1", "eth9", march);
	assert_int_equal(d.verdict, VERDICT_DROP); /* a server network, too */
	assert_int_equal(
		ask_answer(state, "203.0.113.9", "198.51.100.1", "up0", "2025-12-31T23:59:59+09:00").reason,
		REASON_INBOUND);
	assert_int_equal(
		ask_answer(state, "198.18.0.1", "198.51.100.1", "up0", "2025-12-31T00:00:00+09:00").reason,
		REASON_TRIANGULAR); /* the destination group's date */
	assert_int_equal(ask_answer(state, "198.19.0.1", "198.51.100.1", "up0", march).would, VERDICT_DROP);
	assert_int_equal(ask_answer(state, "192.0.2.25", "198.51.100.1", "srv0", march).verdict,
			 VERDICT_ACCEPT);
	assert_int_equal(ask_answer(state, "192.0.2.77", "198.51.100.1", "srv0", march).verdict,
			 VERDICT_ACCEPT);
	assert_int_equal(ask_answer(state, "203.0.113.9", "192.0.2.25", "up0", march).verdict,
			 VERDICT_ACCEPT);
	assert_int_equal(ask_answer(state, "203.0.113.9", "198.51.100.10", "up0", march).verdict,
			 VERDICT_ACCEPT);
	assert_int_equal(ask_answer(state, "198.18.0.1", "198.51.100.20", "up0", march).verdict,
			 VERDICT_ACCEPT);
	assert_int_equal(ask_answer(state, "203.0.113.9", "198.51.100.20", "up0", march).verdict,
			 VERDICT_DROP);
	assert_int_equal(ask_answer(state, "203.0.113.9", "198.51.99.1", "up0", march).verdict,
			 VERDICT_ACCEPT);
	/* From the subscriber side, and from where nobody knows. */
	assert_int_equal(ask_answer(state, "198.51.100.1", "198.51.100.2", "ppp0", march).reason,
			 REASON_NOT_TCP25);
	assert_int_equal(ask_answer(state, "203.0.113.9", "198.51.100.1", NULL, march).reason,
			 REASON_NOT_TCP25);
}

static bool whole(void **state, const char *src, const char *dst, const char *interface)
{
	return ask(state, src, dst, interface, MARCH).whole_source;
}

static void test_the_whole_subscriber_is_blocked(void **state)
{
	assert_true(whole(state, "198.51.100.7", OUTSIDE, "ppp0"));
	assert_true(whole(state, "203.0.113.5", OUTSIDE, "ppp7"));
	assert_true(whole(state, "100.64.0.1", OUTSIDE, "ppp0"));   /* unlisted */
	assert_false(whole(state, "203.0.113.5", OUTSIDE, "ppp8")); /* spoofed */
	assert_false(ask(state, "198.51.100.7", OUTSIDE, "ppp0", "2026-01-15T00:00:00Z").whole_source);
	/* Blocked today, but an exemption names the source, whatever its dates and destinations. */
	assert_false(whole(state, "198.51.100.20", OUTSIDE, "ppp0"));
	assert_false(ask(state, "198.51.100.10", OUTSIDE, "ppp0", "2026-05-01T00:00:00Z").whole_source);
	/* Blocked, but other answers are given there: for its group's date, or for somebody else's exemption. */
	assert_decision(ask(state, "198.51.100.7", "198.18.5.5", "ppp0", MARCH), VERDICT_RESET,
			"destination-enforce", "carriers");
	assert_false(whole(state, "198.51.100.7", "198.18.5.5", "ppp0"));
	assert_decision(ask(state, "198.51.100.7", "198.20.5.5", "ppp0", MARCH), VERDICT_RESET,
			"pool-enforce", "home");
	assert_false(whole(state, "198.51.100.7", "198.20.5.5", "ppp0"));
}

static void test_a_delegated_prefix_is_whole_or_not(void **state)
{
	const char *outside = "2001:db8:ffff::1";

	/* /56 in the pool: 1200-12ff holds the printer */
	assert_true(whole(state, "2001:db8:100:11ff:ffff:ffff:ffff:ffff", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:100:1200::", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:100:1234::25", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:100:12ff:ffff:ffff:ffff:ffff", outside, "ppp0"));
	assert_true(whole(state, "2001:db8:100:1300::", outside, "ppp0"));
	/* /64 outside of it: the relay is in one */
	assert_true(whole(state, "2001:db8:24:ffff:ffff:ffff:ffff:ffff", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:25::24", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:25:0:ffff:ffff:ffff:ffff", outside, "ppp0"));
	assert_true(whole(state, "2001:db8:25:1::", outside, "ppp0"));
	/* Where two pools meet, the line may divide the subscribers of one of them only. */
	assert_false(whole(state, "2001:db8:200:1::", outside, "ppp0"));
	assert_true(whole(state, "2001:db8:200:81::", outside, "ppp0"));
	assert_true(whole(state, "2001:db8:200:171::", outside, "ppp0"));
	assert_false(whole(state, "2001:db8:200:181::", outside, "ppp0"));
	assert_true(whole(state, "::1", outside, "ppp0"));
	assert_true(whole(state, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", outside, "ppp0"));
}

static void test_only_a_sound_syn_tells_of_the_whole_subscriber(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet = syn("198.51.100.7", OUTSIDE);
	struct engine_context context = {.now_s = date(MARCH), .flow = ENGINE_FLOW_NEW};

	assert_true(decide(fixture->engine, &packet, &context).whole_source);
	packet.tcp_flags = TCP_SYN | TCP_FIN;
	assert_false(decide(fixture->engine, &packet, &context).whole_source);
	packet.tcp_flags = TCP_ACK;
	assert_decision(decide(fixture->engine, &packet, &context), VERDICT_DROP, "midstream", "home");
	assert_false(decide(fixture->engine, &packet, &context).whole_source);
	packet.tcp_flags = TCP_SYN;
	packet.fault = PACKET_FAULT_FRAGMENT_TINY;
	assert_false(decide(fixture->engine, &packet, &context).whole_source);
}

static void test_nothing_is_blocked_whole_in_monitor_mode(void **state)
{
	struct fixture *fixture = *state;
	struct addr source = address("198.51.100.7");
	struct packet packet = syn("198.51.100.7", OUTSIDE);
	struct engine_context context = {.now_s = date(MARCH)};
	struct engine *monitoring = NULL;
	struct decision asked;

	fixture->policy->gateway.mode = POLICY_MODE_MONITOR;
	assert_int_equal(engine_build(fixture->policy, &monitoring), 0);
	fixture->policy->gateway.mode = POLICY_MODE_ENFORCE;
	assert_false(decide(monitoring, &packet, &context).whole_source);
	assert_false(engine_whole_source(monitoring, &source, context.now_s, &asked));
	engine_free(monitoring);
}

static void test_a_subscriber_is_asked_for_without_a_packet(void **state)
{
	const struct fixture *fixture = *state;
	struct addr home = address("2001:db8:100:1300::"), printer = address("2001:db8:100:1200::");
	struct addr bound = address("203.0.113.5");
	struct decision asked = {.rule = -7};

	assert_false(engine_whole_source(fixture->engine, &printer, date(MARCH), &asked));
	assert_false(engine_whole_source(fixture->engine, &home, date("2026-01-31T23:59:59+09:00"), &asked));
	assert_int_equal(asked.rule, -7);
	assert_true(engine_whole_source(fixture->engine, &home, date("2026-02-01T00:00:00+09:00"), &asked));
	assert_decision(asked, VERDICT_RESET, "pool-enforce", "home");
	assert_int_equal(asked.subscriber_len, 56);
	assert_int_equal(asked.pool, 0);
	assert_true(engine_whole_source(fixture->engine, &bound, date(MARCH), &asked));
	assert_decision(asked, VERDICT_DROP, "pool-enforce", "bound");
}

static void test_the_next_date_is_any_rules(void **state)
{
	static const char *const dates[] = {
		"2025-02-01T00:00:00+09:00", "2026-01-01T00:00:00+09:00", "2026-02-01T00:00:00+09:00",
		"2026-02-10T00:00:00+09:00", "2026-03-01T00:00:00+09:00", "2026-04-01T00:00:00+09:00",
		"2026-05-01T00:00:00+09:00", "2026-05-02T00:00:00+09:00", "2026-06-01T00:00:00+09:00"};
	enum { COUNT = sizeof(dates) / sizeof(dates[0]) };
	const struct fixture *fixture = *state;
	int64_t now_s = 0;

	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(engine_next_date(fixture->engine, now_s), date(dates[i]));
		assert_int_equal(engine_next_date(fixture->engine, date(dates[i]) - 1), date(dates[i]));
		now_s = date(dates[i]);
	}
	assert_int_equal(engine_next_date(fixture->engine, now_s), MOMENT_NEVER);
}

static void test_reason_table_is_stable(void **state)
{
	static const char *const names[] = {
		"not-ip",
		"not-tcp25",
		"inbound",
		"relay",
		"relay-destination",
		"inside",
		"exempt",
		"pool-off",
		"pool-monitor",
		"pool-enforce",
		"destination-enforce",
		"relay-closed",
		"unlisted-accept",
		"unlisted-monitor",
		"unlisted-drop",
		"established",
		"midstream",
		"spoofed",
		"fragment-later",
		"fragment-tiny",
		"fragment-overlap",
		"fragment-chain",
		"malformed-ip",
		"malformed-tcp",
		"truncated",
		"unreadable",
		"bad-flags",
		"destination-off",
		"triangular",
		"override-allow",
		"override-block",
	};

	(void)state;
	assert_int_equal(REASONS, sizeof(names) / sizeof(names[0]));
	for (unsigned i = 0; i < REASONS; i++) {
		assert_string_equal(reason_name((enum reason)i), names[i]);
		assert_non_null(engine_reasons[i].action);
		assert_non_null(engine_reasons[i].meaning);
	}
	assert_string_equal(reason_name((enum reason)REASONS), "unknown");
	assert_string_equal(verdict_name((enum verdict)VERDICTS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_passes_through_its_phases_to_the_second),
		cmocka_unit_test(test_exemption_ends_at_that_very_second),
		cmocka_unit_test(test_exemption_holds_only_for_its_destinations),
		cmocka_unit_test(test_destination_group_has_its_own_date_earlier_or_later),
		cmocka_unit_test(test_relay_is_a_destination_until_its_date),
		cmocka_unit_test(test_relay_address_on_a_subscriber_line_is_spoofed),
		cmocka_unit_test(test_pool_bound_to_an_interface_is_spoofed_elsewhere),
		cmocka_unit_test(test_inbound_is_never_judged),
		cmocka_unit_test(test_unlisted_source_is_dropped),
		cmocka_unit_test(test_submission_ports_are_never_touched),
		cmocka_unit_test(test_only_a_syn_is_an_attempt),
		cmocka_unit_test(test_faults_follow_the_phase),
		cmocka_unit_test(test_an_answer_nobody_could_have_asked_for),
		cmocka_unit_test(test_the_whole_subscriber_is_blocked),
		cmocka_unit_test(test_a_delegated_prefix_is_whole_or_not),
		cmocka_unit_test(test_only_a_sound_syn_tells_of_the_whole_subscriber),
		cmocka_unit_test(test_nothing_is_blocked_whole_in_monitor_mode),
		cmocka_unit_test(test_a_subscriber_is_asked_for_without_a_packet),
		cmocka_unit_test(test_the_next_date_is_any_rules),
		cmocka_unit_test(test_reason_table_is_stable),
	};

	return cmocka_run_group_tests_name("engine", tests, setup, teardown);
}
