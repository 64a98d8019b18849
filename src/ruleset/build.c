/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/build.h"

#include "base/vec.h"
#include "ruleset/divide.h"
#include "ruleset/marks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Priorities among the forward hooks: `filter` is 0; the answers come behind whatever filters there. Where a bridge's
 * frames arrive conntrack sits at -200, and br_netfilter, which may hand frames on to the IP hooks, at 0.
 */
static const struct {
	int32_t filter, answer;
} priorities[] = {[POLICY_FAMILY_INET] = {0, 10}, [POLICY_FAMILY_BRIDGE] = {-100, -90}};

/* Enough to see what happens, and no way to fill a disk: each rule that logs has its own limit. */
enum { LOG_PER_SECOND = 5, LOG_BURST = 20 };

void build_text(char *out, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(out, size, format, arguments);
	va_end(arguments);
}

uint32_t build_set(struct build *build, uint8_t family, const char *name, const char *comment)
{
	struct ruleset *ruleset = build->ruleset;
	struct ruleset_set *set;

	if (!VEC_RESERVE(ruleset->sets, ruleset->set_capacity, ruleset->set_count + 1)) {
		build->failed = true;
		return 0;
	}
	set = &ruleset->sets[ruleset->set_count];
	*set = (struct ruleset_set){.family = family};
	build_text(set->name, sizeof(set->name), "%s_ip%u", name, family);
	build_text(set->comment, sizeof(set->comment), "%s", comment);
	return (uint32_t)ruleset->set_count++;
}

uint32_t build_counter(struct build *build, const char *name, const char *comment)
{
	struct ruleset *ruleset = build->ruleset;
	struct ruleset_counter *counter;

	if (!VEC_RESERVE(ruleset->counters, ruleset->counter_capacity, ruleset->counter_count + 1)) {
		build->failed = true;
		return 0;
	}
	counter = &ruleset->counters[ruleset->counter_count];
	*counter = (struct ruleset_counter){0};
	build_text(counter->name, sizeof(counter->name), "%s", name);
	build_text(counter->comment, sizeof(counter->comment), "%s", comment);
	return (uint32_t)ruleset->counter_count++;
}

uint32_t build_chain(struct build *build, const char *name, const char *purpose)
{
	struct ruleset *ruleset = build->ruleset;
	struct ruleset_chain *chain;

	if (!VEC_RESERVE(ruleset->chains, ruleset->chain_capacity, ruleset->chain_count + 1)) {
		build->failed = true;
		return 0;
	}
	chain = &ruleset->chains[ruleset->chain_count];
	*chain = (struct ruleset_chain){.purpose = purpose};
	build_text(chain->name, sizeof(chain->name), "%s", name);
	return (uint32_t)ruleset->chain_count++;
}

struct ruleset_rule *build_rule(struct build *build, uint32_t chain, const char *comment)
{
	struct ruleset_chain *c;
	struct ruleset_rule *rule = &build->scratch;

	if (!build->failed) {
		c = &build->ruleset->chains[chain];
		if (VEC_RESERVE(c->rules, c->rule_capacity, c->rule_count + 1))
			rule = &c->rules[c->rule_count++];
		else
			build->failed = true;
	}
	*rule = (struct ruleset_rule){0};
	build_text(rule->comment, sizeof(rule->comment), "%s", comment);
	return rule;
}

struct ruleset_rule *build_match(struct ruleset_rule *rule, enum ruleset_match_kind kind, enum ruleset_op op,
				 uint32_t mask, uint32_t value)
{
	rule->matches[rule->match_count++] =
		(struct ruleset_match){.kind = kind, .op = op, .mask = mask, .value = value};
	return rule;
}

struct ruleset_rule *build_on(struct ruleset_rule *rule, const char *interface)
{
	build_match(rule, RULESET_MATCH_IIFNAME, RULESET_EQ, 0, 0);
	build_text(rule->matches[rule->match_count - 1].interface, IF_NAME_MAX, "%s", interface);
	return rule;
}

struct ruleset_rule *build_in_set(struct ruleset_rule *rule, enum ruleset_match_kind kind, enum ruleset_op op,
				  uint32_t set)
{
	build_match(rule, kind, op, 0, 0);
	rule->matches[rule->match_count - 1].set = set;
	return rule;
}

struct ruleset_rule *build_do(struct ruleset_rule *rule, enum ruleset_statement_kind kind, uint32_t target,
			      uint32_t value)
{
	rule->statements[rule->statement_count++] =
		(struct ruleset_statement){.kind = kind, .target = target, .value = value};
	return rule;
}

struct ruleset_rule *build_accept(struct ruleset_rule *rule, uint32_t counter)
{
	build_do(rule, RULESET_DO_COUNT, counter, 0);
	return build_do(rule, RULESET_DO_ACCEPT, 0, 0);
}

struct ruleset_rule *build_goto(struct ruleset_rule *rule, uint32_t chain)
{
	return build_do(rule, RULESET_DO_GOTO, chain, 0);
}

struct ruleset_rule *build_log(struct build *build, uint32_t chain, const char *prefix)
{
	struct ruleset_rule *rule;

	if (!build->policy->log.kernel)
		return NULL;
	rule = build_do(build_rule(build, chain, ""), RULESET_DO_LIMIT, LOG_BURST, LOG_PER_SECOND);
	build_do(rule, RULESET_DO_LOG, 0, 0);
	rule->statements[rule->statement_count - 1].text = prefix;
	return rule;
}

static void add_counters(struct build *build)
{
	struct build_counters *c = &build->counters;

	c->inbound = build_counter(build, "accepted-inbound", "port 25, not from the subscriber side");
	c->relay = build_counter(build, "accepted-relay", "port 25 from our own relays");
	c->relay_destination =
		build_counter(build, "accepted-relay-destination", "port 25 to our own relays");
	c->inside = build_counter(build, "accepted-inside", "port 25 to our own networks");
	c->exempt = build_counter(build, "accepted-exempt", "port 25 from sources exempted without a date");
	c->unlisted = build_counter(build, "accepted-unlisted", "port 25 from sources in no pool");
	c->established = build_counter(build, "accepted-established", "port 25, opening no connection");
	c->suspect = build_counter(build, "suspect", "source address on an interface that is not its own");
	c->queued = build_counter(build, RULESET_QUEUED_COUNTER, "handed to the daemon");
	c->guarded = build_counter(build, "guarded", "answers from port 25 to a pool, handed to the daemon");
	c->reset = build_counter(build, "answered-reset", "answered with a TCP reset");
	c->icmp = build_counter(build, "answered-icmp", "answered with ICMP administratively prohibited");
	c->cleared = build_counter(build, "cleared-mark", "arrived with one of op25b's marks");
	c->learned_stale = build_counter(build, LEARNED_STALE_COUNTER,
					 "blocked; marked to be learned as is no longer, or not yet, done");
	if (build->groups.count > 0)
		c->learned_full =
			build_counter(build, LEARNED_FULL_COUNTER, "blocked; no room to learn the source");
}

void build_clear_marks(struct build *build, uint32_t chain)
{
	struct ruleset_rule *rule = build_log(build, chain, "op25b cleared-mark: ");

	if (rule)
		build_match(rule, RULESET_MATCH_MARK, RULESET_EQ, MARK_MASK, MARK_BASE);
	rule = build_match(build_rule(build, chain, "only our daemon may set our marks"), RULESET_MATCH_MARK,
			   RULESET_EQ, MARK_MASK, MARK_BASE);

	build_do(build_do(rule, RULESET_DO_COUNT, build->counters.cleared, 0), RULESET_DO_SET_MARK, 0, 0);
}

static void fill_base(struct build *build)
{
	const struct build_chains *c = &build->chains;
	uint32_t chain = c->base;
	struct ruleset_chain *base = &build->ruleset->chains[chain];
	struct ruleset_rule *rule;

	base->base = true;
	base->priority = priorities[build->ruleset->family].filter;
	build_do(build_match(build_rule(build, chain, "not ours"), RULESET_MATCH_L4PROTO, RULESET_NE, 0, 6),
		 RULESET_DO_ACCEPT, 0, 0);
	build_goto(build_match(build_rule(build, chain, "shows no port"), RULESET_MATCH_FRAG4, RULESET_NE,
			       0x1fff, 0),
		   c->later_fragment);
	build_goto(build_match(build_rule(build, chain, "shows no port"), RULESET_MATCH_FRAG6_OFFSET,
			       RULESET_GT, 0, 0),
		   c->later_fragment);
	if (build_guards(build)) {
		rule = build_match(build_rule(build, chain, "answers somebody's port 25"),
				   RULESET_MATCH_TCP_SPORT, RULESET_EQ, 0, 25);
		build_match(rule, RULESET_MATCH_TCP_FLAGS, RULESET_EQ, 0x12, 0x12);
		build_do(rule, RULESET_DO_JUMP, c->guard, 0);
	}
	build_do(build_match(build_rule(build, chain, "not ours: 465 and 587 end here"),
			     RULESET_MATCH_TCP_DPORT, RULESET_NE, 0, 25),
		 RULESET_DO_ACCEPT, 0, 0);
	build_clear_marks(build, chain);
	build_goto(build_match(build_rule(build, chain, ""), RULESET_MATCH_TCP_DPORT, RULESET_EQ, 0, 25),
		   c->port25);
	build_goto(build_match(build_rule(build, chain, "a first fragment that hides its port"),
			       RULESET_MATCH_FRAG6, RULESET_EQ, 0, 0),
		   c->port25);
}

static void fill_later_fragment(struct build *build)
{
	uint32_t chain = build->chains.later_fragment, port25 = build->chains.port25;

	/* The chain that answers may take its data for port 25, too. */
	build_clear_marks(build, chain);
	build_goto(build_match(build_rule(build, chain, "would overwrite a TCP header's flags"),
			       RULESET_MATCH_FRAG4, RULESET_EQ, 0x1fff, 1),
		   port25);
	build_goto(build_match(build_rule(build, chain, "would overwrite a TCP header's flags"),
			       RULESET_MATCH_FRAG6_OFFSET, RULESET_EQ, 0, 1),
		   port25);
	build_do(build_rule(build, chain, "harmless without its first fragment"), RULESET_DO_ACCEPT, 0, 0);
}

static void match_answer(struct ruleset_rule *rule, uint32_t mark)
{
	build_match(rule, RULESET_MATCH_TCP_DPORT, RULESET_EQ, 0, 25);
	build_match(rule, RULESET_MATCH_MARK, RULESET_EQ, UINT32_MAX, mark);
}

static void add_answer(struct build *build, uint32_t mark, uint32_t counter, const char *prefix,
		       enum ruleset_statement_kind kind)
{
	struct ruleset_rule *rule = build_log(build, build->chains.answer, prefix);

	if (rule)
		match_answer(rule, mark);
	rule = build_rule(build, build->chains.answer, "");
	match_answer(rule, mark);
	build_do(build_do(rule, RULESET_DO_COUNT, counter, 0), kind, 0, 0);
}

static void fill_answer(struct build *build)
{
	uint32_t chain = build->chains.answer;
	struct ruleset_chain *base = &build->ruleset->chains[chain];

	base->base = true;
	base->priority = priorities[build->ruleset->family].answer;
	build_learn_answer(build);
	add_answer(build, MARK_RESET, build->counters.reset, "op25b reset: ", RULESET_DO_REJECT_RESET);
	add_answer(build, MARK_ICMP, build->counters.icmp, "op25b icmp: ", RULESET_DO_REJECT_ICMP);
}

/* What a broken TCP header hides matches no flags, falls through, and so reaches the daemon like a SYN. */
static void fill_undecided(struct build *build)
{
	const struct policy_gateway *gateway = &build->policy->gateway;
	bool cut = gateway->established == POLICY_ESTABLISHED_CUT;
	uint32_t chain = build->chains.undecided, daemon = build->chains.to_daemon;
	uint32_t flags = 0x12, syn = 0x02; /* SYN and ACK; SYN */
	struct ruleset_rule *rule;

	if (!cut || gateway->conntrack) {
		build_goto(build_match(build_rule(build, chain, "a first fragment, or one at offset 1"),
				       RULESET_MATCH_FRAG4, RULESET_NE, 0x3fff, 0),
			   daemon);
		/* A fragment header that conntrack leaves in place is that of an atomic fragment: a whole packet. */
		if (!gateway->conntrack)
			build_goto(build_match(build_rule(build, chain, ""), RULESET_MATCH_FRAG6, RULESET_EQ,
					       0, 0),
				   daemon);
		build_goto(build_match(build_rule(build, chain, "opens a connection"),
				       RULESET_MATCH_TCP_FLAGS, RULESET_EQ, flags, syn),
			   daemon);
	}
	if (gateway->conntrack) {
		rule = build_match(
			build_rule(build, chain,
				   cut ? "answers a server that called from port 25" : "may end by itself"),
			RULESET_MATCH_CT_STATE, RULESET_EQ, 0, RULESET_CT_ESTABLISHED | RULESET_CT_RELATED);
		if (cut)
			build_match(rule, RULESET_MATCH_CT_REPLY, RULESET_EQ, 0, 0);
		build_accept(rule, build->counters.established);
	} else if (!cut) {
		build_accept(build_match(build_rule(build, chain, "may end by itself"),
					 RULESET_MATCH_TCP_FLAGS, RULESET_NE, flags, syn),
			     build->counters.established);
	}
	build_goto(build_rule(build, chain, ""), daemon);
}

static void fill_to_daemon(struct build *build)
{
	uint32_t chain = build->chains.to_daemon;

	build_do(build_rule(build, chain, ""), RULESET_DO_COUNT, build->counters.queued, 0);
	if (build->ruleset->queue.count == 1) {
		build_do(build_rule(build, chain, ""), RULESET_DO_QUEUE, 0, ADDR_NONE);
		return;
	}
	build_do(build_match(build_rule(build, chain, ""), RULESET_MATCH_NFPROTO, RULESET_EQ, 0, ADDR_IP4),
		 RULESET_DO_QUEUE, 0, ADDR_IP4);
	build_do(build_match(build_rule(build, chain, ""), RULESET_MATCH_NFPROTO, RULESET_EQ, 0, ADDR_IP6),
		 RULESET_DO_QUEUE, 0, ADDR_IP6);
}

static void describe_queue(const struct policy *policy, struct ruleset_queue *queue)
{
	uint8_t len = POLICY_IP6_SUBSCRIBER_LEN;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->kind == POLICY_POOL && rule->delegated_prefix_length < len)
			len = rule->delegated_prefix_length;
	}
	*queue = (struct ruleset_queue){
		.first = policy->gateway.queue,
		.count = policy->gateway.workers,
		.bypass = policy->gateway.fail == POLICY_FAIL_OPEN,
		.ip6_len = len,
	};
}

static int build_all(struct build *build)
{
	int r = interface_classes_collect(build->policy, POLICY_RELAY, &build->relays);

	if (r == 0)
		r = interface_classes_collect(build->policy, POLICY_POOL, &build->pools);
	if (r == 0)
		r = learn_groups_collect(build->policy, &build->groups);
	if (r < 0)
		return r;
	build->ruleset->family = build->policy->gateway.family;
	describe_queue(build->policy, &build->ruleset->queue);
	add_counters(build);
	r = build_sets(build);
	if (r < 0)
		return r;
	r = build_judging_chains(build);
	if (r < 0 || build->failed)
		return -ENOMEM;
	fill_base(build);
	fill_later_fragment(build);
	fill_undecided(build);
	fill_to_daemon(build);
	fill_answer(build);
	if (build_learned(build) < 0)
		return -ENOMEM;
	return build->failed ? -ENOMEM : ruleset_divide(build->ruleset, DIVIDE_PART_MAX);
}

int ruleset_build(const struct policy *policy, struct ruleset **ret)
{
	struct build build = {.policy = policy, .ruleset = calloc(1, sizeof(*build.ruleset))};
	int r = build.ruleset ? build_all(&build) : -ENOMEM;

	interface_classes_free(&build.relays);
	interface_classes_free(&build.pools);
	learn_groups_free(&build.groups);
	free(build.relay_twins);
	free(build.pool_twins);
	if (r < 0) {
		ruleset_free(build.ruleset);
		return r;
	}
	*ret = build.ruleset;
	return 0;
}
