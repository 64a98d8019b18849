/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end of a Unix socket: what the kernel noted when he connected (unix(7), SO_PEERCRED and
 * SO_PEERGROUPS), which nobody can make up.
 */
#ifndef OP25B_CONTROL_PEER_H
#define OP25B_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* False when the kernel does not tell; *ret is then untouched. */
bool control_peer_uid(int fd, uid_t *ret);
/* False also when the kernel does not tell, or there is no memory to hear it. */
bool control_peer_in_group(int fd, gid_t group);

#endif
