/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/classes.h"

#include "base/siphash.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_WORDS = 2, INDEX_FIRST_SIZE = 64 };

/* Open addressing; a slot holds a number + 1, 0 is free. The keys stand beside it, in the order of the numbers. */
struct class_index {
	uint32_t *slots;
	size_t size; /* a power of two */
	uint64_t (*keys)[KEY_WORDS];
	size_t count, capacity;
};

static size_t slot_of(const struct class_index *index, const uint64_t key[KEY_WORDS])
{
	/* The keys come from the operator's own policy, so a fixed hash key will do. */
	static const struct siphash_key fixed = {1, 2};
	size_t at = (size_t)siphash_words(&fixed, key, KEY_WORDS) & (index->size - 1);

	while (index->slots[at] != 0 &&
	       memcmp(index->keys[index->slots[at] - 1], key, sizeof(uint64_t[KEY_WORDS])) != 0)
		at = (at + 1) & (index->size - 1);
	return at;
}

static struct class_index *index_new(void)
{
	struct class_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->size = INDEX_FIRST_SIZE;
	index->slots = calloc(index->size, sizeof(*index->slots));
	if (!index->slots) {
		free(index);
		return NULL;
	}
	return index;
}

static void index_free(struct class_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index->keys);
	free(index);
}

static bool index_grow(struct class_index *index)
{
	size_t size = index->size * 2;
	uint32_t *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	free(index->slots);
	index->slots = slots;
	index->size = size;
	for (size_t i = 0; i < index->count; i++)
		slots[slot_of(index, index->keys[i])] = (uint32_t)i + 1;
	return true;
}

/* The number of the key; *ret_new says that it was added now. */
static int64_t index_put(struct class_index *index, const uint64_t key[KEY_WORDS], size_t max, bool *ret_new)
{
	size_t at = slot_of(index, key);

	*ret_new = false;
	if (index->slots[at] != 0)
		return index->slots[at] - 1;
	if (index->count == max)
		return -E2BIG;
	if (!VEC_RESERVE(index->keys, index->capacity, index->count + 1))
		return -ENOMEM;
	if (index->count * 2 >= index->size) {
		if (!index_grow(index))
			return -ENOMEM;
		at = slot_of(index, key);
	}
	memcpy(index->keys[index->count], key, sizeof(uint64_t[KEY_WORDS]));
	index->slots[at] = (uint32_t)++index->count;
	*ret_new = true;
	return (int64_t)index->count - 1;
}

static uint64_t pair(int32_t high, uint32_t low)
{
	return (uint64_t)(uint32_t)high << 32 | low;
}

int64_t classes_source(struct classes *classes, const struct source_class *source)
{
	const uint64_t key[KEY_WORDS] = {pair(source->relay, (uint32_t)source->pool), source->exempts};
	bool is_new;
	int64_t number;

	if (!VEC_RESERVE(classes->sources, classes->source_capacity, classes->source_count + 1))
		return -ENOMEM;
	number = index_put(classes->source_index, key, CLASSES_MAX, &is_new);
	if (number >= 0 && is_new)
		classes->sources[classes->source_count++] = *source;
	return number;
}

int64_t classes_target(struct classes *classes, const struct target_class *target)
{
	const uint64_t key[KEY_WORDS] = {pair(target->relay, (uint32_t)target->inside),
					 pair(target->group, target->members)};
	bool is_new;
	int64_t number;

	if (!VEC_RESERVE(classes->targets, classes->target_capacity, classes->target_count + 1))
		return -ENOMEM;
	number = index_put(classes->target_index, key, CLASSES_MAX, &is_new);
	if (number >= 0 && is_new)
		classes->targets[classes->target_count++] = *target;
	return number;
}

int64_t classes_cell(struct classes *classes, uint16_t rule, uint32_t next)
{
	const uint64_t key[KEY_WORDS] = {rule, next};
	bool is_new;
	int64_t number;

	if (!VEC_RESERVE(classes->cells, classes->cell_capacity, classes->cell_count + 1))
		return -ENOMEM;
	number = index_put(classes->cell_index, key, UINT32_MAX - 1, &is_new);
	if (number >= 0 && is_new)
		classes->cells[classes->cell_count++] = (struct chain_cell){.rule = rule, .next = next};
	return number;
}

int classes_init(struct classes *classes)
{
	static const struct source_class no_source = {.relay = RULE_NONE, .pool = RULE_NONE};
	static const struct target_class no_target = {
		.relay = RULE_NONE, .inside = RULE_NONE, .group = RULE_NONE};

	*classes = (struct classes){
		.source_index = index_new(), .target_index = index_new(), .cell_index = index_new()};
	if (!classes->source_index || !classes->target_index || !classes->cell_index)
		return -ENOMEM;
	/* Cell 0 ends every chain, so a cell that no chain uses takes that number. */
	if (classes_source(classes, &no_source) < 0 || classes_target(classes, &no_target) < 0 ||
	    classes_cell(classes, UINT16_MAX, UINT32_MAX) < 0)
		return -ENOMEM;
	return 0;
}

void classes_free(struct classes *classes)
{
	free(classes->sources);
	free(classes->targets);
	free(classes->cells);
	index_free(classes->source_index);
	index_free(classes->target_index);
	index_free(classes->cell_index);
	*classes = (struct classes){0};
}
