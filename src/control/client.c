/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/client.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "control/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { READ_BYTES = 65536, CONNECT_PAUSE_NS = 2000000 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int64_t left = deadline_ms - now_ms();
	int n = left > 0 ? poll(&wait, 1, (int)left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 && left <= 0 ? -ETIMEDOUT : 0;
}

/* A Unix socket has no "in progress": while too many others wait to be accepted, connect() says to try again. */
static int connect_until(const char *path, int64_t deadline_ms)
{
	const struct timespec pause = {.tv_nsec = CONNECT_PAUSE_NS};

	for (;;) {
		int fd = control_socket_connect(path);

		if (fd != -EAGAIN)
			return fd;
		if (now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

static int send_all(int fd, const char *bytes, size_t len, int64_t deadline_ms)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n >= 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR) {
			int r = wait_for(fd, POLLOUT, deadline_ms);

			if (r < 0)
				return r;
		} else {
			return -errno;
		}
	}
	return 0;
}

/* Reads up to the first line feed; *memory is the caller's also on failure. */
static int read_line(int fd, int64_t deadline_ms, char **memory, size_t *ret_len)
{
	size_t capacity = 0, len = 0;

	for (;;) {
		ssize_t n;

		if (len > CONTROL_REPLY_MAX)
			return -EMSGSIZE;
		if (!VEC_RESERVE(*memory, capacity, len + READ_BYTES))
			return -ENOMEM;
		n = recv(fd, *memory + len, READ_BYTES, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n > 0) {
			len += (size_t)n;
			if ((*memory)[len - 1] == '\n') {
				*ret_len = len;
				return 0;
			}
		} else if (errno == EAGAIN || errno == EINTR) {
			int r = wait_for(fd, POLLIN, deadline_ms);

			if (r < 0)
				return r;
		} else {
			return -errno;
		}
	}
}

int control_client_call(const char *path, const json_t *request, int timeout_ms,
			enum control_error *ret_error, json_t **ret_result, char text[CONTROL_ERROR_TEXT_MAX])
{
	int64_t deadline_ms = now_ms() + timeout_ms;
	CLEANUP_CLOSE int fd = connect_until(path, deadline_ms);
	CLEANUP_FREE char *line = NULL;
	CLEANUP_FREE char *reply = NULL;
	size_t len = 0;
	int r;

	if (fd < 0)
		return fd;
	line = control_line(request, &len);
	if (!line)
		return -ENOMEM;
	r = send_all(fd, line, len, deadline_ms);
	if (r == 0)
		r = read_line(fd, deadline_ms, &reply, &len);
	if (r < 0)
		return r == -EPIPE ? -ECONNRESET : r;
	*ret_result = NULL;
	return control_reply_decode(reply, len, ret_error, ret_result, text);
}
