/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the proof of equivalence: a policy with what is made from it, and the parts of a ruleset in which faults are
 * planted.
 */
#ifndef OP25B_TESTS_VERIFY_WORLD_H
#define OP25B_TESTS_VERIFY_WORLD_H

#include "ruleset/verify.h"

#include "random_policy.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const examples[] = {"small-isp", "japan-2009", "dual-stack-phased", "monitor-first"};
static const char *source_directory;

/* A policy with what is made from it. */
struct world {
	const struct policy *policy;
	struct policy *read;
	struct ruleset *ruleset;
	struct engine *engine;
};

static inline void world_make(struct world *world, const struct policy *policy)
{
	world->policy = policy;
	assert_int_equal(ruleset_build(policy, &world->ruleset), 0);
	assert_int_equal(engine_build(policy, &world->engine), 0);
}

/* offload: with it, whatever the file says. */
static inline void world_read(struct world *world, const char *example, bool offload)
{
	char path[512];

	*world = (struct world){0};
	snprintf(path, sizeof(path), "%s/etc/%s.ini", source_directory, example);
	assert_int_equal(policy_read_file(path, 1767225600, NULL, &world->read), 0);
	world->read->gateway.offload = offload;
	world_make(world, world->read);
}

static inline void world_free(struct world *world)
{
	ruleset_free(world->ruleset);
	engine_free(world->engine);
	policy_free(world->read);
	*world = (struct world){0};
}

static inline void tell(const struct verify_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct verify_finding *finding = &report->findings[i];
		char text[VERIFY_CASE_TEXT_MAX] = "";

		if (finding->packet.form)
			verify_case_text(&finding->packet, text);
		print_message("%s: %s: %s, policy %s %s at %lld\n", verify_kind_text(finding->kind), text,
			      verify_end_text(finding->end), verdict_name(finding->expected.would),
			      reason_name(finding->expected.reason), (long long)finding->at_s);
	}
}

/* Of random policies a sample is enough: there is always another. 0: no limit that matters. */
enum { ALL = 0, FEW = 20000, SAMPLE = 200000, SMALL_SAMPLE = 200000 };

/* How many packets show a disagreement. */
static inline uint64_t disagreements(const struct world *world, uint64_t packets_max, bool told)
{
	struct verify_options options = {.now_s = 1500, .packets_max = packets_max};
	struct verify_report report;
	uint64_t count;

	assert_int_equal(verify_run(world->policy, world->ruleset, world->engine, &options, &report), 0);
	assert_true(packets_max != ALL || report.pairs == report.pairs_seen);
	if (told)
		tell(&report);
	count = report.disagreements;
	verify_report_free(&report);
	return count;
}

/* Most faults show in a few packets: only where none does are all looked at. */
static inline bool some_disagree(const struct world *world)
{
	return disagreements(world, FEW, false) > 0 || disagreements(world, ALL, false) > 0;
}

/* A fault that can be planted in so many of the examples, and shows in so many of them. */
struct fault {
	const char *name;
	bool (*plant)(struct world *world);
	unsigned examples, found;
};

/* Whether the fault could be planted, and showed, as often as it says. */
static inline bool fault_shows(const struct fault *fault, bool offload)
{
	unsigned planted = 0, found = 0;

	for (size_t i = 0; i < COUNT(examples); i++) {
		struct world world;

		world_read(&world, examples[i], offload);
		if (fault->plant(&world)) {
			planted++;
			found += some_disagree(&world);
		}
		world_free(&world);
	}
	if (planted == fault->examples && found == fault->found)
		return true;
	print_message("planted in %u, found in %u: %s\n", planted, found, fault->name);
	return false;
}

static inline struct ruleset_chain *chain_of(const struct world *world, const char *name)
{
	int32_t at = ruleset_find_chain(world->ruleset, name);

	if (strcmp(name, "forward") == 0 && world->ruleset->family == POLICY_FAMILY_BRIDGE)
		at = ruleset_find_chain(world->ruleset, "bridged");
	return at < 0 ? NULL : &world->ruleset->chains[at];
}

static inline struct ruleset_set *set_of(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->ruleset->set_count; i++) {
		if (strcmp(world->ruleset->sets[i].name, name) == 0)
			return &world->ruleset->sets[i];
	}
	return NULL;
}

static inline bool lose_rule(struct ruleset_chain *chain, size_t at)
{
	if (!chain || at >= chain->rule_count)
		return false;
	memmove(&chain->rules[at], &chain->rules[at + 1],
		(chain->rule_count - at - 1) * sizeof(*chain->rules));
	chain->rule_count--;
	return true;
}

static inline bool lose_rule_with(struct ruleset_chain *chain, enum ruleset_match_kind kind)
{
	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		if (chain->rules[i].match_count > 0 && chain->rules[i].matches[0].kind == kind)
			return lose_rule(chain, i);
	}
	return false;
}

static inline struct ruleset_match *find_match(struct ruleset_chain *chain, enum ruleset_match_kind kind)
{
	for (size_t i = 0; chain && i < chain->rule_count; i++) {
		for (size_t j = 0; j < chain->rules[i].match_count; j++) {
			if (chain->rules[i].matches[j].kind == kind)
				return &chain->rules[i].matches[j];
		}
	}
	return NULL;
}

#endif
