/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up alone. Nothing here may call out of the file: tests hold the object to an empty list of undefined symbols. */
#include "lpm/lpm.h"
#include "lpm/table.h"

/* How many addresses ahead each stage of a batch fetches. */
enum { AHEAD = 8 };
/* IPv4 lists of so many bytes stay in the cache next to the processor: nothing of them needs to be fetched. */
enum { NEAR_LISTS = 16 * 1024 };
/* Steps of an IPv6 look-up that are taken ahead, and addresses under way at once: more than STEPS * AHEAD. */
enum { STEPS = 3, UNDERWAY = 32 };

/*
 * RANK(type): how many of count >= 1 ascending starts are <= key. The comparison is added up rather than branched
 * on, because its outcome is random and a wrong guess costs more than the whole step.
 */
#define DEFINE_RANK(name, type)                                                                              \
	static inline size_t name(const type *starts, size_t count, type key)                                \
	{                                                                                                    \
		size_t rank = 0;                                                                             \
                                                                                                             \
		while (count > 1) {                                                                          \
			size_t half = count / 2;                                                             \
                                                                                                             \
			rank += half & -(size_t)(starts[rank + half - 1] <= key);                            \
			count -= half;                                                                       \
		}                                                                                            \
		return rank + (starts[rank] <= key);                                                         \
	}

DEFINE_RANK(rank8, uint8_t)
DEFINE_RANK(rank16, uint16_t)

static inline const struct lpm4_chunk *chunk_of(const struct lpm4 *lpm, uint32_t addr)
{
	return &lpm->chunks[addr >> (32 - LPM4_CHUNK_BITS)];
}

static inline uint16_t list4_lookup(const struct lpm4 *lpm, const struct lpm4_chunk *chunk, uint16_t key)
{
	const uint16_t *starts = lpm->lists + chunk->first;
	int narrow = chunk->form & LPM4_NARROW_STARTS;
	size_t count = (size_t)chunk->number + 1;
	const uint16_t *values = starts + lpm4_units(count, narrow);
	size_t rank = narrow ? rank8((const uint8_t *)starts, count, (uint8_t)(key >> 8))
			     : rank16(starts, count, key);

	return chunk->form & LPM4_NARROW_VALUES ? ((const uint8_t *)values)[rank] : values[rank];
}

/* How many bits are set. The processor's own instruction is not on all machines, and its substitute is a call. */
static inline unsigned ones(uint64_t bits)
{
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* A map found the value that stands for divided addresses, or happens to be the same; then the list knows too. */
static uint16_t divided4_lookup(const struct lpm4 *lpm, const struct lpm4_chunk *chunk, uint16_t key,
				uint16_t value)
{
	const uint16_t *at = lpm->lists + chunk->first + chunk->number;
	const struct lpm4_chunk list = {
		.first = at[0] | (uint32_t)at[1] << 16, .number = at[2], .form = at[3]};

	return chunk->number == 0 ? value : list4_lookup(lpm, &list, key);
}

static inline uint16_t map4_lookup(const struct lpm4 *lpm, const struct lpm4_chunk *chunk, uint16_t key)
{
	const struct lpm4_map *map = (const void *)(lpm->lists + chunk->first);
	unsigned slot = key >> LPM4_SLOT_BITS, word = slot / 64;
	unsigned rank = map->before[word] + ones(map->bits[word] << (63 - slot % 64));
	uint16_t value;

	if (chunk->form & LPM4_NARROW_VALUES) {
		value = ((const uint8_t *)(map + 1))[rank];
		return value == LPM4_MAP_DIVIDED_NARROW ? divided4_lookup(lpm, chunk, key, value) : value;
	}
	value = ((const uint16_t *)(map + 1))[rank];
	return value == LPM4_MAP_DIVIDED ? divided4_lookup(lpm, chunk, key, value) : value;
}

static inline uint16_t find4(const struct lpm4 *lpm, uint32_t addr)
{
	const struct lpm4_chunk *chunk = chunk_of(lpm, addr);

	if (chunk->form & LPM4_MAP)
		return map4_lookup(lpm, chunk, (uint16_t)addr);
	return chunk->form == LPM4_DIRECT ? chunk->number : list4_lookup(lpm, chunk, (uint16_t)addr);
}

uint16_t lpm4_lookup(const struct lpm4 *lpm, uint32_t addr)
{
	return find4(lpm, addr);
}

/* Maps and most lists lie in two cache lines. Nothing is asked of the chunk's form: a wrong guess costs more. */
static inline void fetch_list4(const struct lpm4 *lpm, uint32_t addr)
{
	const uint16_t *list = lpm->lists + chunk_of(lpm, addr)->first;

	__builtin_prefetch(list);
	__builtin_prefetch(list + 32);
}

static void lookup_near(const struct lpm4 *lpm, const uint32_t *addrs, uint16_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (count - i > AHEAD)
			__builtin_prefetch(chunk_of(lpm, addrs[i + AHEAD]));
		values[i] = find4(lpm, addrs[i]);
	}
}

void lpm4_lookup_batch(const struct lpm4 *lpm, const uint32_t *addrs, uint16_t *values, size_t count)
{
	if (lpm->memory <= sizeof(*lpm) + NEAR_LISTS) {
		lookup_near(lpm, addrs, values, count);
		return;
	}
	for (size_t i = 0; i < count && i < 2 * AHEAD; i++)
		__builtin_prefetch(chunk_of(lpm, addrs[i]));
	for (size_t i = 0; i < count; i++) {
		if (count - i > 2 * AHEAD)
			__builtin_prefetch(chunk_of(lpm, addrs[i + 2 * AHEAD]));
		if (count - i > AHEAD)
			fetch_list4(lpm, addrs[i + AHEAD]);
		values[i] = find4(lpm, addrs[i]);
	}
}

static inline const struct lpm6_slot *node_slot(const struct lpm6 *lpm, uint32_t number, uint64_t key)
{
	const struct lpm6_node *node = &lpm->nodes[number];
	uint64_t slot = key < node->base ? 0 : (key - node->base) >> node->shift;

	return &lpm->slots[node->first + (slot < node->last ? slot : node->last)];
}

/* The last of the items 0 to count whose start is <= key; the first counts as that whatever its start is. */
static inline const struct lpm6_item *find_item(const struct lpm6_item *item, size_t count, uint64_t key)
{
	for (; count > 1; count -= count / 2)
		item += count / 2 & -(size_t)(item[count / 2].start <= key);
	return item + (item[1].start <= key);
}

static inline uint32_t list6_lookup(const struct lpm6 *lpm, const struct lpm6_list *list,
				    struct lpm6_slot slot, uint64_t key)
{
	while (slot.more == LPM6_NODE)
		slot = *node_slot(lpm, slot.first, key);
	if (slot.more == 0)
		return slot.first;
	return find_item(list->items + slot.first, slot.more, key)->leaf;
}

/* slot: of hi, or one on the way to it. */
static inline uint16_t find6(const struct lpm6 *lpm, struct lpm6_slot slot, uint64_t hi, uint64_t lo)
{
	uint32_t leaf = list6_lookup(lpm, &lpm->high, slot, hi);

	if (leaf & LPM6_DIVIDED)
		leaf = list6_lookup(lpm, &lpm->low, lpm->slots[leaf & ~LPM6_DIVIDED], lo);
	return (uint16_t)leaf;
}

uint16_t lpm6_lookup(const struct lpm6 *lpm, uint64_t hi, uint64_t lo)
{
	return find6(lpm, lpm->root, hi, lo);
}

/* One step of a look-up: what the slot leads to is asked for, and what will be read of it if it is not a node. */
static inline const struct lpm6_slot *step6(const struct lpm6 *lpm, const struct lpm6_slot *slot, uint64_t hi)
{
	if (slot->more == LPM6_NODE) {
		slot = node_slot(lpm, slot->first, hi);
		__builtin_prefetch(slot);
	} else {
		__builtin_prefetch(lpm->high.items + slot->first + slot->more / 2);
	}
	return slot;
}

/*
 * Each address takes a step, AHEAD addresses later the next one, and so on, and then its look-up is finished from where
 * it is: so no step waits for the memory of the one before.
 */
void lpm6_lookup_batch(const struct lpm6 *lpm, const uint64_t *his, const uint64_t *los, uint16_t *values,
		       size_t count)
{
	const struct lpm6_slot *at[UNDERWAY];

	for (size_t i = 0; i < UNDERWAY; i++)
		at[i] = &lpm->root;
	for (size_t i = 0; i < count + STEPS * AHEAD; i++) {
		if (i < count)
			at[i % UNDERWAY] = step6(lpm, &lpm->root, his[i]);
		for (size_t k = i - AHEAD, step = 1; step < STEPS; step++, k -= AHEAD) {
			if (k < count)
				at[k % UNDERWAY] = step6(lpm, at[k % UNDERWAY], his[k]);
		}
		if (i >= STEPS * AHEAD) {
			size_t k = i - STEPS * AHEAD;

			values[k] = find6(lpm, *at[k % UNDERWAY], his[k], los[k]);
		}
	}
}
