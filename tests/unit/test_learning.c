/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offload's part of a worker: whom it marks and how it counts him; and the kernel's maps under a change of groups. */
#include "daemon/gateway.h"
#include "daemon/judge.h"
#include "daemon/records.h"
#include "ruleset/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { AFTER = 3, RING_PLACES = 16, NOW_S = 1767193200, LOOKS = 5000 };

/* A kernel's table with so many groups; what each call that changes something was for. */
static struct fake_table {
	int groups; /* -1: no table */
	int in_force[LEARN_GROUPS_MAX];
	unsigned flushed_groups;
	uint64_t layout;
	bool busy; /* refuses to turn */
} table;

int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups);
int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret);
int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation);
int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end);
int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context);
int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale);

int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups)
{
	return (int)groups->count <= table.groups ? 0 : -ENOENT;
}

int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret)
{
	*ret = table.layout;
	return table.groups > 0 ? 0 : -ENOENT;
}

int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation)
{
	if (table.busy)
		return -EBUSY;
	if ((int)groups->count > table.groups)
		return -ENOENT;
	for (size_t i = 0; i < groups->count; i++)
		table.in_force[i] = generation;
	return 0;
}

int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end)
{
	if ((int)end > table.groups * (int)LEARNED_SETS_PER_GROUP)
		return -ENOENT;
	table.flushed_groups = end / LEARNED_SETS_PER_GROUP;
	return 0;
}

int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context)
{
	return (int)group < table.groups ? 0 : -ENOENT;
}

int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale)
{
	*full = *stale = 0;
	return table.groups >= 0 ? 0 : -ENOENT;
}

static struct world *make_world(const char *pools, uint64_t generation)
{
	char path[] = "/tmp/op25b-learning.XXXXXX";
	struct world *world = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(dprintf(fd,
			    "[gateway]\nmode = enforce\nfail = closed\nunlisted = accept\noffload = yes\n"
			    "offload_after = 3\noffload_seconds = 1\n[log]\nfile = /dev/null\n%s",
			    pools) > 0);
	close(fd);
	assert_int_equal(world_build(path, generation, NULL, &world), 0);
	unlink(path);
	return world;
}

static const char two_groups[] = "[pool a]\nprefix = 198.51.100.0/24\naction = drop\n"
				 "[pool b]\nprefix = 198.51.101.0/24\naction = reset\n"
				 "[inside us]\nprefix = 192.0.2.0/24\n";
static const char one_group[] = "[pool b]\nprefix = 198.51.101.0/24\naction = reset\n";

/* Judging */

struct bench {
	struct world *world;
	struct ledger *ledger;
	struct ring *ring;
	struct ifcache *interfaces;
	struct judge *judge;
	struct learner *learner;
};

static int open_bench(void **state)
{
	const struct siphash_key key = {1, 2};
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->world = make_world(two_groups, 1);
	bench->ledger = ledger_new();
	bench->interfaces = ifcache_new(NULL, NULL);
	assert_int_equal(ring_new(RING_PLACES, &bench->ring), 0);
	bench->judge = judge_new(bench->ledger, bench->ring, bench->interfaces);
	assert_non_null(bench->judge);
	assert_int_equal(learner_new(LEARNER_ENTRIES, &key, &bench->learner), 0);
	learner_begin(bench->learner, AFTER);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	judge_free(bench->judge);
	learner_free(bench->learner);
	ifcache_free(bench->interfaces);
	ledger_free(bench->ledger);
	ring_free(bench->ring);
	world_free(bench->world);
	free(bench);
	return 0;
}

/* A SYN of 198.51.`net`.9. */
static struct queue_verdict judge_syn(struct bench *bench, uint8_t net, const uint8_t to[4], uint8_t flags)
{
	uint8_t syn[40] = {0x45,  0,     0,     40,   0, 0, 0x40, 0, 63, 6, 0, 0, 198, 51, net, 9,    to[0],
			   to[1], to[2], to[3], 0xc0, 1, 0, 25,   0, 0,  0, 9, 0, 0,   0,  0,   0x50, flags};
	const struct queue_packet packet = {
		.id = 1, .payload = syn, .len = sizeof(syn), .wire_len = sizeof(syn)};
	struct queue_verdict verdict;

	judge_batch(bench->judge, bench->world, &packet, 1, NOW_S * NSEC_PER_SEC, 0, &verdict);
	ledger_publish(bench->ledger);
	return verdict;
}

static const uint8_t outside[4] = {203, 0, 113, 25}, inside[4] = {192, 0, 2, 25};
enum { SYN = 2 };

static uint64_t counted(const struct bench *bench, unsigned slot)
{
	struct ledger_counts counts = {0};

	ledger_collect(bench->ledger, &counts);
	return counts.values[slot];
}

static void test_nobody_is_marked_before_a_generation_is_told(void **state)
{
	struct bench *bench = *state;

	for (int i = 0; i < 10; i++)
		assert_int_equal(judge_syn(bench, 100, outside, SYN).answer, QUEUE_DROP);
	assert_int_equal(ring_waiting(bench->ring), 10);
	assert_int_equal(counted(bench, LEDGER_LEARNED), 0);
}

static void test_marks_name_group_and_generation(void **state)
{
	struct bench *bench = *state;
	struct queue_verdict verdict;

	for (unsigned generation = 0; generation < 2; generation++) {
		learner_begin(bench->learner, 1);
		judge_learn(bench->judge, bench->learner, generation);
		verdict = judge_syn(bench, 100, outside, SYN);
		assert_int_equal(verdict.answer, QUEUE_ACCEPT);
		assert_int_equal(verdict.mark, MARK_LEARN | generation);
		verdict = judge_syn(bench, 101, outside, SYN);
		assert_int_equal(verdict.answer, QUEUE_ACCEPT);
		assert_int_equal(verdict.mark, MARK_LEARN | 1U << 1 | generation);
	}
}

/* Blocked by the kernel, and told by it: in the ledger it is dropped, and no fact of ours. */
static void test_a_marked_packet_is_dropped_and_not_observed(void **state)
{
	struct bench *bench = *state;

	judge_learn(bench->judge, bench->learner, 0);
	for (int i = 1; i <= 10; i++) {
		struct queue_verdict verdict = judge_syn(bench, 100, outside, SYN);

		assert_int_equal(verdict.answer, i < AFTER ? QUEUE_DROP : QUEUE_ACCEPT);
		assert_int_equal(verdict.mark, i < AFTER ? 0 : MARK_LEARN);
	}
	assert_int_equal(counted(bench, LEDGER_DROPPED), 10);
	assert_int_equal(counted(bench, LEDGER_LEARNED), 10 - AFTER + 1);
	assert_int_equal(ring_waiting(bench->ring), AFTER - 1);
	judge_learn(bench->judge, NULL, 0);
	assert_int_equal(judge_syn(bench, 100, outside, SYN).answer, QUEUE_DROP);
}

static void test_what_is_let_through_is_never_marked(void **state)
{
	struct bench *bench = *state;

	learner_begin(bench->learner, 1);
	judge_learn(bench->judge, bench->learner, 1);
	assert_int_equal(judge_syn(bench, 100, inside, SYN).mark, 0);
	assert_int_equal(judge_syn(bench, 105, outside, SYN).mark, 0);
	assert_int_equal(counted(bench, LEDGER_LEARNED), 0);
	/* SYN with FIN is blocked for another reason. */
	assert_int_equal(judge_syn(bench, 100, outside, SYN | 1).answer, QUEUE_DROP);
	assert_int_equal(counted(bench, LEDGER_LEARNED), 0);
}

/* The kernel's maps */

static struct gateway gateway;

static int open_gateway(void **state)
{
	(void)state;
	table = (struct fake_table){.groups = 2};
	for (size_t i = 0; i < LEARN_GROUPS_MAX; i++)
		table.in_force[i] = 1; /* by a daemon before */
	gateway = (struct gateway){.learning.timer_fd = -1};
	gateway.world = make_world(two_groups, 1);
	table.layout = gateway.world->groups.layout;
	atomic_store(&gateway.hub.world, gateway.world);
	assert_int_equal(records_start(&gateway), 0);
	assert_int_equal(learning_start(&gateway), 0);
	return 0;
}

static int close_gateway(void **state)
{
	(void)state;
	learning_free(&gateway);
	event_collector_free(gateway.collector);
	logwriter_free(gateway.log);
	world_free(gateway.world);
	return 0;
}

static void work(void)
{
	for (int i = 0; i < LOOKS; i++)
		learning_step(&gateway);
}

static void test_what_another_daemon_had_in_force_is_turned_away(void **state)
{
	(void)state;
	learning_step(&gateway);
	assert_int_equal(table.in_force[0], LEARNED_NONE);
	assert_int_equal(table.in_force[1], LEARNED_NONE);
	work();
	assert_int_equal(table.flushed_groups, 2);
	assert_int_equal(hub_learn_generation(atomic_load(&gateway.hub.learn)), 0);
	assert_int_equal(table.in_force[0], 0);
	assert_int_equal(table.in_force[1], 0);
}

/* The ruleset of the policy before is still loaded: its second group must not stay in force. */
static void test_groups_that_went_are_turned_away(void **state)
{
	struct world *before = gateway.world;

	(void)state;
	work();
	learning_hold(&gateway);
	assert_int_equal(hub_learn_generation(atomic_load(&gateway.hub.learn)), -1);
	gateway.world = make_world(one_group, 2);
	assert_int_equal(gateway.world->groups.count, 1);
	table.layout = gateway.world->groups.layout;
	learning_reload(&gateway);
	work();
	assert_int_not_equal(table.in_force[0], 0);
	assert_int_equal(table.in_force[1], table.in_force[0]);
	assert_false(offload_uses(gateway.learning.offload, before));
	offload_drain(gateway.learning.offload);
	work();
	assert_int_equal(table.in_force[0], LEARNED_NONE);
	world_free(before);
}

static const char another_exception[] = "[pool a]\nprefix = 198.51.100.0/24\naction = drop\n"
					"[pool b]\nprefix = 198.51.101.0/24\naction = reset\n"
					"[inside us]\nprefix = 192.0.2.0/25\n";

/* As many groups, but the loaded rules make other exceptions: what they would drop the policy may let through. */
static void test_rules_of_another_policy_get_nothing(void **state)
{
	struct world *before = gateway.world;
	struct offload_stats stats;

	(void)state;
	work();
	assert_int_equal(table.in_force[0], 0);
	learning_hold(&gateway);
	gateway.world = make_world(another_exception, 2);
	assert_int_equal(gateway.world->groups.count, before->groups.count);
	learning_reload(&gateway);
	work();
	assert_int_equal(table.in_force[0], LEARNED_NONE);
	assert_int_equal(hub_learn_generation(atomic_load(&gateway.hub.learn)), -1);
	offload_stats_get(gateway.learning.offload, &stats);
	assert_false(stats.found);
	learning_hold(&gateway);
	table.layout = gateway.world->groups.layout;
	learning_reload(&gateway);
	work();
	assert_int_not_equal(table.in_force[0], LEARNED_NONE);
	offload_drain(gateway.learning.offload);
	work();
	world_free(before);
}

/* A policy with more groups than the ruleset: nothing is given, and nothing stays in force. */
static void test_a_ruleset_with_fewer_groups_gets_none(void **state)
{
	(void)state;
	work();
	table.groups = 1;
	table.in_force[1] = LEARNED_NONE;
	learning_hold(&gateway);
	learning_reload(&gateway);
	work();
	assert_int_equal(table.in_force[0], LEARNED_NONE);
	assert_int_equal(hub_learn_generation(atomic_load(&gateway.hub.learn)), -1);
}

static void test_no_table_is_no_failure(void **state)
{
	struct offload_stats stats;

	(void)state;
	table.groups = -1;
	work();
	offload_stats_get(gateway.learning.offload, &stats);
	assert_false(stats.found);
	assert_int_equal(stats.failures, 0);
	assert_int_equal(hub_learn_generation(atomic_load(&gateway.hub.learn)), -1);
}

/* Whoever asks for it hears whether it is done; and what is not is tried again. */
static void test_a_flush_turns_away_at_once(void **state)
{
	int before;

	(void)state;
	work();
	before = table.in_force[0];
	assert_int_not_equal(before, LEARNED_NONE);
	assert_true(learning_flush(&gateway));
	assert_int_not_equal(table.in_force[0], before);
	work();
	before = table.in_force[0];
	assert_int_not_equal(before, LEARNED_NONE);
	table.busy = true;
	assert_false(learning_flush(&gateway));
	assert_int_equal(table.in_force[0], before);
	table.busy = false;
	usleep(OFFLOAD_RETRY_MS * 1000);
	assert_true(learning_flush(&gateway));
}

#define JUDGING(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
#define TURNING(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JUDGING(test_nobody_is_marked_before_a_generation_is_told),
		JUDGING(test_marks_name_group_and_generation),
		JUDGING(test_a_marked_packet_is_dropped_and_not_observed),
		JUDGING(test_what_is_let_through_is_never_marked),
		TURNING(test_what_another_daemon_had_in_force_is_turned_away),
		TURNING(test_groups_that_went_are_turned_away),
		TURNING(test_rules_of_another_policy_get_nothing),
		TURNING(test_a_ruleset_with_fewer_groups_gets_none),
		TURNING(test_no_table_is_no_failure),
		TURNING(test_a_flush_turns_away_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
