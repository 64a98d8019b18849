/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/top.h"

#include <errno.h>
#include <stdlib.h>

int top_init(struct top *top, size_t max)
{
	*top = (struct top){.items = calloc(max ? max : 1, sizeof(*top->items)), .max = max};
	return top->items ? 0 : -ENOMEM;
}

void top_free(struct top *top)
{
	free(top->items);
	*top = (struct top){0};
}

static void swap(struct top *top, size_t a, size_t b)
{
	struct top_item item = top->items[a];

	top->items[a] = top->items[b];
	top->items[b] = item;
}

static void sink(struct top *top)
{
	size_t at = 0, least;

	for (;; at = least) {
		least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < top->count; child++)
			if (top->items[child].weight < top->items[least].weight)
				least = child;
		if (least == at)
			return;
		swap(top, at, least);
	}
}

static void rise(struct top *top)
{
	size_t at = top->count - 1;

	while (at > 0 && top->items[at].weight < top->items[(at - 1) / 2].weight) {
		swap(top, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

bool top_offer(struct top *top, uint64_t weight, size_t *ret_place)
{
	if (top->count < top->max) {
		*ret_place = top->count;
		top->items[top->count++] = (struct top_item){weight, *ret_place};
		rise(top);
		return true;
	}
	if (top->max == 0 || weight <= top->items[0].weight)
		return false;
	*ret_place = top->items[0].place;
	top->items[0].weight = weight;
	sink(top);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct top_item *left = a, *right = b;

	if (left->weight != right->weight)
		return left->weight < right->weight ? 1 : -1;
	return (left->place > right->place) - (left->place < right->place);
}

void top_sort(struct top *top)
{
	qsort(top->items, top->count, sizeof(top->items[0]), compare);
}
