/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel has it */

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

/* What a link at path says, seen from where path is; the caller's. -EINVAL: it is no link. */
static int read_link(const char *path, char **ret)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');
	int directory = slash ? (int)(slash - path) + 1 : 0;

	if (len < 0)
		return -errno;
	target[len] = '\0';
	if (asprintf(ret, "%.*s%s", target[0] == '/' ? 0 : directory, path, target) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

int files_follow(const char *path, char **ret)
{
	char *at = strdup(path);
	int r = at ? 0 : -ENOMEM;

	for (unsigned links = 0; at && r == 0; links++) {
		char *next = NULL;

		r = links < LINKS_MAX ? read_link(at, &next) : -ELOOP;
		/* The end of it, which is there or is to be made. */
		if (r == -EINVAL || r == -ENOENT) {
			*ret = at;
			return 0;
		}
		free(at);
		at = next;
	}
	free(at);
	return r;
}

/* 0 or -errno. fd is out's. */
static int finish(FILE *out, int fd, mode_t mode)
{
	return fflush(out) != 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

int files_replace(const char *path, int (*write)(void *context, FILE *out), void *context)
{
	CLEANUP_FREE char *beside = NULL;
	CLEANUP_FCLOSE FILE *out = NULL;
	mode_t mask = umask(0);
	int fd, r;

	umask(mask);
	if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out)
		close(fd);
	r = out ? write(context, out) : -ENOMEM;
	if (r == 0)
		r = finish(out, fd, 0666 & ~mask);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(beside);
	return r;
}
