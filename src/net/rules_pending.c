/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rules_pending.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 128, ANSWER_TRIES = 300, ANSWER_PAUSE_NS = 100 * 1000 * 1000 };

static const char *const names[] = {
	[PENDING_NONE] = "none",
	[PENDING_WAITING] = "waiting",
	[PENDING_CONFIRMED] = "confirmed",
	[PENDING_ROLLED_BACK] = "rolled-back",
	[PENDING_FAILED] = "roll-back-failed",
	[PENDING_LOST] = "lost",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == PENDING_STATES, "one name for each state");

const char *pending_name(enum pending_state state)
{
	return names[state];
}

static int open_file(const char *kind, int flags, mode_t mode)
{
	char path[RULES_PATH_MAX];
	int r = rules_run_path(kind, path), fd;

	if (r < 0)
		return r;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	return fd < 0 ? -errno : fd;
}

static enum pending_state state_of(const char *name)
{
	for (int i = 0; i < PENDING_STATES; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum pending_state)i;
	}
	return PENDING_LOST;
}

static int read_file(int fd, struct pending *ret)
{
	char text[TEXT_MAX + 1] = "", name[32] = "";
	ssize_t len = pread(fd, text, TEXT_MAX, 0);

	if (len < 0)
		return -errno;
	*ret = (struct pending){.state = PENDING_LOST};
	if (sscanf(text, "%31s %" SCNd64 " %" SCNd64, name, &ret->until_s, &ret->process) == 3)
		ret->state = state_of(name);
	return 0;
}

int pending_read(struct pending *ret)
{
	int fd CLEANUP_CLOSE = open_file("pending", O_RDONLY, 0);
	bool held;
	int r;

	if (fd == -ENOENT) {
		*ret = (struct pending){.state = PENDING_NONE};
		return 0;
	}
	if (fd < 0)
		return fd;
	held = flock(fd, LOCK_SH | LOCK_NB) < 0;
	r = read_file(fd, ret);
	if (r == 0 && !held && ret->state == PENDING_WAITING)
		ret->state = PENDING_LOST;
	return r;
}

void pending_forget(void)
{
	static const char *const kinds[] = {"pending", "confirm"};
	char path[RULES_PATH_MAX];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (rules_run_path(kinds[i], path) == 0)
			(void)unlink(path);
	}
}

int pending_write(const struct pending_keeper *keeper, const struct pending *pending)
{
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%-20s %" PRId64 " %" PRId64 "\n", names[pending->state],
			   pending->until_s, pending->process);

	return pwrite(keeper->file, text, (size_t)len, 0) == len ? 0 : -EIO;
}

/* Its own reader and writer, so that it never looks closed. */
static int make_pipe(void)
{
	char path[RULES_PATH_MAX];
	int r = rules_run_path("confirm", path);

	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (mkfifo(path, 0600) < 0)
		return -errno;
	return open_file("confirm", O_RDWR | O_NONBLOCK, 0);
}

static int make_file(void)
{
	char path[RULES_PATH_MAX];
	int r = rules_run_path("pending", path), fd;

	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open_file("pending", O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd >= 0)
		(void)fchmod(fd, 0644);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int pending_begin(struct pending_keeper *keeper, const struct pending *pending)
{
	*keeper = (struct pending_keeper){.file = -1, .pipe = make_pipe()};
	if (keeper->pipe < 0)
		return keeper->pipe;
	keeper->file = make_file();
	if (keeper->file < 0)
		return keeper->file;
	return pending_write(keeper, pending);
}

bool pending_wait(const struct pending_keeper *keeper, int timeout_ms)
{
	struct pollfd wait = {.fd = keeper->pipe, .events = POLLIN};

	return poll(&wait, 1, timeout_ms) > 0 && (wait.revents & POLLIN) != 0;
}

/* Until the keeper has let go of its file. */
static int wait_for_word(int fd, struct pending *ret)
{
	const struct timespec pause = {.tv_nsec = ANSWER_PAUSE_NS};

	for (int i = 0; i < ANSWER_TRIES; i++) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
			int r = read_file(fd, ret);

			if (r == 0 && ret->state == PENDING_WAITING)
				ret->state = PENDING_LOST;
			return r;
		}
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int pending_confirm(struct pending *ret)
{
	int fd CLEANUP_CLOSE = open_file("pending", O_RDONLY, 0);
	int pipe CLEANUP_CLOSE = -1;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		int r = read_file(fd, ret);

		if (r == 0 && ret->state == PENDING_WAITING)
			ret->state = PENDING_LOST;
		return r < 0 ? r : -ENOENT;
	}
	pipe = open_file("confirm", O_WRONLY | O_NONBLOCK, 0);
	if (pipe < 0)
		return pipe == -ENXIO ? -ENOENT : pipe;
	if (write(pipe, "c", 1) != 1)
		return -errno;
	return wait_for_word(fd, ret);
}
