/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's main thread as one value: it owns everything but what each worker counts. The files beside this one
 * work on parts of it: records (facts -> collector -> file), reload, requests (control socket), loop.
 */
#ifndef OP25B_DAEMON_GATEWAY_H
#define OP25B_DAEMON_GATEWAY_H

#include "control/server.h"
#include "daemon/handover.h"
#include "daemon/keeper.h"
#include "daemon/failwatch.h"
#include "daemon/guardian.h"
#include "daemon/ifwatch.h"
#include "daemon/learning.h"
#include "daemon/logwriter.h"
#include "daemon/outputs.h"
#include "daemon/reload.h"
#include "daemon/sandbox.h"
#include "daemon/upgrade.h"
#include "daemon/worker.h"
#include "daemon/world.h"
#include "event/event.h"

#include <stdbool.h>

enum {
	BOOT_ID_MAX = 40,
	HOST_NAME_MAX_BYTES = 256,
	LOG_MEMORY = 4 << 20, /* bytes of records that may wait for the disk */
};

struct gateway {
	const char *policy_path;
	char host[HOST_NAME_MAX_BYTES];
	char boot_id[BOOT_ID_MAX];
	int64_t started_s; /* wall clock */
	int64_t started_steady_ns;

	struct world *world; /* in force */
	struct hub hub;
	struct queue *queues[POLICY_WORKERS_MAX];
	struct worker *workers[POLICY_WORKERS_MAX];
	size_t worker_count;
	int kernel_fd; /* queue_kernel_open()'s, or its negative errno */

	/* What the queues were bound with; the policy of a later reload may say otherwise. */
	uint16_t bound_queue;
	char *bound_control;

	struct event_collector *collector;
	/* What collectors before the present one counted: a reload may replace it. */
	uint64_t observed_before, attempts_before, records_before, firsts_before, overflowed_before;
	struct event_told told_before;
	struct logwriter *log;
	struct outputs outputs; /* beside the log */
	int64_t log_retry_ns;   /* steady clock: no try before, while the log fails */
	struct control_server *control;
	struct reload reload;
	struct learning learning;
	struct keeper keeper;
	struct uses uses;
	struct failwatch failwatch;
	struct guardian guardian;
	struct ifwatch interfaces;
	struct handover handover;
	struct upgrade upgrade;

	int epoll_fd, signal_fd, tick_fd, gather_fd;
	bool gathering; /* gather_fd is set */
	bool stopping;
	enum hub_end end;                   /* how workers end */
	bool failed;                        /* it stops because it cannot go on */
	uint64_t beats[POLICY_WORKERS_MAX]; /* at the last feeding of the watchdog */
	int slow_ticks;                     /* since a worker was last seen to make no progress */
};

/* The policy can be loaded by this program: all of a start that can be tried beside a running daemon. */
int gateway_check(const char *policy_path);

struct gateway_options {
	const char *policy_path;
	const char *user; /* NULL: stay who we are */
	bool store;       /* the service manager keeps descriptors for the next process */
	enum sandbox_mode sandbox;
};

/* In order; each 0 or an exit code (base/exitcode.h) after saying what failed. gateway_free() also after a failure. */
int gateway_start(struct gateway *gateway, const struct gateway_options *options);
/* Until a signal ends it; then every packet that waits is answered, and every record written. */
int gateway_run(struct gateway *gateway);
void gateway_free(struct gateway *gateway);

#endif
