/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main thread's loop: signals, a clock tick, facts from the workers, the control socket, a finished reload. */
#ifndef OP25B_DAEMON_LOOP_H
#define OP25B_DAEMON_LOOP_H

#include <stddef.h>

struct gateway;
struct queue;

/* Has upgrade_checked() called when fd is readable, until it is closed. 0 or -errno. */
int loop_watch_upgrade(const struct gateway *gateway, int fd);

/* Keeps the daemon's signals for the loop: before the policy is read, which may take a second, and before any thread. */
void loop_block_signals(void);
/* Opens what the loop waits for. 0 or -errno. */
int loop_open(struct gateway *gateway);

/* The first count workers answer what waits and end; then every record is written. */
void loop_end_workers(struct gateway *gateway, size_t count);
/* Before the workers are started: the first one judges what waits in a queue that is to be closed. */
void loop_judge_to_the_end(struct gateway *gateway, struct queue *queue);

#endif
