/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from keys of fixed size to small numbers, mostly places in an array of the caller's: what is counted by
 * subscriber, by pair of subscriber and group, or by address. Keys may come from the network, so the hash is keyed.
 */
#ifndef OP25B_BASE_MAP_H
#define OP25B_BASE_MAP_H

#include "base/siphash.h"

#include <stddef.h>
#include <stdint.h>

enum { MAP_TAG_MAX = 0x7fffffff };

/* Any two numbers, and a tag of at most MAP_TAG_MAX for what else tells keys apart. */
struct map_key {
	uint64_t a, b;
	uint32_t tag;
};

/* All zeroes but the hash's key: empty. Give back with map_free(). */
struct map {
	struct siphash_key hash_key;
	struct map_entry *entries;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

void map_free(struct map *map);
/* The number under the key; NULL: none. Valid until the next map_put(). */
uint32_t *map_find(const struct map *map, const struct map_key *key);
/* The number under the key, which is `fresh` where there was none; NULL without memory. Valid until the next map_put(). */
uint32_t *map_put(struct map *map, const struct map_key *key, uint32_t fresh);

#endif
