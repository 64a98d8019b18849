/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/evaluate.h"

#include "ruleset/marks.h"
#include "ruleset/shard.h"

#include <string.h>

enum {
	DEPTH_MAX = 16,     /* the kernel's NFT_JUMP_STACK_SIZE */
	CHAINS_MAX = 65536, /* that a packet visits, unless it runs in a circle */
};

struct place {
	uint32_t chain;
	size_t rule;
};

struct run {
	const struct ruleset *ruleset;
	const struct ruleset_packet *packet;
	struct ruleset_result result;
	struct place at;
	struct place stack[DEPTH_MAX];
	size_t depth;
	size_t visited; /* chains */
	bool done;
};

static bool holds(enum ruleset_op op, uint32_t seen, uint32_t value)
{
	switch (op) {
	case RULESET_EQ:
		return seen == value;
	case RULESET_NE:
		return seen != value;
	case RULESET_LT:
		return seen < value;
	case RULESET_GT:
		return seen > value;
	}
	return false;
}

static bool in_set(const struct run *run, const struct ruleset_match *match, const struct addr *addr)
{
	const struct ruleset_set *set = &run->ruleset->sets[match->set];

	if (set->family != addr->family)
		return false;
	return ruleset_set_contains(set, addr) == (match->op == RULESET_EQ);
}

static bool is_learned(const struct run *run, const struct ruleset_match *match)
{
	const struct ruleset_offload *offload = run->packet->offload;
	struct addr key;

	if (!offload || run->ruleset->live[match->set].family != run->packet->src.family)
		return false;
	if (offload->all)
		return true;
	key = addr_mask(&run->packet->src, match->value);
	for (size_t i = 0; i < offload->count; i++) {
		if (offload->learned[i].set == match->set && addr_equal(&offload->learned[i].key, &key))
			return true;
	}
	return false;
}

static bool within(const struct ruleset_match *match, const struct addr *addr)
{
	if (match->prefix.addr.family != addr->family)
		return false;
	return prefix_contains(&match->prefix, addr) == (match->op == RULESET_EQ);
}

/* What offload adds. */
static bool matches_learning(const struct run *run, const struct ruleset_match *m)
{
	const struct ruleset_packet *p = run->packet;
	bool tcp = p->has_l4proto && p->l4proto == 6;

	switch (m->kind) {
	case RULESET_MATCH_TCP_DOFF:
		return tcp && p->has_flags && holds(m->op, p->tcp_doff, m->value);
	case RULESET_MATCH_TCP_URGENT:
		return tcp && p->has_whole && holds(m->op, p->tcp_urgent, m->value);
	case RULESET_MATCH_LEARNED:
		return is_learned(run, m);
	case RULESET_MATCH_SHARD:
		return p->src.family == m->family &&
		       holds(m->op, ruleset_shard_of(&p->src, m->mask), m->value);
	default:
		return false;
	}
}

/* A field that the packet does not show ends the rule, whatever the comparison: the kernel's NFT_BREAK. */
static bool matches(const struct run *run, const struct ruleset_match *m)
{
	const struct ruleset_packet *p = run->packet;
	bool tcp = p->has_l4proto && p->l4proto == 6;

	switch (m->kind) {
	case RULESET_MATCH_IIFNAME:
		return ifpattern_matches(m->interface, p->interface) == (m->op == RULESET_EQ);
	case RULESET_MATCH_NFPROTO:
		return holds(m->op, p->src.family, m->value);
	case RULESET_MATCH_L4PROTO:
		return p->has_l4proto && holds(m->op, p->l4proto, m->value);
	case RULESET_MATCH_TCP_SPORT:
		return tcp && p->has_sport && holds(m->op, p->sport, m->value);
	case RULESET_MATCH_TCP_DPORT:
		return tcp && p->has_dport && holds(m->op, p->dport, m->value);
	case RULESET_MATCH_TCP_FLAGS:
		return tcp && p->has_flags && holds(m->op, p->tcp_flags & m->mask, m->value);
	case RULESET_MATCH_SADDR:
		return in_set(run, m, &p->src);
	case RULESET_MATCH_DADDR:
		return in_set(run, m, &p->dst);
	case RULESET_MATCH_SADDR_WITHIN:
		return within(m, &p->src);
	case RULESET_MATCH_DADDR_WITHIN:
		return within(m, &p->dst);
	case RULESET_MATCH_FRAG4:
		return p->src.family == ADDR_IP4 && holds(m->op, p->frag4 & m->mask, m->value);
	case RULESET_MATCH_FRAG6:
		return p->src.family == ADDR_IP6 && p->frag6 == (m->op == RULESET_EQ);
	case RULESET_MATCH_FRAG6_OFFSET:
		return p->src.family == ADDR_IP6 && p->frag6 && holds(m->op, p->frag6_offset, m->value);
	case RULESET_MATCH_CT_STATE:
		return (p->ct_state & m->value) != 0;
	case RULESET_MATCH_CT_REPLY:
		return p->ct_known && p->ct_reply == (m->op == RULESET_EQ);
	case RULESET_MATCH_MARK:
		return holds(m->op, run->result.mark & m->mask, m->value);
	default:
		return matches_learning(run, m);
	}
}

static void finish(struct run *run, enum ruleset_outcome outcome)
{
	run->result.outcome = outcome;
	run->done = true;
}

static void go_to(struct run *run, uint32_t chain)
{
	if (run->visited++ == CHAINS_MAX)
		finish(run, RULESET_ENDLESS);
	run->at = (struct place){.chain = chain};
}

/* Back to where the chain was jumped to from; behind the base chain its policy accepts. */
static void go_back(struct run *run)
{
	if (run->depth == 0)
		finish(run, RULESET_ACCEPTED);
	else
		run->at = run->stack[--run->depth];
}

static void jump(struct run *run, uint32_t chain)
{
	if (run->depth == DEPTH_MAX) {
		finish(run, RULESET_ENDLESS);
		return;
	}
	run->stack[run->depth++] = run->at;
	go_to(run, chain);
}

/* A map without the element ends the rule, as a field that is missing. */
static void turn_shard(struct run *run, const struct ruleset_statement *statement)
{
	const struct ruleset_live *map = &run->ruleset->live[statement->target];
	const struct ruleset_offload *offload = run->packet->offload;

	if (offload && run->packet->src.family == statement->family)
		jump(run, map->chains[offload->generation] +
				  ruleset_shard_of(&run->packet->src, statement->value));
}

static void turn_mark(struct run *run, const struct ruleset_statement *statement)
{
	const struct ruleset_live *map = &run->ruleset->live[statement->target];
	const struct ruleset_offload *offload = run->packet->offload;
	uint32_t mark = run->result.mark;

	for (uint32_t group = 0; offload && group < map->chain_count; group++) {
		if (mark == (MARK_LEARN | group << 1 | offload->generation)) {
			go_to(run, map->chains[offload->generation] + group);
			return;
		}
	}
}

/* A set without room ends the rule. */
static bool learn(struct run *run, const struct ruleset_statement *statement)
{
	const struct ruleset_offload *offload = run->packet->offload;

	if (run->ruleset->live[statement->target].family != run->packet->src.family ||
	    (offload && offload->full))
		return false;
	run->result.learns = true;
	run->result.learned = (struct ruleset_learned){
		.set = statement->target,
		.key = addr_mask(&run->packet->src, statement->value),
	};
	return true;
}

/* What offload adds: true when the rule's next statement is to run. */
static bool run_learning(struct run *run, const struct ruleset_statement *statement)
{
	switch (statement->kind) {
	case RULESET_DO_TURN_SHARD:
		turn_shard(run, statement);
		return false;
	case RULESET_DO_TURN_MARK:
		turn_mark(run, statement);
		return false;
	case RULESET_DO_LEARN:
		return learn(run, statement);
	default:
		return false;
	}
}

/* True when the rule's next statement is to run. */
static bool run_statement(struct run *run, const struct ruleset_statement *statement)
{
	switch (statement->kind) {
	case RULESET_DO_COUNT:
		run->result.counter = (int32_t)statement->target;
		return true;
	case RULESET_DO_SET_MARK:
		run->result.mark = statement->value;
		return true;
	case RULESET_DO_LIMIT:
	case RULESET_DO_LOG:
		return true;
	case RULESET_DO_ACCEPT:
		finish(run, RULESET_ACCEPTED);
		break;
	case RULESET_DO_JUMP:
		jump(run, statement->target);
		break;
	case RULESET_DO_GOTO:
		go_to(run, statement->target);
		break;
	case RULESET_DO_RETURN:
		go_back(run);
		break;
	case RULESET_DO_QUEUE:
		finish(run, RULESET_QUEUED);
		break;
	case RULESET_DO_REJECT_RESET:
		finish(run, RULESET_RESET);
		break;
	case RULESET_DO_REJECT_ICMP:
		finish(run, RULESET_ICMP);
		break;
	case RULESET_DO_DROP:
		finish(run, RULESET_DROPPED);
		break;
	default:
		return run_learning(run, statement);
	}
	return false;
}

static void run_rule(struct run *run, const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		if (!matches(run, &rule->matches[i]))
			return;
	}
	for (size_t i = 0; i < rule->statement_count; i++) {
		if (!run_statement(run, &rule->statements[i]))
			return;
	}
}

struct ruleset_result ruleset_evaluate(const struct ruleset *ruleset, uint32_t chain,
				       const struct ruleset_packet *packet)
{
	struct run run = {.ruleset = ruleset,
			  .packet = packet,
			  .result = {.counter = -1, .mark = packet->mark},
			  .at = {.chain = chain}};

	while (!run.done) {
		const struct ruleset_chain *c = &ruleset->chains[run.at.chain];

		if (run.at.rule == c->rule_count)
			go_back(&run);
		else
			run_rule(&run, &c->rules[run.at.rule++]);
	}
	return run.result;
}

int32_t ruleset_find_chain(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		if (strcmp(ruleset->chains[i].name, name) == 0)
			return (int32_t)i;
	}
	return -1;
}
