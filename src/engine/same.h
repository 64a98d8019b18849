/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to engine/: what makes many packets cheap: short ways to answers that need no rule, or were just given. */
#ifndef OP25B_ENGINE_SAME_H
#define OP25B_ENGINE_SAME_H

#include "engine/tables.h"

/* Field by field, into place: a compound literal is made elsewhere and copied, and that costs more than the answer. */
static inline void answer_unruled(const struct engine *engine, enum reason reason, struct decision *ret)
{
	enum verdict would = reason == REASON_MALFORMED_IP ? VERDICT_DROP : VERDICT_ACCEPT;

	ret->verdict = engine->monitor ? VERDICT_ACCEPT : would;
	ret->would = would;
	ret->reason = reason;
	ret->rule = RULE_NONE;
	ret->rule_name = "";
	ret->pool = RULE_NONE;
	ret->attempt = false;
	ret->subscriber_len = 0;
	ret->whole_source = false;
	ret->next_change_s = MOMENT_NEVER;
}

/* Floods, and captures of them, mostly ask the same. */
static inline bool same_context(const struct engine_context *a, const struct engine_context *b)
{
	return a->now_s == b->now_s && a->interface.side == b->interface.side &&
	       a->interface.patterns == b->interface.patterns && a->flow == b->flow && a->port25 == b->port25;
}

/*
 * Of an IPv4 SYN the rules look at nothing but this and the classes of its two ends: it is no answer that the guard could
 * turn round, and a subscriber is one address. Overrides are in no class: where there are any, this does not hold.
 */
static inline bool same_question(const struct packet *packet, const struct packet *before,
				 const struct engine_context *context,
				 const struct engine_context *context_before)
{
	return packet->family == ADDR_IP4 && before->family == ADDR_IP4 && packet_is_syn(packet) &&
	       packet_is_syn(before) && packet->fault == PACKET_FAULT_NONE &&
	       before->fault == PACKET_FAULT_NONE && same_context(context, context_before);
}

#endif
