/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lpm/lpm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
	size_t divided;      /* starts that are no multiples of 256 */
	uint16_t value_most; /* the greatest */
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
	struct shape4 shape = {.value_most = build->value};
	uint16_t value = build->value;

	for (size_t i = build->next; i < end; i++) {
		if (build->ranges[i].value == value)
			continue;
		value = build->ranges[i].value;
		shape.starts++;
		shape.divided += (uint8_t)build->ranges[i].start != 0;
		if (value > shape.value_most)
			shape.value_most = value;
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

static struct lpm4_chunk plan_list(const struct build4 *build, const struct shape4 *shape)
{
	return (struct lpm4_chunk){
		.first = (uint32_t)build->used,
		.number = (uint16_t)(shape->starts - 1),
		.form = (uint16_t)(LPM4_LIST | (shape->divided ? 0 : LPM4_NARROW_STARTS) |
				   (shape->value_most > UINT8_MAX ? 0 : LPM4_NARROW_VALUES)),
	};
}

/* The map being written; the memory for its values is behind it, more than it may need. */
struct drawing {
	struct lpm4_map *map;
	uint16_t *values;
	bool narrow;
	size_t count; /* values so far */
	uint16_t last;
	bool divided; /* some slot is */
};

/* From the slot on, the value is in force. */
static void draw(struct drawing *drawing, size_t slot, uint16_t value)
{
	if (slot >> LPM4_SLOT_BITS || (drawing->count > 0 && value == drawing->last))
		return;
	if (slot > 0)
		drawing->map->bits[slot / 64] |= UINT64_C(1) << slot % 64;
	put(drawing->values, drawing->count++, drawing->narrow, value);
	drawing->last = value;
}

/* The slot of the first of the ranges is divided; draws it and what is in force behind. Returns how many ranges are in it. */
static size_t draw_divided(struct drawing *drawing, const struct lpm4_range *ranges, size_t count)
{
	uint32_t slot = ranges[0].start >> LPM4_SLOT_BITS;
	size_t in = 1;

	while (in < count && ranges[in].start >> LPM4_SLOT_BITS == slot)
		in++;
	drawing->divided = true;
	draw(drawing, (uint8_t)slot, drawing->narrow ? LPM4_MAP_DIVIDED_NARROW : LPM4_MAP_DIVIDED);
	/* A neighbour that is divided, or begins anew, says so itself. */
	if (in == count || ranges[in].start >> LPM4_SLOT_BITS != slot + 1)
		draw(drawing, (size_t)(uint8_t)slot + 1, ranges[in - 1].value);
	return in;
}

static bool slot_divided(const struct lpm4_range *ranges, size_t count)
{
	return (uint8_t)ranges[0].start != 0 ||
	       (count > 1 && ranges[1].start >> LPM4_SLOT_BITS == ranges[0].start >> LPM4_SLOT_BITS);
}

/* True when the map needs a list behind it. */
static bool write_map(struct build4 *build, bool narrow, size_t end)
{
	struct lpm4_map *map = (void *)(build->lpm->lists + build->used);
	struct drawing drawing = {.map = map, .values = (uint16_t *)(map + 1), .narrow = narrow};

	memset(map, 0, sizeof(*map));
	/* What starts in the first slot divides it: a start of the chunk's own is in build->value by now. */
	if (build->next == end || build->ranges[build->next].start & 0xff00)
		draw(&drawing, 0, build->value);
	for (size_t i = build->next; i < end;) {
		const struct lpm4_range *range = &build->ranges[i];

		if (slot_divided(range, end - i)) {
			i += draw_divided(&drawing, range, end - i);
			continue;
		}
		draw(&drawing, (uint8_t)(range->start >> LPM4_SLOT_BITS), range->value);
		i++;
	}
	for (size_t i = 1; i < LPM4_MAP_WORDS; i++)
		map->before[i] = (uint8_t)(map->before[i - 1] + __builtin_popcountll(map->bits[i - 1]));
	build->used += LPM4_MAP_UNITS + lpm4_units(drawing.count, narrow);
	return drawing.divided;
}

/* The list that a map leads to stands behind it, and the structure that describes it before the list. */
static void build_map(struct build4 *build, struct lpm4_chunk *chunk, const struct shape4 *shape, size_t end)
{
	struct lpm4_chunk list;
	uint16_t *at;

	*chunk = (struct lpm4_chunk){
		.first = (uint32_t)build->used,
		.form = (uint16_t)(LPM4_MAP | (shape->value_most > UINT8_MAX ? 0 : LPM4_NARROW_VALUES)),
	};
	if (!write_map(build, chunk->form & LPM4_NARROW_VALUES, end)) {
		build->value = build->ranges[end - 1].value;
		return;
	}
	chunk->number = (uint16_t)(build->used - chunk->first);
	at = build->lpm->lists + build->used;
	build->used += LPM4_CHUNK_UNITS;
	list = plan_list(build, shape);
	at[0] = (uint16_t)list.first;
	at[1] = (uint16_t)(list.first >> 16);
	at[2] = list.number;
	at[3] = list.form;
	write_list(build, &list, shape, end);
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
	} else if (shape.starts >= LPM4_MAP_STARTS_MIN && shape.divided <= shape.starts / 2) {
		build_map(build, chunk, &shape, end);
	} else {
		*chunk = plan_list(build, &shape);
		write_list(build, chunk, &shape, end);
	}
	build->next = end;
}

/*
 * A list of n starts takes 2 n + 1 units at most, and no more chunks have one than there are ranges. A map has two bits
 * for a range at most.
 */
static size_t units_bound(size_t count)
{
	size_t chunks = count < LPM4_CHUNKS ? count : LPM4_CHUNKS;

	return 4 * count + chunks * (2 + LPM4_MAP_UNITS + LPM4_CHUNK_UNITS);
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
