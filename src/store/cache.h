/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: numbers by the keyed hash of what they number, so many of them at most: it is emptied when it is
 * full, because the database knows them all. Two things with one hash of 64 bits are not expected to meet.
 */
#ifndef OP25B_STORE_CACHE_H
#define OP25B_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache {
	struct cache_cell {
		uint64_t key;
		int64_t value;
	} * cells;
	size_t mask, count;
};

/* Room for three quarters of 1 << bits. 0 or -ENOMEM; give back with cache_free() in any case. */
int cache_init(struct cache *cache, unsigned bits);
void cache_free(struct cache *cache);
void cache_clear(struct cache *cache);
/* It will be looked for soon: asks for its place in memory. */
void cache_expect(const struct cache *cache, uint64_t key);
bool cache_find(const struct cache *cache, uint64_t key, int64_t *ret);
/* Of a key that is not there. */
void cache_put(struct cache *cache, uint64_t key, int64_t value);

#endif
