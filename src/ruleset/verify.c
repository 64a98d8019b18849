/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify.h"

#include "ruleset/marks.h"
#include "ruleset/verify_judge.h"

#include <errno.h>
#include <stdlib.h>

struct ct_row {
	uint32_t state;
	bool reply;
};

/* What conntrack can say; the last two also of what it cannot know as part of any connection. */
static const struct ct_row tracked[] = {
	{RULESET_CT_NEW, false},       {RULESET_CT_ESTABLISHED, false}, {RULESET_CT_ESTABLISHED, true},
	{RULESET_CT_RELATED, false},   {RULESET_CT_RELATED, true},      {RULESET_CT_INVALID, false},
	{RULESET_CT_UNTRACKED, false},
};
/* Without conntrack, and where somebody else's table has it switched on. */
static const struct ct_row not_tracked[] = {{RULESET_CT_INVALID, false}, {RULESET_CT_ESTABLISHED, false}};
enum { TRACKED = sizeof(tracked) / sizeof(tracked[0]), TRACKED_UNKNOWN = 2, NOT_TRACKED = 2 };

static const uint32_t marks[] = {0, 7, MARK_RESET, MARK_ICMP, MARK_BASE | 0x1ff};
enum { MARKS = sizeof(marks) / sizeof(marks[0]) };

struct memory {
	struct verify_space space;
	struct verify_judge judge;
	struct verify_learner learner;
};

struct run {
	struct memory *memory;
	const struct verify_options *options;
	struct verify_report *report;
	const struct ct_row *ct;
	size_t ct_count;
	uint64_t pairs[VERIFY_FAMILIES][VERIFY_PARTS]; /* to be seen */
};

static void keep_finding(struct verify_report *report, const struct verify_finding *finding)
{
	report->disagreements++;
	for (size_t i = 0; i < report->finding_count; i++) {
		struct verify_finding *known = &report->findings[i];

		if (known->kind == finding->kind && known->counter == finding->counter &&
		    known->end == finding->end && known->expected.reason == finding->expected.reason) {
			known->count++;
			return;
		}
	}
	if (report->finding_count < VERIFY_FINDINGS_MAX)
		report->findings[report->finding_count++] = *finding;
}

static void see_case(struct run *run, const struct verify_case *packet)
{
	struct verify_report *report = run->report;
	struct verify_finding finding;
	enum verify_limit limit;

	verify_judge_case(&run->memory->judge, packet, &finding);
	report->packets++;
	report->queued += finding.queued;
	report->settled += !finding.queued;
	if (run->options->each) {
		struct verify_seen seen = {*packet, finding.queued, finding.counter, finding.end,
					   finding.expected};

		run->options->each(run->options->each_context, &seen);
	}
	if (finding.kind == VERIFY_AGREES)
		return;
	limit = verify_judge_limit(&run->memory->judge, &finding);
	if (limit != VERIFY_LIMIT_NONE)
		report->tolerated[limit]++;
	else
		keep_finding(report, &finding);
}

/* One packet in all its states. A packet in disorder, and a fragment, belong to no connection that conntrack knows. */
static void see_packet(struct run *run, struct verify_case *packet)
{
	bool unknown = run->ct == tracked && !packet->form->sound;

	verify_judge_packet(&run->memory->judge, packet);
	for (size_t i = unknown ? TRACKED - TRACKED_UNKNOWN : 0; i < run->ct_count; i++) {
		packet->ct_state = run->ct[i].state;
		packet->ct_reply = run->ct[i].reply;
		for (size_t j = 0; j < MARKS; j++) {
			packet->mark = marks[j];
			see_case(run, packet);
		}
	}
}

static void see_pair(struct run *run, const struct verify_forms *forms, const struct verify_place *source,
		     const struct verify_place *target)
{
	const struct verify_space *space = &run->memory->space;

	run->report->pairs_seen++;
	for (size_t i = 0; i < space->interfaces.count; i++) {
		const char *interface = space->interfaces.items[i];

		run->memory->judge.interface = engine_resolve_interface(run->memory->judge.engine, interface);
		for (size_t j = 0; j < forms->count; j++) {
			struct verify_case packet = {
				.form = &forms->items[j],
				.src = source->addr,
				.dst = target->addr,
				.interface = interface,
				.routable = source->routable && target->routable,
			};

			see_packet(run, &packet);
		}
	}
}

/* All pairs, or as many as are wanted, evenly; the target moves on by one so that no column is left out. */
static void see_part(struct run *run, const struct verify_part *part, uint64_t wanted)
{
	const struct verify_places *sources = &part->sources, *targets = &part->targets;
	uint64_t all = (uint64_t)sources->count * targets->count;

	run->report->pairs += all;
	for (uint64_t i = 0; i < wanted; i++) {
		uint64_t pair = wanted == all ? i : i * (all / wanted) + i * (all % wanted) / wanted;
		uint64_t turn = wanted == all ? 0 : i;

		see_pair(run, &part->forms, &sources->items[pair / targets->count],
			 &targets->items[(pair + turn) % targets->count]);
	}
}

enum { PARTS = VERIFY_FAMILIES * VERIFY_PARTS };

/* Whoever wants no more than a fair share of what is left gets all of it; the others get what is fair then. */
static void share_out(const uint64_t wanted[PARTS], uint64_t most, uint64_t given[PARTS])
{
	bool settled[PARTS] = {false};
	unsigned open = PARTS;

	for (int i = 0; i < PARTS; i++) {
		if (settled[i] || wanted[i] > most / open)
			continue;
		settled[i] = true;
		given[i] = wanted[i];
		most -= wanted[i];
		if (--open == 0)
			return;
		i = -1; /* the share of the others has grown */
	}
	for (int i = 0; i < PARTS; i++) {
		if (!settled[i])
			given[i] = most / open;
	}
}

static void plan_pairs(struct run *run)
{
	const struct verify_space *space = &run->memory->space;
	uint64_t most = run->options->packets_max ? run->options->packets_max : VERIFY_PACKETS_MAX;
	uint64_t packets[PARTS], wanted[PARTS], given[PARTS];

	for (int i = 0; i < PARTS; i++) {
		const struct verify_part *part = &space->parts[i / VERIFY_PARTS][i % VERIFY_PARTS];

		packets[i] = space->interfaces.count * part->forms.count * run->ct_count * MARKS;
		wanted[i] = (uint64_t)part->sources.count * part->targets.count * packets[i];
	}
	share_out(wanted, most, given);
	for (int i = 0; i < PARTS; i++) {
		/* Rounded down, so that the limit holds. */
		uint64_t pairs = given[i] / packets[i];

		run->pairs[i / VERIFY_PARTS][i % VERIFY_PARTS] = pairs > 0 ? pairs : 1;
	}
}

/* A limit is no property of a packet: where a rule with one does anything but log, the number of packets decides. */
static bool logs_and_more(const struct ruleset_rule *rule)
{
	size_t logging = 0;

	for (size_t i = 0; i < rule->statement_count; i++)
		logging += rule->statements[i].kind == RULESET_DO_LIMIT ||
			   rule->statements[i].kind == RULESET_DO_LOG;
	return logging > 0 && logging < rule->statement_count;
}

static void check_logging(struct run *run)
{
	const struct ruleset *ruleset = run->memory->judge.ruleset;
	struct verify_finding finding = {
		.kind = VERIFY_LOGGING, .counter = -1, .expected = {.rule_name = ""}, .count = 1};

	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++) {
			if (logs_and_more(&ruleset->chains[i].rules[j]))
				keep_finding(run->report, &finding);
		}
	}
}

static void check_whole(struct run *run)
{
	const struct verify_judge *judge = &run->memory->judge;
	const struct ruleset_queue *queue = &judge->ruleset->queue;
	struct verify_finding finding = {
		.kind = VERIFY_QUEUE, .counter = -1, .expected = {.rule_name = ""}, .count = 1};

	if (queue->first != judge->policy->gateway.queue || queue->count != judge->policy->gateway.workers)
		keep_finding(run->report, &finding);
	finding.kind = VERIFY_FAMILY;
	if (judge->ruleset->family != judge->policy->gateway.family)
		keep_finding(run->report, &finding);
}

static void check_groups(struct run *run)
{
	struct verify_finding finding = {
		.kind = VERIFY_UNLEARNED, .counter = -1, .expected = {.rule_name = ""}, .count = 1};

	if (!verify_learned_groups(&run->memory->judge, &run->memory->space, &finding.packet))
		keep_finding(run->report, &finding);
}

static void fill_report(const struct run *run)
{
	const struct verify_space *space = &run->memory->space;
	struct verify_report *report = run->report;

	for (int i = 0; i < VERIFY_FAMILIES; i++) {
		const struct verify_part *part = &space->parts[i][VERIFY_ALL];

		report->source_classes += part->sources.count;
		report->target_classes += part->targets.count;
		report->ranges += part->sources.ranges;
		report->forms += part->forms.count;
	}
	report->interfaces = space->interfaces.count;
	report->dates = space->times.dates;
	report->dates_walked = space->times.walked;
}

static int prepare(struct run *run)
{
	struct verify_judge *judge = &run->memory->judge;
	struct verify_space *space = &run->memory->space;
	int r = verify_collect_places(judge->policy, judge->ruleset, judge->engine, space);

	if (r == 0)
		r = verify_collect_interfaces(judge->policy, judge->ruleset, judge->engine,
					      &space->interfaces);
	if (r == 0)
		r = verify_collect_times(judge->policy, run->options, &space->times);
	for (int i = 0; r == 0 && i < PARTS; i++)
		r = verify_collect_forms(i / VERIFY_PARTS == VERIFY_IP4 ? ADDR_IP4 : ADDR_IP6,
					 i % VERIFY_PARTS == VERIFY_ANSWERS,
					 &space->parts[i / VERIFY_PARTS][i % VERIFY_PARTS].forms);
	if (r == 0)
		r = verify_judge_init(judge);
	return r;
}

static void free_memory(struct memory *memory)
{
	struct verify_space *space = &memory->space;

	for (int i = 0; i < PARTS; i++) {
		struct verify_part *part = &space->parts[i / VERIFY_PARTS][i % VERIFY_PARTS];

		free(part->sources.items);
		free(part->targets.items);
		free(part->forms.items);
	}
	free(space->interfaces.items);
	free(memory->judge.bases);
	learn_groups_free(&memory->learner.groups);
	free(memory);
}

int verify_run(const struct policy *policy, const struct ruleset *ruleset, const struct engine *engine,
	       const struct verify_options *options, struct verify_report *ret)
{
	bool conntrack = policy->gateway.conntrack;
	struct run run = {.memory = calloc(1, sizeof(*run.memory)),
			  .options = options,
			  .ct = conntrack ? tracked : not_tracked,
			  .ct_count = conntrack ? TRACKED : NOT_TRACKED};
	struct verify_report report = {.memory = run.memory};
	int r;

	if (!run.memory)
		return -ENOMEM;
	run.report = &report;
	run.memory->judge.policy = policy;
	run.memory->judge.ruleset = ruleset;
	run.memory->judge.engine = engine;
	run.memory->judge.every_date = !options->at_only;
	run.memory->judge.learner = &run.memory->learner;
	run.memory->judge.times = &run.memory->space.times;
	r = prepare(&run);
	if (r < 0) {
		free_memory(run.memory);
		return r;
	}
	plan_pairs(&run);
	fill_report(&run);
	check_whole(&run);
	check_logging(&run);
	check_groups(&run);
	for (int i = 0; i < PARTS; i++)
		see_part(&run, &run.memory->space.parts[i / VERIFY_PARTS][i % VERIFY_PARTS],
			 run.pairs[i / VERIFY_PARTS][i % VERIFY_PARTS]);
	*ret = report;
	return 0;
}

void verify_report_free(struct verify_report *report)
{
	if (report->memory)
		free_memory(report->memory);
	*report = (struct verify_report){0};
}
