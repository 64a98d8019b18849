/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's clocks: the wall clock that dates and records are in, and the steady one for durations. */
#ifndef OP25B_DAEMON_CLOCK_H
#define OP25B_DAEMON_CLOCK_H

#include "base/moment.h"

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec now = {0};

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static inline int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

static inline int64_t clock_steady_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Since boot, suspended time included: never goes back within one boot. */
static inline int64_t clock_boot_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

#endif
