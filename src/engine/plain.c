/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures and floods mostly hold plain packets that ask few different questions; what is the same is asked once. */
#include "engine/tables.h"

enum { MEMO = 64 };

/* SYNs to port 25: of them the rules look at nothing but the classes of their two ends. */
struct syns {
	size_t count;
	uint8_t index[ENGINE_PLAIN_MAX];
	uint32_t src[ENGINE_PLAIN_MAX], dst[ENGINE_PLAIN_MAX];
};

/* Which answer two classes got; used 0: none yet. */
struct memo {
	uint16_t source, target;
	uint8_t used, answer;
};

static uint8_t ask(const struct engine *engine, const struct packet_plain4 *plain,
		   const struct engine_context *context, struct engine_answers *ret)
{
	struct packet packet = packet_of_plain4(plain);

	ret->decisions[ret->count] = decide(engine, &packet, context);
	return (uint8_t)ret->count++;
}

static void add_syn(struct syns *syns, const struct packet_plain4 *packet, size_t index)
{
	size_t at = syns->count++;

	syns->index[at] = (uint8_t)index;
	syns->src[at] = packet->src;
	syns->dst[at] = packet->dst;
}

static void ask_syns(const struct engine *engine, struct syns *syns, const struct packet_plain4 *packets,
		     const struct engine_context *context, struct engine_answers *ret)
{
	uint16_t sources[ENGINE_PLAIN_MAX] = {0}, targets[ENGINE_PLAIN_MAX] = {0};
	struct memo memos[MEMO] = {0};

	lpm4_lookup_batch(engine->source4, syns->src, sources, syns->count);
	lpm4_lookup_batch(engine->target4, syns->dst, targets, syns->count);
	for (size_t i = 0; i < syns->count; i++) {
		struct memo *memo = &memos[(sources[i] * 7U + targets[i]) % MEMO];

		if (!memo->used || memo->source != sources[i] || memo->target != targets[i])
			*memo = (struct memo){sources[i], targets[i], 1,
					      ask(engine, &packets[syns->index[i]], context, ret)};
		ret->of[syns->index[i]] = memo->answer;
	}
}

/* The guard looks at answers, too, which come from outside, and overrides are in no class: then no packet speaks for others. */
static bool asks_each(const struct engine *engine, const struct engine_interface *interface)
{
	bool outer = interface->side == ENGINE_SIDE_UPSTREAM || interface->side == ENGINE_SIDE_OTHER;

	return engine->overrides || (engine->guard && outer);
}

void decide_plain4(const struct engine *engine, const struct packet_plain4 *packets, size_t count,
		   const struct engine_context *context, struct engine_answers *ret)
{
	bool each = asks_each(engine, &context->interface);
	struct syns syns;
	int elsewhere = -1;

	syns.count = ret->count = 0;
	for (size_t i = 0; i < count; i++) {
		bool mail = packets[i].dport == SMTP_PORT;

		if (!each && mail && packet_flags_open(packets[i].tcp_flags)) {
			add_syn(&syns, &packets[i], i);
		} else if (each || mail) {
			ret->of[i] = ask(engine, &packets[i], context, ret);
		} else {
			if (elsewhere < 0)
				elsewhere = ask(engine, &packets[i], context, ret);
			ret->of[i] = (uint8_t)elsewhere;
		}
	}
	if (syns.count > 0)
		ask_syns(engine, &syns, packets, context, ret);
}
