/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into op25bd by a live test: where the file named by OP25B_DIE_READING exists, the process is killed as soon as it
 * has read packets, with all of them in its hands; the file goes with it.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) int recvmmsg(int fd, struct mmsghdr *messages, unsigned count,
						    int flags, struct timespec *timeout)
{
	const char *path = getenv("OP25B_DIE_READING");
	int n = (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);

	if (n > 0 && path && unlink(path) == 0)
		raise(SIGKILL); /* by tgkill(2), which a confined daemon may do to itself */
	return n;
}
