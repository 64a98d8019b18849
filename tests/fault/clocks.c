/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clocks.h"

#include "base/moment.h"
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TIMERS = 16, REST_NS = 10000, BEGIN_S = 1000 };

struct timer {
	int fd;                      /* eventfd */
	int64_t due_ns, interval_ns; /* steady clock; due 0: not set */
};

static _Atomic int64_t wall_ns, steady_ns;
static struct timer timers[TIMERS];
static size_t timer_count;
static pthread_t main_thread;
static unsigned hurry;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before);

void clocks_reset(int64_t at_ns)
{
	atomic_store(&wall_ns, at_ns);
	atomic_store(&steady_ns, BEGIN_S * NSEC_PER_SEC);
	timer_count = 0;
	main_thread = pthread_self();
	hurry = 1;
	/* Rests are many, and the system would make each five times as long. */
	(void)prctl(PR_SET_TIMERSLACK, 1);
}

void clocks_set_wall(int64_t at_ns)
{
	atomic_store(&wall_ns, at_ns);
}

int64_t clocks_wall_ns(void)
{
	return atomic_load(&wall_ns);
}

int64_t clocks_steady_ns(void)
{
	return atomic_load(&steady_ns);
}

void clocks_hurry(unsigned times)
{
	hurry = times;
}

static void move(int64_t ns)
{
	atomic_fetch_add(&wall_ns, ns);
	atomic_fetch_add(&steady_ns, ns);
}

static struct timer *next_timer(void)
{
	struct timer *next = NULL;

	for (size_t i = 0; i < timer_count; i++)
		if (timers[i].due_ns != 0 && (!next || timers[i].due_ns < next->due_ns))
			next = &timers[i];
	return next;
}

bool clocks_pass(int64_t until_ns)
{
	struct timer *timer = next_timer();
	const uint64_t one = 1;
	int64_t now_ns = clocks_steady_ns();

	if (!timer || timer->due_ns > until_ns) {
		if (until_ns > now_ns)
			move(until_ns - now_ns);
		return true;
	}
	if (timer->due_ns > now_ns)
		move(timer->due_ns - now_ns);
	timer->due_ns = timer->interval_ns > 0 ? clocks_steady_ns() + timer->interval_ns : 0;
	(void)!write(timer->fd, &one, sizeof(one));
	return false;
}

int64_t clocks_real_ns(void)
{
	struct timespec now = {0};

	(void)__real_clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

void clocks_rest(void)
{
	const struct timespec rest = {.tv_nsec = REST_NS};

	(void)__real_nanosleep(&rest, NULL);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int64_t now_ns = clock == CLOCK_REALTIME ? clocks_wall_ns() : clocks_steady_ns();

	if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_PROCESS_CPUTIME_ID)
		return __real_clock_gettime(clock, ret);
	ret->tv_sec = (time_t)(now_ns / NSEC_PER_SEC);
	ret->tv_nsec = (long)(now_ns % NSEC_PER_SEC);
	return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)left;
	if (pthread_equal(pthread_self(), main_thread))
		move((wanted->tv_sec * NSEC_PER_SEC + wanted->tv_nsec) * hurry);
	clocks_rest();
	return 0;
}

int __wrap_timerfd_create(int clock, int flags)
{
	int error = fault_strikes(FAULT_TIMERFD_CREATE), fd;

	(void)clock;
	(void)flags;
	errno = error;
	if (error != 0)
		return -1;
	if (timer_count == TIMERS)
		abort();
	fault_pause();
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fault_resume();
	timers[timer_count++] = (struct timer){.fd = fd};
	return fd;
}

static int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * NSEC_PER_SEC + time->tv_nsec;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
	int error = fault_strikes(FAULT_TIMERFD_SETTIME);
	int64_t from_ns = (flags & TFD_TIMER_ABSTIME) != 0 ? 0 : clocks_steady_ns();
	int64_t at_ns = ns_of(&value->it_value);

	(void)before;
	errno = error;
	if (error != 0)
		return -1;
	for (size_t i = 0; i < timer_count; i++) {
		if (timers[i].fd != fd)
			continue;
		timers[i].due_ns = at_ns == 0 ? 0 : from_ns + at_ns;
		timers[i].interval_ns = ns_of(&value->it_interval);
	}
	return 0;
}
