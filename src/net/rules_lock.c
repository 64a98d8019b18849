/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rules_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_TRIES = 50, WAIT_NS = 100 * 1000 * 1000 };

int rules_run_path(const char *kind, char path[RULES_PATH_MAX])
{
	struct stat namespace;

	if (stat("/proc/self/ns/net", &namespace) < 0)
		return -errno;
	snprintf(path, RULES_PATH_MAX, OP25B_RUN_DIRECTORY "/rules-%llu.%s",
		 (unsigned long long)namespace.st_ino, kind);
	return 0;
}

static int try_lock(int fd, int tries)
{
	const struct timespec pause = {.tv_nsec = WAIT_NS};

	for (int i = 0; i < tries; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
	}
	return -EWOULDBLOCK;
}

static int lock(int tries)
{
	char path[RULES_PATH_MAX];
	int r = rules_run_path("lock", path), fd;

	if (r < 0)
		return r;
	if (mkdir(OP25B_RUN_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return -errno;
	/* Read-only is enough for a lock, and works on a file that another user has made. */
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	/* A daemon of another user takes it, too, whatever the umask. */
	(void)fchmod(fd, 0644);
	r = try_lock(fd, tries);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

int rules_lock(void)
{
	return lock(WAIT_TRIES);
}

int rules_lock_now(void)
{
	return lock(1);
}
