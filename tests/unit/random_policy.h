/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random small policies whose prefixes crowd into a few addresses, so that they nest, meet, and have something to say
 * of each other. The sequence is the same in every run.
 */
#ifndef OP25B_TESTS_RANDOM_POLICY_H
#define OP25B_TESTS_RANDOM_POLICY_H

#include "make_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { DATES = 4 };

static const int64_t random_dates[DATES] = {1000, 2000, 3000, 4000};
static const char *const random_patterns[] = {"ppp*", "ppp0", "ppp1", "vlan7", "srv0", "srv*", "up0"};

static uint64_t random_state = 88172645463325252ULL;

static inline uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % limit;
}

static inline bool chance(uint32_t percent)
{
	return random_below(100) < percent;
}

/* A few dozen addresses, so that prefixes and packets meet. */
static inline struct addr random_address(uint8_t family)
{
	uint32_t host = random_below(40);

	return family == ADDR_IP4 ? addr_ip4(0xc6120000U + host)
				  : addr_ip6(0x20010db800000000ULL + host / 8, (uint64_t)(host % 8) << 61);
}

static inline struct prefix random_prefix(bool host)
{
	uint8_t family = chance(50) ? ADDR_IP4 : ADDR_IP6;
	struct prefix prefix = {.addr = random_address(family)};

	if (family == ADDR_IP4)
		prefix.len = (uint8_t)(host ? 32 : 26 + random_below(7));
	else
		prefix.len = (uint8_t)(host ? 128 : 58 + random_below(12));
	return prefix_canonical(&prefix);
}

static inline void random_interfaces(struct policy_interfaces *list, uint32_t percent)
{
	for (uint32_t left = chance(percent) ? 1 + random_below(2) : 0; left > 0; left--)
		made_interface(
			list,
			random_patterns[random_below(sizeof(random_patterns) / sizeof(random_patterns[0]))]);
}

static inline bool random_date(struct moment *moment)
{
	if (chance(50))
		return false;
	moment->s = random_dates[random_below(DATES)];
	return true;
}

static inline void random_exemption(struct made_policy *made, uint16_t index)
{
	struct policy_rule *rule = &made->policy.rules[index];
	struct prefix prefix = random_prefix(false);

	rule->has_from = chance(40) && random_date(&rule->from);
	rule->has_until = chance(40) && random_date(&rule->until);
	rule->count = chance(30);
	if (chance(60))
		return;
	rule->to_any = false;
	made_prefix_value(made, index, POLICY_ROLE_TO, &prefix);
	for (uint16_t i = 0; i < index; i++) {
		if (made->policy.rules[i].kind == POLICY_DESTINATION && rule->to_group_count == 0) {
			rule->to_groups = calloc(1, sizeof(*rule->to_groups));
			assert_non_null(rule->to_groups);
			rule->to_groups[rule->to_group_count++] = i;
		}
	}
}

static inline void random_rule(struct made_policy *made)
{
	static const enum policy_role roles[] = {[POLICY_POOL] = POLICY_ROLE_SOURCE,
						 [POLICY_RELAY] = POLICY_ROLE_SOURCE,
						 [POLICY_EXEMPT] = POLICY_ROLE_SOURCE,
						 [POLICY_INSIDE] = POLICY_ROLE_TARGET,
						 [POLICY_DESTINATION] = POLICY_ROLE_TARGET};
	enum policy_kind kind = (enum policy_kind)random_below(POLICY_KINDS);
	uint16_t index = made_rule(made, kind, "rule");
	struct policy_rule *rule = &made->policy.rules[index];

	if (kind == POLICY_POOL || kind == POLICY_RELAY)
		random_interfaces(&rule->interfaces, 40);
	if (kind == POLICY_POOL) {
		rule->has_monitor_from = random_date(&rule->monitor_from);
		rule->has_enforce_from = random_date(&rule->enforce_from);
	}
	if (kind == POLICY_RELAY)
		rule->has_subscribers_until = random_date(&rule->subscribers_until);
	if (kind == POLICY_DESTINATION) {
		rule->has_enforce_from = true;
		rule->enforce_from.s = random_dates[random_below(DATES)];
	}
	for (uint32_t left = 1 + random_below(4); left > 0; left--) {
		struct prefix prefix = random_prefix(kind == POLICY_RELAY);

		made_prefix_value(made, index, roles[kind], &prefix);
	}
	if (kind == POLICY_EXEMPT)
		random_exemption(made, index);
}

static inline void random_policy(struct made_policy *made)
{
	struct policy_gateway *gateway = &made->policy.gateway;

	made_policy_init(made);
	gateway->unlisted = (enum policy_unlisted)random_below(3);
	gateway->established = (enum policy_established)random_below(2);
	gateway->conntrack = chance(50);
	gateway->triangular_guard = chance(60);
	made->policy.log.kernel = chance(30);
	gateway->family = chance(30) ? POLICY_FAMILY_BRIDGE : POLICY_FAMILY_INET;
	gateway->workers = (uint16_t)(chance(50) ? 1 : 4);
	random_interfaces(&gateway->subscriber_interfaces, 60);
	if (chance(60))
		made_interface(&gateway->upstream_interfaces, "up0");
	for (uint32_t left = 1 + random_below(9); left > 0; left--)
		random_rule(made);
	made_policy_finish(made);
}

#endif
