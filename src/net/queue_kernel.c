/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { LINES_BYTES = 16384 }; /* read at a time; 60 bytes a queue */

static const char kernel_path[] = "/proc/net/netfilter/nfnetlink_queue";

bool queue_kernel_parse(const char *line, uint16_t number, struct queue_kernel *ret)
{
	/* As net/netfilter/nfnetlink_queue.c, seq_show(), prints them. */
	enum {
		QUEUE,
		PORTID,
		WAITING,
		COPY_MODE,
		COPY_RANGE,
		QUEUE_DROPPED,
		USER_DROPPED,
		ID_SEQUENCE,
		COLUMNS
	};
	uint32_t values[COLUMNS];
	char *end;

	for (size_t i = 0; i < COLUMNS; i++, line = end) {
		values[i] = (uint32_t)strtoul(line, &end, 10);
		if (end == line)
			return false;
	}
	if (values[QUEUE] != number)
		return false;
	*ret = (struct queue_kernel){
		.portid = values[PORTID],
		.waiting = values[WAITING],
		.copy_mode = values[COPY_MODE],
		.copy_range = values[COPY_RANGE],
		.queue_dropped = values[QUEUE_DROPPED],
		.user_dropped = values[USER_DROPPED],
		.id_sequence = values[ID_SEQUENCE],
	};
	return true;
}

/* A sandbox may have mounted another /proc since the file was opened: file numbers stay, devices do not. */
static bool standard_input_is_the_file(void)
{
	struct stat wanted, standard_input;
	struct statfs filesystem;

	return stat(kernel_path, &wanted) == 0 && fstat(STDIN_FILENO, &standard_input) == 0 &&
	       fstatfs(STDIN_FILENO, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC &&
	       wanted.st_ino == standard_input.st_ino;
}

int queue_kernel_open(void)
{
	int fd = open(kernel_path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno != EACCES)
		return -errno;
	if (!standard_input_is_the_file())
		return -EACCES;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 ? fd : -errno;
}

/* Lines of the file as they fit: what follows the last line feed waits for its rest. */
struct lines {
	int fd;
	off_t offset;
	size_t len;
	char text[LINES_BYTES + 1];
};

/* 1: more is there; 0: the end; -errno. */
static int read_more(struct lines *lines)
{
	ssize_t n;

	if (lines->len == LINES_BYTES)
		lines->len = 0; /* no line of that file is so long */
	do
		n = pread(lines->fd, lines->text + lines->len, LINES_BYTES - lines->len, lines->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->offset += n;
	lines->len += (size_t)n;
	lines->text[lines->len] = '\0';
	return n > 0;
}

/* Looks at every whole line, and takes it out. */
static bool find_queue(struct lines *lines, uint16_t number, struct queue_kernel *ret)
{
	char *line = lines->text, *feed;

	for (; (feed = strchr(line, '\n')) != NULL; line = feed + 1) {
		*feed = '\0';
		if (queue_kernel_parse(line, number, ret))
			return true;
	}
	lines->len = strlen(line);
	memmove(lines->text, line, lines->len);
	return false;
}

int queue_kernel_get(int fd, uint16_t number, struct queue_kernel *ret)
{
	struct lines lines = {.fd = fd};
	int r;

	while ((r = read_more(&lines)) > 0)
		if (find_queue(&lines, number, ret))
			return 0;
	return r < 0 ? r : -ENOENT;
}
