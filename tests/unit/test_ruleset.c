/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/evaluate.h"
#include "ruleset/marks.h"

#include "base/cleanup.h"
#include "make_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct fixture {
	struct made_policy made;
	struct ruleset *ruleset;
	uint16_t pool, relay, inside, exempt;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	made_policy_init(&f->made);
	f->pool = made_rule(&f->made, POLICY_POOL, "residential");
	made_prefix(&f->made, f->pool, POLICY_ROLE_SOURCE, "198.51.100.0/24");
	made_prefix(&f->made, f->pool, POLICY_ROLE_SOURCE, "2001:db8:100::/40");
	f->relay = made_rule(&f->made, POLICY_RELAY, "mx");
	made_prefix(&f->made, f->relay, POLICY_ROLE_SOURCE, "192.0.2.25/32");
	made_prefix(&f->made, f->relay, POLICY_ROLE_SOURCE, "2001:db8:1::25/128");
	f->inside = made_rule(&f->made, POLICY_INSIDE, "ours");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "192.0.2.0/24");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "2001:db8:1::/48");
	f->exempt = made_rule(&f->made, POLICY_EXEMPT, "office");
	made_prefix(&f->made, f->exempt, POLICY_ROLE_SOURCE, "198.51.100.77/32");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ruleset_free(f->ruleset);
	made_policy_free(&f->made);
	free(f);
	return 0;
}

static const struct ruleset *build(struct fixture *f)
{
	ruleset_free(f->ruleset);
	f->ruleset = NULL;
	assert_int_equal(ruleset_build(made_policy_finish(&f->made), &f->ruleset), 0);
	return f->ruleset;
}

static char *print(const struct ruleset *ruleset)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(ruleset_print(ruleset, out), 0);
	fclose(out);
	return text;
}

static struct addr address(const char *text)
{
	struct addr addr = {0};

	assert_int_equal(addr_parse(text, strlen(text), &addr), ADDR_OK);
	return addr;
}

/* A whole TCP packet. */
static struct ruleset_packet tcp(const char *src, const char *dst, uint16_t port, uint8_t flags)
{
	return (struct ruleset_packet){
		.src = address(src),
		.dst = address(dst),
		.has_l4proto = true,
		.l4proto = 6,
		.has_dport = true,
		.dport = port,
		.has_flags = true,
		.tcp_flags = flags,
		.interface = "ppp0",
	};
}

static struct ruleset_result run(const struct ruleset *ruleset, const struct ruleset_packet *packet)
{
	int32_t chain = ruleset_find_chain(ruleset, "forward");

	assert_true(chain >= 0);
	return ruleset_evaluate(ruleset, (uint32_t)chain, packet);
}

/* The last counter's name, "-" for none, with "queued" whenever the packet went to the daemon. */
static const char *outcome(const struct ruleset *ruleset, struct ruleset_packet packet)
{
	struct ruleset_result result = run(ruleset, &packet);

	if (result.counter < 0)
		return result.outcome == RULESET_ACCEPTED ? "-" : "?";
	if (result.outcome != RULESET_ACCEPTED && result.outcome != RULESET_QUEUED)
		return "?";
	return ruleset->counters[result.counter].name;
}

static void test_other_ports_and_protocols_leave_at_once(void **state)
{
	const struct ruleset *r = build(*state);
	struct ruleset_packet udp = tcp("198.51.100.1", "203.0.113.1", 25, SYN);
	struct ruleset_packet unknown = tcp("2001:db8:100::1", "2001:db8:f::1", 25, SYN);

	udp.l4proto = 17;
	udp.has_flags = udp.has_dport = false;
	unknown.has_l4proto = unknown.has_dport = unknown.has_flags = false;
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 465, SYN)), "-");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 587, SYN)), "-");
	assert_string_equal(outcome(r, tcp("2001:db8:100::1", "2001:db8:f::1", 587, SYN)), "-");
	assert_string_equal(outcome(r, udp), "-");
	assert_string_equal(outcome(r, unknown), "-");
}

static void test_only_what_needs_a_decision_is_queued(void **state)
{
	const struct ruleset *r = build(*state);

	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("2001:db8:100::1", "2001:db8:f::1", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("203.0.113.9", "203.0.113.1", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, ACK)), "accepted-established");
	assert_string_equal(outcome(r, tcp("192.0.2.25", "203.0.113.1", 25, SYN)), "accepted-relay");
	assert_string_equal(outcome(r, tcp("2001:db8:1::25", "2001:db8:f::1", 25, SYN)), "accepted-relay");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "192.0.2.25", 25, SYN)),
			    "accepted-relay-destination");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "192.0.2.80", 25, SYN)), "accepted-inside");
	assert_string_equal(outcome(r, tcp("198.51.100.77", "203.0.113.1", 25, SYN)), "accepted-exempt");
}

/* What is text only: nft itself would ask for the frame's type, and so let tagged frames pass. */
static void test_a_bridge_looks_behind_tags(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *r;
	char *text CLEANUP_FREE = NULL;

	f->made.policy.gateway.family = POLICY_FAMILY_BRIDGE;
	f->made.policy.gateway.workers = 4;
	r = build(f);
	text = print(r);
	assert_string_equal(r->chains[0].name, "bridged");
	assert_non_null(strstr(text, "\ntable bridge op25b {"));
	assert_non_null(strstr(text, "type filter hook prerouting priority -100; policy accept;"));
	assert_non_null(strstr(text, "type filter hook prerouting priority -90; policy accept;"));
	assert_non_null(strstr(text, "\t\tmeta protocol ip6 frag frag-off > 0 goto later_fragment"));
	assert_non_null(strstr(text, "\t\tmeta protocol ip6 exthdr frag exists goto to_daemon"));
	assert_non_null(strstr(text, "\t\tmeta protocol ip queue flags bypass to jhash ip saddr"));
	assert_null(strstr(text, "nfproto"));
	assert_null(strstr(text, "\t\texthdr"));
	assert_null(strstr(text, "\t\tfrag "));
	assert_non_null(strstr(text, "\ndelete table inet op25b\n"));
}

static size_t count_logging(const struct ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++) {
			const struct ruleset_rule *rule = &ruleset->chains[i].rules[j];

			if (rule->statements[0].kind != RULESET_DO_LIMIT)
				continue;
			count++;
			assert_int_equal(rule->statement_count, 2);
			assert_int_equal(rule->statements[1].kind, RULESET_DO_LOG);
		}
	}
	return count;
}

/* A rule that logs does nothing else, and is there only when asked for. */
static void test_logging_is_a_rule_of_its_own(void **state)
{
	struct fixture *f = *state;
	char *text CLEANUP_FREE = NULL;

	f->made.policy.gateway.triangular_guard = true;
	made_interface(&f->made.policy.gateway.upstream_interfaces, "up0");
	assert_int_equal(count_logging(build(f)), 0);
	f->made.policy.log.kernel = true;
	assert_int_equal(count_logging(build(f)), 7);
	text = print(f->ruleset);
	assert_non_null(strstr(text,
			       "\t\tlimit rate 5/second burst 20 packets log prefix \"op25b suspect: \"\n"
			       "\t\tcounter name \"suspect\"\n"));
	assert_non_null(strstr(text, "meta mark 0x25b00001 limit rate 5/second burst 20 packets log prefix "
				     "\"op25b reset: \"\n\t\ttcp dport 25 meta mark 0x25b00001 counter name "
				     "\"answered-reset\" reject with tcp reset\n"));
}

/* An answer of port 25 that arrives at no subscriber's side, and the ends that settle it. */
static void test_answers_to_a_pool_are_queued(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet packet = tcp("203.0.113.1", "198.51.100.1", 1025, SYN | ACK);
	const struct ruleset *r;

	f->made.policy.gateway.triangular_guard = true;
	made_interface(&f->made.policy.gateway.upstream_interfaces, "up0");
	r = build(f);
	packet.has_sport = true;
	packet.sport = 25;
	assert_string_equal(outcome(r, packet), "-"); /* a subscriber's own */
	packet.interface = "up0";
	assert_string_equal(outcome(r, packet), "queued");
	packet.dport = 25;
	assert_string_equal(outcome(r, packet), "queued");
	packet.tcp_flags = SYN;
	assert_string_equal(outcome(r, packet), "accepted-inbound");
	packet.tcp_flags = SYN | ACK;
	packet.dport = 1025;
	packet.dst = address("198.51.100.77");
	assert_string_equal(outcome(r, packet), "-"); /* exempt */
	packet.dst = address("203.0.113.2");
	assert_string_equal(outcome(r, packet), "-"); /* in no pool */
	packet.dst = address("198.51.100.1");
	packet.src = address("192.0.2.80");
	assert_string_equal(outcome(r, packet), "-"); /* from inside */
	packet.src = address("203.0.113.1");
	f->made.policy.gateway.triangular_guard = false;
	assert_string_equal(outcome(build(f), packet), "-");
}

static void test_odd_flags_count_as_opening(void **state)
{
	const struct ruleset *r = build(*state);

	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN | 0xc0)), "queued");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN | FIN)), "queued");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN | RST)), "queued");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN | ACK)),
			    "accepted-established");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, 0)), "accepted-established");
}

static void test_fragments_cannot_hide_a_syn(void **state)
{
	const struct ruleset *r = build(*state);
	struct ruleset_packet first4 = tcp("198.51.100.1", "203.0.113.1", 25, ACK);
	struct ruleset_packet next4 = tcp("198.51.100.1", "203.0.113.1", 0, 0);
	struct ruleset_packet first6 = tcp("2001:db8:100::1", "2001:db8:f::1", 25, ACK);
	struct ruleset_packet cut6 = tcp("2001:db8:100::1", "2001:db8:f::1", 0, 0);

	first4.frag4 = 0x2000;
	assert_string_equal(outcome(r, first4), "queued");
	first4.frag4 = 0x4000; /* don't fragment: whole */
	assert_string_equal(outcome(r, first4), "accepted-established");
	/* Kernels take what stands where a port would be for a port; that must not matter. */
	for (next4.dport = 0; next4.dport <= 25; next4.dport += 25) {
		next4.frag4 = 0x2001;
		assert_string_equal(outcome(r, next4), "queued");
		next4.frag4 = 2;
		assert_string_equal(outcome(r, next4), "-");
	}
	first6.frag6 = true;
	assert_string_equal(outcome(r, first6), "queued");
	cut6.has_l4proto = cut6.has_dport = cut6.has_flags = false;
	cut6.frag6 = true;
	assert_string_equal(outcome(r, cut6), "queued");
	cut6.frag6_offset = 1;
	assert_string_equal(outcome(r, cut6), "queued");
	cut6.frag6_offset = 2;
	assert_string_equal(outcome(r, cut6), "-");
}

static void test_a_header_without_flags_is_queued(void **state)
{
	const struct ruleset *r = build(*state);
	struct ruleset_packet packet = tcp("198.51.100.1", "203.0.113.1", 25, 0);

	packet.has_flags = false;
	assert_string_equal(outcome(r, packet), "queued");
}

static void test_a_closing_relay_is_not_inside(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *r;

	f->made.policy.rules[f->relay].has_subscribers_until = true;
	f->made.policy.rules[f->relay].subscribers_until.s = 1254322800;
	r = build(f);
	assert_string_equal(outcome(r, tcp("198.51.100.1", "192.0.2.25", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("2001:db8:100::1", "2001:db8:1::25", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "192.0.2.26", 25, SYN)), "accepted-inside");
	assert_string_equal(outcome(r, tcp("198.51.100.77", "192.0.2.25", 25, SYN)), "accepted-exempt");
	assert_string_equal(outcome(r, tcp("192.0.2.25", "203.0.113.1", 25, SYN)), "accepted-relay");
}

/* Of two relays at one address the later decides, as in the engine. */
static void test_the_later_of_two_relays_decides(void **state)
{
	struct fixture *f = *state;
	uint16_t second = made_rule(&f->made, POLICY_RELAY, "mx-again");

	made_prefix(&f->made, second, POLICY_ROLE_SOURCE, "192.0.2.25/32");
	f->made.policy.rules[f->relay].has_subscribers_until = true;
	assert_string_equal(outcome(build(f), tcp("198.51.100.1", "192.0.2.25", 25, SYN)),
			    "accepted-relay-destination");
	f->made.policy.rules[f->relay].has_subscribers_until = false;
	f->made.policy.rules[second].has_subscribers_until = true;
	assert_string_equal(outcome(build(f), tcp("198.51.100.1", "192.0.2.25", 25, SYN)), "queued");
}

static void test_dated_or_narrow_exemptions_go_to_the_daemon(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *exempt = &f->made.policy.rules[f->exempt];
	struct ruleset_packet packet = tcp("198.51.100.77", "203.0.113.1", 25, SYN);

	exempt->has_until = true;
	exempt->until.s = 4000000000;
	assert_string_equal(outcome(build(f), packet), "queued");
	exempt->has_until = false;
	exempt->has_from = true;
	exempt->from.s = 1;
	assert_string_equal(outcome(build(f), packet), "queued");
	exempt->has_from = false;
	exempt->to_any = false;
	assert_string_equal(outcome(build(f), packet), "queued");
	exempt->to_any = true;
	assert_string_equal(outcome(build(f), packet), "accepted-exempt");
}

static void test_inbound_is_never_judged(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet in = tcp("203.0.113.1", "198.51.100.1", 25, SYN);
	struct ruleset_packet out = tcp("198.51.100.1", "203.0.113.1", 25, SYN);
	const struct ruleset *r;

	made_interface(&f->made.policy.gateway.upstream_interfaces, "up*");
	r = build(f);
	in.interface = "up7";
	assert_string_equal(outcome(r, in), "accepted-inbound");
	in.interface = "srv0";
	assert_string_equal(outcome(r, in), "queued");
	assert_string_equal(outcome(r, out), "queued");

	made_interface(&f->made.policy.gateway.subscriber_interfaces, "ppp*");
	r = build(f);
	assert_string_equal(outcome(r, in), "accepted-inbound");
	in.src = address("192.0.2.25");
	assert_string_equal(outcome(r, in), "accepted-relay");
	assert_string_equal(outcome(r, out), "queued");
}

static void test_a_relay_among_subscribers_is_suspect(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet packet = tcp("192.0.2.25", "203.0.113.1", 25, SYN);
	const struct ruleset *r;

	made_interface(&f->made.policy.gateway.subscriber_interfaces, "ppp*");
	r = build(f);
	assert_string_equal(outcome(r, packet), "queued");
	/* Not even what a relay or an inside destination would excuse. */
	packet.dst = address("192.0.2.80");
	assert_string_equal(outcome(r, packet), "queued");
	made_interface(&f->made.policy.rules[f->relay].interfaces, "ppp9");
	r = build(f);
	assert_string_equal(outcome(r, packet), "queued");
	packet.interface = "ppp9";
	assert_string_equal(outcome(r, packet), "accepted-relay");
}

static void test_a_pool_source_elsewhere_is_suspect(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet exempt = tcp("198.51.100.77", "203.0.113.1", 25, SYN);
	struct ruleset_packet inner = tcp("198.51.100.130", "192.0.2.80", 25, SYN);
	uint16_t half = made_rule(&f->made, POLICY_POOL, "half");
	const struct ruleset *r;

	made_prefix(&f->made, half, POLICY_ROLE_SOURCE, "198.51.100.128/25");
	made_interface(&f->made.policy.rules[f->pool].interfaces, "ppp*");
	made_interface(&f->made.policy.rules[half].interfaces, "vlan9");
	r = build(f);
	assert_string_equal(outcome(r, exempt), "accepted-exempt");
	exempt.interface = "vlan9";
	assert_string_equal(outcome(r, exempt), "queued");
	assert_string_equal(outcome(r, inner), "queued");
	inner.interface = "vlan9";
	assert_string_equal(outcome(r, inner), "accepted-inside");
}

static void test_conntrack_and_cut(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet packet = tcp("198.51.100.1", "203.0.113.1", 25, ACK);
	struct ruleset_packet syn = tcp("198.51.100.1", "203.0.113.1", 25, SYN);
	const struct ruleset *r;

	f->made.policy.gateway.conntrack = true;
	r = build(f);
	packet.ct_known = true;
	packet.ct_state = RULESET_CT_ESTABLISHED;
	assert_string_equal(outcome(r, packet), "accepted-established");
	packet.ct_state = RULESET_CT_NEW;
	assert_string_equal(outcome(r, packet), "queued");
	packet.ct_state = RULESET_CT_INVALID;
	assert_string_equal(outcome(r, packet), "queued");
	syn.ct_known = true;
	syn.ct_state = RULESET_CT_ESTABLISHED;
	assert_string_equal(outcome(r, syn), "queued");

	f->made.policy.gateway.established = POLICY_ESTABLISHED_CUT;
	r = build(f);
	packet.ct_state = RULESET_CT_ESTABLISHED;
	assert_string_equal(outcome(r, packet), "queued");
	packet.ct_reply = true;
	assert_string_equal(outcome(r, packet), "accepted-established");

	f->made.policy.gateway.conntrack = false;
	assert_string_equal(outcome(build(f), packet), "queued");
}

static void test_unlisted_sources_may_pass_in_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct ruleset_packet packet = tcp("203.0.113.9", "203.0.113.1", 25, SYN);
	const struct ruleset *r;

	f->made.policy.gateway.unlisted = POLICY_UNLISTED_MONITOR;
	assert_string_equal(outcome(build(f), packet), "queued");
	f->made.policy.gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	r = build(f);
	assert_string_equal(outcome(r, packet), "accepted-unlisted");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "203.0.113.1", 25, SYN)), "queued");
	assert_string_equal(outcome(r, tcp("2001:db8:f::1", "2001:db8:f::2", 25, SYN)), "accepted-unlisted");
	assert_string_equal(outcome(r, tcp("2001:db8:100::1", "2001:db8:f::2", 25, SYN)), "queued");
}

static void test_our_marks_are_taken_off_and_answered(void **state)
{
	const struct ruleset *r = build(*state);
	struct ruleset_packet packet = tcp("192.0.2.25", "203.0.113.1", 25, SYN);
	int32_t answer = ruleset_find_chain(r, "answer");

	packet.mark = MARK_RESET;
	assert_int_equal(run(r, &packet).mark, 0);
	assert_int_equal(run(r, &packet).outcome, RULESET_ACCEPTED);
	assert_int_equal(ruleset_evaluate(r, (uint32_t)answer, &packet).outcome, RULESET_RESET);
	packet.mark = MARK_ICMP;
	assert_int_equal(ruleset_evaluate(r, (uint32_t)answer, &packet).outcome, RULESET_ICMP);
	packet.dport = 587;
	assert_int_equal(ruleset_evaluate(r, (uint32_t)answer, &packet).outcome, RULESET_ACCEPTED);
	packet.dport = 25;
	packet.mark = 7;
	assert_int_equal(run(r, &packet).mark, 7);
	assert_int_equal(ruleset_evaluate(r, (uint32_t)answer, &packet).outcome, RULESET_ACCEPTED);
}

static void test_ranges_are_merged(void **state)
{
	struct fixture *f = *state;
	char *text CLEANUP_FREE = NULL;

	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "192.0.3.0/24");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "192.0.2.0/32");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "192.0.4.0/25");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "255.255.255.254/31");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "0.0.0.0/32");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	text = print(build(f));
	assert_non_null(strstr(text, "elements = {\n\t\t\t0.0.0.0,\n\t\t\t192.0.2.0-192.0.4.127,\n"
				     "\t\t\t255.255.255.254/31\n\t\t}\n"));
	assert_non_null(strstr(text, "\t\t\t2001:db8:1::/48,\n"
				     "\t\t\tffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n\t\t}\n"));
}

static void test_the_whole_space_is_one_range(void **state)
{
	struct fixture *f = *state;
	const struct ruleset *r;

	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "0.0.0.0/0");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "255.0.0.0/8");
	made_prefix(&f->made, f->inside, POLICY_ROLE_TARGET, "::/0");
	r = build(f);
	assert_string_equal(outcome(r, tcp("198.51.100.1", "255.255.255.255", 25, SYN)), "accepted-inside");
	assert_string_equal(outcome(r, tcp("198.51.100.1", "0.0.0.0", 25, SYN)), "accepted-inside");
	assert_string_equal(outcome(r, tcp("2001:db8:100::1", "::", 25, SYN)), "accepted-inside");
	for (size_t i = 0; i < r->set_count; i++) {
		if (strncmp(r->sets[i].name, "inside", 6) == 0)
			assert_int_equal(r->sets[i].count, 1);
	}
}

static void test_the_queue_statement(void **state)
{
	struct fixture *f = *state;
	struct policy_gateway *gateway = &f->made.policy.gateway;
	char *one CLEANUP_FREE = print(build(f));
	char *closed CLEANUP_FREE = NULL;
	char *several CLEANUP_FREE = NULL;

	assert_non_null(strstr(one, "\t\tqueue flags bypass to 100\n"));
	gateway->fail = POLICY_FAIL_CLOSED;
	closed = print(build(f));
	assert_non_null(strstr(closed, "\t\tqueue to 100\n"));
	gateway->workers = 4;
	f->made.policy.rules[f->pool].delegated_prefix_length = 56;
	several = print(build(f));
	assert_non_null(
		strstr(several, "meta nfproto ipv4 queue to jhash ip saddr mod 4 seed 0x25b offset 100\n"));
	assert_non_null(strstr(several, "queue to jhash ip6 saddr & ffff:ffff:ffff:ff00:: mod 4 seed 0x25b "
					"offset 100\n"));
}

static void test_the_text_has_no_date_and_is_the_same_each_time(void **state)
{
	struct fixture *f = *state;
	char *before CLEANUP_FREE = NULL;
	char *after CLEANUP_FREE = NULL;

	f->made.policy.rules[f->pool].has_enforce_from = true;
	f->made.policy.rules[f->pool].enforce_from.s = 1254322800;
	before = print(build(f));
	f->made.policy.rules[f->pool].enforce_from.s = 1954322800;
	after = print(build(f));
	assert_string_equal(before, after);
}

/* Without conntrack in the policy no rule may load it: that alone would switch tracking on for the whole router. */
static void test_no_conntrack_unless_asked(void **state)
{
	char *text CLEANUP_FREE = print(build(*state));

	assert_null(strstr(text, " ct "));
	assert_null(strstr(text, "\tct "));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_other_ports_and_protocols_leave_at_once),
		CASE(test_only_what_needs_a_decision_is_queued),
		CASE(test_a_bridge_looks_behind_tags),
		CASE(test_logging_is_a_rule_of_its_own),
		CASE(test_answers_to_a_pool_are_queued),
		CASE(test_odd_flags_count_as_opening),
		CASE(test_fragments_cannot_hide_a_syn),
		CASE(test_a_header_without_flags_is_queued),
		CASE(test_a_closing_relay_is_not_inside),
		CASE(test_the_later_of_two_relays_decides),
		CASE(test_dated_or_narrow_exemptions_go_to_the_daemon),
		CASE(test_inbound_is_never_judged),
		CASE(test_a_relay_among_subscribers_is_suspect),
		CASE(test_a_pool_source_elsewhere_is_suspect),
		CASE(test_conntrack_and_cut),
		CASE(test_unlisted_sources_may_pass_in_the_kernel),
		CASE(test_our_marks_are_taken_off_and_answered),
		CASE(test_ranges_are_merged),
		CASE(test_the_whole_space_is_one_range),
		CASE(test_the_queue_statement),
		CASE(test_the_text_has_no_date_and_is_the_same_each_time),
		CASE(test_no_conntrack_unless_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
