/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket as a file: made with its mode, replaced when nobody listens, removed when it is still ours. */
#ifndef OP25B_CONTROL_SOCKET_H
#define OP25B_CONTROL_SOCKET_H

#include "control/protocol.h"

#include <sys/types.h>

/*
 * A listening, non-blocking socket at path with mode 0660, or -errno: -EADDRINUSE when somebody listens there,
 * -EEXIST when there is something that is no socket, -ENAMETOOLONG. The descriptor is the caller's.
 */
int control_socket_listen(const char *path);
/* 0 when fd listens at path, which stands; -ENOTSOCK, -ENOENT. */
int control_socket_is_at(int fd, const char *path);
/* Removes the file if it is the one that inode names (fstat's of the path after listening). */
void control_socket_remove(const char *path, dev_t device, ino_t inode);
/* A connected, non-blocking socket, or -errno. The descriptor is the caller's. */
int control_socket_connect(const char *path);

#endif
