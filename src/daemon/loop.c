/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/loop.h"

#include "base/exitcode.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/keeper.h"
#include "daemon/learning.h"
#include "daemon/records.h"
#include "daemon/say.h"
#include "daemon/status.h"
#include "daemon/uses_state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
	TICK_NS = 1000000000,
	GATHER_NS =
		5000000, /* facts gather this long: a first record is late by that, a flood wakes us 200 times a second */
	STOP_LOOK_NS = 1000000,
	SLOW_TICKS_SAID = 10,
	EVENTS_MAX = 8,
};

enum source {
	SOURCE_SIGNAL,
	SOURCE_TICK,
	SOURCE_FACTS,
	SOURCE_GATHER,
	SOURCE_CONTROL,
	SOURCE_RELOAD,
	SOURCE_LEARNING,
	SOURCES,
	SOURCE_UPGRADE,
};

static void fill_signals(sigset_t *set)
{
	static const int signals[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

void loop_block_signals(void)
{
	sigset_t set;

	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int watch(const struct gateway *gateway, int fd, enum source source)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};

	return epoll_ctl(gateway->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_watch_upgrade(const struct gateway *gateway, int fd)
{
	return watch(gateway, fd, SOURCE_UPGRADE);
}

static int open_descriptors(struct gateway *gateway)
{
	const struct itimerspec tick = {.it_interval.tv_nsec = TICK_NS % NSEC_PER_SEC,
					.it_interval.tv_sec = TICK_NS / NSEC_PER_SEC,
					.it_value.tv_sec = TICK_NS / NSEC_PER_SEC};
	sigset_t set;

	fill_signals(&set);
	gateway->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	gateway->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	gateway->gather_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	gateway->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (gateway->signal_fd < 0 || gateway->tick_fd < 0 || gateway->gather_fd < 0 || gateway->epoll_fd < 0)
		return -errno;
	return timerfd_settime(gateway->tick_fd, 0, &tick, NULL) < 0 ? -errno : 0;
}

int loop_open(struct gateway *gateway)
{
	int r = open_descriptors(gateway);
	const int fds[SOURCES] = {
		[SOURCE_SIGNAL] = gateway->signal_fd,
		[SOURCE_TICK] = gateway->tick_fd,
		[SOURCE_FACTS] = gateway->hub.facts_fd,
		[SOURCE_GATHER] = gateway->gather_fd,
		[SOURCE_CONTROL] = control_server_fd(gateway->control),
		[SOURCE_RELOAD] = gateway->reload.done_fd,
		[SOURCE_LEARNING] = gateway->learning.timer_fd,
	};

	for (unsigned source = 0; r == 0 && source < SOURCES; source++)
		r = watch(gateway, fds[source], (enum source)source);
	return r;
}

static void take_signals(struct gateway *gateway)
{
	struct signalfd_siginfo info;

	while (read(gateway->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_begin(gateway, NULL);
		else if (info.ssi_signo == SIGUSR1)
			records_reopen(gateway);
		else
			gateway->stopping = true;
	}
	if (errno == EAGAIN || errno == EINTR)
		return;
	/* Deaf to signals, it could neither be stopped nor rest: whoever started it starts it again. */
	say(SAY_ERROR, "signals cannot be read: %s", strerror(errno));
	gateway->stopping = gateway->failed = true;
}

/* True when every worker went through its loop since this was last true. */
static bool workers_progress(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->worker_count; i++)
		if (worker_beats(gateway->workers[i]) == gateway->beats[i])
			return false;
	for (size_t i = 0; i < gateway->worker_count; i++)
		gateway->beats[i] = worker_beats(gateway->workers[i]);
	return true;
}

static void feed_watchdog(struct gateway *gateway)
{
	if (workers_progress(gateway)) {
		gateway->slow_ticks = 0;
		sd_notify(0, "WATCHDOG=1");
	} else if (++gateway->slow_ticks == SLOW_TICKS_SAID) {
		say(SAY_ERROR, "a worker makes no progress; the watchdog is not fed until it does");
	}
}

static void tick(struct gateway *gateway)
{
	failwatch_tick(gateway);
	guardian_tick(gateway);
	records_tick(gateway);
	keeper_tick(gateway);
	uses_state_tick(gateway);
	control_server_run(gateway->control, clock_steady_ns());
	learning_step(gateway);
	reload_tick(gateway);
	upgrade_tick(gateway);
	feed_watchdog(gateway);
}

/* Facts are there: more will follow, so a moment passes before they are gathered. */
static void begin_gathering(struct gateway *gateway)
{
	const struct itimerspec once = {.it_value.tv_nsec = GATHER_NS};

	if (!gateway->gathering)
		(void)timerfd_settime(gateway->gather_fd, 0, &once, NULL);
	gateway->gathering = true;
}

static void clear(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

static void serve(struct gateway *gateway, enum source source)
{
	switch (source) {
	case SOURCE_SIGNAL:
		take_signals(gateway);
		break;
	case SOURCE_TICK:
		clear(gateway->tick_fd);
		tick(gateway);
		break;
	case SOURCE_FACTS:
		clear(gateway->hub.facts_fd);
		begin_gathering(gateway);
		break;
	case SOURCE_GATHER:
		clear(gateway->gather_fd);
		gateway->gathering = false;
		records_gather(gateway);
		if (outputs_are_slow(&gateway->outputs))
			begin_gathering(gateway);
		break;
	case SOURCE_CONTROL:
		control_server_run(gateway->control, clock_steady_ns());
		break;
	case SOURCE_RELOAD:
		reload_finish(gateway);
		break;
	case SOURCE_LEARNING:
		clear(gateway->learning.timer_fd);
		learning_step(gateway);
		break;
	case SOURCE_UPGRADE:
		upgrade_checked(gateway);
		break;
	default:
		break;
	}
}

static void say_ready(const struct gateway *gateway)
{
	const struct policy_gateway *policy = &gateway->world->policy->gateway;

	say(SAY_NOTICE, "%s: queues %u to %u, %s, fail %s, policy %s", gateway->host, gateway->bound_queue,
	    (unsigned)(gateway->bound_queue + gateway->worker_count - 1), policy_mode_name(policy->mode),
	    policy_fail_name(policy->fail), gateway->world->policy->digest);
	sd_notifyf(0, "READY=1\nSTATUS=Policy %s", gateway->world->policy->digest);
}

/* A worker ends when its last fact has room in the ring. */
static void wait_for_end(struct gateway *gateway, struct worker *worker)
{
	const struct timespec pause = {.tv_nsec = STOP_LOOK_NS};

	while (!worker_ended(worker)) {
		records_gather(gateway);
		nanosleep(&pause, NULL);
	}
	worker_join(worker);
}

void loop_judge_to_the_end(struct gateway *gateway, struct queue *queue)
{
	hub_stop(&gateway->hub, HUB_CLOSE);
	if (worker_start(gateway->workers[0], queue) == 0)
		wait_for_end(gateway, gateway->workers[0]);
	else
		say(SAY_ERROR, "queue %u: no thread for the packets that wait", queue_number(queue));
	hub_resume(&gateway->hub);
}

void loop_end_workers(struct gateway *gateway, size_t count)
{
	hub_stop(&gateway->hub, gateway->end);
	for (size_t i = 0; i < count; i++)
		worker_wake(gateway->workers[i]);
	for (size_t i = 0; i < count; i++)
		wait_for_end(gateway, gateway->workers[i]);
	learning_finish(gateway);
	failwatch_end(gateway);
	records_finish(gateway);
	uses_state_finish(gateway);
}

static void stop(struct gateway *gateway)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Answering the packets that wait");
	learning_stop(gateway);
	/*
	 * With fail = closed packets wait for the next process, where the manager holds the queue; if none comes, they are dropped as
	 * they would be now. With fail = open they would be lost then: they go by from now on.
	 */
	if (gateway->handover.store && gateway->world->policy->gateway.fail == POLICY_FAIL_CLOSED)
		gateway->end = HUB_KEEP;
	loop_end_workers(gateway, gateway->worker_count);
	status_say_ledger(gateway);
}

/* Until the loop is to end. */
static void run_loop(struct gateway *gateway)
{
	struct epoll_event events[EVENTS_MAX];

	while (!gateway->stopping) {
		int n = epoll_wait(gateway->epoll_fd, events, EVENTS_MAX, -1);

		if (n < 0 && errno != EINTR) {
			say(SAY_ERROR, "epoll: %s", strerror(errno));
			break;
		}
		for (int i = 0; i < n; i++)
			serve(gateway, (enum source)events[i].data.u32);
	}
}

int gateway_run(struct gateway *gateway)
{
	say_ready(gateway);
	run_loop(gateway);
	while (gateway->upgrade.ready) {
		upgrade_exec(gateway);
		run_loop(gateway);
	}
	stop(gateway);
	return gateway->stopping && !gateway->failed ? EXIT_CODE_OK : EXIT_CODE_SYSTEM;
}
