/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cache_init(struct cache *cache, unsigned bits)
{
	size_t cells = (size_t)1 << bits;

	*cache = (struct cache){.cells = calloc(cells, sizeof(cache->cells[0])), .mask = cells - 1};
	return cache->cells ? 0 : -ENOMEM;
}

void cache_free(struct cache *cache)
{
	free(cache->cells);
	*cache = (struct cache){0};
}

void cache_clear(struct cache *cache)
{
	memset(cache->cells, 0, (cache->mask + 1) * sizeof(cache->cells[0]));
	cache->count = 0;
}

/* A cell with key 0 is empty. */
static uint64_t used_key(uint64_t key)
{
	return key ? key : 1;
}

void cache_expect(const struct cache *cache, uint64_t key)
{
	__builtin_prefetch(&cache->cells[used_key(key) & cache->mask]);
}

bool cache_find(const struct cache *cache, uint64_t key, int64_t *ret)
{
	key = used_key(key);
	for (size_t i = key & cache->mask; cache->cells[i].key != 0; i = (i + 1) & cache->mask) {
		if (cache->cells[i].key == key) {
			*ret = cache->cells[i].value;
			return true;
		}
	}
	return false;
}

void cache_put(struct cache *cache, uint64_t key, int64_t value)
{
	size_t i;

	if (cache->count >= (cache->mask + 1) / 4 * 3)
		cache_clear(cache);
	key = used_key(key);
	for (i = key & cache->mask; cache->cells[i].key != 0; i = (i + 1) & cache->mask)
		;
	cache->cells[i] = (struct cache_cell){key, value};
	cache->count++;
}
