/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of policy while packets flow: the new world is built whole in a thread of its own (a million prefixes take
 * a second, and records must be written meanwhile), then exchanged by pointer between batches. The old world is freed
 * when every worker judges by the new one and no fact in a ring names the old one any more. A policy with errors
 * changes nothing.
 */
#ifndef OP25B_DAEMON_RELOAD_H
#define OP25B_DAEMON_RELOAD_H

#include "control/server.h"
#include "daemon/world.h"

#include <pthread.h>
#include <stdbool.h>

struct gateway;

struct reload {
	pthread_t thread;
	bool running;
	int done_fd; /* eventfd: the thread has ended */
	/* The thread's, until it has ended. */
	const char *path;
	uint64_t generation;
	struct diag_list diags;
	struct world *built;
	int result;
	/* Who wants to know: of the build under way, and of the next, which begins when this one ends. */
	bool again;
	struct control_call *calls[CONTROL_CLIENTS_MAX];
	size_t call_count;
	struct control_call *next_calls[CONTROL_CLIENTS_MAX];
	size_t next_call_count;
	/* Counted for status. */
	uint64_t loaded, refused;
	int64_t last_s;           /* wall clock of the last try; 0: none */
	int64_t began_ns;         /* steady clock */
	int64_t last_duration_ns; /* until it was in force, or refused */
	int last_result;          /* 0 or -errno */
	struct world *retired;    /* exchanged, but some worker has not taken the newest one yet */
};

/* 0 or -errno. */
int reload_init(struct gateway *gateway);
/* Begins a reload, or a second one after that under way. call: answered with the outcome; NULL for SIGHUP. */
void reload_begin(struct gateway *gateway, struct control_call *call);
/* When reload.done_fd is readable. */
void reload_finish(struct gateway *gateway);
/*
 * Puts a world of the policy in force with other overrides in its place. Takes it over. False when the kernel still blocks
 * by itself whom it has learned: that is tried again.
 */
bool reload_exchange(struct gateway *gateway, struct world *fresh);
/* Once a second: frees a retired world when it can be. */
void reload_tick(struct gateway *gateway);
/* At the end, after the workers: waits for a build under way, and frees what is left. */
void reload_end(struct gateway *gateway);

#endif
