/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/sort.h"

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

static uint32_t short_packets(const struct replay_short_place *place)
{
	return place->counts & UINT16_MAX;
}

static uint32_t short_counts(bool syn)
{
	return 1 + ((uint32_t)syn << 16);
}

/* at: where to begin to look, of any size. */
static inline struct replay_short_place *find_short(const struct replay_sources *sources, uint32_t addr,
						    size_t at)
{
	size_t mask = sources->short_capacity - 1;

	for (at &= mask; sources->short_places[at].addr != addr && sources->short_places[at].counts != 0;)
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

		if (place->counts != 0)
			*find_short(&grown, place->addr, hash4(&grown, place->addr)) = *place;
	}
	free(sources->short_places);
	*sources = grown;
	return 0;
}

static void move_counts(struct replay_sources *sources, const struct replay_short_place *place)
{
	struct addr addr = addr_ip4(place->addr);

	add_counts(sources, &addr, short_packets(place), place->counts >> 16);
}

/* Moves all counts to `places`, where nothing can be found any more; each address has one there. */
static void settle(struct replay_sources *sources)
{
	bool alone = sources->count == 0;
	size_t n = 0;

	for (size_t i = 0; i < sources->short_capacity && sources->short_count > 0; i++) {
		const struct replay_short_place *place = &sources->short_places[i];

		if (place->counts == 0)
			continue;
		if (alone)
			sources->places[n++] = (struct replay_place){
				.lo = place->addr,
				.tcp25 = short_packets(place) | (uint64_t)ADDR_IP4 << FAMILY_SHIFT,
				.syn25 = place->counts >> 16,
			};
		else
			move_counts(sources, place);
		sources->short_count--;
	}
	if (alone)
		sources->count = n;
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

static int reserve_places(struct replay_sources *sources, size_t count)
{
	size_t capacity = capacity_for(sources->capacity, count);

	return capacity == sources->capacity ? 0 : grow(sources, capacity);
}

/* The large table also has room for all that is to be moved there. */
int replay_sources_reserve(struct replay_sources *sources, size_t more)
{
	size_t short_capacity = capacity_for(sources->short_capacity, sources->short_count + more);
	int r = reserve_places(sources, sources->count + sources->short_count + more);

	if (r == 0 && short_capacity != sources->short_capacity)
		r = grow_short(sources, short_capacity);
	return r;
}

/* Counts that would run over are moved first. */
static inline void add4(struct replay_sources *sources, uint32_t addr, size_t at, bool syn)
{
	struct replay_short_place *place = find_short(sources, addr, at);

	if (place->counts == 0) {
		place->addr = addr;
		sources->short_count++;
	} else if (short_packets(place) == UINT16_MAX) {
		move_counts(sources, place);
		place->counts = 0;
	}
	place->counts += short_counts(syn);
}

void replay_sources_add_reserved(struct replay_sources *sources, const struct addr *addr, bool syn)
{
	if (addr->family == ADDR_IP4)
		add4(sources, (uint32_t)addr->lo, hash4(sources, (uint32_t)addr->lo), syn);
	else
		add_counts(sources, addr, 1, syn);
}

int replay_sources_expect(struct replay_sources *sources, const struct packet_lot4 *lot,
			  struct replay_mail *ret)
{
	size_t syns = 0;
	int r = replay_sources_reserve(sources, lot->mails);

	if (r < 0)
		return r;
	for (size_t i = 0; i < lot->mails; i++) {
		uint8_t index = lot->mail[i];

		ret->at[i] =
			(uint32_t)hash4(sources, lot->src[index]) & (uint32_t)(sources->short_capacity - 1);
		__builtin_prefetch(&sources->short_places[ret->at[i]], 1);
		syns += replay_is_syn(lot->tcp_flags[index]);
	}
	ret->syns = syns;
	return 0;
}

void replay_sources_add_mail(struct replay_sources *sources, const struct packet_lot4 *lot,
			     const struct replay_mail *mail)
{
	for (size_t i = 0; i < lot->mails; i++)
		add4(sources, lot->src[lot->mail[i]], mail->at[i],
		     replay_is_syn(lot->tcp_flags[lot->mail[i]]));
}

/* Adds another table's counts of an address, in tables that have room for it. */
static void add_short(struct replay_sources *sources, const struct replay_short_place *other)
{
	struct replay_short_place *place = find_short(sources, other->addr, hash4(sources, other->addr));

	if (place->counts == 0) {
		place->addr = other->addr;
		sources->short_count++;
	} else if (short_packets(place) + short_packets(other) > UINT16_MAX) {
		move_counts(sources, place);
		place->counts = 0;
	}
	place->counts += other->counts;
}

static int merge_places(struct replay_sources *sources, const struct replay_sources *other)
{
	int r = 0;

	for (size_t i = 0; i < other->capacity && r == 0; i++) {
		struct replay_source source = replay_sources_get(other, i);

		if (source.addr.family == ADDR_NONE)
			continue;
		r = replay_sources_reserve(sources, 1);
		if (r == 0)
			add_counts(sources, &source.addr, source.tcp25, source.syn25);
	}
	return r;
}

int replay_sources_merge(struct replay_sources *sources, const struct replay_sources *other)
{
	int r = other->count > 0 ? merge_places(sources, other) : 0;

	for (size_t i = 0; i < other->short_capacity && r == 0; i++) {
		if (other->short_places[i].counts == 0)
			continue;
		r = replay_sources_reserve(sources, 1);
		if (r == 0)
			add_short(sources, &other->short_places[i]);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct replay_place *one = a, *other = b;

	if (one->hi != other->hi)
		return one->hi < other->hi ? -1 : 1;
	return one->lo < other->lo ? -1 : one->lo > other->lo;
}

static uint64_t high4(const char *item)
{
	struct replay_place place;

	memcpy(&place, item, sizeof(place));
	return place.lo;
}

static uint64_t high6(const char *item)
{
	struct replay_place place;

	memcpy(&place, item, sizeof(place));
	return place.hi;
}

/* Brings a family's places to *at, which moves behind them, in the order of their addresses. */
static void sort_family(struct replay_sources *sources, uint8_t family, size_t *at)
{
	struct replay_place *places = sources->places;
	struct sort sort = {
		.items = (char *)(places + *at),
		.size = sizeof(*places),
		.high_bits = family == ADDR_IP4 ? 32 : 64,
		.high = family == ADDR_IP4 ? high4 : high6,
		.compare = compare,
	};

	for (size_t i = *at; i < sources->capacity; i++) {
		struct replay_place found = places[i];

		if (found.tcp25 >> FAMILY_SHIFT != family)
			continue;
		places[i] = places[*at];
		places[(*at)++] = found;
		sort.count++;
	}
	sort_items(&sort);
}

void replay_sources_sort(struct replay_sources *sources)
{
	size_t at = 0;

	settle(sources);
	sort_family(sources, ADDR_IP4, &at);
	sort_family(sources, ADDR_IP6, &at);
}

void replay_sources_free(struct replay_sources *sources)
{
	free(sources->places);
	free(sources->short_places);
	*sources = (struct replay_sources){.key = sources->key};
}
