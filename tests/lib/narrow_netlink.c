/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into op25b-rules by a live test. The kernel's answers to what is sent over netlink then overflow the socket's
 * receive buffer, which is the kernel's own: with OP25B_NARROW=1 it is as small as the kernel makes one, and with
 * OP25B_ASK_ALL=1 every message of a transaction that is carried out asks for an answer, not only the last. Each overflow that
 * is heard of adds a line to the file named by OP25B_OVERFLOWS.
 */
#undef _GNU_SOURCE /* with it sendto() takes a union of pointers */
#define _DEFAULT_SOURCE
#undef _FORTIFY_SOURCE /* with it recv() is inline */

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static void note_overflow(void)
{
	const char *path = getenv("OP25B_OVERFLOWS");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	(void)!write(fd, "overflow\n", 9);
	close(fd);
}

EXPORTED int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int least = 1;

	if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE) && getenv("OP25B_NARROW")) {
		name = SO_RCVBUF;
		value = &least;
		len = sizeof(least);
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

static bool is_transaction(const uint8_t *bytes, size_t len)
{
	struct nlmsghdr first, last;

	if (len < sizeof(first) + NLMSG_SPACE(sizeof(struct nfgenmsg)))
		return false;
	memcpy(&first, bytes, sizeof(first));
	memcpy(&last, bytes + len - NLMSG_SPACE(sizeof(struct nfgenmsg)), sizeof(last));
	return first.nlmsg_type == NFNL_MSG_BATCH_BEGIN && last.nlmsg_type == NFNL_MSG_BATCH_END;
}

static void ask_all(uint8_t *bytes, size_t len)
{
	struct nlmsghdr header;

	for (size_t at = 0; at + sizeof(header) <= len; at += NLMSG_ALIGN(header.nlmsg_len)) {
		memcpy(&header, bytes + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header))
			return;
		if (header.nlmsg_type >= NLMSG_MIN_TYPE + 2)
			header.nlmsg_flags |= NLM_F_ACK;
		memcpy(bytes + at, &header, sizeof(header));
	}
}

EXPORTED ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
			socklen_t to_len)
{
	uint8_t *copy = getenv("OP25B_ASK_ALL") && is_transaction(bytes, len) ? malloc(len) : NULL;
	ssize_t sent;

	if (copy) {
		memcpy(copy, bytes, len);
		ask_all(copy, len);
	}
	sent = (ssize_t)syscall(SYS_sendto, fd, copy ? copy : bytes, len, flags, to, to_len);
	free(copy);
	return sent;
}

EXPORTED ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
	ssize_t got = (ssize_t)syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);

	if (got < 0 && errno == ENOBUFS)
		note_overflow();
	return got;
}

EXPORTED ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t got = (ssize_t)syscall(SYS_recvmsg, fd, message, flags);

	if (got < 0 && errno == ENOBUFS)
		note_overflow();
	return got;
}
