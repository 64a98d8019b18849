/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/outlet.h"

#include "base/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LENGTH = sizeof(uint32_t) }; /* stands before each message that waits */

struct outlet {
	struct sockaddr_un address;
	int fd; /* -1: not open */
	char *memory;
	size_t capacity;
	size_t begin, end; /* what waits */
	int64_t retry_ns;  /* not before, while it fails */
	bool slow;
	struct outlet_stats stats;
};

struct outlet *outlet_new(const char *path, size_t capacity)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (!outlet)
		return NULL;
	outlet->fd = -1;
	outlet->capacity = capacity;
	outlet->memory = malloc(capacity);
	outlet->address.sun_family = AF_UNIX;
	if (!outlet->memory || strlen(path) >= sizeof(outlet->address.sun_path)) {
		outlet_free(outlet);
		return NULL;
	}
	memcpy(outlet->address.sun_path, path, strlen(path) + 1);
	return outlet;
}

static void close_socket(struct outlet *outlet)
{
	if (outlet->fd >= 0)
		close(outlet->fd);
	outlet->fd = -1;
}

void outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return;
	close_socket(outlet);
	free(outlet->memory);
	free(outlet);
}

void outlet_add(struct outlet *outlet, const char *message, size_t len)
{
	uint32_t length = (uint32_t)len;

	outlet->stats.messages++;
	if (len + LENGTH > outlet->capacity - outlet->end) {
		memmove(outlet->memory, outlet->memory + outlet->begin, outlet->end - outlet->begin);
		outlet->end -= outlet->begin;
		outlet->begin = 0;
	}
	if (len == 0 || len + LENGTH > outlet->capacity - outlet->end) {
		outlet->stats.lost++;
		return;
	}
	memcpy(outlet->memory + outlet->end, &length, LENGTH);
	memcpy(outlet->memory + outlet->end + LENGTH, message, len);
	outlet->end += LENGTH + len;
	outlet->stats.waiting_messages++;
}

static int open_socket(struct outlet *outlet)
{
	int r = 0;

	outlet->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (outlet->fd < 0)
		return -errno;
	if (connect(outlet->fd, (const struct sockaddr *)&outlet->address, sizeof(outlet->address)) < 0)
		r = -errno;
	if (r < 0)
		close_socket(outlet);
	return r;
}

/* The first one that waits: 0 when it is gone, -EAGAIN when it has to wait, else why the socket fails. */
static int send_first(struct outlet *outlet)
{
	uint32_t length;
	ssize_t n;

	memcpy(&length, outlet->memory + outlet->begin, LENGTH);
	do
		n = send(outlet->fd, outlet->memory + outlet->begin + LENGTH, length,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/* The socket's buffer can also be what has no room. */
	if (n < 0 && errno != EMSGSIZE)
		return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
	outlet->stats.sent += n >= 0;
	outlet->stats.lost += n < 0;
	outlet->stats.waiting_messages--;
	outlet->begin += LENGTH + length;
	return 0;
}

static int send_waiting(struct outlet *outlet)
{
	int r = 0;

	while (r == 0 && outlet->begin < outlet->end)
		r = send_first(outlet);
	if (outlet->begin == outlet->end)
		outlet->begin = outlet->end = 0;
	return r;
}

bool outlet_flush(struct outlet *outlet, int64_t steady_ns)
{
	int before = outlet->stats.error, r = 0;

	outlet->slow = false;
	if (outlet->begin == outlet->end || (before && steady_ns < outlet->retry_ns))
		return false;
	if (outlet->fd < 0)
		r = open_socket(outlet);
	if (r == 0)
		r = send_waiting(outlet);
	outlet->slow = r == -EAGAIN && outlet->fd >= 0;
	outlet->stats.error = outlet->slow ? 0 : r;
	if (outlet->stats.error) {
		close_socket(outlet);
		outlet->retry_ns = steady_ns + NSEC_PER_SEC;
	}
	return (before != 0) != (outlet->stats.error != 0);
}

bool outlet_is_slow(const struct outlet *outlet)
{
	return outlet->slow;
}

void outlet_stats_get(const struct outlet *outlet, struct outlet_stats *ret)
{
	*ret = outlet->stats;
	ret->waiting = outlet->end - outlet->begin;
}

const char *outlet_path(const struct outlet *outlet)
{
	return outlet->address.sun_path;
}
