/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Least privilege: verdicts need CAP_NET_ADMIN for as long as the daemon lives, and nothing needs more. */
#ifndef OP25B_DAEMON_PRIVILEGES_H
#define OP25B_DAEMON_PRIVILEGES_H

#include <stdbool.h>

/*
 * Keeps CAP_NET_ADMIN alone, forbids gaining privileges, and becomes user (NULL: stays who it is). Call it before
 * any thread exists. 0, or -errno with *ret_what a constant text of what failed: -EPERM without CAP_NET_ADMIN,
 * -ENOENT for an unknown user.
 */
int privileges_drop(const char *user, const char **ret_what);

/* From now on CAP_NET_ADMIN goes on to a program that this process executes, or no longer. 0 or -errno. */
int privileges_pass_on(bool pass);

#endif
