/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct engine_override *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

/* The lengths that occur, longest first. */
static void list_lengths(struct override_list *list)
{
	bool used4[33] = {false}, used6[129] = {false};

	for (size_t i = 0; i < list->count; i++) {
		const struct prefix *prefix = &list->items[i].prefix;

		if (prefix->addr.family == ADDR_IP4)
			used4[prefix->len] = true;
		else
			used6[prefix->len] = true;
	}
	for (int len = 32; len >= 0; len--)
		if (used4[len])
			list->lengths4[list->length4_count++] = (uint8_t)len;
	for (int len = 128; len >= 0; len--)
		if (used6[len])
			list->lengths6[list->length6_count++] = (uint8_t)len;
}

int engine_with_overrides(const struct engine *base, const struct engine_override *overrides, size_t count,
			  struct engine **ret)
{
	struct override_list *list;
	struct engine *engine;

	if (count > ENGINE_OVERRIDES_MAX)
		return -E2BIG;
	list = calloc(1, sizeof(*list) + count * sizeof(list->items[0]));
	engine = list ? malloc(sizeof(*engine)) : NULL;
	if (!engine) {
		free(list);
		return -ENOMEM;
	}
	list->count = count;
	if (count > 0)
		memcpy(list->items, overrides, count * sizeof(overrides[0]));
	qsort(list->items, count, sizeof(list->items[0]), compare);
	list_lengths(list);
	*engine = *base;
	engine->overrides = list;
	engine->shares = true;
	*ret = engine;
	return 0;
}
