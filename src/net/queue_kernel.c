/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { LINES_BYTES = 16384 }; /* 60 bytes a queue */

static const char kernel_path[] = "/proc/net/netfilter/nfnetlink_queue";

bool queue_kernel_parse(const char *line, uint16_t number, struct queue_kernel *ret)
{
	struct queue_kernel kernel;
	uint32_t queue;

	/* The columns are printed by net/netfilter/nfnetlink_queue.c, seq_show(). */
	if (sscanf(line,
		   "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32
		   " %" SCNu32,
		   &queue, &kernel.portid, &kernel.waiting, &kernel.copy_mode, &kernel.copy_range,
		   &kernel.queue_dropped, &kernel.user_dropped, &kernel.id_sequence) != 8)
		return false;
	if (queue != number)
		return false;
	*ret = kernel;
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

static ssize_t read_whole(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = pread(fd, text + len, size - len, (off_t)len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

int queue_kernel_get(int fd, uint16_t number, struct queue_kernel *ret)
{
	char text[LINES_BYTES + 1];
	ssize_t len = read_whole(fd, text, LINES_BYTES);
	char *line = text, *feed;

	if (len < 0)
		return (int)len;
	text[len] = '\0';
	for (; *line; line = feed + 1) {
		feed = strchr(line, '\n');
		if (!feed)
			break;
		*feed = '\0';
		if (queue_kernel_parse(line, number, ret))
			return 0;
	}
	return -ENOENT;
}
