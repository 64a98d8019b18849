/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon replaced by the program that now stands at the path it was started with, as after a package's upgrade: the same
 * process executes it anew, with the queues in its hands. Before anything is given up, that program has to show beside this one
 * that it can load the policy; if it cannot, or the exec fails, this one goes on.
 */
#ifndef OP25B_DAEMON_UPGRADE_H
#define OP25B_DAEMON_UPGRADE_H

#include "control/server.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gateway;

enum { UPGRADE_CHECK_S = 60 };

struct upgrade {
	pid_t checker;    /* 0: none */
	int checker_fd;   /* readable when it has ended */
	int said_fd;      /* what it says */
	int64_t until_ns; /* steady clock */
	struct control_call *call;
	bool ready; /* the loop ends for the exec */
};

/* First thing in main(): remembers how this process was started. argv is borrowed for good. */
void upgrade_remember(char **argv);
/* Begins with the check; call is answered before the exec, or with why there is none. */
void upgrade_begin(struct gateway *gateway, struct control_call *call);
/* When the checker's descriptor is readable. */
void upgrade_checked(struct gateway *gateway);
/* Once a second: a check that takes too long is ended. */
void upgrade_tick(struct gateway *gateway);
/* Ends the workers and executes; returns only when that failed, with the workers at work again. */
void upgrade_exec(struct gateway *gateway);
void upgrade_free(struct gateway *gateway);

#endif
