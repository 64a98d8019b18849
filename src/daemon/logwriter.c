/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_MODE = 0640 };

struct logwriter {
	char *path;
	int fd; /* -1: not open */
	char *memory;
	size_t capacity;
	size_t begin, end; /* what waits: memory[begin .. end) */
	bool foreign_half; /* the file ended in half a line when it was opened; it gets its line feed before ours */
	size_t line_written; /* bytes of the first waiting line that are in the file already; they lie before begin */
	struct logwriter_stats stats;
};

struct logwriter *logwriter_new(const char *path, size_t capacity)
{
	struct logwriter *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->fd = -1;
	writer->capacity = capacity;
	writer->path = strdup(path);
	writer->memory = malloc(capacity);
	if (writer->path && writer->memory)
		return writer;
	logwriter_free(writer);
	return NULL;
}

/* Moves what waits to the front; the written part of the first line stays with it, a reopened file may need it. */
static void make_room(struct logwriter *writer)
{
	size_t keep = writer->begin - writer->line_written;

	memmove(writer->memory, writer->memory + keep, writer->end - keep);
	writer->begin -= keep;
	writer->end -= keep;
}

bool logwriter_fits(const struct logwriter *writer, size_t len)
{
	size_t begin = writer->begin - writer->line_written;

	return len <= writer->capacity - (writer->end - begin);
}

void logwriter_add(struct logwriter *writer, const char *line, size_t len)
{
	writer->stats.lines++;
	if (len > writer->capacity - writer->end)
		make_room(writer);
	if (len > writer->capacity - writer->end) {
		writer->stats.lost++;
		writer->stats.lost_in_failure++;
		return;
	}
	memcpy(writer->memory + writer->end, line, len);
	writer->end += len;
}

/* As a process leaves it that is killed in the middle of a line. */
static bool ends_in_half_line(int fd)
{
	struct stat status;
	char last;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return false;
	return pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

static int open_file(struct logwriter *writer)
{
	int fd;

	if (strcmp(writer->path, "-") == 0) {
		writer->fd = STDOUT_FILENO;
		return 0;
	}
	/* Reading is for ends_in_half_line(); O_NONBLOCK for a pipe whose reader sleeps. */
	fd = open(writer->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, LOG_MODE);
	if (fd < 0)
		return -errno;
	writer->foreign_half = ends_in_half_line(fd);
	writer->fd = fd;
	return 0;
}

/* Accounts for n bytes more in the file. */
static void advance(struct logwriter *writer, size_t n)
{
	const char *at = writer->memory + writer->begin;
	const char *last = NULL;

	for (const char *feed = at; (feed = memchr(feed, '\n', (size_t)(at + n - feed))) != NULL; feed++) {
		writer->stats.written++;
		last = feed;
	}
	writer->line_written = last ? (size_t)(at + n - last) - 1 : writer->line_written + n;
	writer->begin += n;
}

static int write_waiting(struct logwriter *writer)
{
	if (writer->foreign_half && writer->begin < writer->end) {
		if (write(writer->fd, "\n", 1) != 1)
			return errno ? -errno : -EIO;
		writer->foreign_half = false;
	}
	while (writer->begin < writer->end) {
		ssize_t n = write(writer->fd, writer->memory + writer->begin, writer->end - writer->begin);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		advance(writer, (size_t)n);
	}
	writer->begin = writer->end = 0;
	return 0;
}

static enum logwriter_change note_health(struct logwriter *writer, int r)
{
	int before = writer->stats.error;

	writer->stats.error = r;
	writer->stats.waiting = writer->end - writer->begin;
	if (r < 0) {
		writer->stats.failures++;
		return before ? LOGWRITER_SAME : LOGWRITER_FAILED;
	}
	return before ? LOGWRITER_RECOVERED : LOGWRITER_SAME;
}

enum logwriter_change logwriter_flush(struct logwriter *writer)
{
	int r = writer->fd >= 0 ? 0 : open_file(writer);

	if (r == 0)
		r = write_waiting(writer);
	if (r == 0 && writer->stats.error == 0)
		writer->stats.lost_in_failure = 0;
	return note_health(writer, r);
}

/* A half-written line that cannot be completed is taken back out of the file: it is written whole elsewhere, or lost. */
static void take_half_line_back(struct logwriter *writer)
{
	struct stat status;

	if (writer->line_written == 0)
		return;
	if (fstat(writer->fd, &status) == 0 && S_ISREG(status.st_mode))
		(void)!ftruncate(writer->fd, status.st_size - (off_t)writer->line_written);
	writer->begin -= writer->line_written;
	writer->line_written = 0;
}

static void close_file(struct logwriter *writer)
{
	take_half_line_back(writer);
	if (writer->fd > STDERR_FILENO)
		close(writer->fd);
	writer->fd = -1;
}

void logwriter_free(struct logwriter *writer)
{
	if (!writer)
		return;
	close_file(writer);
	free(writer->path);
	free(writer->memory);
	free(writer);
}

int logwriter_reopen(struct logwriter *writer, const char *path)
{
	char *copy = path ? strdup(path) : NULL;

	if (path && !copy)
		return -ENOMEM;
	if (writer->fd >= 0)
		(void)write_waiting(writer);
	close_file(writer);
	if (copy) {
		free(writer->path);
		writer->path = copy;
	}
	return open_file(writer);
}

void logwriter_place(const struct logwriter *writer, uint64_t *ret_device, uint64_t *ret_inode,
		     uint64_t *ret_size)
{
	struct stat status;
	bool known = writer->fd >= 0 && fstat(writer->fd, &status) == 0 && S_ISREG(status.st_mode);

	*ret_device = known ? status.st_dev : 0;
	*ret_inode = known ? status.st_ino : 0;
	*ret_size = known ? (uint64_t)status.st_size : 0;
}

void logwriter_stats_get(const struct logwriter *writer, struct logwriter_stats *ret)
{
	*ret = writer->stats;
	ret->waiting = writer->end - writer->begin;
}

const char *logwriter_path(const struct logwriter *writer)
{
	return writer->path;
}
