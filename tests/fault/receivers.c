/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "receivers.h"

#include "faults.h"
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct receiver {
	int fd; /* 0: none */
	size_t received, left;
} receivers[EVENT_FORMS];

static struct sockaddr_un address_of(enum event_form form)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/%s", stage_directory(),
		 form == EVENT_FORM_JOURNAL ? "journal" : "syslog");
	return address;
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	const struct sockaddr_un *local = (const struct sockaddr_un *)address;
	int error = fault_strikes(FAULT_CONNECT);

	if (error != 0) {
		errno = error;
		return -1;
	}
	if (address->sa_family == AF_UNIX && strcmp(local->sun_path, JOURNAL_SOCKET) == 0) {
		const struct sockaddr_un ours = address_of(EVENT_FORM_JOURNAL);

		return __real_connect(fd, (const struct sockaddr *)&ours, sizeof(ours));
	}
	return __real_connect(fd, address, len);
}

static size_t read_all(struct receiver *receiver)
{
	char byte;
	size_t count = 0;

	/* Datagrams: the rest of each goes. */
	while (receiver->fd > 0 && recvfrom(receiver->fd, &byte, 1, MSG_DONTWAIT, NULL, NULL) >= 0)
		count++;
	return count;
}

void receivers_close(enum event_form form)
{
	const struct sockaddr_un address = address_of(form);
	struct receiver *receiver = &receivers[form];

	receiver->left += read_all(receiver);
	if (receiver->fd > 0)
		close(receiver->fd);
	receiver->fd = 0;
	(void)unlink(address.sun_path);
}

void receivers_reset(void)
{
	for (enum event_form form = 0; form < EVENT_FORMS; form++) {
		receivers_close(form);
		receivers[form] = (struct receiver){0};
	}
}

void receivers_open(enum event_form form)
{
	const struct sockaddr_un address = address_of(form);

	receivers_close(form);
	fault_pause();
	receivers[form].fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (receivers[form].fd < 0 ||
	    bind(receivers[form].fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	fault_resume();
}

size_t receivers_read(enum event_form form)
{
	receivers[form].received += read_all(&receivers[form]);
	return receivers[form].received;
}

size_t receivers_left(enum event_form form)
{
	return receivers[form].left;
}

size_t receivers_descriptors(void)
{
	size_t count = 0;

	for (unsigned form = 0; form < EVENT_FORMS; form++)
		count += receivers[form].fd > 0;
	return count;
}
