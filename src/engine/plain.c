/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures and floods mostly hold plain packets that ask few different questions; what is the same is asked once. */
#include "engine/tables.h"

/* SYNs to port 25: of them the rules look at nothing but the classes of their two ends. */
struct syns {
	size_t count;
	uint8_t index[PACKET_LOT];
	uint16_t sources[PACKET_LOT], targets[PACKET_LOT]; /* classes */
};

void engine_answers_begin(struct engine_answers *answers)
{
	answers->count = 0;
	answers->elsewhere = -1;
	answers->known = 0;
}

bool engine_answers_have_room(const struct engine_answers *answers)
{
	return answers->count <= ENGINE_ANSWERS - PACKET_LOT;
}

static uint8_t ask(const struct engine *engine, const struct packet_lot4 *lot, size_t at,
		   const struct engine_context *context, struct engine_answers *ret)
{
	struct packet packet = packet_of_lot4(lot, at);

	ret->decisions[ret->count] = decide(engine, &packet, context);
	ret->packets[ret->count] = 0;
	return (uint8_t)ret->count++;
}

static void give(struct engine_answers *answers, size_t at, uint8_t answer)
{
	answers->of[at] = answer;
	answers->packets[answer]++;
}

/* As the lot's mail was found: written before it is known. */
static void find_syns(const struct packet_lot4 *lot, struct syns *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < lot->mails; i++) {
		ret->index[n] = lot->mail[i];
		n += packet_flags_open(lot->tcp_flags[lot->mail[i]]);
	}
	ret->count = n;
}

static void classify(const struct lpm4 *lpm, const uint32_t *addrs, size_t all, const struct syns *syns,
		     uint16_t *ret)
{
	uint32_t some[PACKET_LOT];

	if (syns->count == all) {
		lpm4_lookup_batch(lpm, addrs, ret, all);
		return;
	}
	for (size_t i = 0; i < syns->count; i++)
		some[i] = addrs[syns->index[i]];
	lpm4_lookup_batch(lpm, some, ret, syns->count);
}

static uint8_t remember(const struct engine *engine, const struct packet_lot4 *lot, size_t at,
			uint32_t classes, const struct engine_context *context, struct engine_answers *ret)
{
	unsigned place = ((classes >> 16) * 7 + classes) % ENGINE_MEMOS;

	if (!(ret->known >> place & 1) || ret->memos[place].classes != classes) {
		ret->memos[place].answer = ask(engine, lot, at, context, ret);
		ret->memos[place].classes = classes;
		ret->known |= UINT64_C(1) << place;
	}
	return ret->memos[place].answer;
}

static void ask_syns(const struct engine *engine, struct syns *syns, const struct packet_lot4 *lot,
		     const struct engine_context *context, struct engine_answers *ret)
{
	uint32_t last = 0;
	uint64_t same = 0;
	uint8_t answer = 0;

	classify(engine->source4, lot->src, lot->count, syns, syns->sources);
	classify(engine->target4, lot->dst, lot->count, syns, syns->targets);
	for (size_t i = 0; i < syns->count; i++) {
		uint32_t classes = (uint32_t)syns->sources[i] << 16 | syns->targets[i];

		if (i == 0 || classes != last) {
			ret->packets[answer] += same;
			same = 0;
			last = classes;
			answer = remember(engine, lot, syns->index[i], classes, context, ret);
		}
		ret->of[syns->index[i]] = answer;
		same++;
	}
	ret->packets[answer] += same;
}

/* The guard looks at answers, too, which come from outside, and overrides are in no class: then no packet speaks for others. */
static bool asks_each(const struct engine *engine, const struct engine_interface *interface)
{
	bool outer = interface->side == ENGINE_SIDE_UPSTREAM || interface->side == ENGINE_SIDE_OTHER;

	return engine->overrides || (engine->guard && outer);
}

static void ask_each(const struct engine *engine, const struct packet_lot4 *lot,
		     const struct engine_context *context, struct engine_answers *ret)
{
	for (size_t i = 0; i < lot->count; i++)
		give(ret, i, ask(engine, lot, i, context, ret));
}

/* What is no SYN to port 25. No rule looks at packets to elsewhere: all of these get the same answer. */
static void ask_others(const struct engine *engine, const struct packet_lot4 *lot,
		       const struct engine_context *context, struct engine_answers *ret)
{
	for (size_t i = 0; i < lot->count; i++) {
		if (lot->dport[i] != SMTP_PORT) {
			if (ret->elsewhere < 0)
				ret->elsewhere = ask(engine, lot, i, context, ret);
			give(ret, i, (uint8_t)ret->elsewhere);
		} else if (!packet_flags_open(lot->tcp_flags[i])) {
			give(ret, i, ask(engine, lot, i, context, ret));
		}
	}
}

void decide_lot4(const struct engine *engine, const struct packet_lot4 *lot,
		 const struct engine_context *context, struct engine_answers *answers)
{
	struct syns syns = {0};

	if (asks_each(engine, &context->interface)) {
		ask_each(engine, lot, context, answers);
		return;
	}
	find_syns(lot, &syns);
	if (syns.count > 0)
		ask_syns(engine, &syns, lot, context, answers);
	if (syns.count < lot->count)
		ask_others(engine, lot, context, answers);
}
