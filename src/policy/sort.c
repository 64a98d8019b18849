/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of policy.ip4 and ip6: by address, length, role, rule, and where equal by place. Lists that come sorted
 * are left as they are, and a few other prefixes before and behind such a list are merged with it; large others go by
 * the upper bits of the address in radix passes, then by comparison among the few that these bits do not tell apart.
 */
#include "policy/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, RADIX_WORTH = 10000, MERGE_SHARE = 16 };

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What follows the address in the order, as one number. */
static uint64_t tail4(const struct policy_prefix4 *entry)
{
	return (uint64_t)entry->len << 56 | (uint64_t)entry->role << 48 | (uint64_t)entry->rule << 16 |
	       entry->source;
}

static uint64_t tail6(const struct policy_prefix6 *entry)
{
	return (uint64_t)entry->len << 56 | (uint64_t)entry->role << 48 | (uint64_t)entry->rule << 16 |
	       entry->source;
}

static int compare4(const void *left, const void *right)
{
	const struct policy_prefix4 *a = left, *b = right;
	int order = compare_u64(a->addr, b->addr);

	if (order == 0)
		order = compare_u64(tail4(a), tail4(b));
	return order ? order : compare_u64(a->line, b->line);
}

static int compare6(const void *left, const void *right)
{
	const struct policy_prefix6 *a = left, *b = right;
	int order = compare_u64(a->hi, b->hi);

	if (order == 0)
		order = compare_u64(a->lo, b->lo);
	if (order == 0)
		order = compare_u64(tail6(a), tail6(b));
	return order ? order : compare_u64(a->line, b->line);
}

static uint64_t high4(const char *item)
{
	struct policy_prefix4 entry;

	memcpy(&entry, item, sizeof(entry));
	return entry.addr;
}

static uint64_t high6(const char *item)
{
	struct policy_prefix6 entry;

	memcpy(&entry, item, sizeof(entry));
	return entry.hi;
}

/* An array of one of the two kinds, and how to order it. */
struct sorting {
	char *items;
	size_t count, size;
	unsigned high_bits; /* bits that high() returns */
	uint64_t (*high)(const char *item);
	int (*compare)(const void *left, const void *right);
};

/* The longest stretch that is in order: its beginning, and its end in *ret_end. */
static size_t longest_run(const struct sorting *s, size_t *ret_end)
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
static void merge(const struct sorting *s, const char *others, size_t count)
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

static int sort_around_run(const struct sorting *s, size_t begin, size_t end)
{
	size_t count = s->count - (end - begin);
	char *others = reallocarray(NULL, count, s->size);

	if (!others)
		return -ENOMEM;
	memcpy(others, s->items, begin * s->size);
	memcpy(others + begin * s->size, s->items + end * s->size, (s->count - end) * s->size);
	qsort(others, count, s->size, s->compare);
	memmove(s->items + count * s->size, s->items + begin * s->size, (end - begin) * s->size);
	merge(s, others, count);
	free(others);
	return 0;
}

/* One pass, stable, from items to spare; false when all fall into one bucket and nothing needs to move. */
static bool radix_pass(const struct sorting *s, char *spare, unsigned shift)
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

static void sort_equal_highs(const struct sorting *s)
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

static int sort_by_radix(struct sorting *s)
{
	char *memory = reallocarray(NULL, s->count, s->size);
	char *items = s->items, *spare = memory;

	if (!memory)
		return -ENOMEM;
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
	return 0;
}

static int sort(struct sorting *s)
{
	size_t end, begin = longest_run(s, &end);

	if (end - begin == s->count)
		return 0;
	if (s->count - (end - begin) <= s->count / MERGE_SHARE)
		return sort_around_run(s, begin, end);
	if (s->count >= RADIX_WORTH)
		return sort_by_radix(s);
	qsort(s->items, s->count, s->size, s->compare);
	return 0;
}

int policy_prefixes_sort(struct policy *policy)
{
	struct sorting ip4 = {.items = (char *)policy->ip4,
			      .count = policy->ip4_count,
			      .size = sizeof(*policy->ip4),
			      .high_bits = 32,
			      .high = high4,
			      .compare = compare4};
	struct sorting ip6 = {.items = (char *)policy->ip6,
			      .count = policy->ip6_count,
			      .size = sizeof(*policy->ip6),
			      .high_bits = 64,
			      .high = high6,
			      .compare = compare6};
	int error = sort(&ip4);

	return error ? error : sort(&ip6);
}
