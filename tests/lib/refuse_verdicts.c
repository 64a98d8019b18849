/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into op25bd by a live test: while the file named by OP25B_REFUSE exists, the kernel seems to have no memory
 * for anything that is sent to it over netlink.
 */
#undef _GNU_SOURCE /* with it sendto() takes a union of pointers */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) ssize_t sendto(int fd, const void *bytes, size_t len, int flags,
						      const struct sockaddr *to, socklen_t to_len)
{
	const char *path = getenv("OP25B_REFUSE");

	if (path && access(path, F_OK) == 0) {
		errno = ENOBUFS;
		return -1;
	}
	return (ssize_t)syscall(SYS_sendto, fd, bytes, len, flags, to, to_len);
}
