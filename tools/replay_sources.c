/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FIRST_CAPACITY = 64, FAMILY_SHIFT = 60, BIG_PAGE = 2 * 1024 * 1024 };

/* No two IPv4 addresses share a place more often than by chance as long as nobody knows the key. */
static size_t hash4(const struct replay_sources *sources, uint32_t addr)
{
	return (size_t)(((addr + sources->key.k1) * (sources->key.k0 | 1)) >> 32);
}

static size_t hash(const struct replay_sources *sources, const struct addr *addr)
{
	const uint64_t words[] = {addr->hi, addr->lo, addr->family};

	return addr->family == ADDR_IP4 ? hash4(sources, (uint32_t)addr->lo)
					: (size_t)siphash_words(&sources->key, words, 3);
}

/* ---- places ---- */

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
	grown.places = calloc(capacity, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (size_t i = 0; i < sources->capacity && sources->count > 0; i++) {
		struct replay_source source = replay_sources_get(sources, i);

		if (source.addr.family != ADDR_NONE)
			*find_place(&grown, &source.addr) = sources->places[i];
	}
	free(sources->places);
	*sources = grown;
	return 0;
}

static void add_counts(struct replay_sources *sources, const struct addr *addr, uint64_t tcp25,
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

/* ---- short places ---- */

static struct replay_short_place *find_short(const struct replay_sources *sources, uint32_t addr)
{
	size_t mask = sources->short_capacity - 1, at = hash4(sources, addr) & mask;

	while (sources->short_places[at].tcp25 != 0 && sources->short_places[at].addr != addr)
		at = (at + 1) & mask;
	return &sources->short_places[at];
}

/* A big table lies in big pages where there are any: its places are met at random. NULL without memory. */
static struct replay_short_place *make_short(size_t capacity)
{
	size_t size = capacity * sizeof(struct replay_short_place);
	struct replay_short_place *places = aligned_alloc(size < BIG_PAGE ? FIRST_CAPACITY : BIG_PAGE, size);

	if (!places)
		return NULL;
	if (size >= BIG_PAGE)
		(void)madvise(places, size, MADV_HUGEPAGE);
	memset(places, 0, size);
	return places;
}

static int grow_short(struct replay_sources *sources, size_t capacity)
{
	struct replay_sources grown = *sources;

	grown.short_capacity = capacity;
	grown.short_places = make_short(capacity);
	if (!grown.short_places)
		return -ENOMEM;
	for (size_t i = 0; i < sources->short_capacity; i++) {
		const struct replay_short_place *place = &sources->short_places[i];

		if (place->tcp25 != 0)
			*find_short(&grown, place->addr) = *place;
	}
	free(sources->short_places);
	*sources = grown;
	return 0;
}

static void move_counts(struct replay_sources *sources, const struct replay_short_place *place)
{
	struct addr addr = addr_ip4(place->addr);

	add_counts(sources, &addr, place->tcp25, place->syn25);
}

void replay_sources_settle(struct replay_sources *sources)
{
	for (size_t i = 0; i < sources->short_capacity && sources->short_count > 0; i++) {
		if (sources->short_places[i].tcp25 == 0)
			continue;
		move_counts(sources, &sources->short_places[i]);
		sources->short_places[i] = (struct replay_short_place){0};
		sources->short_count--;
	}
}

/* ---- both ---- */

/* At least a quarter of the places stays free. */
static size_t capacity_for(size_t capacity, size_t count)
{
	if (capacity == 0)
		capacity = FIRST_CAPACITY;
	while (count * 4 > capacity * 3)
		capacity *= 2;
	return capacity;
}

/* The large table also has room for all that is to be moved there. */
int replay_sources_reserve(struct replay_sources *sources, size_t more)
{
	size_t short_capacity = capacity_for(sources->short_capacity, sources->short_count + more);
	size_t capacity = capacity_for(sources->capacity, sources->count + sources->short_count + more);
	int r = 0;

	if (capacity != sources->capacity)
		r = grow(sources, capacity);
	if (r == 0 && short_capacity != sources->short_capacity)
		r = grow_short(sources, short_capacity);
	return r;
}

static inline void add4(struct replay_sources *sources, uint32_t addr, bool syn)
{
	struct replay_short_place *place = find_short(sources, addr);

	if (place->tcp25 == 0) {
		place->addr = addr;
		sources->short_count++;
	} else if (place->tcp25 == UINT16_MAX) {
		move_counts(sources, place);
		place->tcp25 = place->syn25 = 0;
	}
	place->tcp25++;
	place->syn25 = (uint16_t)(place->syn25 + syn);
}

void replay_sources_add_reserved(struct replay_sources *sources, const struct addr *addr, bool syn)
{
	if (addr->family == ADDR_IP4)
		add4(sources, (uint32_t)addr->lo, syn);
	else
		add_counts(sources, addr, 1, syn);
}

void replay_sources_add_plain4(struct replay_sources *sources, const struct packet_plain4 *packets,
			       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (packets[i].dport == SMTP_PORT)
			add4(sources, packets[i].src, replay_is_syn(packets[i].tcp_flags));
}

void replay_sources_fetch_plain4(const struct replay_sources *sources, const struct packet_plain4 *packets,
				 size_t count)
{
	for (size_t i = 0; i < count && sources->short_capacity > 0; i++)
		if (packets[i].dport == SMTP_PORT)
			__builtin_prefetch(&sources->short_places[hash4(sources, packets[i].src) &
								  (sources->short_capacity - 1)],
					   1);
}

int replay_sources_count(struct replay_sources *sources, const struct addr *addr, uint64_t tcp25,
			 uint64_t syn25)
{
	int r = replay_sources_reserve(sources, 1);

	if (r == 0)
		add_counts(sources, addr, tcp25, syn25);
	return r;
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

	replay_sources_settle(sources);
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
	free(sources->short_places);
	*sources = (struct replay_sources){.key = sources->key};
}
