/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lpm/lpm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "lpm/table.h"

static int compare(const struct lpm6_range *a, const struct lpm6_range *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static int check_ranges(const struct lpm6_range *ranges, size_t count)
{
	if (count > LPM6_RANGES_MAX)
		return -E2BIG;
	if (count == 0 || ranges[0].hi != 0 || ranges[0].lo != 0)
		return -EINVAL;
	for (size_t i = 1; i < count; i++) {
		if (compare(&ranges[i - 1], &ranges[i]) >= 0)
			return -EINVAL;
	}
	return 0;
}

/* Adds a range to the stretch that begins at list item `from`; a neighbour of equal leaf swallows it. */
static int push_range(struct lpm6_list *list, size_t from, uint64_t start, uint32_t leaf)
{
	if (list->count > from && list->items[list->count - 1].leaf == leaf)
		return 0;
	if (!VEC_RESERVE(list->items, list->capacity, list->count + 1))
		return -ENOMEM;
	list->items[list->count++] = (struct lpm6_item){start, leaf};
	return 0;
}

static int push_slots(struct lpm6 *lpm, size_t count)
{
	if (!VEC_RESERVE(lpm->slots, lpm->slot_capacity, lpm->slot_count + count))
		return -ENOMEM;
	lpm->slot_count += count;
	return 0;
}

static int push_node(struct lpm6 *lpm, const struct lpm6_node *node)
{
	if (!VEC_RESERVE(lpm->nodes, lpm->node_capacity, lpm->node_count + 1))
		return -ENOMEM;
	lpm->nodes[lpm->node_count++] = *node;
	return 0;
}

/* A node over the starts behind the first of the slot's ranges, with at least half as many slots as starts / 2. */
static struct lpm6_node plan_node(const struct lpm6 *lpm, const struct lpm6_list *list, struct lpm6_slot slot)
{
	uint64_t base = list->items[slot.first + 1].start;
	uint64_t span = list->items[slot.first + slot.more].start - base;
	uint32_t shift = 0;

	while (span >> shift >= slot.more / 2)
		shift++;
	return (struct lpm6_node){
		.base = base,
		.first = (uint32_t)lpm->slot_count,
		.last = (uint32_t)(span >> shift),
		.shift = shift,
	};
}

/*
 * Cuts the ranges `left` down to those of the node's slot `number`, and moves left on to the slots behind. The
 * first slot keeps the range before it in any case, for the addresses that lie before the node.
 */
static struct lpm6_slot cut_slot(const struct lpm6_list *list, const struct lpm6_node *node, uint32_t number,
				 struct lpm6_slot *left)
{
	struct lpm6_slot slot = {.first = left->first};

	while (left->more > 0 && (list->items[left->first + 1].start - node->base) >> node->shift == number) {
		left->first++;
		left->more--;
	}
	slot.more = left->first - slot.first;
	if (number > 0 && slot.more > 0 &&
	    list->items[slot.first + 1].start == node->base + ((uint64_t)number << node->shift)) {
		slot.first++;
		slot.more--;
	}
	return slot;
}

/*
 * Turns *slot, a plain stretch of ranges, into what a look-up shall find there: a leaf, the stretch, or a node.
 * Recursion ends at LPM6_DEPTH_MAX.
 */
static int finish_slot(struct lpm6 *lpm, const struct lpm6_list *list, unsigned depth, struct lpm6_slot *slot)
{
	struct lpm6_slot left = *slot;
	struct lpm6_node node;
	int error;

	if (slot->more == 0)
		slot->first = list->items[slot->first].leaf;
	if (slot->more <= LPM6_CROWDED || depth >= LPM6_DEPTH_MAX)
		return 0;
	node = plan_node(lpm, list, *slot);
	*slot = (struct lpm6_slot){.first = (uint32_t)lpm->node_count, .more = LPM6_NODE};
	error = push_node(lpm, &node);
	if (!error)
		error = push_slots(lpm, (size_t)node.last + 1);
	for (uint32_t i = 0; !error && i <= node.last; i++) {
		struct lpm6_slot part = cut_slot(list, &node, i, &left);

		error = finish_slot(lpm, list, depth + 1, &part);
		lpm->slots[node.first + i] = part;
	}
	return error;
}

/* The ranges of one /64, count >= 1, as a stretch of its own; value is in force where the /64 begins. */
static int push_divided(struct lpm6 *lpm, const struct lpm6_range *ranges, size_t count, uint16_t value)
{
	struct lpm6_list *low = &lpm->low;
	size_t from = low->count, number = lpm->slot_count;
	struct lpm6_slot slot = {.first = (uint32_t)from};
	int error = push_range(low, from, 0, ranges[0].lo == 0 ? ranges[0].value : value);

	for (size_t i = 0; !error && i < count; i++)
		error = push_range(low, from, ranges[i].lo, ranges[i].value);
	if (!error)
		error = push_slots(lpm, 1);
	if (error)
		return error;
	slot.more = (uint32_t)(low->count - from - 1);
	error = finish_slot(lpm, low, 0, &slot);
	lpm->slots[number] = slot;
	return error ? error : push_range(&lpm->high, 0, ranges[0].hi, LPM6_DIVIDED | (uint32_t)number);
}

static size_t same_hi(const struct lpm6_range *ranges, size_t count)
{
	size_t same = 1;

	while (same < count && ranges[same].hi == ranges[0].hi)
		same++;
	return same;
}

/* Behind a divided /64 its last value goes on, unless the next /64 has ranges of its own. */
static int push_ranges(struct lpm6 *lpm, const struct lpm6_range *ranges, size_t count)
{
	uint16_t value = ranges[0].value;
	int error = 0;

	for (size_t i = 0, same; !error && i < count; i += same) {
		uint64_t hi = ranges[i].hi;

		same = same_hi(ranges + i, count - i);
		if (same == 1 && ranges[i].lo == 0) {
			error = push_range(&lpm->high, 0, hi, ranges[i].value);
		} else {
			error = push_divided(lpm, ranges + i, same, value);
			if (!error && hi != UINT64_MAX &&
			    (i + same == count || ranges[i + same].hi != hi + 1))
				error = push_range(&lpm->high, 0, hi + 1, ranges[i + same - 1].value);
		}
		value = ranges[i + same - 1].value;
	}
	return error;
}

/* Growth by doubling leaves up to half unused; giving it back can fail harmlessly. */
static void *trim(void *items, size_t *capacity, size_t count, size_t size)
{
	void *smaller = count > 0 && count < *capacity ? realloc(items, count * size) : NULL;

	if (!smaller)
		return items;
	*capacity = count;
	return smaller;
}

static void cleanup_lpm6(struct lpm6 **lpm)
{
	lpm6_free(*lpm);
}

int lpm6_build(const struct lpm6_range *ranges, size_t count, struct lpm6 **ret)
{
	CLEANUP(cleanup_lpm6) struct lpm6 *lpm = NULL;
	int error = check_ranges(ranges, count);

	if (error)
		return error;
	lpm = calloc(1, sizeof(*lpm));
	if (!lpm)
		return -ENOMEM;
	error = push_ranges(lpm, ranges, count);
	if (error)
		return error;
	lpm->root = (struct lpm6_slot){.first = 0, .more = (uint32_t)(lpm->high.count - 1)};
	error = finish_slot(lpm, &lpm->high, 0, &lpm->root);
	if (error)
		return error;
	lpm->high.items =
		trim(lpm->high.items, &lpm->high.capacity, lpm->high.count, sizeof(struct lpm6_item));
	lpm->low.items = trim(lpm->low.items, &lpm->low.capacity, lpm->low.count, sizeof(struct lpm6_item));
	lpm->slots = trim(lpm->slots, &lpm->slot_capacity, lpm->slot_count, sizeof(*lpm->slots));
	lpm->nodes = trim(lpm->nodes, &lpm->node_capacity, lpm->node_count, sizeof(*lpm->nodes));
	*ret = TAKE_PTR(lpm);
	return 0;
}

void lpm6_free(struct lpm6 *lpm)
{
	if (!lpm)
		return;
	free(lpm->high.items);
	free(lpm->low.items);
	free(lpm->slots);
	free(lpm->nodes);
	free(lpm);
}

size_t lpm6_memory(const struct lpm6 *lpm)
{
	return sizeof(*lpm) + (lpm->high.capacity + lpm->low.capacity) * sizeof(struct lpm6_item) +
	       lpm->slot_capacity * sizeof(*lpm->slots) + lpm->node_capacity * sizeof(*lpm->nodes);
}
