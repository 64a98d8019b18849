/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

/*
 * IPv4 addresses, which nearly all are, by one multiplication with the key: no two of them share a place more often than
 * by chance as long as nobody knows it.
 */
static size_t hash(const struct replay_sources *sources, const struct addr *addr)
{
	const uint64_t words[] = {addr->hi, addr->lo, addr->family};

	if (addr->family == ADDR_IP4)
		return (size_t)(((addr->lo + sources->key.k1) * (sources->key.k0 | 1)) >> 32);
	return (size_t)siphash_words(&sources->key, words, 3);
}

static struct replay_source *find_place(const struct replay_sources *sources, const struct addr *addr)
{
	size_t mask = sources->capacity - 1, at = hash(sources, addr) & mask;

	while (sources->places[at].addr.family != ADDR_NONE && !addr_equal(&sources->places[at].addr, addr))
		at = (at + 1) & mask;
	return &sources->places[at];
}

static int grow(struct replay_sources *sources, size_t capacity)
{
	struct replay_sources grown = *sources;

	grown.capacity = capacity;
	grown.places = calloc(capacity, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (size_t i = 0; i < sources->capacity; i++) {
		if (sources->places[i].addr.family != ADDR_NONE)
			*find_place(&grown, &sources->places[i].addr) = sources->places[i];
	}
	free(sources->places);
	*sources = grown;
	return 0;
}

/* At least a quarter of the places stays free. */
int replay_sources_reserve(struct replay_sources *sources, size_t more)
{
	size_t capacity = sources->capacity ? sources->capacity : FIRST_CAPACITY;

	while ((sources->count + more) * 4 > capacity * 3)
		capacity *= 2;
	return capacity == sources->capacity ? 0 : grow(sources, capacity);
}

void replay_sources_fetch(const struct replay_sources *sources, const struct addr *addr)
{
	__builtin_prefetch(&sources->places[hash(sources, addr) & (sources->capacity - 1)], 1);
}

int replay_sources_count(struct replay_sources *sources, const struct addr *addr, uint64_t tcp25,
			 uint64_t syn25)
{
	struct replay_source *source;
	int r = replay_sources_reserve(sources, 1);

	if (r < 0)
		return r;
	source = find_place(sources, addr);
	if (source->addr.family == ADDR_NONE) {
		source->addr = *addr;
		sources->count++;
	}
	source->tcp25 += tcp25;
	source->syn25 += syn25;
	return 0;
}

int replay_sources_add(struct replay_sources *sources, const struct addr *addr, bool syn)
{
	return replay_sources_count(sources, addr, 1, syn);
}

static int compare(const void *a, const void *b)
{
	const struct replay_source *one = a, *other = b;

	return addr_compare(&one->addr, &other->addr);
}

void replay_sources_sort(struct replay_sources *sources)
{
	size_t n = 0;

	for (size_t i = 0; i < sources->capacity; i++) {
		if (sources->places[i].addr.family != ADDR_NONE)
			sources->places[n++] = sources->places[i];
	}
	if (n > 0)
		qsort(sources->places, n, sizeof(*sources->places), compare);
}

void replay_sources_free(struct replay_sources *sources)
{
	free(sources->places);
	*sources = (struct replay_sources){.key = sources->key};
}
