/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lpm/lpm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lpm/table.h"

struct build4 {
	struct lpm4 *lpm;
	const struct lpm4_range *ranges;
	size_t count;
	size_t next;    /* the first range of the chunks still to come */
	uint16_t value; /* in force where the next chunk begins */
	size_t used;    /* units of lpm->lists */
};

/* What one chunk's list must hold; neighbours of equal value count as one range. */
struct shape4 {
	size_t starts;
	uint32_t all_starts; /* or-ed */
	uint16_t all_values; /* or-ed */
};

static int check_ranges(const struct lpm4_range *ranges, size_t count)
{
	if (count > LPM4_RANGES_MAX)
		return -E2BIG;
	if (count == 0 || ranges[0].start != 0)
		return -EINVAL;
	for (size_t i = 1; i < count; i++) {
		if (ranges[i].start <= ranges[i - 1].start)
			return -EINVAL;
	}
	return 0;
}

static struct shape4 measure_chunk(const struct build4 *build, size_t end)
{
	struct shape4 shape = {.all_values = build->value};
	uint16_t value = build->value;

	for (size_t i = build->next; i < end; i++) {
		if (build->ranges[i].value == value)
			continue;
		value = build->ranges[i].value;
		shape.starts++;
		shape.all_starts |= build->ranges[i].start;
		shape.all_values |= value;
	}
	return shape;
}

static void put(uint16_t *list, size_t position, bool narrow, uint16_t number)
{
	if (narrow)
		((uint8_t *)list)[position] = (uint8_t)number;
	else
		list[position] = number;
}

static void write_list(struct build4 *build, const struct lpm4_chunk *chunk, const struct shape4 *shape,
		       size_t end)
{
	bool narrow_starts = chunk->form & LPM4_NARROW_STARTS,
	     narrow_values = chunk->form & LPM4_NARROW_VALUES;
	uint16_t *starts = build->lpm->lists + chunk->first;
	uint16_t *values = starts + lpm4_units(shape->starts, narrow_starts);
	size_t rank = 0;

	put(values, 0, narrow_values, build->value);
	for (size_t i = build->next; i < end; i++) {
		uint16_t start = (uint16_t)build->ranges[i].start;

		if (build->ranges[i].value == build->value)
			continue;
		build->value = build->ranges[i].value;
		put(starts, rank++, narrow_starts, narrow_starts ? start >> 8 : start);
		put(values, rank, narrow_values, build->value);
	}
	build->used = (size_t)(values - build->lpm->lists) + lpm4_units(shape->starts + 1, narrow_values);
}

static void build_chunk(struct build4 *build, size_t number)
{
	struct lpm4_chunk *chunk = &build->lpm->chunks[number];
	size_t end = build->next;
	struct shape4 shape;

	while (end < build->count && build->ranges[end].start >> (32 - LPM4_CHUNK_BITS) == number)
		end++;
	if (build->next < end && (uint16_t)build->ranges[build->next].start == 0)
		build->value = build->ranges[build->next++].value;
	shape = measure_chunk(build, end);
	if (shape.starts == 0) {
		*chunk = (struct lpm4_chunk){.form = LPM4_DIRECT, .number = build->value};
	} else {
		*chunk = (struct lpm4_chunk){
			.first = (uint32_t)build->used,
			.number = (uint16_t)(shape.starts - 1),
			.form = (uint16_t)(LPM4_LIST | (shape.all_starts & 0xff ? 0 : LPM4_NARROW_STARTS) |
					   (shape.all_values > 0xff ? 0 : LPM4_NARROW_VALUES)),
		};
		write_list(build, chunk, &shape, end);
	}
	build->next = end;
}

/* A list of n starts takes 2 n + 1 units at most, and no more chunks have one than there are ranges. */
static size_t units_bound(size_t count)
{
	return 2 * count + (count < LPM4_CHUNKS ? count : LPM4_CHUNKS);
}

int lpm4_build(const struct lpm4_range *ranges, size_t count, struct lpm4 **ret)
{
	struct build4 build = {.ranges = ranges, .count = count};
	struct lpm4 *smaller;
	int error = check_ranges(ranges, count);

	if (error)
		return error;
	build.lpm = malloc(sizeof(*build.lpm) + units_bound(count) * sizeof(build.lpm->lists[0]));
	if (!build.lpm)
		return -ENOMEM;
	for (size_t i = 0; i < LPM4_CHUNKS; i++)
		build_chunk(&build, i);
	build.lpm->memory = sizeof(*build.lpm) + build.used * sizeof(build.lpm->lists[0]);
	smaller = realloc(build.lpm, build.lpm->memory);
	*ret = smaller ? smaller : build.lpm;
	return 0;
}

void lpm4_free(struct lpm4 *lpm)
{
	free(lpm);
}

size_t lpm4_memory(const struct lpm4 *lpm)
{
	return lpm->memory;
}
