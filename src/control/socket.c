/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16, SOCKET_UMASK = 0117 };

_Static_assert((int)CONTROL_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path), "a socket's path");

static int fill_address(const char *path, struct sockaddr_un *address)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, len);
	return 0;
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 ? fd : -errno;
}

int control_socket_connect(const char *path)
{
	struct sockaddr_un address;
	int r = fill_address(path, &address);
	int fd;

	if (r < 0)
		return r;
	fd = open_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Under a umask, because between bind() and a chmod() anybody could connect. */
static int bind_with_mode(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(SOCKET_UMASK);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

/* 0 when the path was a socket that nobody listens on, and is gone. */
static int remove_stale(const char *path)
{
	struct stat status;
	int fd;

	if (lstat(path, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = control_socket_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : 0;
}

static int bind_path(int fd, const char *path)
{
	struct sockaddr_un address;
	int r = fill_address(path, &address);

	if (r < 0)
		return r;
	r = bind_with_mode(fd, &address);
	if (r != -EADDRINUSE)
		return r;
	r = remove_stale(path);
	return r < 0 ? r : bind_with_mode(fd, &address);
}

int control_socket_listen(const char *path)
{
	int fd = open_socket();
	int r;

	if (fd < 0)
		return fd;
	r = bind_path(fd, path);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

void control_socket_remove(const char *path, dev_t device, ino_t inode)
{
	struct stat status;

	if (lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode)
		(void)unlink(path);
}

int control_socket_is_at(int fd, const char *path)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);
	struct stat status;
	int listens = 0;
	socklen_t listens_len = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 || address.sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) < 0 || !listens)
		return -ENOTSOCK;
	if (strncmp(address.sun_path, path, sizeof(address.sun_path)) != 0 || lstat(path, &status) < 0 ||
	    !S_ISSOCK(status.st_mode))
		return -ENOENT;
	return 0;
}
