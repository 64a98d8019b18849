/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/absence.h"

#include "base/cleanup.h"
#include "net/rules_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum { TEXT_MAX = 160, KIND_MAX = 24 };

static int read_cookie(uint64_t *ret)
{
	int fd CLEANUP_CLOSE = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);

	if (fd < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0 ? -EOPNOTSUPP : 0;
}

int absence_open(uint16_t queue)
{
	char kind[KIND_MAX], path[RULES_PATH_MAX];
	struct stat status;
	uint64_t cookie = 0;
	int r = read_cookie(&cookie), fd;

	snprintf(kind, sizeof(kind), "judged-%u", queue);
	if (r == 0)
		r = rules_run_path(kind, path);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0)
		return -errno;
	/* What another user has written is not believed. */
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid())
		return fd;
	close(fd);
	return -EACCES;
}

int absence_read(int fd, struct absence *ret)
{
	char text[TEXT_MAX + 1] = "";
	struct absence absence = {0};
	uint64_t cookie = 0, written;
	int counted, ended, r = read_cookie(&cookie);
	ssize_t len = pread(fd, text, TEXT_MAX, 0);

	if (r < 0 || len < 0)
		return r < 0 ? r : -errno;
	if (len == 0)
		return -ENOENT;
	if (sscanf(text, "%" SCNu64 " %" SCNd64 " %d %" SCNu64 " %d", &written, &absence.wall_ns, &counted,
		   &absence.queued, &ended) != 5)
		return -EBADMSG;
	if (written != cookie)
		return -ENOENT;
	absence.counted = counted != 0;
	absence.ended = ended != 0;
	*ret = absence;
	return 0;
}

int absence_write(int fd, const struct absence *absence)
{
	char text[TEXT_MAX];
	uint64_t cookie = 0;
	int len, r = read_cookie(&cookie);

	if (r < 0)
		return r;
	/* Of one length always, so that nothing of a line before stays behind it. */
	len = snprintf(text, sizeof(text), "%020" PRIu64 " %020" PRId64 " %d %020" PRIu64 " %d\n", cookie,
		       absence->wall_ns, absence->counted, absence->queued, absence->ended);
	return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -EIO;
}
