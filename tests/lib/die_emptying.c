/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into op25bd by a live test: kills the process while it reads out what the kernel has learned. The file named by
 * OP25B_DIE_EMPTYING says where, and goes with the process: "reading" (some sets are read, and what they had counted was told),
 * "before" (all are read, and none emptied), "after" (the kernel has emptied them, and the process has not heard of it).
 */
#undef _GNU_SOURCE /* with it sendto() takes a union of pointers */
#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SETS_READ = 20 /* of a generation, before "reading" */ };

/* Sets of learned sources are named by numbers; the maps that say which are in force are not. */
static bool names_set(const struct nlmsghdr *message)
{
	static const char prefix[] = "learned_";
	const char *at = (const char *)message, *end = at + message->nlmsg_len - sizeof(prefix);

	for (; at < end; at++)
		if (memcmp(at, prefix, sizeof(prefix) - 1) == 0 && at[sizeof(prefix) - 1] >= '0' &&
		    at[sizeof(prefix) - 1] <= '9')
			return true;
	return false;
}

static bool has_message(const char *bytes, size_t len, unsigned type)
{
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *message = (const void *)bytes;
		size_t step = NLMSG_ALIGN(message->nlmsg_len);

		if (message->nlmsg_len < sizeof(*message) || step > len)
			return false;
		if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) && names_set(message))
			return true;
		bytes += step;
		len -= step;
	}
	return false;
}

static bool wanted(const char *place)
{
	const char *path = getenv("OP25B_DIE_EMPTYING");
	char text[16] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return false;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strncmp(text, place, strlen(place)) == 0;
}

static void die(void)
{
	(void)unlink(getenv("OP25B_DIE_EMPTYING"));
	raise(SIGKILL);
}

__attribute__((visibility("default"))) ssize_t sendto(int fd, const void *bytes, size_t len, int flags,
						      const struct sockaddr *to, socklen_t to_len)
{
	static unsigned reads;
	bool reading = has_message(bytes, len, NFT_MSG_GETSETELEM);
	bool emptying =
		has_message(bytes, len, NFT_MSG_DELSETELEM) && !has_message(bytes, len, NFT_MSG_NEWSETELEM);
	ssize_t n;

	if (reading || emptying)
		reads = reading ? reads + 1 : 0;
	if ((reading && reads > SETS_READ && wanted("reading")) || (emptying && wanted("before")))
		die();
	n = (ssize_t)syscall(SYS_sendto, fd, bytes, len, flags, to, to_len);
	if (emptying && n >= 0 && wanted("after"))
		die();
	return n;
}
