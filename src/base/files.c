/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void files_reserve_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest free number is what open() gives, and that is fd. */
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/", O_PATH) < 0)
			return;
	}
}

static bool look_at(const char *name, struct stat *ret)
{
	int r = strcmp(name, "-") == 0 ? fstat(STDIN_FILENO, ret) : stat(name, ret);

	return r == 0 && S_ISREG(ret->st_mode);
}

bool files_are_same(const char *a, const char *b)
{
	struct stat first, second;

	return look_at(a, &first) && look_at(b, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}
