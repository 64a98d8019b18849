/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/explain.h"

#include "base/vec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct chain {
	const struct engine *engine;
	const struct policy *policy;
	const struct explain_question *question;
	struct addr src, dst; /* as the rules are asked: of an answer that the guard judges, exchanged */
	bool guarded;
	struct decision rules; /* the answer to a sound SYN between the two */
	struct explanation *out;
	bool out_of_memory;
};

struct packet explain_syn(const struct addr *src, const struct addr *dst)
{
	return (struct packet){
		.src = *src,
		.dst = *dst,
		.family = src->family,
		.protocol = IP_PROTOCOL_TCP,
		.has_protocol = true,
		.has_ports = true,
		.has_flags = true,
		.tcp_flags = TCP_SYN,
		.ttl = 64,
		.sport = 49152,
		.dport = SMTP_PORT,
		.ip_len = src->family == ADDR_IP4 ? 40 : 60,
	};
}

__attribute__((format(printf, 5, 6))) static void add(struct chain *chain, const char *name, int32_t rule,
						      bool decides, const char *format, ...)
{
	struct explanation *out = chain->out;
	struct explain_step *step;
	va_list arguments;

	if (!VEC_RESERVE(out->steps, out->step_capacity, out->step_count + 1)) {
		chain->out_of_memory = true;
		return;
	}
	step = &out->steps[out->step_count++];
	*step = (struct explain_step){.name = name, .rule = rule, .decides = decides};
	va_start(arguments, format);
	vsnprintf(step->text, sizeof(step->text), format, arguments);
	va_end(arguments);
}

/* ---- dates in words ---- */

static const char *date_text(const struct moment *moment, bool given, char memory[MOMENT_TEXT_MAX])
{
	if (!given)
		return "never";
	moment_format(moment->s, moment->offset_s, memory);
	return memory;
}

static void pool_phase(const struct policy_rule *pool, char *out, size_t size)
{
	char monitor[MOMENT_TEXT_MAX], enforce[MOMENT_TEXT_MAX];

	if (!pool->has_monitor_from && !pool->has_enforce_from)
		snprintf(out, size, "enforced at all times");
	else
		snprintf(out, size, "monitored from %s, enforced from %s",
			 date_text(&pool->monitor_from, pool->has_monitor_from, monitor),
			 date_text(&pool->enforce_from, pool->has_enforce_from, enforce));
}

static void exemption_terms(const struct policy_rule *rule, char *out, size_t size)
{
	char from[MOMENT_TEXT_MAX], until[MOMENT_TEXT_MAX];
	size_t used = (size_t)snprintf(out, size, "from %s until %s",
				       rule->has_from ? date_text(&rule->from, true, from) : "ever",
				       date_text(&rule->until, rule->has_until, until));

	if (rule->ticket[0] && used < size)
		used += (size_t)snprintf(out + used, size - used, ", ticket %s", rule->ticket);
	if (rule->owner[0] && used < size)
		used += (size_t)snprintf(out + used, size - used, ", owner %s", rule->owner);
	if (rule->reason[0] && used < size)
		snprintf(out + used, size - used, ", reason: %s", rule->reason);
}

/* ---- the questions, in the decision order ---- */

static void ask_direction(struct chain *chain)
{
	const char *name = chain->question->interface;
	enum engine_side side = chain->question->context.interface.side;
	bool decides = chain->out->decision.reason == REASON_INBOUND && !chain->guarded;

	if (chain->guarded)
		add(chain, "direction", -1, false,
		    "an answer from port 25 on %s: judged as the SYN that would have asked for it, ends exchanged",
		    name ? name : "no known interface");
	else if (!name)
		add(chain, "direction", -1, decides,
		    side == ENGINE_SIDE_UPSTREAM ? "said to come in from outside"
						 : "no interface known: counts as the subscriber side");
	else if (side == ENGINE_SIDE_UPSTREAM)
		add(chain, "direction", -1, decides, "%s is an upstream interface: not outbound", name);
	else if (side == ENGINE_SIDE_OTHER)
		add(chain, "direction", -1, decides, "%s is neither a subscriber's nor an upstream interface",
		    name);
	else
		add(chain, "direction", -1, decides, "%s is the subscriber side", name);
}

static bool ask_port(struct chain *chain)
{
	const struct packet *packet = &chain->question->packet;
	enum reason reason = chain->out->decision.reason;
	bool decides = reason == REASON_NOT_IP || reason == REASON_NOT_TCP25 ||
		       reason == REASON_FRAGMENT_LATER || reason == REASON_UNREADABLE ||
		       packet->family == ADDR_NONE;

	if (decides)
		add(chain, "port 25", -1, true, "%s", engine_reasons[reason].meaning);
	else if (packet_is_port25(packet) || chain->guarded)
		add(chain, "port 25", -1, false, "TCP, port 25");
	else
		add(chain, "port 25", -1, false, "no port is seen, but it could be hidden");
	return decides;
}

static void add_rule(struct chain *chain, const char *name, const struct addr *addr, bool decides,
		     const char *text)
{
	char where[EXPLAIN_TEXT_MAX / 2];

	explain_locate(chain->policy, chain->rules.rule, addr, where, sizeof(where));
	add(chain, name, chain->rules.rule, decides, "%s%s%s", where, text[0] ? ": " : "", text);
}

static bool ask_spoofed(struct chain *chain)
{
	bool decides = chain->rules.reason == REASON_SPOOFED;

	if (decides)
		add_rule(chain, "source valid here", &chain->src, true, "not valid on this interface");
	else
		add(chain, "source valid here", -1, false, "yes");
	return decides;
}

static bool ask_relays(struct chain *chain)
{
	enum reason reason = chain->rules.reason;
	const struct policy_rule *rule =
		chain->rules.rule >= 0 ? &chain->policy->rules[chain->rules.rule] : NULL;
	char date[MOMENT_TEXT_MAX], text[96] = "";

	if (reason == REASON_RELAY) {
		add_rule(chain, "from a relay", &chain->src, true, "");
		return true;
	}
	add(chain, "from a relay", -1, false, "no");
	if (reason == REASON_RELAY_DESTINATION || reason == REASON_INSIDE) {
		if (rule && rule->has_subscribers_until)
			snprintf(text, sizeof(text), "open to subscribers until %s",
				 date_text(&rule->subscribers_until, true, date));
		add_rule(chain, "to a relay or inside", &chain->dst, true, text);
		return true;
	}
	add(chain, "to a relay or inside", -1, false, "no");
	return false;
}

static bool ask_override(struct chain *chain)
{
	enum reason reason = chain->rules.reason;
	bool decides = reason == REASON_OVERRIDE_ALLOW || reason == REASON_OVERRIDE_BLOCK;

	if (decides)
		add(chain, "override", -1, true, "%s", engine_reasons[reason].meaning);
	return decides;
}

static bool reaches(const struct policy *policy, int32_t at, const struct addr *dst)
{
	const struct policy_rule *rule = &policy->rules[at];

	if (rule->to_any || explain_covers(policy, at, POLICY_ROLE_TO, dst))
		return true;
	for (size_t i = 0; i < rule->to_group_count; i++)
		if (explain_covers(policy, rule->to_groups[i], POLICY_ROLE_TARGET, dst))
			return true;
	return false;
}

/* All that cover the source are told, also those that are not in force or lead elsewhere. */
static bool ask_exemptions(struct chain *chain)
{
	int64_t now_s = chain->question->context.now_s;
	bool any = false;

	for (size_t i = 0; i < chain->policy->rule_count; i++) {
		const struct policy_rule *rule = &chain->policy->rules[i];
		bool decides = chain->rules.reason == REASON_EXEMPT && chain->rules.rule == (int32_t)i;
		char where[EXPLAIN_TEXT_MAX / 3], terms[EXPLAIN_TEXT_MAX / 3];

		if (rule->kind != POLICY_EXEMPT ||
		    !explain_covers(chain->policy, (int32_t)i, POLICY_ROLE_SOURCE, &chain->src))
			continue;
		any = true;
		explain_locate(chain->policy, (int32_t)i, &chain->src, where, sizeof(where));
		exemption_terms(rule, terms, sizeof(terms));
		add(chain, "exempt", (int32_t)i, decides, "%s: %s: %s", where, terms,
		    decides                                            ? "in force"
		    : now_s < rule->from.s                             ? "not yet in force"
		    : now_s >= rule->until.s                           ? "over"
		    : !reaches(chain->policy, (int32_t)i, &chain->dst) ? "not for this destination"
								       : "another one decides");
	}
	if (!any)
		add(chain, "exempt", -1, false, "no");
	return chain->rules.reason == REASON_EXEMPT;
}

static void ask_pool(struct chain *chain)
{
	enum reason reason = chain->rules.reason;
	int32_t pool = chain->rules.pool, rule = chain->rules.rule;
	char where[EXPLAIN_TEXT_MAX / 2], phase[128];

	if (pool < 0) {
		add(chain, "pool", -1, false, "no pool has this source");
		add(chain, "unlisted", -1, true, "%s", engine_reasons[reason].meaning);
		return;
	}
	explain_locate(chain->policy, pool, &chain->src, where, sizeof(where));
	pool_phase(&chain->policy->rules[pool], phase, sizeof(phase));
	add(chain, "pool", pool, rule == pool, "%s: %s", where, phase);
	if (rule != pool && rule >= 0) {
		char date[MOMENT_TEXT_MAX], text[96];
		const struct policy_rule *other = &chain->policy->rules[rule];
		const struct moment *moment =
			other->kind == POLICY_RELAY ? &other->subscribers_until : &other->enforce_from;

		snprintf(text, sizeof(text), "its date %s stands in place of the pool's",
			 date_text(moment, moment->s != MOMENT_NEVER, date));
		add_rule(chain, "destination", &chain->dst, true, text);
	}
}

static void ask_rules(struct chain *chain)
{
	if (!ask_spoofed(chain) && !ask_relays(chain) && !ask_override(chain) && !ask_exemptions(chain))
		ask_pool(chain);
}

/* What the packet itself changes of what the rules say, and what the gateway's mode does. */
static void ask_packet(struct chain *chain)
{
	const struct decision *decision = &chain->out->decision;

	if (chain->guarded || decision->reason != chain->rules.reason) {
		for (size_t i = 0; i < chain->out->step_count; i++)
			chain->out->steps[i].decides = false;
		add(chain, "the packet itself", decision->rule, true, "%s",
		    engine_reasons[decision->reason].meaning);
	}
	if (chain->policy->gateway.mode == POLICY_MODE_MONITOR && decision->would != VERDICT_ACCEPT)
		add(chain, "mode", -1, false,
		    "the gateway only monitors: accepted, though enforcement would say %s",
		    verdict_name(decision->would));
}

static void build(struct chain *chain)
{
	enum engine_side side = chain->question->context.interface.side;

	ask_direction(chain);
	if (chain->out->steps && chain->out->steps[0].decides)
		return;
	if (ask_port(chain))
		return;
	if (side == ENGINE_SIDE_OTHER && !chain->guarded) {
		chain->rules = chain->out->decision;
		ask_relays(chain);
		return;
	}
	ask_rules(chain);
	ask_packet(chain);
}

static struct decision ask_at(const struct chain *chain, int64_t s)
{
	struct engine_context context = chain->question->context;

	context.now_s = s;
	return decide(chain->engine, &chain->question->packet, &context);
}

static void find_changes(struct chain *chain)
{
	struct explanation *out = chain->out;
	int64_t next_s = out->decision.next_change_s;

	while (next_s != MOMENT_NEVER && out->change_count < EXPLAIN_CHANGES_MAX) {
		struct explain_change *change = &out->changes[out->change_count++];

		*change = (struct explain_change){next_s, ask_at(chain, next_s)};
		next_s = change->decision.next_change_s;
	}
}

int explain_packet(const struct engine *engine, const struct explain_question *question,
		   struct explanation *ret)
{
	struct explanation made = {.question = *question, .policy = engine_policy(engine)};
	struct chain chain = {.engine = engine, .policy = made.policy, .question = question, .out = &made};
	const struct packet *packet = &question->packet;
	struct engine_context context = question->context;
	struct packet syn;

	chain.guarded = engine_guards(engine, packet, &context.interface);
	chain.src = chain.guarded ? packet->dst : packet->src;
	chain.dst = chain.guarded ? packet->src : packet->dst;
	made.decision = decide(engine, packet, &context);
	if (chain.guarded)
		context.interface = (struct engine_interface){0};
	if (packet->family != ADDR_NONE) {
		syn = explain_syn(&chain.src, &chain.dst);
		chain.rules = decide(engine, &syn, &context);
	}
	build(&chain);
	find_changes(&chain);
	if (chain.out_of_memory) {
		explain_free(&made);
		return -ENOMEM;
	}
	*ret = made;
	return 0;
}

void explain_free(struct explanation *explanation)
{
	free(explanation->steps);
	explanation->steps = NULL;
}
