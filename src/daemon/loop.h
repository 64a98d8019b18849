/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main thread's loop: signals, a clock tick, facts from the workers, the control socket, a finished reload. */
#ifndef OP25B_DAEMON_LOOP_H
#define OP25B_DAEMON_LOOP_H

struct gateway;

/* Keeps the daemon's signals for the loop: before the policy is read, which may take a second, and before any thread. */
void loop_block_signals(void);
/* Opens what the loop waits for. 0 or -errno. */
int loop_open(struct gateway *gateway);

#endif
