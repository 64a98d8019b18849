/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, RADIX_WORTH = 10000, MERGE_SHARE = 16 };

/* The longest stretch that is in order: its beginning, and its end in *ret_end. */
static size_t longest_run(const struct sort *s, size_t *ret_end)
{
	size_t begin = 0, best = 0, best_end = s->count > 0;

	for (size_t i = 1; i <= s->count; i++) {
		if (i < s->count && s->compare(s->items + (i - 1) * s->size, s->items + i * s->size) <= 0)
			continue;
		if (i - begin > best_end - best) {
			best = begin;
			best_end = i;
		}
		begin = i;
	}
	*ret_end = best_end;
	return best;
}

/* Merges the `count` ordered items of `others` with the run, which stands at the end of all items. */
static void merge(const struct sort *s, const char *others, size_t count)
{
	char *out = s->items, *run = s->items + count * s->size, *end = s->items + s->count * s->size;
	const char *others_end = others + count * s->size;

	while (others < others_end) {
		if (run < end && s->compare(run, others) <= 0) {
			memmove(out, run, s->size);
			run += s->size;
		} else {
			memcpy(out, others, s->size);
			others += s->size;
		}
		out += s->size;
	}
}

static void sort_in_place(const struct sort *s)
{
	qsort(s->items, s->count, s->size, s->compare);
}

static void sort_around_run(const struct sort *s, size_t begin, size_t end)
{
	size_t count = s->count - (end - begin);
	char *others = reallocarray(NULL, count, s->size);

	if (!others) {
		sort_in_place(s);
		return;
	}
	memcpy(others, s->items, begin * s->size);
	memcpy(others + begin * s->size, s->items + end * s->size, (s->count - end) * s->size);
	qsort(others, count, s->size, s->compare);
	memmove(s->items + count * s->size, s->items + begin * s->size, (end - begin) * s->size);
	merge(s, others, count);
	free(others);
}

/* One pass, stable, from items to spare; false when all fall into one bucket and nothing needs to move. */
static bool radix_pass(const struct sort *s, char *spare, unsigned shift)
{
	size_t starts[RADIX] = {0};
	size_t at = 0;

	for (size_t i = 0; i < s->count; i++)
		starts[s->high(s->items + i * s->size) >> shift & (RADIX - 1)]++;
	if (starts[s->high(s->items) >> shift & (RADIX - 1)] == s->count)
		return false;
	for (size_t i = 0; i < RADIX; i++) {
		size_t count = starts[i];

		starts[i] = at;
		at += count;
	}
	for (size_t i = 0; i < s->count; i++) {
		const char *item = s->items + i * s->size;

		memcpy(spare + starts[s->high(item) >> shift & (RADIX - 1)]++ * s->size, item, s->size);
	}
	return true;
}

static void sort_equal_highs(const struct sort *s)
{
	size_t end;

	for (size_t i = 0; i < s->count; i = end) {
		uint64_t high = s->high(s->items + i * s->size);

		for (end = i + 1; end < s->count && s->high(s->items + end * s->size) == high;)
			end++;
		if (end - i > 1)
			qsort(s->items + i * s->size, end - i, s->size, s->compare);
	}
}

static void sort_by_radix(struct sort *s)
{
	char *memory = reallocarray(NULL, s->count, s->size);
	char *items = s->items, *spare = memory;

	if (!memory) {
		sort_in_place(s);
		return;
	}
	for (unsigned shift = 0; shift < s->high_bits; shift += RADIX_BITS) {
		char *sorted = spare;

		if (!radix_pass(s, spare, shift))
			continue;
		spare = s->items;
		s->items = sorted;
	}
	if (s->items != items)
		memcpy(items, s->items, s->count * s->size);
	s->items = items;
	free(memory);
	sort_equal_highs(s);
}

void sort_items(struct sort *s)
{
	size_t end, begin = longest_run(s, &end);

	if (end - begin == s->count)
		return;
	if (s->count - (end - begin) <= s->count / MERGE_SHARE)
		sort_around_run(s, begin, end);
	else if (s->count >= RADIX_WORTH)
		sort_by_radix(s);
	else
		sort_in_place(s);
}
