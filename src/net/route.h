/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where this system sends packets to an address: what comes from a relay is only let through on the interface that its
 * policy names, so the way back must leave by the same one.
 */
#ifndef OP25B_NET_ROUTE_H
#define OP25B_NET_ROUTE_H

#include "base/addr.h"
#include "base/ifpattern.h"

#include <stdbool.h>

struct route {
	bool local;                  /* the address is this system's own */
	char interface[IF_NAME_MAX]; /* "" when the answer names none */
};

/*
 * Asks the kernel, as for a packet that this system itself sends. 0 with *ret; -ENETUNREACH: there is no route (one that
 * refuses included); another -errno. *ret is untouched on failure.
 */
int route_get(const struct addr *to, struct route *ret);

#endif
