/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/same.h"
#include "engine/tables.h"

/* What is known of one packet's two ends; of an answer that the guard judges, exchanged. */
struct ends {
	const struct source_class *source;
	const struct target_class *target;
	const struct addr *source_addr; /* for overrides, which are in no class */
};

static struct decision answer(enum reason reason, enum verdict verdict, enum verdict would, int32_t rule)
{
	return (struct decision){
		.verdict = verdict,
		.would = would,
		.reason = reason,
		.rule = rule,
		.rule_name = "",
		.pool = RULE_NONE,
		.next_change_s = MOMENT_NEVER,
	};
}

static struct decision accepted(enum reason reason, int32_t rule)
{
	return answer(reason, VERDICT_ACCEPT, VERDICT_ACCEPT, rule);
}

static bool on_named_interface(const struct rule_facts *rule, const struct engine_interface *interface)
{
	return rule->patterns == 0 || interface->side == ENGINE_SIDE_UNKNOWN ||
	       (rule->patterns & interface->patterns) != 0;
}

/* A relay's address counts only where the relay can be: on the interfaces it names, else anywhere but on a listed subscriber interface. */
static bool relay_is_genuine(const struct engine *engine, int32_t relay,
			     const struct engine_interface *interface)
{
	const struct rule_facts *rule = &engine->rules[relay];

	if (rule->patterns != 0)
		return on_named_interface(rule, interface);
	return interface->side != ENGINE_SIDE_SUBSCRIBER || !engine->sides_listed;
}

/* The date from which a pool is enforced towards a target, and what set it. */
static int64_t enforce_date(const struct engine *engine, const struct rule_facts *pool,
			    const struct target_class *target, enum reason *ret_reason, int32_t *ret_rule)
{
	*ret_reason = REASON_POOL_ENFORCE;
	if (!pool->enforced_ever)
		return MOMENT_NEVER;
	if (target->relay != RULE_NONE) {
		*ret_reason = REASON_RELAY_CLOSED;
		*ret_rule = target->relay;
		return engine->rules[target->relay].enforce_from_s;
	}
	if (target->group != RULE_NONE) {
		*ret_reason = REASON_DESTINATION_ENFORCE;
		*ret_rule = target->group;
		return engine->rules[target->group].enforce_from_s;
	}
	return pool->enforce_from_s;
}

static struct decision judge_pool(const struct engine *engine, const struct ends *ends, int64_t now_s)
{
	int32_t pool_rule = ends->source->pool, rule = pool_rule;
	const struct rule_facts *pool = &engine->rules[pool_rule];
	enum reason reason;
	int64_t enforce_s = enforce_date(engine, pool, ends->target, &reason, &rule);

	if (now_s >= enforce_s)
		return answer(reason, pool->action, pool->action, rule);
	if (now_s >= pool->monitor_from_s)
		return answer(REASON_POOL_MONITOR, VERDICT_ACCEPT, pool->action, pool_rule);
	if (reason == REASON_DESTINATION_ENFORCE && now_s >= pool->enforce_from_s)
		return accepted(REASON_DESTINATION_OFF, rule);
	return accepted(REASON_POOL_OFF, pool_rule);
}

static struct decision judge_unlisted(const struct engine *engine)
{
	switch (engine->unlisted) {
	case POLICY_UNLISTED_ACCEPT:
		return accepted(REASON_UNLISTED_ACCEPT, RULE_NONE);
	case POLICY_UNLISTED_MONITOR:
		return answer(REASON_UNLISTED_MONITOR, VERDICT_ACCEPT, VERDICT_DROP, RULE_NONE);
	case POLICY_UNLISTED_DROP:
		break;
	}
	return answer(REASON_UNLISTED_DROP, VERDICT_DROP, VERDICT_DROP, RULE_NONE);
}

static bool chain_has(const struct engine *engine, uint32_t chain, uint16_t rule)
{
	for (; chain != 0; chain = engine->cells[chain].next) {
		if (engine->cells[chain].rule == rule)
			return true;
	}
	return false;
}

static bool exempts_target(const struct engine *engine, uint16_t exempt, const struct target_class *target)
{
	const struct rule_facts *rule = &engine->rules[exempt];

	if (rule->to_any || chain_has(engine, target->members, exempt))
		return true;
	for (size_t i = 0; i < rule->to_group_count; i++) {
		if (chain_has(engine, target->members, rule->to_groups[i]))
			return true;
	}
	return false;
}

/* The exemption in force, or RULE_NONE. */
static int32_t find_exemption(const struct engine *engine, const struct ends *ends, int64_t now_s)
{
	for (uint32_t cell = ends->source->exempts; cell != 0; cell = engine->cells[cell].next) {
		uint16_t exempt = engine->cells[cell].rule;
		const struct rule_facts *rule = &engine->rules[exempt];

		if (now_s >= rule->from_s && now_s < rule->until_s &&
		    exempts_target(engine, exempt, ends->target))
			return exempt;
	}
	return RULE_NONE;
}

/* A source that cannot be on the interface it arrived on. The pool's own phase holds for this too: nothing is dropped
 * before its date. False: not spoofed. */
static bool judge_spoofed(const struct engine *engine, const struct ends *ends,
			  const struct engine_interface *interface, int64_t now_s, struct decision *ret)
{
	int32_t pool = ends->source->pool, relay = ends->source->relay;
	const struct rule_facts *facts;
	bool enforced;

	if (relay != RULE_NONE) {
		if (relay_is_genuine(engine, relay, interface))
			return false;
		*ret = answer(REASON_SPOOFED, VERDICT_DROP, VERDICT_DROP, relay);
		return true;
	}
	if (pool == RULE_NONE || on_named_interface(&engine->rules[pool], interface))
		return false;
	facts = &engine->rules[pool];
	enforced = facts->enforced_ever && now_s >= facts->enforce_from_s;
	if (!enforced && now_s < facts->monitor_from_s)
		return false;
	*ret = answer(REASON_SPOOFED, enforced ? VERDICT_DROP : VERDICT_ACCEPT, VERDICT_DROP, pool);
	return true;
}

/* What an operator has said for a time; false: nothing. */
static bool judge_override(const struct engine *engine, const struct ends *ends, int64_t now_s,
			   struct decision *ret)
{
	const struct engine_override *override = engine_find_override(engine, ends->source_addr, now_s);

	if (!override)
		return false;
	*ret = override->block ? answer(REASON_OVERRIDE_BLOCK, VERDICT_DROP, VERDICT_DROP, RULE_NONE)
			       : answer(REASON_OVERRIDE_ALLOW, VERDICT_ACCEPT, VERDICT_ACCEPT, RULE_NONE);
	return true;
}

/* The rules alone, first match decides, as if the packet were a sound SYN to port 25. */
static struct decision judge_rules(const struct engine *engine, const struct ends *ends,
				   const struct engine_interface *interface, int64_t now_s)
{
	const struct target_class *target = ends->target;
	struct decision decision;
	int32_t exempt;

	if (judge_spoofed(engine, ends, interface, now_s, &decision))
		return decision;
	if (ends->source->relay != RULE_NONE)
		return accepted(REASON_RELAY, ends->source->relay);
	if (target->relay != RULE_NONE) {
		if (now_s < engine->rules[target->relay].enforce_from_s)
			return accepted(REASON_RELAY_DESTINATION, target->relay);
	} else if (target->inside != RULE_NONE) {
		return accepted(REASON_INSIDE, target->inside);
	}
	if (judge_override(engine, ends, now_s, &decision))
		return decision;
	exempt = find_exemption(engine, ends, now_s);
	if (exempt != RULE_NONE)
		return accepted(REASON_EXEMPT, exempt);
	if (ends->source->pool != RULE_NONE)
		return judge_pool(engine, ends, now_s);
	return judge_unlisted(engine);
}

/* The reason of a packet that is not sound, REASONS if it is. */
static enum reason fault_reason(const struct packet *packet)
{
	switch ((enum packet_fault)packet->fault) {
	case PACKET_FAULT_NONE:
		break;
	case PACKET_FAULT_IP_HEADER:
	case PACKET_FAULT_EXTENSION:
		return REASON_MALFORMED_IP;
	case PACKET_FAULT_TCP_HEADER:
		return REASON_MALFORMED_TCP;
	case PACKET_FAULT_FRAGMENT_TINY:
		return REASON_FRAGMENT_TINY;
	case PACKET_FAULT_FRAGMENT_OVERLAP:
		return REASON_FRAGMENT_OVERLAP;
	case PACKET_FAULT_FRAGMENT_CHAIN:
		return REASON_FRAGMENT_CHAIN;
	case PACKET_FAULT_CUT:
		return packet->has_flags ? REASONS : REASON_TRUNCATED;
	}
	if (packet->has_flags && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	    (packet->tcp_flags & (TCP_RST | TCP_FIN)) != 0)
		return REASON_BAD_FLAGS;
	return packet->has_flags ? REASONS : REASON_TRUNCATED;
}

/* What becomes of a packet that opens nothing, where a SYN would be blocked or recorded as `syn` says. */
static struct decision judge_open_flow(const struct engine *engine, enum engine_flow flow,
				       const struct decision *syn)
{
	if (engine->cut)
		return *syn;
	if (!engine->conntrack || flow != ENGINE_FLOW_NEW)
		return accepted(REASON_ESTABLISHED, syn->rule);
	if (syn->reason == REASON_SPOOFED)
		return *syn;
	return answer(REASON_MIDSTREAM, syn->verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP,
		      VERDICT_DROP, syn->rule);
}

bool engine_guards(const struct engine *engine, const struct packet *packet,
		   const struct engine_interface *interface)
{
	bool outer = interface->side == ENGINE_SIDE_UPSTREAM || interface->side == ENGINE_SIDE_OTHER;

	return engine->guard && outer && packet_answers_port25(packet);
}

/* The same without a call where there is no guard, which is what most packets meet. */
static inline bool guards(const struct engine *engine, const struct packet *packet,
			  const struct engine_interface *interface)
{
	return engine->guard && engine_guards(engine, packet, interface);
}

enum engine_flow engine_queued_flow(const struct engine *engine, const struct packet *packet,
				    const struct engine_interface *interface)
{
	if (!engine->conntrack)
		return ENGINE_FLOW_UNKNOWN;
	return engine->cut && !guards(engine, packet, interface) ? ENGINE_FLOW_ESTABLISHED : ENGINE_FLOW_NEW;
}

/* Who may ask, or be asked, at every date; RULE_NONE if there is no such rule. */
static int32_t find_free_end(const struct ends *ends)
{
	if (ends->source->relay != RULE_NONE)
		return ends->source->relay;
	return ends->target->relay != RULE_NONE ? ends->target->relay : ends->target->inside;
}

/* Lets an answer in unless the question would have been blocked: by dates, exemptions and groups like the question. */
static struct decision judge_answer(const struct engine *engine, const struct ends *ends,
				    enum engine_flow flow, int64_t now_s)
{
	int32_t rule = find_free_end(ends);
	struct decision decision;

	if (engine->conntrack && flow == ENGINE_FLOW_ESTABLISHED)
		return accepted(REASON_INBOUND, RULE_NONE);
	if (rule != RULE_NONE)
		return accepted(REASON_INBOUND, rule);
	if (!judge_override(engine, ends, now_s, &decision)) {
		rule = find_exemption(engine, ends, now_s);
		if (rule != RULE_NONE || ends->source->pool == RULE_NONE)
			return accepted(REASON_INBOUND, rule);
		decision = judge_pool(engine, ends, now_s);
	}
	if (decision.would == VERDICT_ACCEPT)
		return accepted(REASON_INBOUND, decision.rule);
	return answer(REASON_TRIANGULAR, decision.verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP,
		      VERDICT_DROP, decision.rule);
}

static struct decision judge(const struct engine *engine, const struct packet *packet,
			     const struct ends *ends, const struct engine_context *context, int64_t now_s)
{
	struct decision decision;
	enum reason fault;

	if (guards(engine, packet, &context->interface))
		return judge_answer(engine, ends, context->flow, now_s);
	decision = judge_rules(engine, ends, &context->interface, now_s);
	if (decision.would == VERDICT_ACCEPT)
		return decision;
	fault = fault_reason(packet);
	if (fault != REASONS && decision.reason != REASON_SPOOFED)
		return answer(fault, decision.verdict == VERDICT_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP,
			      VERDICT_DROP, decision.rule);
	if (fault == REASONS && !packet_is_syn(packet))
		return judge_open_flow(engine, context->flow, &decision);
	decision.attempt = fault == REASONS;
	return decision;
}

/* Gateway mode `monitor` lets everything through; `would` keeps what enforcement would have done. */
static struct decision finish(const struct engine *engine, struct decision decision)
{
	if (engine->monitor)
		decision.verdict = VERDICT_ACCEPT;
	if (decision.rule != RULE_NONE)
		decision.rule_name = engine->rules[decision.rule].name;
	return decision;
}

/* The next date behind now that any rule on the packet's path names. */
static int64_t next_date(const struct engine *engine, const struct ends *ends, int64_t now_s)
{
	const struct rule_facts *rules = engine->rules;
	int64_t best_s = MOMENT_NEVER;

	for (uint32_t cell = ends->source->exempts; cell != 0; cell = engine->cells[cell].next) {
		best_s = sooner_date(best_s, rules[engine->cells[cell].rule].from_s, now_s);
		best_s = sooner_date(best_s, rules[engine->cells[cell].rule].until_s, now_s);
	}
	if (ends->source->pool != RULE_NONE) {
		best_s = sooner_date(best_s, rules[ends->source->pool].monitor_from_s, now_s);
		best_s = sooner_date(best_s, rules[ends->source->pool].enforce_from_s, now_s);
	}
	if (ends->target->relay != RULE_NONE)
		best_s = sooner_date(best_s, rules[ends->target->relay].enforce_from_s, now_s);
	if (ends->target->group != RULE_NONE)
		best_s = sooner_date(best_s, rules[ends->target->group].enforce_from_s, now_s);
	return engine_override_date(engine, ends->source_addr, best_s, now_s);
}

static bool same_answer(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->would == b->would && a->reason == b->reason &&
	       a->rule == b->rule;
}

/* Dates that pass without changing this answer are skipped, so the loop walks at most all dates on the path. */
static int64_t next_change(const struct engine *engine, const struct packet *packet, const struct ends *ends,
			   const struct engine_context *context, const struct decision *now)
{
	int64_t date_s = next_date(engine, ends, context->now_s);

	while (date_s != MOMENT_NEVER) {
		struct decision then = finish(engine, judge(engine, packet, ends, context, date_s));

		if (!same_answer(now, &then))
			return date_s;
		date_s = next_date(engine, ends, date_s);
	}
	return MOMENT_NEVER;
}

static uint8_t subscriber_len(const struct engine *engine, const struct packet *packet, int32_t pool)
{
	if (packet->family == ADDR_IP4)
		return 32;
	return pool == RULE_NONE ? POLICY_IP6_SUBSCRIBER_LEN : engine->rules[pool].subscriber_len6;
}

/* The rules say the same of all his SYNs to wherever no rule names: no exemption has to be asked, at any date. */
static bool is_whole_source(const struct engine *engine, const struct packet *packet, const struct ends *ends,
			    const struct decision *decision)
{
	if (decision->reason != REASON_POOL_ENFORCE && decision->reason != REASON_UNLISTED_DROP)
		return false;
	return decision->attempt && ends->target == engine->targets && ends->source->relay == RULE_NONE &&
	       ends->source->exempts == 0 &&
	       engine_subscriber_is_one(engine, &packet->src, decision->subscriber_len) &&
	       engine_subscriber_is_uncut(engine, &packet->src, decision->subscriber_len);
}

/* Reasons that need no rule; true when *ret is one. */
static bool judge_unruled(const struct engine *engine, const struct packet *packet,
			  const struct engine_context *context, enum reason *ret)
{
	bool unsound_fragment = packet->fault == PACKET_FAULT_FRAGMENT_OVERLAP ||
				packet->fault == PACKET_FAULT_FRAGMENT_CHAIN;

	if (packet->family == ADDR_NONE && packet->fault == PACKET_FAULT_NONE)
		*ret = REASON_NOT_IP;
	else if (guards(engine, packet, &context->interface))
		return false;
	else if (context->interface.side == ENGINE_SIDE_UPSTREAM)
		*ret = REASON_INBOUND;
	else if (packet->fault == PACKET_FAULT_IP_HEADER && context->interface.side == ENGINE_SIDE_OTHER)
		*ret = REASON_INBOUND;
	else if (packet->fault == PACKET_FAULT_IP_HEADER)
		*ret = REASON_MALFORMED_IP;
	else if (packet->family == ADDR_NONE)
		*ret = REASON_UNREADABLE;
	else if (packet->has_protocol && packet->protocol != IP_PROTOCOL_TCP)
		*ret = REASON_NOT_TCP25;
	else if (packet->has_ports && packet->dport != SMTP_PORT)
		*ret = REASON_NOT_TCP25;
	else if (unsound_fragment)
		return false;
	else if (packet->fragment == PACKET_FRAGMENT_LATER)
		*ret = REASON_FRAGMENT_LATER;
	else if (!packet->has_ports && !context->port25)
		*ret = REASON_UNREADABLE;
	else
		return false;
	return true;
}

/* On an interface of neither side only the relays are known by name; everything else there is not outbound. */
static struct decision judge_other_side(const struct engine *engine, const struct ends *ends,
					const struct engine_interface *interface)
{
	int32_t relay = ends->source->relay;

	if (relay != RULE_NONE && relay_is_genuine(engine, relay, interface))
		return accepted(REASON_RELAY, relay);
	return accepted(REASON_INBOUND, RULE_NONE);
}

static struct decision decide_ends(const struct engine *engine, const struct packet *packet,
				   const struct ends *ends, const struct engine_context *context)
{
	struct decision decision;

	bool guarded = guards(engine, packet, &context->interface);

	if (context->interface.side == ENGINE_SIDE_OTHER && !guarded)
		return finish(engine, judge_other_side(engine, ends, &context->interface));
	decision = finish(engine, judge(engine, packet, ends, context, context->now_s));
	decision.next_change_s = next_change(engine, packet, ends, context, &decision);
	decision.pool = ends->source->pool;
	decision.subscriber_len = subscriber_len(engine, packet, ends->source->pool);
	decision.whole_source =
		decision.verdict != VERDICT_ACCEPT && is_whole_source(engine, packet, ends, &decision);
	return decision;
}

uint16_t engine_source_class(const struct engine *engine, const struct addr *addr)
{
	if (addr->family == ADDR_IP4)
		return lpm4_lookup(engine->source4, (uint32_t)addr->lo);
	return lpm6_lookup(engine->source6, addr->hi, addr->lo);
}

uint16_t engine_target_class(const struct engine *engine, const struct addr *addr)
{
	if (addr->family == ADDR_IP4)
		return lpm4_lookup(engine->target4, (uint32_t)addr->lo);
	return lpm6_lookup(engine->target6, addr->hi, addr->lo);
}

static struct ends find_ends(const struct engine *engine, const struct packet *packet,
			     const struct engine_context *context)
{
	bool guarded = guards(engine, packet, &context->interface);
	const struct addr *source = guarded ? &packet->dst : &packet->src;
	const struct addr *target = guarded ? &packet->src : &packet->dst;

	return (struct ends){&engine->sources[engine_source_class(engine, source)],
			     &engine->targets[engine_target_class(engine, target)], source};
}

struct decision decide(const struct engine *engine, const struct packet *packet,
		       const struct engine_context *context)
{
	struct decision decision;
	enum reason reason;
	struct ends ends;

	if (judge_unruled(engine, packet, context, &reason)) {
		answer_unruled(engine, reason, &decision);
		return decision;
	}
	ends = find_ends(engine, packet, context);
	return decide_ends(engine, packet, &ends, context);
}

bool engine_whole_source(const struct engine *engine, const struct addr *subscriber, int64_t now_s,
			 struct decision *ret)
{
	const struct packet syn = {.family = subscriber->family,
				   .src = *subscriber,
				   .protocol = IP_PROTOCOL_TCP,
				   .has_protocol = true,
				   .has_ports = true,
				   .has_flags = true,
				   .dport = SMTP_PORT,
				   .tcp_flags = TCP_SYN};
	const struct engine_context anywhere = {.now_s = now_s};
	const struct ends ends = {&engine->sources[engine_source_class(engine, subscriber)], engine->targets,
				  subscriber};
	struct decision decision = decide_ends(engine, &syn, &ends, &anywhere);

	if (!decision.whole_source)
		return false;
	*ret = decision;
	return true;
}

enum { BATCH = 64 };

/* The packets of one batch that the rules must judge, by family. */
struct batch {
	size_t count4, count6;
	uint8_t index4[BATCH], index6[BATCH];
	uint32_t src4[BATCH], dst4[BATCH];
	uint64_t src6_hi[BATCH], src6_lo[BATCH], dst6_hi[BATCH], dst6_lo[BATCH];
	uint16_t source[BATCH], target[BATCH];
};

static void batch_add(struct batch *batch, const struct packet *packet, bool guarded, size_t index)
{
	const struct addr *source = guarded ? &packet->dst : &packet->src;
	const struct addr *target = guarded ? &packet->src : &packet->dst;

	if (packet->family == ADDR_IP4) {
		size_t at = batch->count4++;

		batch->index4[at] = (uint8_t)index;
		batch->src4[at] = (uint32_t)source->lo;
		batch->dst4[at] = (uint32_t)target->lo;
	} else {
		size_t at = batch->count6++;

		batch->index6[at] = (uint8_t)index;
		batch->src6_hi[at] = source->hi;
		batch->src6_lo[at] = source->lo;
		batch->dst6_hi[at] = target->hi;
		batch->dst6_lo[at] = target->lo;
	}
}

static void batch_decide(const struct engine *engine, const struct batch *batch, const uint8_t *index,
			 size_t count, const struct packet *packets, const struct engine_context *contexts,
			 struct decision *decisions)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = index[i], before = i > 0 ? index[i - 1] : at;
		bool guarded = guards(engine, &packets[at], &contexts[at].interface);
		struct ends ends = {&engine->sources[batch->source[i]], &engine->targets[batch->target[i]],
				    guarded ? &packets[at].dst : &packets[at].src};

		if (i > 0 && !engine->overrides && batch->source[i] == batch->source[i - 1] &&
		    batch->target[i] == batch->target[i - 1] &&
		    same_question(&packets[at], &packets[before], &contexts[at], &contexts[before]))
			decisions[at] = decisions[before];
		else
			decisions[at] = decide_ends(engine, &packets[at], &ends, &contexts[at]);
	}
}

static void decide_some(const struct engine *engine, const struct packet *packets,
			const struct engine_context *contexts, struct decision *decisions, size_t count)
{
	struct batch batch;

	batch.count4 = batch.count6 = 0;
	for (size_t i = 0; i < count; i++) {
		enum reason reason;

		if (judge_unruled(engine, &packets[i], &contexts[i], &reason))
			answer_unruled(engine, reason, &decisions[i]);
		else
			batch_add(&batch, &packets[i], guards(engine, &packets[i], &contexts[i].interface),
				  i);
	}
	lpm4_lookup_batch(engine->source4, batch.src4, batch.source, batch.count4);
	lpm4_lookup_batch(engine->target4, batch.dst4, batch.target, batch.count4);
	batch_decide(engine, &batch, batch.index4, batch.count4, packets, contexts, decisions);
	if (batch.count6 == 0)
		return;
	lpm6_lookup_batch(engine->source6, batch.src6_hi, batch.src6_lo, batch.source, batch.count6);
	lpm6_lookup_batch(engine->target6, batch.dst6_hi, batch.dst6_lo, batch.target, batch.count6);
	batch_decide(engine, &batch, batch.index6, batch.count6, packets, contexts, decisions);
}

void decide_batch(const struct engine *engine, const struct packet *packets,
		  const struct engine_context *contexts, struct decision *decisions, size_t count)
{
	for (size_t done = 0; done < count; done += BATCH) {
		size_t some = count - done < BATCH ? count - done : BATCH;

		decide_some(engine, packets + done, contexts + done, decisions + done, some);
	}
}
