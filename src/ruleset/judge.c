/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/build.h"

#include <errno.h>
#include <stdlib.h>

/* Static texts: the comments of the printed chains. Each says what the chain is for, then what leaks without it. */
static const char purpose_forward[] =
	"Finds TCP to port 25 among all that is forwarded; everything else leaves here untouched, 465 and 587 too.\n"
	"Later fragments come before the ports: kernels take what stands where a port would be for a port.\n"
	"Without it nothing is judged at all.";
static const char purpose_bridged[] =
	"Finds TCP to port 25 among all frames that arrive at a port of a bridge; everything else leaves here untouched.\n"
	"It is hooked where frames arrive, and not where they are forwarded, because only there they can be answered.\n"
	"Fields of IP are asked for by the protocol behind the VLAN tag; by the frame's own type tagged ones would pass.";
static const char purpose_later_fragment[] =
	"Later TCP fragments show no port. Without the first one they are harmless, but for the one at byte 8,\n"
	"which could overwrite the flags of a TCP header. Without this chain a SYN cut in pieces passes.";
static const char purpose_guard[] =
	"The triangular-spam guard: tells the sides apart for answers (SYN with ACK) of port 25. Who sends spam elsewhere\n"
	"with a forged address of a pool gets the answers here; the same chain for outbound mail never sees them.\n"
	"Without it a pool whose port 25 is blocked still serves as the receiving half of a spammer's line.";
static const char purpose_guard_known[] =
	"Lets go the answers that somebody may have asked for at every date: from and to relays, from own destinations,\n"
	"to what is exempt without a date. Without it the daemon would see the answers to all of the relays' mail.";
static const char purpose_guarded[] =
	"Hands the daemon an answer to a pool: by the dates it tells whether the pool could have asked.";
static const char purpose_port25[] =
	"Tells the sides apart: only what comes from the subscriber side is outbound.\n"
	"Without it mail that comes in from the Internet would be judged, and blocked.";
static const char purpose_other_side[] =
	"What arrives on no subscriber's interface: server networks, the relays' among them. Counted, and accepted.";
static const char purpose_outbound[] =
	"Settles what the engine accepts at every date: relays, own destinations, exemptions without a date.\n"
	"Without it the daemon would see the relays' whole traffic; were anything dated accepted here, its date\n"
	"would pass unnoticed.";
static const char purpose_own_destinations[] =
	"Mail to our own servers is not outbound. A relay that closes at a date comes first, because an inside\n"
	"prefix around it would keep it open for ever.";
static const char purpose_relay_on[] =
	"Relays that are bound to interfaces: accepted there, suspect elsewhere.\n"
	"Without it a subscriber who sends with a relay's address passes.";
static const char purpose_pool_on[] =
	"Pools that are bound to interfaces: sources that arrive elsewhere are suspect.\n"
	"Without it a subscriber who sends with an exempt neighbour's address passes, or gets the neighbour blamed.";
static const char purpose_suspect[] =
	"Source addresses on an interface that is not theirs. The daemon decides, because a pool's dates hold for\n"
	"this too.";
static const char purpose_undecided[] =
	"Hands the daemon what opens a connection, and lets pass what belongs to an open one.\n"
	"Without the fragment rules flags could be hidden; a header too broken to show flags goes to the daemon.";
static const char purpose_undecided_cut[] =
	"Hands the daemon everything that is still undecided: open connections are cut, too.";
static const char purpose_to_daemon[] =
	"The queue. With several workers a subscriber stays with one of them.";
static const char purpose_answer[] =
	"The daemon accepts what is to be refused with an answer, and marks it; the answer is given here.\n"
	"Without it what the daemon marks for a reset would simply pass.";

static bool sides_listed(const struct build *build)
{
	return build->policy->gateway.subscriber_interfaces.count > 0;
}

bool build_guards(const struct build *build)
{
	const struct policy_gateway *gateway = &build->policy->gateway;

	return gateway->triangular_guard && (sides_listed(build) || gateway->upstream_interfaces.count > 0);
}

/* Below, each makes two rules, one a family. */

static void twin_goto(struct build *build, uint32_t chain, enum ruleset_match_kind kind,
		      const struct build_twin *twin, uint32_t to)
{
	build_goto(build_in_set(build_rule(build, chain, ""), kind, RULESET_EQ, twin->ip4), to);
	build_goto(build_in_set(build_rule(build, chain, ""), kind, RULESET_EQ, twin->ip6), to);
}

static void twin_accept(struct build *build, uint32_t chain, enum ruleset_match_kind kind, enum ruleset_op op,
			const struct build_twin *twin, uint32_t counter)
{
	build_accept(build_in_set(build_rule(build, chain, ""), kind, op, twin->ip4), counter);
	build_accept(build_in_set(build_rule(build, chain, ""), kind, op, twin->ip6), counter);
}

static void twin_do(struct build *build, uint32_t chain, enum ruleset_match_kind kind,
		    const struct build_twin *twin, enum ruleset_statement_kind statement, uint32_t target)
{
	build_do(build_in_set(build_rule(build, chain, ""), kind, RULESET_EQ, twin->ip4), statement, target,
		 0);
	build_do(build_in_set(build_rule(build, chain, ""), kind, RULESET_EQ, twin->ip6), statement, target,
		 0);
}

int build_subscriber_sides(const struct build *build, struct interface_class *ret)
{
	int r;

	*ret = (struct interface_class){0};
	r = interface_class_add(ret, &build->policy->gateway.subscriber_interfaces);
	for (size_t i = 0; r == 0 && i < build->policy->rule_count; i++) {
		if (build->policy->rules[i].kind == POLICY_POOL)
			r = interface_class_add(ret, &build->policy->rules[i].interfaces);
	}
	return r;
}

static int fill_subscriber_sides(struct build *build, uint32_t chain, enum ruleset_statement_kind kind,
				 uint32_t to)
{
	struct interface_class all;
	int r = build_subscriber_sides(build, &all);

	for (size_t i = 0; r == 0 && i < all.count; i++)
		build_do(build_on(build_rule(build, chain, ""), all.names[i]), kind, to, 0);
	free(all.names);
	return r;
}

static int fill_port25(struct build *build)
{
	const struct policy_interfaces *upstream = &build->policy->gateway.upstream_interfaces;
	uint32_t chain = build->chains.port25;

	for (size_t i = 0; i < upstream->count; i++)
		build_accept(build_on(build_rule(build, chain, ""), upstream->names[i]),
			     build->counters.inbound);
	if (!sides_listed(build)) {
		build_goto(build_rule(build, chain, ""), build->chains.outbound);
		return 0;
	}
	if (fill_subscriber_sides(build, chain, RULESET_DO_GOTO, build->chains.outbound) < 0)
		return -ENOMEM;
	build_goto(build_rule(build, chain, ""), build->chains.other_side);
	return 0;
}

/* The sides as in port25; a return goes on with the packet as if there were no guard. */
static int fill_guard(struct build *build)
{
	const struct policy_interfaces *upstream = &build->policy->gateway.upstream_interfaces;
	uint32_t chain = build->chains.guard;

	for (size_t i = 0; i < upstream->count; i++)
		build_goto(build_on(build_rule(build, chain, ""), upstream->names[i]),
			   build->chains.guard_known);
	if (!sides_listed(build))
		return 0;
	if (fill_subscriber_sides(build, chain, RULESET_DO_RETURN, 0) < 0)
		return -ENOMEM;
	build_goto(build_rule(build, chain, ""), build->chains.guard_known);
	return 0;
}

/* What conntrack knows somebody here has asked for. */
static void fill_guard_known(struct build *build)
{
	uint32_t chain = build->chains.guard_known;

	if (build->policy->gateway.conntrack)
		build_do(build_match(build_rule(build, chain, "was asked for"), RULESET_MATCH_CT_STATE,
				     RULESET_EQ, 0, RULESET_CT_ESTABLISHED | RULESET_CT_RELATED),
			 RULESET_DO_RETURN, 0, 0);
	twin_do(build, chain, RULESET_MATCH_SADDR, &build->relay_all, RULESET_DO_RETURN, 0);
	twin_do(build, chain, RULESET_MATCH_SADDR, &build->inside, RULESET_DO_RETURN, 0);
	twin_do(build, chain, RULESET_MATCH_DADDR, &build->relay_all, RULESET_DO_RETURN, 0);
	twin_do(build, chain, RULESET_MATCH_DADDR, &build->exempt, RULESET_DO_RETURN, 0);
	twin_goto(build, chain, RULESET_MATCH_DADDR, &build->pool_all, build->chains.guarded);
}

static int fill_guard_chains(struct build *build)
{
	uint32_t chain = build->chains.guarded;

	if (!build_guards(build))
		return 0;
	fill_guard_known(build);
	build_clear_marks(build, chain);
	build_log(build, chain, "op25b guarded: ");
	build_do(build_rule(build, chain, ""), RULESET_DO_COUNT, build->counters.guarded, 0);
	build_goto(build_rule(build, chain, ""), build->chains.to_daemon);
	return fill_guard(build);
}

static void fill_other_side(struct build *build)
{
	uint32_t chain = build->chains.other_side;

	twin_accept(build, chain, RULESET_MATCH_SADDR, RULESET_EQ, &build->relay_all, build->counters.relay);
	build_accept(build_rule(build, chain, ""), build->counters.inbound);
}

/* A relay bound to no interface can be anywhere but among listed subscribers, and here are only those. */
static void fill_relay_sources(struct build *build)
{
	uint32_t chain = build->chains.outbound;

	for (uint32_t i = 0; i < build->relays.count; i++)
		twin_goto(build, chain, RULESET_MATCH_SADDR, &build->relay_twins[i],
			  build->chains.relay_on + i);
	if (sides_listed(build))
		twin_goto(build, chain, RULESET_MATCH_SADDR, &build->relay_all, build->chains.suspect);
	else
		twin_accept(build, chain, RULESET_MATCH_SADDR, RULESET_EQ, &build->relay_all,
			    build->counters.relay);
}

static void fill_outbound(struct build *build)
{
	uint32_t chain = build->chains.outbound;

	fill_relay_sources(build);
	for (uint32_t i = 0; i < build->pools.count; i++)
		twin_do(build, chain, RULESET_MATCH_SADDR, &build->pool_twins[i], RULESET_DO_JUMP,
			build->chains.pool_on + i);
	build_do(build_rule(build, chain, ""), RULESET_DO_JUMP, build->chains.own_destinations, 0);
	twin_accept(build, chain, RULESET_MATCH_SADDR, RULESET_EQ, &build->exempt, build->counters.exempt);
	if (build->policy->gateway.unlisted == POLICY_UNLISTED_ACCEPT)
		twin_accept(build, chain, RULESET_MATCH_SADDR, RULESET_NE, &build->pool_all,
			    build->counters.unlisted);
	build_goto(build_rule(build, chain, ""), build->chains.undecided);
}

static void fill_own_destinations(struct build *build)
{
	uint32_t chain = build->chains.own_destinations;

	twin_do(build, chain, RULESET_MATCH_DADDR, &build->relay_closing, RULESET_DO_RETURN, 0);
	twin_accept(build, chain, RULESET_MATCH_DADDR, RULESET_EQ, &build->relay_all,
		    build->counters.relay_destination);
	twin_accept(build, chain, RULESET_MATCH_DADDR, RULESET_EQ, &build->inside, build->counters.inside);
}

static void fill_bound(struct build *build)
{
	for (uint32_t i = 0; i < build->relays.count; i++) {
		const struct interface_class *class = &build->relays.items[i];
		uint32_t chain = build->chains.relay_on + i;

		for (size_t j = 0; j < class->count; j++)
			build_accept(build_on(build_rule(build, chain, ""), class->names[j]),
				     build->counters.relay);
		build_goto(build_rule(build, chain, ""), build->chains.suspect);
	}
	for (uint32_t i = 0; i < build->pools.count; i++) {
		const struct interface_class *class = &build->pools.items[i];
		uint32_t chain = build->chains.pool_on + i;

		for (size_t j = 0; j < class->count; j++)
			build_do(build_on(build_rule(build, chain, ""), class->names[j]), RULESET_DO_RETURN,
				 0, 0);
		build_goto(build_rule(build, chain, ""), build->chains.suspect);
	}
}

static uint32_t add_numbered_chains(struct build *build, const char *name, size_t count, const char *purpose)
{
	char text[RULESET_NAME_MAX];
	uint32_t first = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t chain;

		build_text(text, sizeof(text), "%s_%zu", name, i + 1);
		chain = build_chain(build, text, purpose);
		if (i == 0)
			first = chain;
	}
	return first;
}

static void add_chains(struct build *build)
{
	const struct policy_gateway *gateway = &build->policy->gateway;
	bool cut_all = gateway->established == POLICY_ESTABLISHED_CUT && !gateway->conntrack;
	struct build_chains *c = &build->chains;

	build_learned_chains(build);
	if (gateway->family == POLICY_FAMILY_BRIDGE)
		c->base = build_chain(build, "bridged", purpose_bridged);
	else
		c->base = build_chain(build, "forward", purpose_forward);
	c->later_fragment = build_chain(build, "later_fragment", purpose_later_fragment);
	if (build_guards(build)) {
		c->guard = build_chain(build, "guard", purpose_guard);
		c->guard_known = build_chain(build, "guard_known", purpose_guard_known);
		c->guarded = build_chain(build, "guarded", purpose_guarded);
	}
	c->port25 = build_chain(build, "port25", purpose_port25);
	if (sides_listed(build))
		c->other_side = build_chain(build, "other_side", purpose_other_side);
	c->outbound = build_chain(build, "outbound", purpose_outbound);
	c->relay_on = add_numbered_chains(build, "relays_on", build->relays.count, purpose_relay_on);
	c->pool_on = add_numbered_chains(build, "pools_on", build->pools.count, purpose_pool_on);
	c->own_destinations = build_chain(build, "own_destinations", purpose_own_destinations);
	c->suspect = build_chain(build, "suspect", purpose_suspect);
	c->undecided = build_chain(build, "undecided", cut_all ? purpose_undecided_cut : purpose_undecided);
	c->to_daemon = build_chain(build, "to_daemon", purpose_to_daemon);
	c->answer = build_chain(build, "answer", purpose_answer);
	build_learn_chains(build);
}

int build_judging_chains(struct build *build)
{
	int r;

	add_chains(build);
	if (build->failed)
		return -ENOMEM;
	r = fill_port25(build);
	if (r == 0)
		r = fill_guard_chains(build);
	if (sides_listed(build))
		fill_other_side(build);
	fill_outbound(build);
	fill_bound(build);
	fill_own_destinations(build);
	build_log(build, build->chains.suspect, "op25b suspect: ");
	build_do(build_rule(build, build->chains.suspect, ""), RULESET_DO_COUNT, build->counters.suspect, 0);
	build_goto(build_rule(build, build->chains.suspect, ""), build->chains.undecided);
	return r;
}
