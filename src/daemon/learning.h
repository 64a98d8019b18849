/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offload in the daemon: what joins the machine (offload.h), the kernel's sets (net/learned.h), the workers, the records
 * and the loop. The main thread's.
 */
#ifndef OP25B_DAEMON_LEARNING_H
#define OP25B_DAEMON_LEARNING_H

#include "control/server.h"
#include "daemon/handover_state.h"
#include "daemon/offload.h"
#include "net/learned.h"

#include <jansson.h>

struct gateway;
struct ledger_counts;

enum {
	LEARNING_STOP_S = 10,     /* so long a stop may take to read what the kernel has counted */
	LEARNING_FAILS_S = 3,     /* and so long while it refuses */
	LEARNING_SETTLE_MS = 500, /* so long an exchange waits until the kernel has turned */
	LEARNING_DRAIN_S = 20,    /* so long who asked for a drain waits for its end */
};

/*
 * The set that is being read. What is observed of it waits until what it has counted is noted for who might come next: so it is
 * told once, wherever this process is killed.
 */
struct learning_reading {
	bool active;
	struct event_fact *facts;
	size_t count, capacity;
	uint64_t packets[EVENT_REASONS_MAX];
};

struct learning {
	struct learned_kernel *kernel;
	struct offload *offload;
	enum policy_family family;
	uint64_t layout;              /* of the policy in force */
	unsigned groups_in_force;     /* of the maps that may hold something */
	struct handover_state *state; /* NULL: none */
	int timer_fd;
	struct learning_reading reading;
	struct handover_unplaced unplaced; /* as read last */
	bool based;                        /* the machine knows where they stood */
	struct control_call *drains[CONTROL_CLIENTS_MAX];
	size_t drain_count;
	int64_t drain_until_ns; /* steady clock */
};

/* After the workers and the records were made. 0 or -errno. */
int learning_start(struct gateway *gateway);
void learning_free(struct gateway *gateway);
/* When learning.timer_fd is readable, and at each tick. */
void learning_step(struct gateway *gateway);

/* Around an exchange of worlds: before the workers get the new one, and after they were given it. */
void learning_hold(struct gateway *gateway);
void learning_reload(struct gateway *gateway);
/*
 * In place of the latter, where only overrides differ, or for its own sake: the kernel asks about everybody again. False
 * when it was not willing in time: it is tried again.
 */
bool learning_flush(struct gateway *gateway);

/* Reads out and empties everything, and offloads nothing until the next reload. call is answered when that is done. */
void learning_drain(struct gateway *gateway, struct control_call *call);
/* Before the workers end; and after, when nothing more can be marked: what came late is told. */
void learning_stop(struct gateway *gateway);
void learning_finish(struct gateway *gateway);
/* After both, when the daemon goes on all the same. */
void learning_resume(struct gateway *gateway);

json_t *learning_json(const struct gateway *gateway, const struct ledger_counts *counts);
/* The numbers between which every change of the kernel's rulesets was this daemon's. The caller's. */
json_t *learning_generations_json(const struct gateway *gateway);

#endif
