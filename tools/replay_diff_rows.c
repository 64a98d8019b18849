/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_diff.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

static struct diff_row *find_place(const struct diff_rows *rows, const struct prefix *subscriber)
{
	const uint64_t words[] = {subscriber->addr.hi, subscriber->addr.lo,
				  (uint64_t)subscriber->len << 8 | subscriber->addr.family};
	size_t mask = rows->capacity - 1, at = siphash_words(&rows->key, words, 3) & mask;

	while (rows->places[at].used && prefix_compare(&rows->places[at].subscriber, subscriber) != 0)
		at = (at + 1) & mask;
	return &rows->places[at];
}

static bool reserve(struct diff_rows *rows)
{
	struct diff_rows grown = *rows;

	if ((rows->count + 1) * 4 <= rows->capacity * 3)
		return true;
	grown.capacity = rows->capacity ? rows->capacity * 2 : FIRST_CAPACITY;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
	if (!grown.places)
		return false;
	for (size_t i = 0; i < rows->capacity; i++)
		if (rows->places[i].used)
			*find_place(&grown, &rows->places[i].subscriber) = rows->places[i];
	free(rows->places);
	*rows = grown;
	return true;
}

struct diff_row *diff_rows_get(struct diff_rows *rows, const struct prefix *subscriber)
{
	struct diff_row *row;

	if (!reserve(rows))
		return NULL;
	row = find_place(rows, subscriber);
	if (row->used)
		return row;
	if (rows->words > 0) {
		row->blocked = calloc(2 * rows->words, sizeof(*row->blocked));
		if (!row->blocked)
			return NULL;
	}
	row->subscriber = *subscriber;
	row->used = true;
	rows->count++;
	return row;
}

static int compare(const void *a, const void *b)
{
	const struct diff_row *one = a, *other = b;

	return prefix_compare(&one->subscriber, &other->subscriber);
}

void diff_rows_sort(struct diff_rows *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->capacity; i++)
		if (rows->places[i].used)
			rows->places[n++] = rows->places[i];
	if (n > 1)
		qsort(rows->places, n, sizeof(*rows->places), compare);
}

void diff_rows_free(struct diff_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->places[i].blocked);
	free(rows->places);
}
