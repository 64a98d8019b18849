/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge.h"

#include "base/moment.h"
#include "daemon/records.h"
#include "daemon/spill.h"
#include "record/record.h"
#include "ruleset/marks.h"

#include <stdlib.h>
#include <string.h>

struct judge {
	struct ledger *ledger;
	struct ring *ring;
	struct ifcache *interfaces;
	struct spill spill;
	struct learner *learner; /* NULL: nobody is learned */
	unsigned learn_generation;
	/* The packets of a batch that can be judged, and where each stands in the batch. */
	size_t places[QUEUE_BATCH_MAX];
	struct packet packets[QUEUE_BATCH_MAX];
	struct engine_context contexts[QUEUE_BATCH_MAX];
	struct decision decisions[QUEUE_BATCH_MAX];
	char names[QUEUE_BATCH_MAX][IF_NAME_MAX];
};

struct judge *judge_new(struct ledger *ledger, struct ring *ring, struct ifcache *interfaces)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return NULL;
	judge->ledger = ledger;
	judge->ring = ring;
	judge->interfaces = interfaces;
	return judge;
}

void judge_free(struct judge *judge)
{
	free(judge);
}

bool judge_settle(struct judge *judge)
{
	return spill_move(&judge->spill, judge->ring);
}

/* A packet of which the kernel showed nothing gets the fail mode; a monitoring gateway never drops. */
static void answer_unjudged(struct judge *judge, const struct policy_gateway *gateway,
			    struct queue_verdict *verdict)
{
	bool open = gateway->fail == POLICY_FAIL_OPEN || gateway->mode == POLICY_MODE_MONITOR;

	verdict->answer = open ? QUEUE_ACCEPT : QUEUE_DROP;
	ledger_add(judge->ledger, LEDGER_UNJUDGED, 1);
	ledger_add(judge->ledger, open ? LEDGER_FAILED_OPEN : LEDGER_DROPPED, 1);
}

static size_t read_packets(struct judge *judge, const struct world *world, const struct queue_packet *packets,
			   size_t count, int64_t wall_ns, int64_t steady_ns, struct queue_verdict *verdicts)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ifcache_entry *interface;

		verdicts[i] = (struct queue_verdict){.id = packets[i].id};
		if (!packets[i].payload) {
			answer_unjudged(judge, &world->policy->gateway, &verdicts[i]);
			continue;
		}
		interface = ifcache_get(judge->interfaces, world->engine, world->generation,
					packets[i].ifindex_in, steady_ns);
		packet_parse_ip(packets[i].payload, packets[i].len, packets[i].wire_len, &judge->packets[n]);
		judge->contexts[n] = (struct engine_context){
			.interface = interface->interface,
			.flow = engine_queued_flow(world->engine, &judge->packets[n], &interface->interface),
			.port25 = true,
			.now_s = wall_ns / NSEC_PER_SEC};
		memcpy(judge->names[n], interface->name, IF_NAME_MAX);
		judge->places[n++] = i;
	}
	return n;
}

void judge_learn(struct judge *judge, struct learner *learner, unsigned generation)
{
	judge->learner = learner;
	judge->learn_generation = generation;
}

/* The group in which the kernel learns the source, -1: it does not. */
static int learn_group(const struct world *world, const struct decision *decision)
{
	if (decision->verdict == VERDICT_ACCEPT || !decision->whole_source || world->groups.count == 0)
		return -1;
	return decision->pool >= 0 ? world->groups.of_rule[decision->pool] : world->groups.unlisted;
}

/*
 * A packet whose source the kernel is to learn goes on with a mark: a later chain puts the source into a set, which counts
 * this packet and all that follow, and drops or answers it. So it is told by what the set has counted, and not here.
 */
static bool learn(struct judge *judge, const struct world *world, size_t n, struct queue_verdict *verdict)
{
	const struct decision *decision = &judge->decisions[n];
	int group = judge->learner ? learn_group(world, decision) : -1;
	struct addr subscriber;

	if (group < 0)
		return false;
	subscriber = addr_mask(&judge->packets[n].src, decision->subscriber_len);
	if (!learner_count(judge->learner, &subscriber))
		return false;
	verdict->answer = QUEUE_ACCEPT;
	verdict->mark = MARK_LEARN | (uint32_t)group << 1 | judge->learn_generation;
	ledger_add(judge->ledger, LEDGER_LEARNED, 1);
	return true;
}

static void write_verdict(enum verdict decided, struct queue_verdict *verdict)
{
	/* A reset or ICMP answer is made by a later chain of the ruleset, which drops what carries its mark. */
	verdict->answer = decided == VERDICT_DROP ? QUEUE_DROP : QUEUE_ACCEPT;
	if (decided == VERDICT_RESET)
		verdict->mark = MARK_RESET;
	else if (decided == VERDICT_ICMP)
		verdict->mark = MARK_ICMP;
}

static bool observe(struct judge *judge, const struct world *world, size_t n, int64_t wall_ns)
{
	const struct decision *decision = &judge->decisions[n];
	struct event_fact *fact;

	if (!record_is_due(decision))
		return false;
	ledger_add(judge->ledger, ledger_due(decision->verdict != decision->would, decision->reason), 1);
	fact = ring_reserve(judge->ring);
	if (!fact) {
		ledger_add(judge->ledger, (unsigned)LEDGER_UNATTRIBUTED + (unsigned)decision->reason, 1);
		spill_add(&judge->spill, decision, world->policy->digest, wall_ns);
		return true;
	}
	record_fill(world->policy, &judge->packets[n], decision, fact);
	fact->time_ns = wall_ns;
	memcpy(fact->in_iface, judge->names[n], IF_NAME_MAX);
	ring_commit(judge->ring);
	return true;
}

void judge_orphans(struct judge *judge, const struct world *world, uint64_t count, int64_t wall_ns)
{
	const struct policy_gateway *gateway = &world->policy->gateway;
	/* As queue_adopt() was told to answer them, when the policy was the first one of this process. */
	bool open = gateway->fail == POLICY_FAIL_OPEN;
	struct event_fact *fact = ring_reserve(judge->ring);

	ledger_add(judge->ledger, open ? LEDGER_FAILED_OPEN : LEDGER_DROPPED, count);
	ledger_add(judge->ledger, ledger_due(open, RECORDS_REASON_ORPHANED), count);
	/* They come before anything else: the ring is empty. */
	if (!fact)
		return;
	*fact = (struct event_fact){
		.time_ns = wall_ns,
		.verdict = EVENT_DROP,
		.monitored = open,
		.reason = RECORDS_REASON_ORPHANED,
		.names = {"", "", "", world->policy->digest},
		.many = {(uint32_t)count, 0},
	};
	ring_commit(judge->ring);
}

/* decision->attempt is of what is recorded: what is exempt is not. */
static void count_use(const struct judge *judge, const struct world *world, size_t n, int64_t wall_ns)
{
	const struct decision *decision = &judge->decisions[n];

	if (decision->reason == REASON_EXEMPT && world->uses.of_rule)
		use_count(world->uses.of_rule[decision->rule], packet_is_syn(&judge->packets[n]), wall_ns);
}

static void count_decision(struct ledger *ledger, const struct decision *decision)
{
	ledger_add(ledger, decision->verdict == VERDICT_ACCEPT ? LEDGER_ACCEPTED : LEDGER_DROPPED, 1);
	ledger_add(ledger, ledger_decision(decision->verdict, decision->reason), 1);
	if (decision->verdict != decision->would)
		ledger_add(ledger, (unsigned)LEDGER_MONITORED + (unsigned)decision->reason, 1);
}

size_t judge_batch(struct judge *judge, const struct world *world, const struct queue_packet *packets,
		   size_t count, int64_t wall_ns, int64_t steady_ns, struct queue_verdict *verdicts)
{
	size_t n = read_packets(judge, world, packets, count, wall_ns, steady_ns, verdicts);
	size_t observed = 0;

	(void)judge_settle(judge);
	decide_batch(world->engine, judge->packets, judge->contexts, judge->decisions, n);
	for (size_t i = 0; i < n; i++) {
		write_verdict(judge->decisions[i].verdict, &verdicts[judge->places[i]]);
		count_decision(judge->ledger, &judge->decisions[i]);
		count_use(judge, world, i, wall_ns);
		if (!learn(judge, world, i, &verdicts[judge->places[i]]))
			observed += observe(judge, world, i, wall_ns);
	}
	return observed;
}
