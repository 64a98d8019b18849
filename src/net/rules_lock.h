/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several op25b-rules of one network namespace must not do at once. The files stand in OP25B_RUN_DIRECTORY and
 * bear the namespace's number, because each namespace has rules of its own.
 */
#ifndef OP25B_NET_RULES_LOCK_H
#define OP25B_NET_RULES_LOCK_H

#include <stddef.h>

#define OP25B_RUN_DIRECTORY "/run/op25b"

enum { RULES_PATH_MAX = 128 };

/* The path of this namespace's file of a kind ("lock"). 0 or -errno. */
int rules_run_path(const char *kind, char path[RULES_PATH_MAX]);

/*
 * Takes the lock under which rules are changed; it goes with the descriptor, so also when the process dies. Waits for
 * another holder a few seconds. The descriptor, -EWOULDBLOCK when it stays taken, or another -errno when there can be
 * no lock here.
 */
int rules_lock(void);
/* The same without waiting. */
int rules_lock_now(void);

#endif
