/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifcache.h"

#include "base/moment.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRIES = 4096 }; /* two interfaces that share a place only cost more system calls */

_Static_assert((int)IF_NAME_MAX == IFNAMSIZ, "an interface name");

struct ifcache {
	ifcache_namer *namer;
	void *context;
	int socket; /* only for asking */
	struct ifcache_entry entries[ENTRIES];
};

struct ifcache *ifcache_new(ifcache_namer *namer, void *context)
{
	struct ifcache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->namer = namer;
	cache->context = context;
	cache->socket = namer ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return cache;
}

void ifcache_free(struct ifcache *cache)
{
	if (!cache)
		return;
	if (cache->socket >= 0)
		close(cache->socket);
	free(cache);
}

static bool name_of(const struct ifcache *cache, uint32_t ifindex, char name[IF_NAME_MAX])
{
	struct ifreq request = {.ifr_ifindex = (int)ifindex};

	if (cache->namer)
		return cache->namer(cache->context, ifindex, name);
	if (ioctl(cache->socket, SIOCGIFNAME, &request) < 0)
		return false;
	memcpy(name, request.ifr_name, IF_NAME_MAX);
	name[IF_NAME_MAX - 1] = '\0';
	return true;
}

const struct ifcache_entry *ifcache_get(struct ifcache *cache, const struct engine *engine,
					uint64_t generation, uint32_t ifindex, int64_t now_ns)
{
	struct ifcache_entry *entry = &cache->entries[ifindex % ENTRIES];

	if (entry->generation == generation && entry->ifindex == ifindex && now_ns < entry->until_ns)
		return entry;
	entry->ifindex = ifindex;
	entry->generation = generation;
	entry->until_ns = now_ns + IFCACHE_KEEP_S * NSEC_PER_SEC;
	if (ifindex == 0 || !name_of(cache, ifindex, entry->name))
		entry->name[0] = '\0';
	entry->interface = engine_resolve_interface(engine, entry->name[0] ? entry->name : NULL);
	return entry;
}
