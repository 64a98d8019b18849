/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of restricted space: set arithmetic by cases, and the list against the engine, address by address. */
#include "engine/engine.h"
#include "ruleset/pools.h"
#include "ruleset/space.h"

#include "make_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 800 };
#else
enum { POLICIES = 4000 };
#endif
enum { HOSTS = 80 };

static const int64_t dates[] = {1000, 2000, 3000};
static const int64_t times[] = {0, 999, 1000, 2500, 3000, 9000};

static uint64_t random_state = 88172645463325252ULL;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % limit;
}

/* Address number `host` of a small world; IPv6 hosts are a /66 apart. */
static struct addr address(uint8_t family, uint32_t host)
{
	return family == ADDR_IP4 ? addr_ip4(0xc6120000U + host)
				  : addr_ip6(0x20010db800000000ULL + host / 4, (uint64_t)(host % 4) << 62);
}

static struct prefix random_prefix(bool host)
{
	uint8_t family = random_below(2) ? ADDR_IP4 : ADDR_IP6;
	struct prefix prefix = {.addr = address(family, random_below(HOSTS - 16))};

	if (family == ADDR_IP4)
		prefix.len = (uint8_t)(host ? 32 : 26 + random_below(7));
	else
		prefix.len = (uint8_t)(host ? 128 : 60 + random_below(7));
	return prefix_canonical(&prefix);
}

static bool random_date(struct moment *moment)
{
	moment->s = dates[random_below(3)];
	return random_below(2) == 0;
}

static void random_rule(struct made_policy *made)
{
	static const enum policy_kind kinds[] = {POLICY_POOL, POLICY_POOL, POLICY_POOL, POLICY_RELAY,
						 POLICY_EXEMPT};
	enum policy_kind kind = kinds[random_below(5)];
	uint16_t index = made_rule(made, kind, "rule");
	struct policy_rule *rule = &made->policy.rules[index];

	if (kind == POLICY_POOL) {
		rule->has_monitor_from = random_date(&rule->monitor_from);
		rule->has_enforce_from = random_date(&rule->enforce_from);
		rule->monitor_from.s = rule->has_enforce_from ? 0 : rule->monitor_from.s;
	}
	if (kind == POLICY_EXEMPT) {
		struct prefix to = {.addr = addr_ip4(0x01020304), .len = 32};

		rule->has_from = random_date(&rule->from);
		rule->has_until = random_date(&rule->until);
		rule->from.s = rule->has_from ? rule->from.s : MOMENT_ALWAYS;
		rule->until.s = rule->has_until ? rule->until.s : MOMENT_NEVER;
		rule->to_any = random_below(3) > 0;
		if (!rule->to_any)
			made_prefix_value(made, index, POLICY_ROLE_TO, &to);
	}
	for (uint32_t left = 1 + random_below(4); left > 0; left--) {
		struct prefix prefix = random_prefix(kind == POLICY_RELAY);

		made_prefix_value(made, index, POLICY_ROLE_SOURCE, &prefix);
	}
}

/* A SYN to port 25 of a destination that no rule names. */
static struct packet syn_from(const struct addr *source)
{
	uint8_t bytes[64] = {0}, *tcp;
	struct packet packet;
	struct addr far =
		source->family == ADDR_IP4 ? addr_ip4(0xcb007119) : addr_ip6(0x2a00000000000000ULL, 25);
	size_t len = source->family == ADDR_IP4 ? 40 : 60;

	if (source->family == ADDR_IP4) {
		memcpy(bytes, (const uint8_t[]){0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6}, 10);
		addr_to_bytes(source, bytes + 12);
		addr_to_bytes(&far, bytes + 16);
		tcp = bytes + 20;
	} else {
		memcpy(bytes, (const uint8_t[]){0x60, 0, 0, 0, 0, 20, 6, 64}, 8);
		addr_to_bytes(source, bytes + 8);
		addr_to_bytes(&far, bytes + 24);
		tcp = bytes + 40;
	}
	memcpy(tcp, (const uint8_t[]){0x9c, 0x40, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, 5 << 4, 2}, 14);
	packet_parse_ip(bytes, len, len, &packet);
	return packet;
}

static void check_addresses(const struct engine *engine, const struct ruleset_set *set, int64_t at_s)
{
	const struct engine_context context = {.now_s = at_s};

	for (uint32_t host = 0; host < HOSTS; host++) {
		struct addr source = address(set->family, host);
		struct packet packet = syn_from(&source);
		struct decision decision = decide(engine, &packet, &context);
		bool blocked = decision.verdict != VERDICT_ACCEPT && decision.reason == REASON_POOL_ENFORCE;

		if (ruleset_set_contains(set, &source) != blocked) {
			char text[ADDR_TEXT_MAX];

			addr_format(&source, text);
			fail_msg("%s at %lld: the engine says %s", text, (long long)at_s,
				 reason_name(decision.reason));
		}
	}
}

static int check_order(void *context, const struct prefix *prefix)
{
	struct prefix *last = context, before = *last, joined;
	struct addr end;

	assert_false(prefix_has_host_bits(prefix));
	*last = *prefix;
	if (before.addr.family == ADDR_NONE)
		return 0;
	end = prefix_last(&before);
	assert_true(addr_compare(&end, &prefix->addr) < 0);
	joined = (struct prefix){.addr = before.addr, .len = (uint8_t)(before.len - 1)};
	/* Two halves of one prefix would have been that prefix. */
	assert_false(before.len == prefix->len && before.len > 0 && !prefix_has_host_bits(&joined) &&
		     prefix_contains(&joined, &prefix->addr));
	return 0;
}

/* Without exemptions in the policy the engine tells what the list holds that leaves them in. */
static size_t check_policy(const struct policy *policy, bool without_exempt)
{
	struct engine *engine = NULL;
	size_t listed = 0;

	assert_int_equal(engine_build(policy, &engine), 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct pools_options options = {.at_s = times[i], .without_exempt = without_exempt};
		struct prefix last = {0};
		struct ruleset_set ip4, ip6;

		assert_int_equal(pools_collect(policy, &options, &ip4, &ip6), 0);
		check_addresses(engine, &ip4, times[i]);
		check_addresses(engine, &ip6, times[i]);
		assert_int_equal(space_prefixes(&ip4, check_order, &last), 0);
		last = (struct prefix){0};
		assert_int_equal(space_prefixes(&ip6, check_order, &last), 0);
		listed += ip4.count + ip6.count;
		space_clear(&ip4);
		space_clear(&ip6);
	}
	engine_free(engine);
	return listed;
}

static void drop_exemptions(struct policy *policy)
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->ip4_count; i++) {
		if (policy->rules[policy->ip4[i].rule].kind != POLICY_EXEMPT)
			policy->ip4[kept++] = policy->ip4[i];
	}
	policy->ip4_count = kept;
	kept = 0;
	for (size_t i = 0; i < policy->ip6_count; i++) {
		if (policy->rules[policy->ip6[i].rule].kind != POLICY_EXEMPT)
			policy->ip6[kept++] = policy->ip6[i];
	}
	policy->ip6_count = kept;
}

static void test_list_and_engine_agree(void **state)
{
	size_t listed = 0;

	for (int i = 0; i < POLICIES; i++) {
		struct made_policy made;

		made_policy_init(&made);
		made.policy.gateway.unlisted = (enum policy_unlisted)random_below(3);
		if (random_below(8) == 0)
			made.policy.gateway.mode = POLICY_MODE_MONITOR;
		for (uint32_t left = 1 + random_below(7); left > 0; left--)
			random_rule(&made);
		made_policy_finish(&made);
		listed += check_policy(&made.policy, true);
		drop_exemptions(&made.policy);
		listed += check_policy(&made.policy, false);
		made_policy_free(&made);
	}
	assert_true(listed > POLICIES);
}

static void add_text(struct ruleset_set *set, const char *first, const char *last)
{
	struct space_range range;

	assert_int_equal(addr_parse(first, strlen(first), &range.first), ADDR_OK);
	assert_int_equal(addr_parse(last, strlen(last), &range.last), ADDR_OK);
	assert_int_equal(space_append(set, &range), 0);
}

static int print_prefix(void *context, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	fprintf(context, "%s ", text);
	return 0;
}

static void expect_prefixes(const struct ruleset_set *set, const char *wanted)
{
	char text[2000] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	assert_int_equal(space_prefixes(set, print_prefix, out), 0);
	fclose(out);
	assert_string_equal(text, wanted);
}

static void test_fewest_prefixes(void **state)
{
	struct ruleset_set set = {.family = ADDR_IP4};

	add_text(&set, "0.0.0.1", "0.0.0.6");
	add_text(&set, "10.0.0.0", "10.0.0.255");
	add_text(&set, "10.0.1.0", "10.0.1.255");
	add_text(&set, "255.255.255.255", "255.255.255.255");
	expect_prefixes(&set, "0.0.0.1/32 0.0.0.2/31 0.0.0.4/31 0.0.0.6/32 10.0.0.0/23 255.255.255.255/32 ");
	assert_int_equal(space_size(&set), 6 + 512 + 1);
	space_clear(&set);
	add_text(&set, "0.0.0.0", "255.255.255.255");
	expect_prefixes(&set, "0.0.0.0/0 ");
	space_clear(&set);
	set = (struct ruleset_set){.family = ADDR_IP6};
	add_text(&set, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	expect_prefixes(&set, "::/0 ");
	assert_true(space_size(&set) == UINT64_MAX);
	space_clear(&set);
	add_text(&set, "2001:db8::", "2001:db8:0:1:7fff:ffff:ffff:ffff");
	expect_prefixes(&set, "2001:db8::/64 2001:db8:0:1::/65 ");
	space_clear(&set);
}

static void test_subtraction(void **state)
{
	struct ruleset_set from = {.family = ADDR_IP4}, taken = {.family = ADDR_IP4},
			   left = {.family = ADDR_IP4};

	add_text(&from, "10.0.0.0", "10.0.0.9");
	add_text(&from, "10.0.0.20", "10.0.0.29");
	add_text(&from, "255.255.255.0", "255.255.255.255");
	add_text(&taken, "9.0.0.0", "10.0.0.1");
	add_text(&taken, "10.0.0.5", "10.0.0.5");
	add_text(&taken, "10.0.0.8", "10.0.0.21");
	add_text(&taken, "255.255.255.1", "255.255.255.255");
	assert_int_equal(space_subtract(&from, &taken, &left), 0);
	expect_prefixes(&left, "10.0.0.2/31 10.0.0.4/32 10.0.0.6/31 10.0.0.22/31 10.0.0.24/30 10.0.0.28/31 "
			       "255.255.255.0/32 ");
	assert_false(space_equal(&from, &left));
	space_clear(&left);
	assert_int_equal(space_subtract(&from, &from, &left), 0);
	assert_int_equal(left.count, 0);
	space_clear(&from);
	space_clear(&taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fewest_prefixes),
		cmocka_unit_test(test_subtraction),
		cmocka_unit_test(test_list_and_engine_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
