/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record file as it grows: over rotation, a file cut short, and lines of any length. */
#include "log_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BACK_BYTES =
		1 << 20, /* so much of what was there before is read, so that something is shown at once */
	LINE_MAX_BYTES = 1 << 18,
	READ_BYTES = 1 << 16,
	READ_MS = 200,
};

struct watch_tail {
	char *path;
	int fd;
	off_t place;
	bool begun;    /* some file has been opened: the next one is read from its beginning */
	bool skipping; /* to the end of a line that is cut or too long */
	size_t len;
	char line[LINE_MAX_BYTES];
};

struct watch_tail *watch_tail_new(const char *path)
{
	struct watch_tail *tail = calloc(1, sizeof(*tail));

	if (!tail)
		return NULL;
	tail->fd = -1;
	tail->path = strdup(path);
	if (tail->path)
		return tail;
	free(tail);
	return NULL;
}

static void close_file(struct watch_tail *tail)
{
	if (tail->fd >= 0)
		close(tail->fd);
	tail->fd = -1;
	tail->len = 0;
	tail->skipping = false;
}

void watch_tail_free(struct watch_tail *tail)
{
	if (!tail)
		return;
	close_file(tail);
	free(tail->path);
	free(tail);
}

/* A FIFO in the file's place would hold us for ever. */
static int open_file(struct watch_tail *tail)
{
	int fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	}
	close_file(tail);
	tail->fd = fd;
	tail->place = 0;
	if (!tail->begun && status.st_size > BACK_BYTES) {
		tail->place = status.st_size - BACK_BYTES;
		tail->skipping = true;
	}
	tail->begun = true;
	return 0;
}

static void take_bytes(struct watch_tail *tail, const char *bytes, size_t len, struct watch_records *records,
		       int64_t now_us)
{
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t part = end ? (size_t)(end - bytes) : len;

		if (!tail->skipping && part > LINE_MAX_BYTES - tail->len) {
			watch_records_refuse(records);
			tail->skipping = true;
		}
		if (!tail->skipping) {
			memcpy(tail->line + tail->len, bytes, part);
			tail->len += part;
		}
		if (!end)
			return;
		if (!tail->skipping && tail->len > 0)
			watch_records_line(records, tail->line, tail->len, now_us);
		tail->skipping = false;
		tail->len = 0;
		bytes += part + 1;
		len -= part + 1;
	}
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* To the end of what there is, or for READ_MS. 0 or -errno. */
static int read_on(struct watch_tail *tail, struct watch_records *records, int64_t now_us, bool *ret_more)
{
	int64_t until_ms = clock_ms() + READ_MS;
	char bytes[READ_BYTES];
	ssize_t n;

	*ret_more = false;
	while ((n = pread(tail->fd, bytes, sizeof(bytes), tail->place)) > 0) {
		take_bytes(tail, bytes, (size_t)n, records, now_us);
		tail->place += n;
		if (clock_ms() >= until_ms) {
			*ret_more = true;
			return 0;
		}
	}
	return n < 0 ? -errno : 0;
}

/* The path leads to another file, or to this one cut short. */
static bool is_replaced(const struct watch_tail *tail)
{
	struct stat path, file;

	if (stat(tail->path, &path) < 0 || fstat(tail->fd, &file) < 0)
		return false;
	return path.st_dev != file.st_dev || path.st_ino != file.st_ino || file.st_size < tail->place;
}

int watch_tail_read(struct watch_tail *tail, struct watch_records *records, int64_t now_us, bool *ret_more)
{
	int r = tail->fd < 0 ? open_file(tail) : 0;

	*ret_more = false;
	if (r == 0)
		r = read_on(tail, records, now_us, ret_more);
	/* What the daemon still writes to the renamed file has been read up to here; a moment later comes the rest. */
	if (r < 0 || *ret_more || !is_replaced(tail))
		return r;
	r = open_file(tail);
	return r == 0 ? read_on(tail, records, now_us, ret_more) : 0;
}
