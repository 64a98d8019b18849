/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine against a second, slow telling of the decision order: random small policies whose prefixes crowd into a
 * few addresses, and random packets. The model walks lists; it shares nothing with the engine but the policy value.
 */
#include "engine/override.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 150, PACKETS = 2000 };
#else
enum { POLICIES = 600, PACKETS = 5000 };
#endif

#define BASE_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
enum { STEP_S = 100, STEPS = 20 };

static uint64_t random_state = 25;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(2685821657736338717);
}

static unsigned below(unsigned n)
{
	return (unsigned)(random_u64() >> 33) % n;
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static const char *const interfaces[] = {"ppp0", "ppp1", "eth0", "eth1", "srv0", "up0", "up1"};
static const char *const patterns[] = {"ppp*", "ppp0", "eth*", "eth1", "srv0"};

/* ---- random policies ---- */

static void put_date(FILE *out, const char *key)
{
	char text[MOMENT_TEXT_MAX];

	moment_format(BASE_S + (int64_t)below(STEPS) * STEP_S, 32400, text);
	fprintf(out, "%s = %s\n", key, text);
}

/* Few addresses, so that prefixes nest and meet: the last 6 bits of one /26 or one /122. */
static struct addr random_address(void)
{
	uint64_t low = below(64);

	return chance(50) ? addr_ip4(UINT32_C(0xc6336400) | (uint32_t)low)
			  : addr_ip6(UINT64_C(0x20010db800000000), UINT64_C(0x100) | low);
}

static void put_prefix(FILE *out, const char *key, unsigned shortest)
{
	struct addr addr = random_address();
	unsigned len = addr_bits(addr.family) - below(shortest);
	struct prefix prefix = {.addr = addr_mask(&addr, len), .len = (uint8_t)len};
	char text[PREFIX_TEXT_MAX];

	prefix_format(&prefix, text);
	fprintf(out, "%s = %s\n", key, text);
}

static void put_prefixes(FILE *out, const char *key, unsigned shortest)
{
	for (unsigned n = 1 + below(3); n > 0; n--)
		put_prefix(out, key, shortest);
}

static void put_pool(FILE *out, unsigned i)
{
	static const char *const actions[] = {"drop", "reset", "icmp"};

	fprintf(out, "[pool p%u]\naction = %s\n", i, actions[below(3)]);
	put_prefixes(out, "prefix", 6);
	if (chance(50))
		put_date(out, "monitor_from");
	if (chance(50))
		put_date(out, "enforce_from");
	if (chance(30))
		fprintf(out, "interface = %s\n", patterns[below(5)]);
	if (chance(50))
		fprintf(out, "delegated_prefix_length = %u\n",
			chance(50) ? 48 + below(4) * 4 : 121 + below(8));
}

static void put_exempt(FILE *out, unsigned i)
{
	fprintf(out, "[exempt x%u]\n", i);
	put_prefixes(out, "prefix", 5);
	if (chance(40))
		put_date(out, "from");
	if (chance(40))
		put_date(out, "until");
	if (chance(40))
		put_prefix(out, "to", 5);
	if (chance(20))
		fprintf(out, "to = d0\n");
}

static void put_relay(FILE *out, unsigned i)
{
	struct addr addr = random_address();
	char text[ADDR_TEXT_MAX];

	addr_format(&addr, text);
	fprintf(out, "[relay r%u]\naddress = %s\n", i, text);
	if (chance(40))
		fprintf(out, "interface = %s\n", patterns[below(5)]);
	if (chance(40))
		put_date(out, "subscribers_until");
}

static void put_gateway(FILE *out)
{
	static const char *const unlisted[] = {"drop", "accept", "monitor"};

	fprintf(out, "[gateway]\nmode = %s\nfail = closed\nunlisted = %s\nestablished = %s\nconntrack = %s\n",
		chance(80) ? "enforce" : "monitor", unlisted[below(3)], chance(60) ? "drain" : "cut",
		chance(50) ? "yes" : "no");
	if (chance(30))
		fprintf(out, "triangular_guard = no\n");
	fprintf(out, "upstream_interfaces = up*\n");
	if (chance(50))
		fprintf(out, "subscriber_interfaces = ppp*, eth0\n");
}

static struct policy *random_policy(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct policy *policy = NULL;
	FILE *in;

	put_gateway(out);
	for (unsigned i = 0; i < 2; i++) {
		fprintf(out, "[destination d%u]\n", i);
		put_prefixes(out, "prefix", 6);
		put_date(out, "enforce_from");
	}
	for (unsigned i = 0, n = below(4); i < n; i++)
		put_pool(out, i);
	for (unsigned i = 0, n = below(4); i < n; i++)
		put_exempt(out, i);
	for (unsigned i = 0, n = below(3); i < n; i++)
		put_relay(out, i);
	if (chance(50)) {
		fprintf(out, "[inside i0]\n");
		put_prefixes(out, "prefix", 4);
	}
	fclose(out);
	in = fmemopen(text, size, "r");
	if (policy_read_stream(in, "random.ini", NULL, BASE_S, NULL, &policy) < 0)
		policy = NULL;
	fclose(in);
	free(text);
	return policy;
}

/* ---- the model ---- */

struct answer {
	enum verdict verdict, would;
	enum reason reason;
	int rule;
};

struct entry {
	struct prefix prefix;
	int rule, role;
};

/* Entry i of the list of addr's family; false behind its end. */
static bool entry_at(const struct policy *policy, uint8_t family, size_t i, struct entry *ret)
{
	if (family == ADDR_IP4 && i < policy->ip4_count) {
		const struct policy_prefix4 *p = &policy->ip4[i];

		*ret = (struct entry){{addr_ip4(p->addr), p->len}, p->rule, p->role};
		return true;
	}
	if (family == ADDR_IP6 && i < policy->ip6_count) {
		const struct policy_prefix6 *p = &policy->ip6[i];

		*ret = (struct entry){{addr_ip6(p->hi, p->lo), p->len}, p->rule, p->role};
		return true;
	}
	return false;
}

static bool covers(const struct policy *policy, int rule, int role, const struct addr *addr)
{
	struct entry entry;

	for (size_t i = 0; entry_at(policy, addr->family, i, &entry); i++) {
		if (entry.rule == rule && entry.role == role && prefix_contains(&entry.prefix, addr))
			return true;
	}
	return false;
}

/* The rule of a kind with the longest prefix over addr, the later section of equals; -1 if there is none. */
static int longest(const struct policy *policy, enum policy_kind kind, int role, const struct addr *addr)
{
	struct entry entry;
	int best = -1, best_len = -1;

	for (size_t i = 0; entry_at(policy, addr->family, i, &entry); i++) {
		if (policy->rules[entry.rule].kind != kind || entry.role != role ||
		    !prefix_contains(&entry.prefix, addr))
			continue;
		if (entry.prefix.len > best_len || (entry.prefix.len == best_len && entry.rule > best)) {
			best = entry.rule;
			best_len = entry.prefix.len;
		}
	}
	return best;
}

enum side { UNKNOWN, SUBSCRIBER, OTHER, UPSTREAM };

static enum side model_side(const struct policy *policy, const char *name)
{
	if (!name)
		return UNKNOWN;
	if (policy_interfaces_match(&policy->gateway.upstream_interfaces, name))
		return UPSTREAM;
	if (policy->gateway.subscriber_interfaces.count == 0 ||
	    policy_interfaces_match(&policy->gateway.subscriber_interfaces, name))
		return SUBSCRIBER;
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (policy->rules[i].kind == POLICY_POOL &&
		    policy_interfaces_match(&policy->rules[i].interfaces, name))
			return SUBSCRIBER;
	}
	return OTHER;
}

static struct answer plain(enum reason reason, int rule)
{
	return (struct answer){VERDICT_ACCEPT, VERDICT_ACCEPT, reason, rule};
}

static enum verdict model_action(const struct policy_rule *rule)
{
	return rule->action == POLICY_ACTION_RESET  ? VERDICT_RESET
	       : rule->action == POLICY_ACTION_ICMP ? VERDICT_ICMP
						    : VERDICT_DROP;
}

static bool model_genuine_relay(const struct policy *policy, int relay, const char *name)
{
	const struct policy_rule *rule = &policy->rules[relay];

	if (!name)
		return true;
	if (rule->interfaces.count > 0)
		return policy_interfaces_match(&rule->interfaces, name);
	return policy->gateway.subscriber_interfaces.count == 0 || model_side(policy, name) != SUBSCRIBER;
}

static bool pool_enforced_ever(const struct policy_rule *pool)
{
	return pool->has_enforce_from || !pool->has_monitor_from;
}

static struct answer model_pool(const struct policy *policy, int pool, const struct addr *dst, int64_t now_s)
{
	const struct policy_rule *p = &policy->rules[pool];
	int relay = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, dst);
	int group = longest(policy, POLICY_DESTINATION, POLICY_ROLE_TARGET, dst);
	bool own = pool_enforced_ever(p) && (!p->has_enforce_from || now_s >= p->enforce_from.s);
	bool monitored = p->has_monitor_from && now_s >= p->monitor_from.s;
	struct answer blocked = {model_action(p), model_action(p), REASON_POOL_ENFORCE, pool};
	bool enforced = own;

	if (pool_enforced_ever(p) && relay >= 0) {
		enforced = policy->rules[relay].has_subscribers_until &&
			   now_s >= policy->rules[relay].subscribers_until.s;
		blocked.reason = REASON_RELAY_CLOSED;
		blocked.rule = relay;
	} else if (pool_enforced_ever(p) && group >= 0) {
		enforced = now_s >= policy->rules[group].enforce_from.s;
		blocked.reason = REASON_DESTINATION_ENFORCE;
		blocked.rule = group;
	}
	if (enforced)
		return blocked;
	if (monitored)
		return (struct answer){VERDICT_ACCEPT, model_action(p), REASON_POOL_MONITOR, pool};
	if (relay < 0 && group >= 0 && own)
		return plain(REASON_DESTINATION_OFF, group);
	return plain(REASON_POOL_OFF, pool);
}

static bool exempts_now(const struct policy *policy, int rule, const struct addr *dst, int64_t now_s)
{
	const struct policy_rule *exempt = &policy->rules[rule];

	if ((exempt->has_from && now_s < exempt->from.s) || (exempt->has_until && now_s >= exempt->until.s))
		return false;
	if (exempt->to_any || covers(policy, rule, POLICY_ROLE_TO, dst))
		return true;
	for (size_t g = 0; g < exempt->to_group_count; g++) {
		if (covers(policy, exempt->to_groups[g], POLICY_ROLE_TARGET, dst))
			return true;
	}
	return false;
}

/* Innermost prefix first, the later section of equals: the first that holds exempts. */
static int model_exempt(const struct policy *policy, const struct packet *packet, int64_t now_s)
{
	struct entry entry;
	int best = -1, best_len = -1;

	for (size_t i = 0; entry_at(policy, packet->family, i, &entry); i++) {
		bool nearer =
			entry.prefix.len > best_len || (entry.prefix.len == best_len && entry.rule > best);

		if (nearer && policy->rules[entry.rule].kind == POLICY_EXEMPT &&
		    entry.role == POLICY_ROLE_SOURCE && prefix_contains(&entry.prefix, &packet->src) &&
		    exempts_now(policy, entry.rule, &packet->dst, now_s)) {
			best = entry.rule;
			best_len = entry.prefix.len;
		}
	}
	return best;
}

/* ---- overrides ---- */

static struct engine_override overrides[6];
static size_t override_count;

static bool is_overridden(const struct prefix *prefix)
{
	for (size_t i = 0; i < override_count; i++)
		if (prefix_compare(&overrides[i].prefix, prefix) == 0)
			return true;
	return false;
}

static void random_overrides(void)
{
	override_count = 0;
	for (size_t n = chance(30) ? 1 + below(6) : 0; n > 0; n--) {
		struct addr addr = random_address();
		unsigned len = addr_bits(addr.family) - below(chance(80) ? 7 : 33);
		struct prefix prefix = {addr_mask(&addr, len), (uint8_t)len};

		if (!is_overridden(&prefix))
			overrides[override_count++] = (struct engine_override){
				prefix, chance(50), BASE_S + (int64_t)below(STEPS) * STEP_S};
	}
}

static const struct engine_override *model_override(const struct addr *addr, int64_t now_s)
{
	const struct engine_override *best = NULL;

	for (size_t i = 0; i < override_count; i++)
		if (now_s < overrides[i].until_s && prefix_contains(&overrides[i].prefix, addr) &&
		    (!best || overrides[i].prefix.len > best->prefix.len))
			best = &overrides[i];
	return best;
}

/* None is of a part of the subscriber only. */
static bool model_is_one(const struct prefix *subscriber)
{
	for (size_t i = 0; i < override_count; i++)
		if (overrides[i].prefix.len > subscriber->len &&
		    prefix_covers(subscriber, &overrides[i].prefix))
			return false;
	return true;
}

static struct answer model_rules(const struct policy *policy, const struct packet *packet, const char *name,
				 int64_t now_s)
{
	int relay = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, &packet->src);
	int pool = longest(policy, POLICY_POOL, POLICY_ROLE_SOURCE, &packet->src);
	int relay_to = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, &packet->dst);
	int inside = longest(policy, POLICY_INSIDE, POLICY_ROLE_TARGET, &packet->dst);
	const struct engine_override *override;
	int exempt;

	if (relay >= 0)
		return model_genuine_relay(policy, relay, name)
			       ? plain(REASON_RELAY, relay)
			       : (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_SPOOFED, relay};
	if (pool >= 0 && name && policy->rules[pool].interfaces.count > 0 &&
	    !policy_interfaces_match(&policy->rules[pool].interfaces, name)) {
		const struct policy_rule *p = &policy->rules[pool];

		if (pool_enforced_ever(p) && (!p->has_enforce_from || now_s >= p->enforce_from.s))
			return (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_SPOOFED, pool};
		if (p->has_monitor_from && now_s >= p->monitor_from.s)
			return (struct answer){VERDICT_ACCEPT, VERDICT_DROP, REASON_SPOOFED, pool};
	}
	if (relay_to >= 0) {
		if (!policy->rules[relay_to].has_subscribers_until ||
		    now_s < policy->rules[relay_to].subscribers_until.s)
			return plain(REASON_RELAY_DESTINATION, relay_to);
	} else if (inside >= 0) {
		return plain(REASON_INSIDE, inside);
	}
	override = model_override(&packet->src, now_s);
	if (override && override->block)
		return (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_OVERRIDE_BLOCK, -1};
	if (override)
		return plain(REASON_OVERRIDE_ALLOW, -1);
	exempt = model_exempt(policy, packet, now_s);
	if (exempt >= 0)
		return plain(REASON_EXEMPT, exempt);
	if (pool >= 0)
		return model_pool(policy, pool, &packet->dst, now_s);
	if (policy->gateway.unlisted == POLICY_UNLISTED_ACCEPT)
		return plain(REASON_UNLISTED_ACCEPT, -1);
	if (policy->gateway.unlisted == POLICY_UNLISTED_MONITOR)
		return (struct answer){VERDICT_ACCEPT, VERDICT_DROP, REASON_UNLISTED_MONITOR, -1};
	return (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_UNLISTED_DROP, -1};
}

static enum reason model_fault(const struct packet *packet)
{
	if (packet->fault == PACKET_FAULT_TCP_HEADER)
		return REASON_MALFORMED_TCP;
	if (packet->fault == PACKET_FAULT_FRAGMENT_TINY)
		return REASON_FRAGMENT_TINY;
	if (packet->fault == PACKET_FAULT_FRAGMENT_OVERLAP)
		return REASON_FRAGMENT_OVERLAP;
	if (packet->fault == PACKET_FAULT_FRAGMENT_CHAIN)
		return REASON_FRAGMENT_CHAIN;
	if (packet->fault == PACKET_FAULT_EXTENSION)
		return REASON_MALFORMED_IP;
	if (!packet->has_flags)
		return REASON_TRUNCATED;
	if ((packet->tcp_flags & TCP_SYN) && !(packet->tcp_flags & TCP_ACK) &&
	    (packet->tcp_flags & (TCP_RST | TCP_FIN)))
		return REASON_BAD_FLAGS;
	return REASONS;
}

static struct answer model_outbound(const struct policy *policy, const struct packet *packet,
				    const char *name, enum engine_flow flow, int64_t now_s)
{
	struct answer syn = model_rules(policy, packet, name, now_s);
	enum reason fault = model_fault(packet);
	enum verdict drop = syn.verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP;

	if (syn.would == VERDICT_ACCEPT)
		return syn;
	if (fault != REASONS)
		return syn.reason == REASON_SPOOFED ? syn
						    : (struct answer){drop, VERDICT_DROP, fault, syn.rule};
	if (packet_is_syn(packet) || policy->gateway.established == POLICY_ESTABLISHED_CUT)
		return syn;
	if (!policy->gateway.conntrack || flow != ENGINE_FLOW_NEW)
		return plain(REASON_ESTABLISHED, syn.rule);
	return syn.reason == REASON_SPOOFED ? syn
					    : (struct answer){drop, VERDICT_DROP, REASON_MIDSTREAM, syn.rule};
}

/* The answer of a port 25 that comes from no subscriber's side. */
static bool model_guards(const struct policy *policy, const struct packet *packet, const char *name)
{
	enum side side = model_side(policy, name);

	return policy->gateway.triangular_guard && (side == UPSTREAM || side == OTHER) && packet->has_ports &&
	       packet->has_flags && packet->sport == 25 && (packet->tcp_flags & TCP_SYN) &&
	       (packet->tcp_flags & TCP_ACK);
}

/* What the member of a pool would have been told, had it asked. */
static struct answer model_guard(const struct policy *policy, const struct packet *packet,
				 enum engine_flow flow, int64_t now_s)
{
	struct packet question = {.family = packet->family, .src = packet->dst, .dst = packet->src};
	int pool = longest(policy, POLICY_POOL, POLICY_ROLE_SOURCE, &question.src);
	int relay = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, &question.src);
	int relay_from = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, &question.dst);
	int inside = longest(policy, POLICY_INSIDE, POLICY_ROLE_TARGET, &question.dst);
	int exempt = model_exempt(policy, &question, now_s);
	const struct engine_override *override = model_override(&question.src, now_s);
	struct answer asked;

	if (policy->gateway.conntrack && flow == ENGINE_FLOW_ESTABLISHED)
		return plain(REASON_INBOUND, -1);
	if (relay >= 0 || relay_from >= 0 || inside >= 0)
		return plain(REASON_INBOUND, relay >= 0 ? relay : relay_from >= 0 ? relay_from : inside);
	if (override && override->block)
		return (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_TRIANGULAR, -1};
	if (override)
		return plain(REASON_INBOUND, -1);
	if (exempt >= 0 || pool < 0)
		return plain(REASON_INBOUND, exempt);
	asked = model_pool(policy, pool, &question.dst, now_s);
	if (asked.would == VERDICT_ACCEPT)
		return plain(REASON_INBOUND, asked.rule);
	return (struct answer){asked.verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP, VERDICT_DROP,
			       REASON_TRIANGULAR, asked.rule};
}

static struct answer model(const struct policy *policy, const struct packet *packet, const char *name,
			   const struct engine_context *context, int64_t now_s)
{
	enum side side = model_side(policy, name);
	int relay = longest(policy, POLICY_RELAY, POLICY_ROLE_SOURCE, &packet->src);
	struct answer answer;

	if (packet->family == ADDR_NONE && !packet->fault)
		answer = plain(REASON_NOT_IP, -1);
	else if (model_guards(policy, packet, name))
		answer = model_guard(policy, packet, context->flow, now_s);
	else if (side == UPSTREAM || (side == OTHER && packet->fault == PACKET_FAULT_IP_HEADER))
		answer = plain(REASON_INBOUND, -1);
	else if (packet->fault == PACKET_FAULT_IP_HEADER)
		answer = (struct answer){VERDICT_DROP, VERDICT_DROP, REASON_MALFORMED_IP, -1};
	else if (packet->family == ADDR_NONE)
		answer = plain(REASON_UNREADABLE, -1);
	else if ((packet->has_protocol && packet->protocol != IP_PROTOCOL_TCP) ||
		 (packet->has_ports && packet->dport != 25))
		answer = plain(REASON_NOT_TCP25, -1);
	else if (packet->fragment == PACKET_FRAGMENT_LATER && packet->fault != PACKET_FAULT_FRAGMENT_OVERLAP)
		answer = plain(REASON_FRAGMENT_LATER, -1);
	else if (!packet->has_ports && !context->port25 && packet->fault != PACKET_FAULT_FRAGMENT_OVERLAP &&
		 packet->fault != PACKET_FAULT_FRAGMENT_CHAIN)
		answer = plain(REASON_UNREADABLE, -1);
	else if (side == OTHER)
		answer = relay >= 0 && model_genuine_relay(policy, relay, name) ? plain(REASON_RELAY, relay)
										: plain(REASON_INBOUND, -1);
	else
		answer = model_outbound(policy, packet, name, context->flow, now_s);
	if (policy->gateway.mode == POLICY_MODE_MONITOR)
		answer.verdict = VERDICT_ACCEPT;
	return answer;
}

/* ---- random packets and the comparison ---- */

static void break_packet(struct packet *packet)
{
	switch (below(8)) {
	case 0:
		if (chance(30)) {
			packet->fault =
				PACKET_FAULT_IP_HEADER; /* cut on the wire behind its source address */
			packet->has_protocol = packet->has_ports = packet->has_flags = false;
			break;
		}
		*packet = (struct packet){.fault = chance(30)   ? PACKET_FAULT_CUT
						   : chance(50) ? PACKET_FAULT_IP_HEADER
								: PACKET_FAULT_NONE};
		break;
	case 1:
		packet->fault = PACKET_FAULT_TCP_HEADER;
		packet->has_flags = false;
		break;
	case 2:
		packet->fault = PACKET_FAULT_FRAGMENT_TINY;
		packet->fragment = PACKET_FRAGMENT_FIRST;
		packet->has_flags = false;
		break;
	case 3:
		packet->fault = chance(50) ? PACKET_FAULT_FRAGMENT_OVERLAP : PACKET_FAULT_NONE;
		packet->fragment = PACKET_FRAGMENT_LATER;
		packet->has_ports = packet->has_flags = false;
		break;
	case 4:
		packet->fault = chance(50) ? PACKET_FAULT_FRAGMENT_CHAIN : PACKET_FAULT_EXTENSION;
		packet->has_protocol = packet->has_ports = packet->has_flags = false;
		break;
	case 5:
		packet->fault = PACKET_FAULT_CUT;
		packet->has_flags = false;
		packet->has_ports = chance(50);
		break;
	case 6:
		packet->protocol = 17;
		packet->has_ports = packet->has_flags = false;
		break;
	default:
		packet->dport = 587;
		break;
	}
}

static struct packet random_packet(void)
{
	struct packet packet = {.src = random_address(),
				.protocol = IP_PROTOCOL_TCP,
				.has_protocol = true,
				.has_ports = true,
				.has_flags = true,
				.dport = 25,
				.tcp_flags = TCP_SYN};

	packet.family = packet.src.family;
	do {
		packet.dst = random_address();
	} while (packet.dst.family != packet.family);
	if (chance(25))
		packet.tcp_flags = (uint8_t)below(256);
	if (chance(20)) {
		packet.sport = 25;
		packet.tcp_flags = (uint8_t)(TCP_SYN | TCP_ACK | (chance(20) ? below(256) : 0));
		packet.dport = (uint16_t)(chance(70) ? 40000 : 25);
	}
	if (chance(20))
		break_packet(&packet);
	return packet;
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->verdict == b->verdict && a->would == b->would && a->reason == b->reason &&
	       a->rule == b->rule;
}

static int64_t model_next_change(const struct policy *policy, const struct packet *packet, const char *name,
				 const struct engine_context *context, const struct answer *now)
{
	for (int i = 0; i < STEPS; i++) {
		int64_t date_s = BASE_S + i * STEP_S;
		struct answer then = model(policy, packet, name, context, date_s);

		if (date_s > context->now_s && !same(now, &then))
			return date_s;
	}
	return MOMENT_NEVER;
}

static void explain_failure(const struct policy *policy, const struct packet *packet, const char *name,
			    const struct answer *expected, const struct decision *decision, int64_t now_s)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	addr_format(&packet->src, src);
	addr_format(&packet->dst, dst);
	policy_print(policy, stderr);
	fprintf(stderr, "%s > %s on %s at base%+lld: model %s/%s %s %d, engine %s/%s %s %d\n", src, dst,
		name ? name : "(unknown)", (long long)(now_s - BASE_S), verdict_name(expected->verdict),
		verdict_name(expected->would), reason_name(expected->reason), expected->rule,
		verdict_name(decision->verdict), verdict_name(decision->would), reason_name(decision->reason),
		decision->rule);
}

static void assert_same_decision(const struct decision *a, const struct decision *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->would, b->would);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->rule, b->rule);
	assert_int_equal(a->pool, b->pool);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->subscriber_len, b->subscriber_len);
	assert_int_equal(a->whole_source, b->whole_source);
	assert_int_equal(a->next_change_s, b->next_change_s);
	assert_string_equal(a->rule_name, b->rule_name);
}

/* ---- the whole subscriber ---- */

/* The pool of an address that no relay has and no exemption names; -1 without a pool, -2 for other addresses. */
static int model_plain_pool(const struct policy *policy, const struct addr *addr)
{
	struct entry entry;

	for (size_t i = 0; entry_at(policy, addr->family, i, &entry); i++) {
		enum policy_kind kind = policy->rules[entry.rule].kind;

		if ((kind == POLICY_RELAY || kind == POLICY_EXEMPT) && entry.role == POLICY_ROLE_SOURCE &&
		    prefix_contains(&entry.prefix, addr))
			return -2;
	}
	return longest(policy, POLICY_POOL, POLICY_ROLE_SOURCE, addr);
}

static bool model_names_target(const struct policy *policy, const struct addr *addr)
{
	struct entry entry;

	for (size_t i = 0; entry_at(policy, addr->family, i, &entry); i++) {
		bool target =
			entry.role != POLICY_ROLE_SOURCE || policy->rules[entry.rule].kind == POLICY_RELAY;

		if (target && prefix_contains(&entry.prefix, addr))
			return true;
	}
	return false;
}

/* The prefix of the subscriber that an address of that pool (or of none) belongs to. */
static struct prefix model_subscriber(const struct policy *policy, const struct addr *addr, int pool)
{
	unsigned len = addr->family == ADDR_IP4 ? 32
		       : pool < 0               ? 64
						: policy->rules[pool].delegated_prefix_length;

	return (struct prefix){addr_mask(addr, len), (uint8_t)len};
}

/* Address by address: prefixes end only among the 64 addresses that random_address() knows, so all others of a larger
 * prefix are as its first or its last. */
static bool model_whole(const struct policy *policy, const struct addr *addr)
{
	int pool = model_plain_pool(policy, addr);
	struct prefix subscriber = model_subscriber(policy, addr, pool);
	struct addr last = prefix_last(&subscriber), each = *addr;

	if (!model_is_one(&subscriber))
		return false;
	if (pool == -2 || model_plain_pool(policy, &subscriber.addr) != pool ||
	    model_plain_pool(policy, &last) != pool)
		return false;
	for (unsigned i = 0; i < 64; i++) {
		each.lo = (addr->lo & ~UINT64_C(63)) | i;
		if (prefix_contains(&subscriber, &each) && model_plain_pool(policy, &each) != pool)
			return false;
	}
	return true;
}

static bool model_sound_syn(const struct packet *packet)
{
	return packet_is_syn(packet) && model_fault(packet) == REASONS;
}

static bool model_blocks_whole(const struct policy *policy, const struct packet *packet,
			       const struct answer *answer)
{
	return answer->verdict != VERDICT_ACCEPT && model_sound_syn(packet) &&
	       (answer->reason == REASON_POOL_ENFORCE || answer->reason == REASON_UNLISTED_DROP) &&
	       !model_names_target(policy, &packet->dst) && model_whole(policy, &packet->src);
}

static int64_t model_next_date(const struct policy *policy, int64_t now_s)
{
	int64_t best_s = MOMENT_NEVER;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		const bool has[] = {rule->has_monitor_from, rule->has_enforce_from,
				    rule->has_subscribers_until, rule->has_from, rule->has_until};
		const int64_t dates[] = {rule->monitor_from.s, rule->enforce_from.s,
					 rule->subscribers_until.s, rule->from.s, rule->until.s};

		for (size_t k = 0; k < sizeof(has) / sizeof(has[0]); k++) {
			if (has[k] && dates[k] > now_s && dates[k] < best_s)
				best_s = dates[k];
		}
	}
	for (size_t i = 0; i < override_count; i++)
		if (overrides[i].until_s > now_s && overrides[i].until_s < best_s)
			best_s = overrides[i].until_s;
	return best_s;
}

/* Some interface on which the subscriber's packets are judged, and not taken for forged. */
static const char *random_own_interface(const struct policy *policy, int pool)
{
	for (;;) {
		const char *name = chance(20) ? NULL : interfaces[below(7)];
		enum side side = model_side(policy, name);
		const struct policy_interfaces *own =
			name && pool >= 0 ? &policy->rules[pool].interfaces : NULL;

		if ((side == UNKNOWN || side == SUBSCRIBER) &&
		    (!own || own->count == 0 || policy_interfaces_match(own, name)))
			return name;
	}
}

/* Any address of the prefix, near to where other prefixes are. */
static struct addr random_address_of(const struct prefix *prefix)
{
	struct addr addr = random_address(), last = prefix_last(prefix);

	if (addr.family == prefix->addr.family && prefix_contains(prefix, &addr))
		return addr;
	addr = chance(50) ? prefix->addr : last;
	addr.lo = (addr.lo & ~(last.lo ^ prefix->addr.lo)) | (random_u64() & (last.lo ^ prefix->addr.lo));
	return addr;
}

/* Another sound SYN of the same subscriber, elsewhere, to somebody else, later. */
static void assert_answered_so(const struct policy *policy, const struct engine *engine,
			       const struct packet *first, int64_t first_s, const struct decision *decision)
{
	struct prefix subscriber = model_subscriber(policy, &first->src, decision->pool);
	const char *name = random_own_interface(policy, decision->pool);
	struct engine_context context = {.interface = engine_resolve_interface(engine, name),
					 .flow = (enum engine_flow)below(3)};
	int64_t end_s = engine_next_date(engine, first_s);
	struct packet other = *first;
	struct answer model_says;
	struct decision later;

	other.src = random_address_of(&subscriber);
	other.sport = (uint16_t)below(65536);
	other.tcp_flags = chance(50) ? TCP_SYN : TCP_SYN | TCP_ECE | TCP_CWR;
	do {
		other.dst = random_address();
		other.dst.lo ^= chance(50) ? UINT64_C(1) << (6 + below(10)) : 0;
	} while (other.dst.family != other.family || model_names_target(policy, &other.dst));
	context.now_s = chance(30)             ? first_s
			: end_s < MOMENT_NEVER ? first_s + (int64_t)below((unsigned)(end_s - first_s))
					       : first_s + (int64_t)below(1000 * STEP_S);
	model_says = model(policy, &other, name, &context, context.now_s);
	assert_int_equal(model_says.verdict, decision->verdict);
	assert_int_equal(model_says.reason, decision->reason);
	assert_int_equal(model_says.rule, decision->rule);
	later = decide(engine, &other, &context);
	assert_true(later.whole_source && later.verdict == decision->verdict && later.rule == decision->rule);
	assert_int_equal(later.subscriber_len, decision->subscriber_len);
}

static unsigned whole_seen[7]; /* by family */

static void compare_whole(const struct policy *policy, const struct engine *engine,
			  const struct packet *packet, int64_t now_s, const struct decision *decision)
{
	struct answer answer = {decision->verdict, decision->would, decision->reason, decision->rule};
	struct prefix subscriber;
	struct decision asked;

	assert_int_equal(decision->whole_source, model_blocks_whole(policy, packet, &answer));
	if (!decision->whole_source)
		return;
	whole_seen[packet->family]++;
	subscriber = model_subscriber(policy, &packet->src, decision->pool);
	assert_answered_so(policy, engine, packet, now_s, decision);
	assert_true(engine_whole_source(engine, &subscriber.addr, now_s, &asked));
	assert_same_decision(decision, &asked);
}

/* The question without a packet, of any address at any time. */
static void compare_question(const struct policy *policy, const struct engine *engine)
{
	struct addr addr = random_address();
	int64_t now_s = BASE_S + (int64_t)below(STEPS * STEP_S);
	struct packet syn = {.family = addr.family,
			     .src = addr,
			     .protocol = IP_PROTOCOL_TCP,
			     .has_protocol = true,
			     .has_ports = true,
			     .has_flags = true,
			     .dport = 25,
			     .tcp_flags = TCP_SYN};
	struct engine_context context = {.now_s = now_s};
	struct decision asked = {.rule = -7};
	struct answer answer;

	/* An address far from all rules */
	syn.dst = addr.family == ADDR_IP4 ? addr_ip4(UINT32_C(0x08080808)) : addr_ip6(0x2600, 1);
	answer = model(policy, &syn, NULL, &context, now_s);
	assert_int_equal(engine_whole_source(engine, &addr, now_s, &asked),
			 model_blocks_whole(policy, &syn, &answer));
	assert_int_equal(asked.rule, asked.whole_source ? answer.rule : -7);
	assert_int_equal(engine_next_date(engine, now_s), model_next_date(policy, now_s));
}

static void compare_one(const struct policy *policy, const struct engine *engine)
{
	struct packet packet = random_packet();
	const char *name = chance(25) ? NULL : interfaces[below(7)];
	struct engine_context context = {.interface = engine_resolve_interface(engine, name),
					 .flow = (enum engine_flow)below(3),
					 .port25 = chance(30),
					 .now_s = BASE_S - STEP_S / 2 +
						  (int64_t)below(2 * STEPS + 2) * (STEP_S / 2)};
	struct answer expected = model(policy, &packet, name, &context, context.now_s);
	struct decision decision = decide(engine, &packet, &context), batched;
	struct answer got = {decision.verdict, decision.would, decision.reason, decision.rule};

	decide_batch(engine, &packet, &context, &batched, 1);
	if (!same(&expected, &got))
		explain_failure(policy, &packet, name, &expected, &decision, context.now_s);
	assert_true(same(&expected, &got));
	assert_same_decision(&decision, &batched);
	assert_int_equal(decision.next_change_s,
			 model_next_change(policy, &packet, name, &context, &expected));
	assert_string_equal(decision.rule_name, decision.rule < 0 ? "" : policy->rules[decision.rule].name);
	compare_whole(policy, engine, &packet, context.now_s, &decision);
	compare_question(policy, engine);
}

/* Like the packet before it but for one thing: batches answer equal questions once. */
static void resemble(struct packet *packet, const struct packet *before, size_t number)
{
	struct packet other = *packet;

	if (before->family != other.family)
		return;
	*packet = *before;
	if (number % 8 == 1) {
		packet->fault = PACKET_FAULT_NONE;
		packet->fragment = PACKET_WHOLE;
		packet->has_protocol = packet->has_ports = packet->has_flags = true;
		packet->protocol = IP_PROTOCOL_TCP;
		packet->dport = SMTP_PORT;
		packet->tcp_flags = TCP_SYN;
	}
	if (number % 8 == 3)
		packet->src = other.src;
	if (number % 8 == 4)
		packet->dst = other.dst;
	if (number % 8 == 6)
		packet->tcp_flags = TCP_SYN | TCP_RST;
	if (number % 8 == 7) {
		packet->tcp_flags = TCP_SYN;
		packet->fault = PACKET_FAULT_TCP_HEADER;
	}
}

/* Batches are the same as single packets. */
static void check_batches(const struct engine *engine)
{
	enum { COUNT = 1000 };
	static struct packet packets[COUNT];
	static struct engine_context contexts[COUNT];
	static struct decision decisions[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		packets[i] = random_packet();
		contexts[i] = (struct engine_context){.now_s = BASE_S + (int64_t)(i / 32)};
		if (i % 8 == 2 || i % 8 == 5)
			contexts[i].now_s = BASE_S + (int64_t)below(STEPS * STEP_S);
		if (i % 8 != 0)
			resemble(&packets[i], &packets[i - 1], i);
	}
	for (size_t count = 0; count <= COUNT; count += 333) {
		decide_batch(engine, packets, contexts, decisions, count);
		for (size_t i = 0; i < count; i++) {
			struct decision single = decide(engine, &packets[i], &contexts[i]);

			assert_same_decision(&single, &decisions[i]);
		}
	}
}

static void test_engine_agrees_with_model(void **state)
{
	unsigned usable = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct policy *policy = random_policy();
		struct engine *engine = NULL, *base = NULL;

		if (!policy)
			continue;
		usable++;
		assert_int_equal(engine_build(policy, &base), 0);
		random_overrides();
		assert_int_equal(engine_with_overrides(base, overrides, override_count, &engine), 0);
		for (unsigned n = 0; n < PACKETS; n++)
			compare_one(policy, engine);
		if (usable % 8 == 0)
			check_batches(usable % 16 == 0 ? base : engine);
		engine_free(engine);
		engine_free(base);
		policy_free(policy);
	}
	print_message("# %u of %u random policies were free of errors, %u packets each\n", usable, POLICIES,
		      PACKETS);
	print_message("# %u and %u packets of whole subscribers, IPv4 and IPv6\n", whole_seen[ADDR_IP4],
		      whole_seen[ADDR_IP6]);
	assert_true(usable > POLICIES / 5);
	assert_true(whole_seen[ADDR_IP4] > usable * PACKETS / 500 &&
		    whole_seen[ADDR_IP6] > usable * PACKETS / 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine_agrees_with_model),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
