/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64, FAMILY_SHIFT = 60 };

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

static bool is_taken_by_other(const struct replay_place *place, const struct addr *addr)
{
	return place->tcp25 != 0 && (place->lo != addr->lo || place->hi != addr->hi ||
				     place->tcp25 >> FAMILY_SHIFT != addr->family);
}

static struct replay_place *find_place(const struct replay_sources *sources, const struct addr *addr)
{
	size_t mask = sources->capacity - 1, at = hash(sources, addr) & mask;

	while (is_taken_by_other(&sources->places[at], addr))
		at = (at + 1) & mask;
	return &sources->places[at];
}

struct replay_source replay_sources_get(const struct replay_sources *sources, size_t at)
{
	const struct replay_place *place = &sources->places[at];

	return (struct replay_source){
		.addr = {.hi = place->hi, .lo = place->lo, .family = (uint8_t)(place->tcp25 >> FAMILY_SHIFT)},
		.tcp25 = place->tcp25 & ~(UINT64_C(0xf) << FAMILY_SHIFT),
		.syn25 = place->syn25,
	};
}

static int grow(struct replay_sources *sources, size_t capacity)
{
	struct replay_sources grown = *sources;

	grown.capacity = capacity;
	grown.places = aligned_alloc(2 * sizeof(*grown.places), capacity * sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	memset(grown.places, 0, capacity * sizeof(*grown.places));
	for (size_t i = 0; i < sources->capacity; i++) {
		struct replay_source source = replay_sources_get(sources, i);

		if (source.addr.family != ADDR_NONE)
			*find_place(&grown, &source.addr) = sources->places[i];
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

void replay_sources_count_reserved(struct replay_sources *sources, const struct addr *addr, uint64_t tcp25,
				   uint64_t syn25)
{
	struct replay_place *place = find_place(sources, addr);

	if (place->tcp25 == 0) {
		place->hi = addr->hi;
		place->lo = addr->lo;
		place->tcp25 = (uint64_t)addr->family << FAMILY_SHIFT;
		sources->count++;
	}
	place->tcp25 += tcp25;
	place->syn25 += syn25;
}

int replay_sources_count(struct replay_sources *sources, const struct addr *addr, uint64_t tcp25,
			 uint64_t syn25)
{
	int r = replay_sources_reserve(sources, 1);

	if (r == 0)
		replay_sources_count_reserved(sources, addr, tcp25, syn25);
	return r;
}

int replay_sources_add(struct replay_sources *sources, const struct addr *addr, bool syn)
{
	return replay_sources_count(sources, addr, 1, syn);
}

static int compare(const void *a, const void *b)
{
	const struct replay_place *one = a, *other = b;
	uint64_t families[] = {one->tcp25 >> FAMILY_SHIFT, other->tcp25 >> FAMILY_SHIFT};

	if (families[0] != families[1])
		return families[0] < families[1] ? -1 : 1;
	if (one->hi != other->hi)
		return one->hi < other->hi ? -1 : 1;
	return one->lo < other->lo ? -1 : one->lo > other->lo;
}

void replay_sources_sort(struct replay_sources *sources)
{
	size_t n = 0;

	for (size_t i = 0; i < sources->capacity; i++) {
		if (sources->places[i].tcp25 != 0)
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
