/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's end, on a queue that no kernel has: the functions of net/queue.h that it calls are replaced, and so is
 * the clock, so that seconds pass at once.
 */
#include "base/moment.h"
#include "daemon/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { AFTERWARDS = 3, WAIT_MS = 20000 };

static struct fake {
	atomic_bool refuses;    /* the kernel takes no verdicts */
	atomic_bool floods_on;  /* also after the intake was stopped */
	atomic_int left;        /* batches that still come after the intake was stopped */
	atomic_bool stopped;    /* the intake */
	atomic_size_t received; /* packets */
	atomic_size_t answered;
	_Atomic int64_t later_ns; /* added to the clock */
	_Atomic int64_t takes_ns; /* how much later it is after the next verdicts */
	uint32_t id;
} fake;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_queue_receive(struct queue *queue, struct queue_packet *packets, size_t max);
int __wrap_queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count,
			size_t *ret_sent);
int __wrap_queue_stop_intake(struct queue *queue);
int __wrap_queue_fd(const struct queue *queue);
void __wrap_queue_counters_get(const struct queue *queue, struct queue_counters *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = __real_clock_gettime(clock, ret);

	ret->tv_sec += (time_t)(atomic_load(&fake.later_ns) / NSEC_PER_SEC);
	return r;
}

/* A flood: whenever the worker looks, a full batch is there. */
int __wrap_queue_receive(struct queue *queue, struct queue_packet *packets, size_t max)
{
	(void)queue;
	if (atomic_load(&fake.stopped) && !atomic_load(&fake.floods_on) &&
	    atomic_fetch_sub(&fake.left, 1) <= 0)
		return 0;
	for (size_t i = 0; i < max; i++)
		packets[i] = (struct queue_packet){.id = ++fake.id};
	atomic_fetch_add(&fake.received, max);
	return (int)max;
}

int __wrap_queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count,
			size_t *ret_sent)
{
	(void)queue;
	(void)verdicts;
	*ret_sent = atomic_load(&fake.refuses) ? 0 : count;
	atomic_fetch_add(&fake.later_ns, atomic_exchange(&fake.takes_ns, 0));
	atomic_fetch_add(&fake.answered, *ret_sent);
	return *ret_sent == count ? 0 : -ENOBUFS;
}

int __wrap_queue_stop_intake(struct queue *queue)
{
	(void)queue;
	atomic_store(&fake.stopped, true);
	return 0;
}

int __wrap_queue_fd(const struct queue *queue)
{
	(void)queue;
	return -1;
}

void __wrap_queue_counters_get(const struct queue *queue, struct queue_counters *ret)
{
	(void)queue;
	*ret = (struct queue_counters){0};
}

struct bed {
	struct hub hub;
	struct world *world;
	struct worker *worker;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	char path[] = "/tmp/op25b-worker.XXXXXX";
	int fd = mkstemp(path);

	assert_non_null(bed);
	fake = (struct fake){0};
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "[gateway]\nfail = open\nunlisted = accept\n") > 0);
	close(fd);
	assert_int_equal(world_build(path, 1, NULL, &bed->world), 0);
	unlink(path);
	atomic_store(&bed->hub.world, bed->world);
	bed->hub.facts_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(worker_new(&bed->hub, &bed->worker), 0);
	assert_int_equal(worker_start(bed->worker, NULL), 0);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	worker_join(bed->worker);
	worker_free(bed->worker);
	world_free(bed->world);
	close(bed->hub.facts_fd);
	free(bed);
	return 0;
}

static void wait_for_packets(void)
{
	for (int i = 0; i < WAIT_MS && atomic_load(&fake.received) == 0; i++)
		poll(NULL, 0, 1);
	assert_true(atomic_load(&fake.received) > 0);
}

/* A worker that does not end would keep the test from its own end, too: so it is not joined but left. */
static void assert_ends(const struct bed *bed)
{
	for (int i = 0; i < WAIT_MS && !worker_ended(bed->worker); i++)
		poll(NULL, 0, 1);
	if (!worker_ended(bed->worker)) {
		fputs("the worker does not end\n", stderr);
		_exit(1);
	}
}

static void test_a_flood_does_not_keep_it_from_stopping(void **state)
{
	struct bed *bed = *state;

	atomic_store(&fake.left, AFTERWARDS);
	wait_for_packets();
	hub_stop(&bed->hub, HUB_CLOSE);
	worker_wake(bed->worker);
	assert_ends(bed);
	assert_true(atomic_load(&fake.stopped));
	assert_true(atomic_load(&fake.left) < 0); /* what waited was taken to the end */
	assert_int_equal(atomic_load(&fake.answered), atomic_load(&fake.received));
}

/* Each ends a stop after WORKER_STOP_S: an intake that cannot be stopped, a kernel that takes no verdicts. */
static void test_a_stop_has_its_time(void **state)
{
	struct bed *bed = *state;

	wait_for_packets();
	atomic_store(&fake.floods_on, true);
	hub_stop(&bed->hub, HUB_CLOSE);
	worker_wake(bed->worker);
	poll(NULL, 0, 50);
	assert_false(worker_ended(bed->worker));
	atomic_store(&fake.later_ns, WORKER_STOP_S * NSEC_PER_SEC);
	assert_ends(bed);
	assert_int_equal(atomic_load(&fake.answered), atomic_load(&fake.received));
}

static void test_refused_verdicts_end_with_it(void **state)
{
	struct bed *bed = *state;
	struct ledger_counts counts = {0};

	wait_for_packets();
	atomic_store(&fake.refuses, true);
	/* A batch must have been refused: a worker that has nothing to answer ends at once. */
	for (int i = 0; i < WAIT_MS && worker_error(bed->worker) == 0; i++)
		poll(NULL, 0, 1);
	hub_stop(&bed->hub, HUB_CLOSE);
	worker_wake(bed->worker);
	poll(NULL, 0, 50);
	assert_false(worker_ended(bed->worker));
	atomic_store(&fake.later_ns, WORKER_STOP_S * NSEC_PER_SEC);
	assert_ends(bed);
	ledger_collect(worker_ledger(bed->worker), &counts);
	assert_int_equal(counts.values[LEDGER_IN_FLIGHT],
			 atomic_load(&fake.received) - atomic_load(&fake.answered));
	assert_int_equal(worker_error(bed->worker), -ENOBUFS);
}

static uint64_t in_buckets(const struct ledger_counts *counts, unsigned first, unsigned end)
{
	uint64_t sum = 0;

	for (unsigned i = first; i < end; i++)
		sum += counts->values[(unsigned)LEDGER_LATENCY + i];
	return sum;
}

/* All packets of the batch that took 40 seconds, and no others, are in the last bucket; each packet is in one. */
static void test_latency_is_counted(void **state)
{
	const int64_t taken_ns = 40 * NSEC_PER_SEC;
	struct bed *bed = *state;
	struct ledger_counts counts = {0};

	atomic_store(&fake.takes_ns, taken_ns);
	for (int i = 0; i < WAIT_MS && atomic_load(&fake.takes_ns) != 0; i++)
		poll(NULL, 0, 1);
	hub_stop(&bed->hub, HUB_CLOSE);
	worker_wake(bed->worker);
	assert_ends(bed);
	ledger_collect(worker_ledger(bed->worker), &counts);
	assert_int_equal(in_buckets(&counts, 0, LATENCY_BUCKETS), atomic_load(&fake.answered));
	assert_int_equal(in_buckets(&counts, LATENCY_BOUNDS, LATENCY_BUCKETS), QUEUE_BATCH_MAX);
	assert_true(counts.values[LEDGER_LATENCY_NS] >= (uint64_t)taken_ns * QUEUE_BATCH_MAX);
	assert_true(counts.values[LEDGER_LATENCY_NS] < 2 * (uint64_t)taken_ns * QUEUE_BATCH_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_flood_does_not_keep_it_from_stopping),
		TEST(test_a_stop_has_its_time),
		TEST(test_refused_verdicts_end_with_it),
		TEST(test_latency_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
