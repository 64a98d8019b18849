/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/state_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MODE = 0600, DIRECTORY_MODE = 0750, NAME_MAX_BYTES = 64 };

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A name that is there already would be somebody's link. */
static int write_fresh(int directory, const char *name, const char *text)
{
	CLEANUP_CLOSE int fd = -1;

	(void)unlinkat(directory, name, 0);
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	return write_all(fd, text, strlen(text));
}

static int put_in_place(int directory, const char *name, const char *text)
{
	char fresh[NAME_MAX_BYTES];
	int r;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	r = write_fresh(directory, fresh, text);
	if (r == 0 && renameat(directory, fresh, directory, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(directory, fresh, 0);
		return r;
	}
	/* The name itself has to be on the disk, too. */
	return fsync(directory) < 0 ? -errno : 0;
}

int state_file_save(const char *directory, const char *name, const char *text)
{
	CLEANUP_CLOSE int fd = -1;

	(void)mkdir(directory, DIRECTORY_MODE);
	fd = open_directory(directory);
	return fd < 0 ? fd : put_in_place(fd, name, text);
}

/* To the end of it, which is not looked for beyond size. */
static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_len = len;
	return 0;
}

int state_file_load(const char *directory, const char *name, size_t most, char **ret, size_t *ret_len)
{
	CLEANUP_CLOSE int at = open_directory(directory);
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_FREE char *text = NULL;
	struct stat status;
	int r;

	if (at < 0)
		return at;
	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t)most)
		return -EFBIG;
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, (size_t)status.st_size, ret_len);
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

void state_file_put_aside(const char *directory, const char *name)
{
	CLEANUP_CLOSE int fd = open_directory(directory);
	char damaged[NAME_MAX_BYTES];

	snprintf(damaged, sizeof(damaged), "%s.damaged", name);
	if (fd >= 0)
		(void)renameat(fd, name, fd, damaged);
}
