/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a daemon last judged packets in this network namespace, and how many its rules had queued by then: written once a second,
 * because who is killed has no last word. The next daemon reads from it for how long nobody judged, and how many packets.
 * A file in OP25B_RUN_DIRECTORY; the namespace's cookie stands in it, because the number in its name is given again.
 */
#ifndef OP25B_NET_ABSENCE_H
#define OP25B_NET_ABSENCE_H

#include <stdbool.h>
#include <stdint.h>

struct absence {
	int64_t wall_ns;
	bool counted;    /* the rules' counter could be read: */
	uint64_t queued; /* its value */
	bool ended;      /* the daemon ended by itself, and this was its last word */
};

/*
 * Opens the file of the daemon that holds queues from this one on, for both uses. A descriptor of the caller's; -EOPNOTSUPP when the
 * kernel has no cookies, or another -errno.
 */
int absence_open(uint16_t queue);
/* 0; -ENOENT: no daemon has written in this namespace; -EBADMSG; -errno. */
int absence_read(int fd, struct absence *ret);
/* 0 or -errno. */
int absence_write(int fd, const struct absence *absence);

#endif
