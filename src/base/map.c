/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include <stdbool.h>
#include <stdlib.h>

struct map_entry {
	uint64_t a, b;
	uint32_t tag; /* one more than the key's; 0: free */
	uint32_t value;
};

enum { FIRST_CAPACITY = 64 };

static size_t place_of(const struct map *map, const struct map_entry *wanted)
{
	size_t at = siphash_words(&map->hash_key, (const uint64_t[]){wanted->a, wanted->b, wanted->tag}, 3);

	for (;; at++) {
		const struct map_entry *entry = &map->entries[at &= map->capacity - 1];

		if (entry->tag == 0 ||
		    (entry->a == wanted->a && entry->b == wanted->b && entry->tag == wanted->tag))
			return at;
	}
}

static bool grow(struct map *map)
{
	struct map grown = {.hash_key = map->hash_key,
			    .capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY};

	grown.entries = calloc(grown.capacity, sizeof(*grown.entries));
	if (!grown.entries)
		return false;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->entries[i].tag != 0)
			grown.entries[place_of(&grown, &map->entries[i])] = map->entries[i];
	free(map->entries);
	map->entries = grown.entries;
	map->capacity = grown.capacity;
	return true;
}

static struct map_entry entry_of(const struct map_key *key, uint32_t value)
{
	return (struct map_entry){.a = key->a, .b = key->b, .tag = key->tag + 1, .value = value};
}

void map_free(struct map *map)
{
	free(map->entries);
	*map = (struct map){.hash_key = map->hash_key};
}

uint32_t *map_find(const struct map *map, const struct map_key *key)
{
	struct map_entry wanted = entry_of(key, 0);
	struct map_entry *entry;

	if (map->count == 0)
		return NULL;
	entry = &map->entries[place_of(map, &wanted)];
	return entry->tag ? &entry->value : NULL;
}

uint32_t *map_put(struct map *map, const struct map_key *key, uint32_t fresh)
{
	struct map_entry wanted = entry_of(key, fresh);
	struct map_entry *entry;

	if (map->count + 1 > map->capacity / 4 * 3 && !grow(map))
		return NULL;
	entry = &map->entries[place_of(map, &wanted)];
	if (entry->tag == 0) {
		*entry = wanted;
		map->count++;
	}
	return &entry->value;
}
