/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "offload_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum {
	RUNS = 1500,
	EVENTS = 1500,
	START_S = 1767193200,
	STOP_S = 5,
	STOP_AMID_FAILURES_S = 120,
};

/* What may happen in a run, beside packets, workers and time. */
struct script {
	unsigned fail_percent;
	unsigned long fail_at;
	bool fail_after;
	bool reloads, kills, clock_steps, drains, tables;
	enum lie lie;
};

static struct model *model_make(uint64_t seed, const struct script *script)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->seed = seed;
	m->lie = script->lie;
	m->fail_percent = script->fail_percent;
	m->fail_at = script->fail_at;
	m->fail_after = script->fail_after;
	m->steady_ns = 1000 * NSEC_PER_SEC;
	m->wall_ns = START_S * NSEC_PER_SEC + model_random(m, 1000000000);
	m->table = true;
	m->groups = GROUPS;
	m->steady = !script->kills && !script->clock_steps && !script->tables && script->fail_percent == 0;
	m->turn = OFFLOAD_NONE;
	m->asked = -1;
	for (unsigned i = 0; i < SUBSCRIBERS; i++)
		m->allowed_since_ns[i] = -1;
	m->current = model_new_world(m);
	model_note_allowed(m);
	model_start(m);
	return m;
}

static void model_drop(struct model *m)
{
	offload_free(m->offload);
	free(m);
}

static void step_often(struct model *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		model_step(m);
}

/* As the loop does it: what is due is done soon. */
static void pass_slowly(struct model *m, unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 5) {
		model_pass(m, 5 * (int64_t)MSEC);
		step_often(m, 4);
	}
}

static void happen_rarely(struct model *m, const struct script *script)
{
	switch (model_random(m, 8)) {
	case 0:
		if (m->workers[0].stuck_until_ns < m->steady_ns)
			m->workers[0].stuck_until_ns = m->steady_ns + model_random(m, 4000) * (int64_t)MSEC;
		pass_slowly(m, 1000);
		break;
	case 1:
	case 6:
		if (script->reloads)
			model_reload(m);
		break;
	case 2:
		if (script->clock_steps)
			m->wall_ns +=
				((int64_t)model_random(m, 9) - 4) * NSEC_PER_SEC / (1 + model_random(m, 20));
		model_note_allowed(m);
		break;
	case 3:
		if (script->drains && model_random(m, 3) == 0)
			offload_drain(m->offload);
		break;
	case 4:
		if (!script->kills || model_random(m, 3) > 0)
			break;
		model_kill(m);
		for (unsigned i = model_random(m, 20); i > 0; i--) {
			model_packet(m, model_random(m, SUBSCRIBERS));
			model_pass(m, model_random(m, 100) * (int64_t)MSEC);
		}
		if (model_random(m, 2) == 0)
			m->current = model_new_world(m);
		model_note_allowed(m);
		model_start(m);
		break;
	case 5:
		if (!script->tables || model_random(m, 3) > 0)
			break;
		model_set_table(m, false);
		/* A table that is put in its place before anybody looks is not told from it by its counters. */
		do
			pass_slowly(m, 1000);
		while (!m->missing_seen);
		model_set_table(m, true);
		break;
	default:
		break;
	}
}

static void happen(struct model *m, const struct script *script)
{
	unsigned which = model_random(m, 1000);
	struct model_worker *worker = &m->workers[model_random(m, WORKERS)];

	if (which < 500)
		model_packet(m, model_random(m, SUBSCRIBERS));
	else if (which < 620)
		step_often(m, 1 + model_random(m, 60));
	else if (which < 730)
		model_pass(m, model_random(m, 10) * (int64_t)MSEC);
	else if (which < 740)
		pass_slowly(m, model_random(m, 300));
	else if (which < 840)
		model_finish(m, worker);
	else if (which < 920)
		model_adopt(m, worker);
	else if (which < 985 && m->flying_count > 0)
		model_land(m, model_random(m, (unsigned)m->flying_count));
	else if (which >= 985)
		happen_rarely(m, script);
	else
		model_step(m);
	if (m->steady_ns >= m->next_ns + 20 * MSEC)
		model_step(m);
}

/* The daemon's end: the sets are emptied while workers go on, then these end, and the counters are read once more. */
static void finish(struct model *m)
{
	int64_t allowed_ns = (m->fail_percent > 0 ? STOP_AMID_FAILURES_S : STOP_S) * NSEC_PER_SEC;

	offload_stop(m->offload);
	m->next_ns = m->steady_ns;
	if (!model_wait_empty(m, allowed_ns))
		model_wrong(m, "a stop took too long");
	for (size_t i = 0; i < WORKERS; i++) {
		model_finish(m, &m->workers[i]);
		model_adopt(m, &m->workers[i]);
	}
	offload_stop(m->offload);
	m->next_ns = m->steady_ns;
	if (!model_wait_empty(m, allowed_ns))
		model_wrong(m, "the last look at the counters took too long");
	model_check_account(m);
}

static const char *run(uint64_t seed, const struct script *script, struct offload_stats *ret,
		       unsigned long *ret_calls)
{
	struct model *m = model_make(seed, script);
	const char *wrong;

	for (int i = 0; i < EVENTS && !m->wrong; i++)
		happen(m, script);
	finish(m);
	offload_stats_get(m->offload, ret);
	*ret_calls = m->calls;
	wrong = m->wrong;
	model_drop(m);
	return wrong;
}

/* The first seed that goes wrong is named. Returns how many did. */
static unsigned run_many(const char *name, unsigned runs, const struct script *script)
{
	unsigned wrong = 0;
	struct offload_stats stats, sum = {0};
	unsigned long calls = 0;

	for (unsigned seed = 1; seed <= runs; seed++) {
		const char *what = run(seed, script, &stats, &calls);

		sum.rotations += stats.rotations;
		sum.packets += stats.packets;
		sum.full += stats.full;
		sum.stale += stats.stale;
		sum.unattributed += stats.unattributed;
		if (what && wrong++ == 0)
			print_message("%s: seed %u: %s\n", name, seed, what);
	}
	/* Else it tests nothing. */
	assert_true(sum.rotations > runs / 4 && sum.packets > 10 * (uint64_t)runs && sum.full > 0 &&
		    sum.stale > 0);
	return wrong;
}

static const struct script everything = {.fail_percent = 3,
					 .reloads = true,
					 .kills = true,
					 .clock_steps = true,
					 .drains = true,
					 .tables = true};

static void test_no_packet_is_lost_or_told_twice(void **state)
{
	const struct script quiet = {.reloads = true, .drains = true};
	struct script script = quiet;

	assert_int_equal(run_many("reloads and dates", RUNS, &script), 0);
	script.clock_steps = script.tables = true;
	assert_int_equal(run_many("clocks and tables", RUNS, &script), 0);
	script.kills = true;
	assert_int_equal(run_many("kills", RUNS, &script), 0);
}

static void test_nor_amid_failures(void **state)
{
	struct script script = everything;

	assert_int_equal(run_many("failures", RUNS, &script), 0);
	script.fail_percent = 10;
	assert_int_equal(run_many("many failures", RUNS, &script), 0);
}

/* Each call to the kernel fails in turn, before it had its effect and after. */
static void test_each_call_may_fail(void **state)
{
	struct script script = {.reloads = true, .drains = true};
	struct offload_stats stats;
	unsigned long calls = 1;

	for (script.fail_at = 1; script.fail_at <= calls; script.fail_at++) {
		for (int after = 0; after < 2; after++) {
			const char *wrong;

			script.fail_after = after == 1;
			wrong = run(1, &script, &stats, &calls);
			if (wrong)
				fail_msg("call %lu: %s", script.fail_at, wrong);
		}
	}
	assert_true(calls > 100);
}

/* The model is worth nothing if it does not see what goes wrong. */
static void test_the_model_sees(void **state)
{
	static const struct {
		enum lie lie;
		const char *name;
	} lies[] = {{LIE_QUIET, "no wait for quiet"},
		    {LIE_ACKNOWLEDGE, "no acknowledgement"},
		    {LIE_READ, "a read that fails and is told"},
		    {LIE_FLUSH, "no flush"},
		    {LIE_MIXED, "a generation of the next world"}};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct script script = everything;

		script.lie = lies[i].lie;
		assert_true(run_many(lies[i].name, RUNS, &script) > 0);
	}
}

/* All workers answer, and see what they are told. */
static void answer_all(struct model *m)
{
	for (size_t i = 0; i < WORKERS; i++) {
		model_finish(m, &m->workers[i]);
		model_adopt(m, &m->workers[i]);
	}
}

/* How many elements were told, and are still in the kernel, after a stop that had no time. */
static unsigned told_and_left(uint64_t seed, bool give_up)
{
	static const struct script script = {.reloads = true};
	struct model *m = model_make(seed, &script);
	struct offload_now now;
	unsigned left = 0;

	for (int i = 0; i < EVENTS && !m->wrong; i++)
		happen(m, &script);
	offload_stop(m->offload);
	m->next_ns = m->steady_ns;
	for (unsigned steps = model_random(m, 60); steps > 0; steps--) {
		model_pass(m, MSEC);
		model_step(m);
		answer_all(m);
	}
	now = model_now(m);
	if (give_up)
		offload_give_up(m->offload, &now);
	for (unsigned i = 0; i < OFFLOAD_GENERATIONS * SUBSCRIBERS; i++)
		left += m->sets[i / SUBSCRIBERS][i % SUBSCRIBERS].told;
	assert_null(m->wrong);
	model_drop(m);
	return left;
}

static void test_a_stop_without_time_leaves_nothing_that_is_told(void **state)
{
	unsigned left = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		assert_int_equal(told_and_left(seed, true), 0);
		left += told_and_left(seed, false);
	}
	/* Else it tests nothing. */
	assert_true(left > 0);
}

/* The rest: what happens when, in a quiet world where everybody is always blocked. */

static struct model *make_quiet(void)
{
	const struct script script = {0};
	struct model *m = model_make(1, &script);

	for (unsigned i = 0; i < SUBSCRIBERS; i++) {
		m->current->from_s[i] = 0;
		m->current->until_s[i] = MOMENT_NEVER;
	}
	m->current->group_count = GROUPS;
	offload_free(m->offload);
	model_start(m);
	return m;
}

static struct offload_stats stats_of(const struct model *m)
{
	struct offload_stats stats;

	offload_stats_get(m->offload, &stats);
	return stats;
}

static void live(struct model *m, unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 5) {
		answer_all(m);
		pass_slowly(m, 5);
	}
}

static void learn(struct model *m, unsigned subscriber, int generation)
{
	model_learn(m, m->current, subscriber, generation, m->given[generation]);
	m->workers[0].learned++;
}

static void test_a_generation_lasts_until_it_is_worth_reading(void **state)
{
	struct model *m = make_quiet();

	live(m, 10000);
	assert_int_equal(m->turn, 0);
	assert_int_equal(stats_of(m).rotations, 0);
	learn(m, 1, 0);
	model_packet(m, 1);
	live(m, 1400);
	assert_int_equal(m->turn, 0);
	live(m, 1200);
	assert_int_equal(m->turn, 1);
	live(m, 1000);
	assert_int_equal(stats_of(m).rotations, 1);
	assert_int_equal(stats_of(m).sources, 1);
	assert_int_equal(m->told[1], 2);
	assert_int_equal(m->blocked[1], 2);
	model_drop(m);
}

static void test_a_drain_holds_until_a_reload(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	assert_int_equal(m->turn, 0);
	learn(m, 2, 0);
	offload_drain(m->offload);
	assert_false(offload_is_empty(m->offload));
	live(m, 1500);
	assert_true(offload_is_empty(m->offload));
	assert_int_equal(m->told[2], 1);
	live(m, 20000);
	assert_int_equal(m->turn, OFFLOAD_NONE);
	assert_true(stats_of(m).drained);
	model_reload(m);
	m->current->group_count = GROUPS;
	live(m, 3000);
	assert_false(stats_of(m).drained);
	model_drop(m);
}

/* The change for which it was asked was given up: nothing tells that but time. */
static void test_a_drain_ends_when_its_change_must_be_over(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	offload_drain(m->offload);
	live(m, (OFFLOAD_DRAINED_S - 2) * 1000);
	assert_true(stats_of(m).drained);
	live(m, (2 + OFFLOAD_LOOK_S + 1) * 1000);
	assert_false(stats_of(m).drained);
	assert_int_not_equal(m->turn, OFFLOAD_NONE);
	model_drop(m);
}

/* As when a policy is reloaded first, and its rules are loaded then. */
static void test_a_drain_ends_when_the_rules_match_at_last(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	m->groups = GROUPS - 1;
	model_reload(m);
	m->current->group_count = GROUPS;
	live(m, 2000);
	assert_int_equal(m->turn, OFFLOAD_NONE);
	offload_drain(m->offload);
	live(m, 2000);
	assert_true(stats_of(m).drained);
	m->groups = GROUPS;
	live(m, (OFFLOAD_LOOK_S + 2) * 1000);
	assert_false(stats_of(m).drained);
	assert_int_not_equal(m->turn, OFFLOAD_NONE);
	model_drop(m);
}

static void test_rules_of_another_policy_are_noticed(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	learn(m, 2, 0);
	m->groups = GROUPS - 1;
	live(m, (OFFLOAD_LOOK_S + 1) * 1000);
	assert_int_equal(m->turn, OFFLOAD_NONE);
	assert_int_equal(m->gone, 1);
	m->groups = GROUPS;
	live(m, (OFFLOAD_LOOK_S + 2) * 1000);
	assert_int_equal(m->found, 1);
	assert_int_not_equal(m->turn, OFFLOAD_NONE);
	model_drop(m);
}

static void test_a_kernel_that_cannot_is_asked_seldom(void **state)
{
	struct model *m = make_quiet();

	m->current->group_count = 0;
	offload_free(m->offload);
	m->fail_percent = 100;
	model_start(m);
	live(m, 60000);
	assert_in_range(stats_of(m).failures, 5, 15);
	model_drop(m);
}

static void test_a_table_that_goes_is_told_once(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	model_set_table(m, false);
	live(m, 60000);
	assert_int_equal(m->gone, 1);
	assert_int_equal(m->failing, 0);
	assert_int_equal(stats_of(m).generation, OFFLOAD_NONE);
	model_set_table(m, true);
	m->groups = GROUPS;
	live(m, 7000);
	assert_int_equal(m->found, 1);
	assert_int_not_equal(m->turn, OFFLOAD_NONE);
	model_drop(m);
}

static void test_failures_are_told_once(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	learn(m, 2, 0);
	m->fail_percent = 100;
	live(m, 10000);
	assert_int_equal(m->told_generation, OFFLOAD_NONE);
	assert_true(m->failing >= 1 && m->failing <= 3);
	assert_int_equal(m->works, 0);
	assert_true(stats_of(m).failures > 20 && stats_of(m).failures < 60);
	assert_int_not_equal(stats_of(m).error, 0);
	m->fail_percent = 0;
	live(m, 3000);
	assert_int_equal(m->works, m->failing);
	assert_int_equal(stats_of(m).error, 0);
	model_drop(m);
}

static void test_what_cannot_be_read_does_not_keep_the_other_one_waiting(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	learn(m, 1, 0);
	m->first_unreadable = true;
	live(m, 3000);
	assert_int_equal(m->turn, 1);
	learn(m, 2, 1);
	live(m, 30000);
	assert_int_equal(m->told[1], 0);
	assert_int_equal(m->told[2], 1);
	m->first_unreadable = false;
	live(m, 3000);
	assert_int_equal(m->told[1], 1);
	model_drop(m);
}

static void test_what_another_daemon_left_is_told(void **state)
{
	struct model *m = make_quiet();

	live(m, 2000);
	learn(m, 3, 0);
	model_kill(m);
	for (int i = 0; i < 10; i++)
		model_packet(m, 3);
	model_start(m);
	live(m, 3000);
	assert_int_equal(m->told[3] + m->flying_count, 11);
	assert_int_equal(stats_of(m).unattributed, 0);
	model_drop(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_packet_is_lost_or_told_twice),
		cmocka_unit_test(test_nor_amid_failures),
		cmocka_unit_test(test_each_call_may_fail),
		cmocka_unit_test(test_the_model_sees),
		cmocka_unit_test(test_a_stop_without_time_leaves_nothing_that_is_told),
		cmocka_unit_test(test_a_generation_lasts_until_it_is_worth_reading),
		cmocka_unit_test(test_a_drain_holds_until_a_reload),
		cmocka_unit_test(test_a_drain_ends_when_its_change_must_be_over),
		cmocka_unit_test(test_a_drain_ends_when_the_rules_match_at_last),
		cmocka_unit_test(test_rules_of_another_policy_are_noticed),
		cmocka_unit_test(test_a_kernel_that_cannot_is_asked_seldom),
		cmocka_unit_test(test_a_table_that_goes_is_told_once),
		cmocka_unit_test(test_failures_are_told_once),
		cmocka_unit_test(test_what_cannot_be_read_does_not_keep_the_other_one_waiting),
		cmocka_unit_test(test_what_another_daemon_left_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
