/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process holds a queue that is taken: the kernel tells only the holder's netlink port, often, not always, its process id. */
#ifndef OP25B_NET_QUEUE_HOLDER_H
#define OP25B_NET_QUEUE_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

enum { QUEUE_HOLDER_NAME_MAX = 64 };

struct queue_holder {
	int32_t process; /* 0: not visible, to this user or in this process namespace */
	char name[QUEUE_HOLDER_NAME_MAX];
};

/*
 * Looks for the port among this network namespace's netlink sockets, and for that socket among the descriptors of the processes
 * that this one may look into; else takes the port for a process id, where there is such a process.
 */
void queue_holder_find(uint32_t portid, struct queue_holder *ret);

/* True with *ret when this process holds it, be it one of several; else *ret is untouched. */
bool queue_holder_is(uint32_t portid, int32_t process, struct queue_holder *ret);

#endif
