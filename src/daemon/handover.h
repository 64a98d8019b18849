/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one process to the next without letting go of a queue. What is handed on are descriptors with names: the queues'
 * sockets, the memory of handover_state.h, and over an exec also the control socket and the kernel's file. They come from the
 * process that was this one (an exec, see upgrade.h), or from the service manager, which kept copies of them whatever became of
 * the process that had them (sd_pid_notify_with_fds(3), FDSTORE=1).
 */
#ifndef OP25B_DAEMON_HANDOVER_H
#define OP25B_DAEMON_HANDOVER_H

#include "daemon/handover_state.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct gateway;

enum {
	HANDOVER_FDS_MAX = 2 * POLICY_WORKERS_MAX + 3,
	HANDOVER_NAME_MAX = 24,
	HANDOVER_LIST_MAX = HANDOVER_FDS_MAX * (HANDOVER_NAME_MAX + 12),
};

/* The environment variable of an exec: "PID NAME=FD NAME=FD ...". */
#define HANDOVER_VARIABLE "OP25BD_HANDOVER"

struct handover_fd {
	char name[HANDOVER_NAME_MAX];
	int fd; /* -1: taken */
};

/* A batch as the process before left it. */
struct handover_batch {
	uint16_t queue;
	uint32_t last_id;
	bool judged;
};

struct handover {
	struct handover_fd fds[HANDOVER_FDS_MAX]; /* received, and not taken yet */
	size_t fd_count;
	bool store; /* the service manager keeps descriptors */
	struct handover_state *state;
	int state_fd; /* -1: it does not outlive this process */
	struct handover_batch batches[POLICY_WORKERS_MAX];
	size_t queues_taken;
	bool adopted[POLICY_WORKERS_MAX];
	uint64_t offloaded_before;
};

/* Finds the descriptors, and the state among them or a new one. Call it first. 0, or -ENOMEM. */
int handover_receive(struct gateway *gateway);
/* A descriptor by its name, which is the caller's from then on; -1: there is none. */
int handover_take(struct gateway *gateway, const char *name);
/* After the world was built: the ledgers are put in order. */
void handover_settle(struct gateway *gateway);
/* Takes queue i over. 0; -ENOENT: nobody has handed it on, bind it anew. */
int handover_adopt(struct gateway *gateway, size_t i, const struct queue_config *config);
/* After all queues: those that nobody wants any more are answered and closed, and the others given to the service manager. */
void handover_bound(struct gateway *gateway);
void handover_free(struct gateway *gateway);

/* For an exec: descriptors stay open in the new process, and list (the variable's value) names them; or they do not. */
void handover_keep(const struct gateway *gateway, bool keep, char list[HANDOVER_LIST_MAX]);

/* Lines that the process before may have written or not: looked up in the file at path. */
void handover_look_at_file(struct gateway *gateway, const char *path);
/* Tells what the process before had counted and not told, as one record of each kind. */
void handover_tell_rest(struct gateway *gateway);

#endif
