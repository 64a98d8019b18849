/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: which files a record file has become, by the names that logrotate gives. */
#ifndef OP25B_STORE_SIBLINGS_H
#define OP25B_STORE_SIBLINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed one is empty. */
struct siblings {
	struct sibling {
		char *path;
		int64_t mtime_ns;
		bool live; /* the file that was named, not one it was rotated to */
	} * items;
	size_t count, capacity;
};

/* Adds path and, with `rotated`, what was rotated from it, the oldest first. A directory that cannot be read has nothing of the
 * kind. 0 or -ENOMEM. */
int siblings_add(struct siblings *list, const char *path, bool rotated);
void siblings_free(struct siblings *list);

/* "events.json" has become "events.json.1", "events.json.2.gz", "events.json-20261122.zst" or "events-20261122.json". */
bool siblings_is_rotated(const char *base, const char *name);

#endif
