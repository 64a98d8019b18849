/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a program whose patience is tested: its clock that never goes back runs ten thousand times as fast. */

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FASTER = 10000 };

#define SECOND_NS INT64_C(1000000000)

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *ret)
{
	static int64_t begun_ns;
	int r = (int)syscall(SYS_clock_gettime, clock, ret);
	int64_t now_ns = (int64_t)ret->tv_sec * SECOND_NS + ret->tv_nsec;

	if (r < 0 || clock != CLOCK_MONOTONIC)
		return r;
	if (begun_ns == 0)
		begun_ns = now_ns;
	now_ns = begun_ns + (now_ns - begun_ns) * FASTER;
	ret->tv_sec = now_ns / SECOND_NS;
	ret->tv_nsec = now_ns % SECOND_NS;
	return r;
}
