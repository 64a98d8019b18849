/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies made in memory, for tests that need thousands of them or that test what follows after reading. Memory is
 * taken with plain allocation and given back by made_policy_free().
 */
#ifndef OP25B_TESTS_MAKE_POLICY_H
#define OP25B_TESTS_MAKE_POLICY_H

#include "base/vec.h"
#include "policy/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct made_policy {
	struct policy policy;
	size_t rule_capacity, ip4_capacity, ip6_capacity;
};

static inline void made_policy_init(struct made_policy *made)
{
	*made = (struct made_policy){0};
	made->policy.gateway = (struct policy_gateway){
		.name = "test",
		.mode = POLICY_MODE_ENFORCE,
		.fail = POLICY_FAIL_OPEN,
		.queue = 100,
		.workers = 1,
		.unlisted = POLICY_UNLISTED_DROP,
		.established = POLICY_ESTABLISHED_DRAIN,
	};
}

/* Returns the rule's index. */
static inline uint16_t made_rule(struct made_policy *made, enum policy_kind kind, const char *name)
{
	struct policy *p = &made->policy;
	struct policy_rule *rule;
	bool ok = VEC_RESERVE(p->rules, made->rule_capacity, p->rule_count + 1);

	assert(ok);
	(void)ok;
	rule = &p->rules[p->rule_count];
	*rule = (struct policy_rule){
		.kind = kind,
		.delegated_prefix_length = POLICY_IP6_SUBSCRIBER_LEN,
		.to_any = true,
		.from = {MOMENT_ALWAYS, 0},
		.until = {MOMENT_NEVER, 0},
		.monitor_from = {MOMENT_NEVER, 0},
		.enforce_from = {MOMENT_NEVER, 0},
		.subscribers_until = {MOMENT_NEVER, 0},
	};
	strncpy(rule->name, name, POLICY_NAME_MAX);
	return (uint16_t)p->rule_count++;
}

static inline void made_prefix_value(struct made_policy *made, uint16_t rule, enum policy_role role,
				     const struct prefix *prefix)
{
	struct policy *p = &made->policy;

	if (prefix->addr.family == ADDR_IP4) {
		bool ok = VEC_RESERVE(p->ip4, made->ip4_capacity, p->ip4_count + 1);

		assert(ok);
		(void)ok;
		p->ip4[p->ip4_count++] = (struct policy_prefix4){.addr = (uint32_t)prefix->addr.lo,
								 .len = prefix->len,
								 .rule = rule,
								 .role = (uint8_t)role};
	} else {
		bool ok = VEC_RESERVE(p->ip6, made->ip6_capacity, p->ip6_count + 1);

		assert(ok);
		(void)ok;
		p->ip6[p->ip6_count++] = (struct policy_prefix6){.hi = prefix->addr.hi,
								 .lo = prefix->addr.lo,
								 .len = prefix->len,
								 .rule = rule,
								 .role = (uint8_t)role};
	}
}

static inline void made_prefix(struct made_policy *made, uint16_t rule, enum policy_role role,
			       const char *text)
{
	struct prefix prefix;
	enum addr_error error = prefix_parse(text, strlen(text), &prefix);

	assert(error == ADDR_OK);
	(void)error;
	made_prefix_value(made, rule, role, &prefix);
}

static inline void made_interface(struct policy_interfaces *interfaces, const char *name)
{
	void *bigger = reallocarray(interfaces->names, interfaces->count + 1, sizeof(*interfaces->names));

	assert(bigger);
	interfaces->names = bigger;
	memset(interfaces->names[interfaces->count], 0, IF_NAME_MAX);
	memcpy(interfaces->names[interfaces->count++], name, strlen(name));
}

static inline int made_compare4(const void *a_, const void *b_)
{
	const struct policy_prefix4 *a = a_, *b = b_;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static inline int made_compare6(const void *a_, const void *b_)
{
	const struct policy_prefix6 *a = a_, *b = b_;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

/* Puts the prefixes in the order that a policy promises; equal ones are dropped. */
static inline struct policy *made_policy_finish(struct made_policy *made)
{
	struct policy *p = &made->policy;
	size_t kept = 0;

	if (p->ip4_count > 0)
		qsort(p->ip4, p->ip4_count, sizeof(*p->ip4), made_compare4);
	for (size_t i = 0; i < p->ip4_count; i++) {
		if (kept == 0 || made_compare4(&p->ip4[kept - 1], &p->ip4[i]) != 0)
			p->ip4[kept++] = p->ip4[i];
	}
	p->ip4_count = kept;
	kept = 0;
	if (p->ip6_count > 0)
		qsort(p->ip6, p->ip6_count, sizeof(*p->ip6), made_compare6);
	for (size_t i = 0; i < p->ip6_count; i++) {
		if (kept == 0 || made_compare6(&p->ip6[kept - 1], &p->ip6[i]) != 0)
			p->ip6[kept++] = p->ip6[i];
	}
	p->ip6_count = kept;
	return p;
}

static inline void made_policy_free(struct made_policy *made)
{
	struct policy *p = &made->policy;

	for (size_t i = 0; i < p->rule_count; i++) {
		free(p->rules[i].interfaces.names);
		free(p->rules[i].to_groups);
	}
	free(p->gateway.subscriber_interfaces.names);
	free(p->gateway.upstream_interfaces.names);
	free(p->rules);
	free(p->ip4);
	free(p->ip6);
	*made = (struct made_policy){0};
}

#endif
