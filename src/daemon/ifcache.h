/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the interface a packet came in by means to the engine. The kernel tells a number; asking for its name is a
 * system call, and numbers and names are given again (ppp0 comes and goes), so answers are kept for a second and
 * for one engine only.
 */
#ifndef OP25B_DAEMON_IFCACHE_H
#define OP25B_DAEMON_IFCACHE_H

#include "engine/engine.h"

#include <stdint.h>

enum { IFCACHE_KEEP_S = 1 };

struct ifcache_entry {
	uint32_t ifindex;
	uint64_t generation;
	int64_t until_ns;
	struct engine_interface interface;
	char name[IF_NAME_MAX]; /* "" when the interface is gone */
};

struct ifcache;

/* Writes the name of an interface number; false when there is none. */
typedef bool ifcache_namer(void *context, uint32_t ifindex, char name[IF_NAME_MAX]);

/* NULL without memory. namer NULL: the kernel is asked. */
struct ifcache *ifcache_new(ifcache_namer *namer, void *context);
void ifcache_free(struct ifcache *cache);

/*
 * The answer for an interface number, borrowed until the next call. now_ns: steady clock. A number without a name
 * gives the unknown interface.
 */
const struct ifcache_entry *ifcache_get(struct ifcache *cache, const struct engine *engine,
					uint64_t generation, uint32_t ifindex, int64_t now_ns);

#endif
