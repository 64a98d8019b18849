/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/worker.h"

#include "daemon/clock.h"
#include "daemon/gather.h"
#include "daemon/judge.h"
#include "daemon/learner.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
	RING_FACTS = 16384,
	IDLE_MS = 1000, /* the longest sleep: the watchdog wants to see beats */
	SETTLE_MS = 5,  /* while packets wait for room in the ring */
	ERROR_PAUSE_NS = 100000000,
};

struct worker {
	struct hub *hub;
	struct queue *queue;
	struct ledger *ledger;
	struct ledger *own_ledger; /* NULL: it is somebody else's */
	struct batch *batch;
	struct batch own_batch;
	struct queue_counters before; /* what the ledger said when this queue was begun with */
	uint64_t orphaned;            /* counted so far */
	struct ring *ring;
	struct ifcache *interfaces;
	struct judge *judge;
	struct learner *learner;
	uint64_t learn; /* hub.learn as it is followed */
	const struct world *world;
	pthread_t thread;
	bool started;
	bool intake_stopped;
	struct gather gather;
	bool gave_up; /* the kernel refused answers while stopping: its packets stay in flight in the ledger */
	int wake_fd;
	_Atomic uint64_t generation;
	_Atomic uint32_t acknowledged;
	_Atomic uint64_t beats;
	atomic_int error;
	atomic_bool ended;
	struct queue_packet packets[QUEUE_BATCH_MAX];
};

static int new_learner(struct worker *worker)
{
	struct siphash_key key;

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -errno;
	return learner_new(LEARNER_ENTRIES, &key, &worker->learner);
}

int worker_new(struct hub *hub, struct worker **ret)
{
	return worker_new_at(hub, NULL, NULL, ret);
}

int worker_new_at(struct hub *hub, struct ledger *ledger, struct batch *batch, struct worker **ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->hub = hub;
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->own_ledger = ledger ? NULL : ledger_new();
	worker->ledger = ledger ? ledger : worker->own_ledger;
	worker->batch = batch ? batch : &worker->own_batch;
	worker->interfaces = ifcache_new(NULL, NULL);
	if (worker->wake_fd < 0 || !worker->ledger || !worker->interfaces ||
	    ring_new(RING_FACTS, &worker->ring) < 0 || new_learner(worker) < 0)
		goto fail;
	worker->judge = judge_new(worker->ledger, worker->ring, worker->interfaces);
	if (!worker->judge)
		goto fail;
	*ret = worker;
	return 0;
fail:
	worker_free(worker);
	return -ENOMEM;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	judge_free(worker->judge);
	learner_free(worker->learner);
	ring_free(worker->ring);
	ifcache_free(worker->interfaces);
	ledger_free(worker->own_ledger);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	free(worker);
}

static void pause_ns(long ns)
{
	const struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
}

static void adopt_world(struct worker *worker)
{
	const struct world *world = atomic_load_explicit(&worker->hub->world, memory_order_acquire);

	/* Packets that wait for room in the ring name the old world. */
	if (world == worker->world || !judge_settle(worker->judge))
		return;
	worker->world = world;
	/* Release: whoever sees this number sees the last fact that names the world before. */
	atomic_store_explicit(&worker->generation, world->generation, memory_order_release);
}

/*
 * Looked at after the world and before the clock: a generation is of one world, and what is marked for it is judged no
 * earlier than it began. So where the world has changed once more, or is waited for, nothing is marked.
 */
static void adopt_generation(struct worker *worker)
{
	uint64_t learn = atomic_load_explicit(&worker->hub->learn, memory_order_acquire);
	int generation = hub_learn_generation(learn);

	if (atomic_load_explicit(&worker->hub->world, memory_order_acquire) != worker->world) {
		judge_learn(worker->judge, NULL, 0);
		worker->learn = 0;
		return;
	}
	if (learn == worker->learn)
		return;
	worker->learn = learn;
	if (generation >= 0)
		learner_begin(worker->learner, worker->world->policy->gateway.offload_after);
	judge_learn(worker->judge, generation >= 0 ? worker->learner : NULL, (unsigned)generation & 1);
	/* Release: what was marked before has been answered, and counted. */
	atomic_store_explicit(&worker->acknowledged, hub_learn_number(learn), memory_order_release);
}

static void tell_facts(struct worker *worker)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&worker->hub->facts_told, true))
		(void)!write(worker->hub->facts_fd, &one, sizeof(one));
}

static void count_queue(struct worker *worker)
{
	struct queue_counters counters;

	const struct queue_counters *before = &worker->before;

	queue_counters_get(worker->queue, &counters);
	ledger_set(worker->ledger, LEDGER_OVERRUNS, before->overruns + counters.overruns);
	ledger_set(worker->ledger, LEDGER_LOST_IDS, before->lost_ids + counters.lost_ids);
	ledger_set(worker->ledger, LEDGER_NOT_PARSED, before->not_parsed + counters.not_parsed);
	ledger_set(worker->ledger, LEDGER_VERDICT_ERRORS, before->verdict_errors + counters.verdict_errors);
	ledger_set(worker->ledger, LEDGER_SEND_RETRIES, before->send_retries + counters.send_retries);
}

/* An account that is gone on with has counted other queues' life, or the same queue's under another process. */
static void count_queue_from_here(struct worker *worker)
{
	struct queue_counters now = {0};

	if (worker->queue)
		queue_counters_get(worker->queue, &now);
	worker->before = (struct queue_counters){
		.overruns = ledger_counted(worker->ledger, LEDGER_OVERRUNS) - now.overruns,
		.lost_ids = ledger_counted(worker->ledger, LEDGER_LOST_IDS) - now.lost_ids,
		.not_parsed = ledger_counted(worker->ledger, LEDGER_NOT_PARSED) - now.not_parsed,
		.verdict_errors = ledger_counted(worker->ledger, LEDGER_VERDICT_ERRORS) - now.verdict_errors,
		.send_retries = ledger_counted(worker->ledger, LEDGER_SEND_RETRIES) - now.send_retries,
	};
	worker->orphaned = now.orphaned;
}

static void note_error(struct worker *worker, int error)
{
	if (atomic_load_explicit(&worker->error, memory_order_relaxed) != error)
		atomic_store(&worker->error, error);
}

/* What is unanswered by now the kernel drops with the queue. */
static bool stop_is_due(const struct worker *worker)
{
	return atomic_load(&worker->hub->stop) && clock_steady_ns() >= worker->hub->stop_until_ns;
}

/* Until the kernel has taken every one of them; false when it still refuses at the end of a stop's time. */
static bool answer_all(struct worker *worker, size_t count)
{
	size_t done = 0, sent;
	int r;

	for (;;) {
		r = queue_answer(worker->queue, worker->batch->verdicts + done, count - done, &sent);
		done += sent;
		note_error(worker, r);
		if (r == 0)
			return true;
		if (stop_is_due(worker))
			return false;
		pause_ns(ERROR_PAUSE_NS);
	}
}

static void count_latency(struct worker *worker, size_t count, int64_t ns)
{
	ledger_add(worker->ledger, (unsigned)LEDGER_LATENCY + latency_bucket(ns), count);
	ledger_add(worker->ledger, LEDGER_LATENCY_NS, (uint64_t)ns * count);
}

/* Returns when it was done, on the steady clock. */
static int64_t handle_batch(struct worker *worker, size_t count)
{
	int64_t received_ns = clock_steady_ns(), answered_ns;
	size_t observed;

	ledger_add(worker->ledger, LEDGER_RECEIVED, count);
	ledger_add(worker->ledger, LEDGER_IN_FLIGHT, count);
	ledger_add(worker->ledger, LEDGER_BATCHES, 1);
	count_queue(worker);
	ledger_publish(worker->ledger);
	batch_enter(worker->batch, BATCH_TAKEN);
	observed = judge_batch(worker->judge, worker->world, worker->packets, count, clock_wall_ns(),
			       received_ns, worker->batch->verdicts);
	worker->batch->count = (uint32_t)count;
	batch_enter(worker->batch, BATCH_JUDGED);
	worker->gave_up = !answer_all(worker, count);
	answered_ns = clock_steady_ns();
	if (worker->gave_up)
		return answered_ns;
	count_latency(worker, count, answered_ns - received_ns);
	ledger_subtract(worker->ledger, LEDGER_IN_FLIGHT, count);
	count_queue(worker);
	ledger_publish(worker->ledger);
	worker->batch->done_id = batch_last_id(worker->batch);
	batch_enter(worker->batch, BATCH_DONE);
	if (observed > 0)
		tell_facts(worker);
	return answered_ns;
}

static void wait_for_work(struct worker *worker)
{
	struct pollfd fds[] = {
		{.fd = queue_fd(worker->queue), .events = POLLIN},
		{.fd = worker->wake_fd, .events = POLLIN},
	};
	uint64_t wakes;

	if (poll(fds, 2, judge_settle(worker->judge) ? IDLE_MS : SETTLE_MS) > 0 &&
	    (fds[1].revents & POLLIN) != 0)
		(void)!read(worker->wake_fd, &wakes, sizeof(wakes));
}

/* First of all: a flood would go on for as long as it is let in. */
static void stop_intake(struct worker *worker)
{
	if (worker->intake_stopped || !atomic_load(&worker->hub->stop))
		return;
	worker->intake_stopped = true;
	if (worker->hub->end == HUB_CLOSE)
		note_error(worker, queue_stop_intake(worker->queue));
}

static bool is_to_leave(const struct worker *worker)
{
	return atomic_load(&worker->hub->stop) && worker->hub->end == HUB_LEAVE;
}

/* What the kernel took of the verdicts for packets that died in another process's hands. */
static void count_orphans(struct worker *worker)
{
	struct queue_counters counters;
	uint64_t fresh;

	queue_counters_get(worker->queue, &counters);
	fresh = counters.orphaned - worker->orphaned;
	if (fresh == 0)
		return;
	worker->orphaned = counters.orphaned;
	ledger_add(worker->ledger, LEDGER_RECEIVED, fresh);
	ledger_add(worker->ledger, LEDGER_ORPHANED, fresh);
	judge_orphans(worker->judge, worker->world, fresh, clock_wall_ns());
	ledger_publish(worker->ledger);
	tell_facts(worker);
}

/* Until a stop has been asked for and nothing waits any more, or its time is over. */
static void judge_packets(struct worker *worker)
{
	while (!worker->gave_up && !stop_is_due(worker) && !is_to_leave(worker)) {
		int n;

		atomic_fetch_add_explicit(&worker->beats, 1, memory_order_relaxed);
		adopt_world(worker);
		adopt_generation(worker);
		stop_intake(worker);
		n = queue_receive(worker->queue, worker->packets, QUEUE_BATCH_MAX);
		count_orphans(worker);
		if (n > 0) {
			if (gather_is_due(&worker->gather, handle_batch(worker, (size_t)n), (size_t)n))
				pause_ns(GATHER_NS);
			continue;
		}
		if (n < 0) {
			note_error(worker, n);
			pause_ns(ERROR_PAUSE_NS);
			continue;
		}
		/* Nothing could come any more when this last look was taken. */
		if (worker->intake_stopped)
			return;
		wait_for_work(worker);
	}
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	judge_packets(worker);
	/* The main thread empties the ring until this thread has ended. */
	while (!judge_settle(worker->judge))
		pause_ns(SETTLE_MS * 1000000);
	atomic_store(&worker->ended, true);
	return NULL;
}

int worker_start(struct worker *worker, struct queue *queue)
{
	sigset_t all, old;
	int r;

	worker->queue = queue;
	worker->gave_up = worker->intake_stopped = false;
	atomic_store(&worker->ended, false);
	count_queue_from_here(worker);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	worker->started = r == 0;
	return -r;
}

void worker_wake(struct worker *worker)
{
	const uint64_t one = 1;

	(void)!write(worker->wake_fd, &one, sizeof(one));
}

void hub_stop(struct hub *hub, enum hub_end end)
{
	hub->end = end;
	hub->stop_until_ns = clock_steady_ns() + WORKER_STOP_S * NSEC_PER_SEC;
	atomic_store(&hub->stop, true);
}

void hub_resume(struct hub *hub)
{
	atomic_store(&hub->stop, false);
}

bool worker_ended(const struct worker *worker)
{
	return atomic_load(&worker->ended);
}

void worker_join(struct worker *worker)
{
	if (worker && worker->started)
		pthread_join(worker->thread, NULL);
	if (worker)
		worker->started = false;
}

uint64_t worker_generation(const struct worker *worker)
{
	return atomic_load_explicit(&worker->generation, memory_order_acquire);
}

uint32_t worker_acknowledged(const struct worker *worker)
{
	return atomic_load_explicit(&worker->acknowledged, memory_order_acquire);
}

uint64_t worker_beats(const struct worker *worker)
{
	return atomic_load_explicit(&worker->beats, memory_order_relaxed);
}

int worker_error(const struct worker *worker)
{
	return atomic_load(&worker->error);
}

const struct ledger *worker_ledger(const struct worker *worker)
{
	return worker->ledger;
}

struct ring *worker_ring(struct worker *worker)
{
	return worker->ring;
}
