/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

static struct replay_source *find_place(const struct replay_sources *sources, const struct addr *addr)
{
	const uint64_t words[] = {addr->hi, addr->lo, addr->family};
	size_t mask = sources->capacity - 1, at = siphash_words(&sources->key, words, 3) & mask;

	while (sources->places[at].addr.family != ADDR_NONE && !addr_equal(&sources->places[at].addr, addr))
		at = (at + 1) & mask;
	return &sources->places[at];
}

/* Room for one more with a quarter of the places left free. */
static int reserve(struct replay_sources *sources)
{
	struct replay_sources grown = *sources;

	if ((sources->count + 1) * 4 <= sources->capacity * 3)
		return 0;
	grown.capacity = sources->capacity ? sources->capacity * 2 : FIRST_CAPACITY;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
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

int replay_sources_add(struct replay_sources *sources, const struct addr *addr, bool syn)
{
	struct replay_source *source;
	int r = reserve(sources);

	if (r < 0)
		return r;
	source = find_place(sources, addr);
	if (source->addr.family == ADDR_NONE) {
		source->addr = *addr;
		sources->count++;
	}
	source->tcp25++;
	source->syn25 += syn;
	return 0;
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
