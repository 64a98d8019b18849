/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/visits.h"

#include <stdlib.h>

enum { DIFFERENCE_MAX = 10, FIRST_CAPACITY = 16 };

static bool make_room(struct visits *visits)
{
	uint32_t capacity = visits->capacity ? visits->capacity * 2 : FIRST_CAPACITY;
	uint8_t *grown;

	if (visits->capacity - visits->len >= DIFFERENCE_MAX)
		return true;
	grown = realloc(visits->rest, capacity);
	if (!grown)
		return false;
	visits->rest = grown;
	visits->capacity = capacity;
	return true;
}

bool visits_add(struct visits *visits, int64_t record)
{
	uint64_t difference = (uint64_t)(record - visits->last);

	if (visits->first == 0) {
		visits->first = visits->last = record;
		return true;
	}
	if (!make_room(visits))
		return false;
	for (; difference > 0x7f; difference >>= 7)
		visits->rest[visits->len++] = (uint8_t)(0x80 | (difference & 0x7f));
	visits->rest[visits->len++] = (uint8_t)difference;
	visits->last = record;
	return true;
}

void visits_free(struct visits *visits)
{
	free(visits->rest);
	*visits = (struct visits){0};
}

int64_t visits_next(const uint8_t *rest, size_t len, size_t *at, int64_t id)
{
	uint64_t difference = 0;

	for (unsigned bits = 0; *at < len; bits += 7) {
		uint8_t byte = rest[(*at)++];

		if (bits < 63)
			difference |= (uint64_t)(byte & 0x7f) << bits;
		if (!(byte & 0x80))
			return (int64_t)((uint64_t)id + difference);
	}
	return 0;
}
