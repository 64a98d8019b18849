/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A confirmation that is being waited for, as a file that the waiting process (the keeper) holds locked: it is true
 * only while that process lives. When it ends, its last word stays in the file.
 */
#ifndef OP25B_NET_RULES_PENDING_H
#define OP25B_NET_RULES_PENDING_H

#include "net/rules_lock.h"

#include <stdbool.h>
#include <stdint.h>

enum pending_state {
	PENDING_NONE, /* nobody waits, and nobody did */
	PENDING_WAITING,
	PENDING_CONFIRMED,
	PENDING_ROLLED_BACK,
	PENDING_FAILED, /* it could not roll back */
	PENDING_LOST,   /* the keeper died before it had decided */
	PENDING_STATES,
};

struct pending {
	enum pending_state state;
	int64_t until_s; /* wall clock, when it is or was to roll back */
	int64_t process;
};

const char *pending_name(enum pending_state state); /* "waiting", ... */

/* Reads it. 0 or -errno. */
int pending_read(struct pending *ret);
/* Under the lock of rules_lock(), while nobody waits: what came of an earlier one no longer matters. */
void pending_forget(void);

/* The keeper's: makes the file and the pipe for the confirmation, under the lock of rules_lock(). 0 or -errno. */
struct pending_keeper {
	int file, pipe;
};
int pending_begin(struct pending_keeper *keeper, const struct pending *pending);
/* Writes another state into the file. 0 or -errno. */
int pending_write(const struct pending_keeper *keeper, const struct pending *pending);
/* True when a confirmation came in this many milliseconds. */
bool pending_wait(const struct pending_keeper *keeper, int timeout_ms);

/* Confirms, and waits for the keeper's last word. 0 with *ret; -ENOENT when nobody waits; another -errno. */
int pending_confirm(struct pending *ret);

#endif
