/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/joined.h"

#include "base/vec.h"
#include "ruleset/divide.h"
#include "ruleset/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_part_of(const struct image_set *set, const char *whole)
{
	char name[RULESET_NAME_MAX];

	return divide_whole_name(set->name, name) && strcmp(name, whole) == 0;
}

static bool is_in(const struct image_set *set, const char *whole)
{
	return strcmp(set->name, whole) == 0 || is_part_of(set, whole);
}

const struct image_set *joined_whole(const struct ruleset_image *a, const struct ruleset_image *b,
				     const struct image_set *part)
{
	char name[RULESET_NAME_MAX];
	const struct image_set *whole;

	if (!divide_whole_name(part->name, name))
		return NULL;
	whole = image_find_set(a, name);
	return whole ? whole : image_find_set(b, name);
}

static void look_at(const struct ruleset_image *image, const struct image_set *whole, struct joined *joined)
{
	for (size_t i = 0; i < image->set_count; i++) {
		const struct image_set *set = &image->sets[i];

		if (!is_in(set, whole->name))
			continue;
		joined->divided |= strcmp(set->name, whole->name) != 0;
		joined->unlike |= set->unread || strcmp(set->type, whole->type) != 0;
	}
}

struct joined joined_look(const struct ruleset_image *from, const struct ruleset_image *to,
			  const struct image_set *whole)
{
	struct joined joined = {.divided = false};

	look_at(from, whole, &joined);
	look_at(to, whole, &joined);
	return joined;
}

static size_t count_sets(const struct ruleset_image *image, const char *whole)
{
	size_t count = 0;

	for (size_t i = 0; i < image->set_count; i++)
		count += is_in(&image->sets[i], whole);
	return count;
}

bool joined_same(const struct ruleset_image *from, const struct ruleset_image *to, const char *whole)
{
	bool same = count_sets(from, whole) == count_sets(to, whole);

	for (size_t i = 0; i < from->set_count && same; i++) {
		const struct image_set *set = &from->sets[i], *other;

		if (!is_in(set, whole))
			continue;
		other = image_find_set(to, set->name);
		same = other && space_equal(&set->space, &other->space);
	}
	return same;
}

static int compare_ranges(const void *a_, const void *b_)
{
	const struct space_range *a = a_, *b = b_;

	return addr_compare(&a->first, &b->first);
}

static bool is_last(const struct addr *addr)
{
	return addr->lo == (addr->family == ADDR_IP4 ? UINT32_MAX : UINT64_MAX) &&
	       (addr->family == ADDR_IP4 || addr->hi == UINT64_MAX);
}

/* Ascending by their beginnings; what is told already is cut off. */
static int append_all(const struct space_range *ranges, size_t count, struct ruleset_set *ret)
{
	struct addr next = {.family = ret->family};
	bool ended = false;
	int r = 0;

	for (size_t i = 0; i < count && r == 0 && !ended; i++) {
		struct space_range range = ranges[i];

		if (addr_compare(&range.last, &next) < 0)
			continue;
		if (addr_compare(&range.first, &next) < 0)
			range.first = next;
		r = space_append(ret, &range);
		ended = is_last(&range.last);
		next = range.last;
		next.lo++;
		next.hi += next.lo == 0;
	}
	return r;
}

int joined_space(const struct ruleset_image *image, const char *whole, struct ruleset_set *ret)
{
	struct space_range *ranges = NULL;
	size_t count = 0, capacity = 0;
	int r = 0;

	for (size_t i = 0; i < image->set_count && r == 0; i++) {
		const struct ruleset_set *space = &image->sets[i].space;

		if (!is_in(&image->sets[i], whole) || space->count == 0)
			continue;
		if (!VEC_RESERVE(ranges, capacity, count + space->count))
			r = -ENOMEM;
		for (size_t k = 0; k < space->count && r == 0; k++)
			ranges[count++] = space_range_at(space, k);
	}
	if (r == 0 && count > 0) {
		qsort(ranges, count, sizeof(*ranges), compare_ranges);
		r = append_all(ranges, count, ret);
	}
	free(ranges);
	return r;
}
