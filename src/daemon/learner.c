/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/learner.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	WAYS = 8,
	CACHE_LINES = 128,    /* two neighbours, which processors fetch together */
	FIRST_GENERATION = 2, /* so that entries of zeroes are two generations old */
	MOST_PACKETS = INT32_MAX,
};

struct entry {
	uint64_t hash;
	uint32_t generation;
	uint32_t packets : 31; /* counted in it, as far as it takes to be known */
	uint32_t known : 1;
};

struct bucket {
	struct entry entries[WAYS];
};

_Static_assert(sizeof(struct bucket) == CACHE_LINES, "a look-up costs one pair of cache lines");

struct learner {
	struct siphash_key key;
	uint32_t generation;
	uint32_t enough; /* packets that make a subscriber known */
	size_t mask;
	void *memory;
	struct bucket *buckets; /* in memory, where a line begins */
};

int learner_new(size_t entries, const struct siphash_key *key, struct learner **ret)
{
	struct learner *learner;

	if (entries < WAYS || (entries & (entries - 1)) != 0)
		return -EINVAL;
	learner = calloc(1, sizeof(*learner));
	if (!learner)
		return -ENOMEM;
	learner->key = *key;
	learner->generation = FIRST_GENERATION;
	learner->enough = 1;
	learner->mask = entries / WAYS - 1;
	learner->memory = calloc(entries / WAYS + 1, sizeof(struct bucket));
	if (!learner->memory) {
		free(learner);
		return -ENOMEM;
	}
	learner->buckets =
		(struct bucket *)(((uintptr_t)learner->memory + CACHE_LINES - 1) / CACHE_LINES * CACHE_LINES);
	*ret = learner;
	return 0;
}

void learner_free(struct learner *learner)
{
	if (!learner)
		return;
	free(learner->memory);
	free(learner);
}

void learner_begin(struct learner *learner, uint32_t packets)
{
	learner->generation++;
	learner->enough = packets < MOST_PACKETS ? packets : MOST_PACKETS;
}

/* Whose place another may take: it says nothing about this generation. */
static bool is_free(const struct learner *learner, const struct entry *entry)
{
	if (entry->generation == learner->generation)
		return false;
	return entry->generation != learner->generation - 1 || !entry->known;
}

static struct entry *find(const struct learner *learner, struct bucket *bucket, uint64_t hash)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct entry *entry = &bucket->entries[i];

		if (entry->hash == hash && !is_free(learner, entry))
			return entry;
	}
	return NULL;
}

/*
 * A place for a new entry, or NULL when each holds one that stays. The search for the weakest begins anywhere: equal
 * ones must have equal chances, or the first packet of an offender would always be the one that a flood removes.
 */
static struct entry *make_room(const struct learner *learner, struct bucket *bucket, uint64_t hash)
{
	size_t begin = (size_t)(hash >> 62);
	struct entry *weakest = &bucket->entries[begin];

	for (size_t i = 0; i < WAYS; i++) {
		struct entry *entry = &bucket->entries[(begin + i) % WAYS];

		if (is_free(learner, entry))
			return entry;
		if (entry->packets < weakest->packets)
			weakest = entry;
	}
	return --weakest->packets == 0 ? weakest : NULL;
}

bool learner_count(struct learner *learner, const struct addr *subscriber)
{
	const uint64_t words[] = {subscriber->hi, subscriber->lo, subscriber->family};
	uint64_t hash = siphash_words(&learner->key, words, sizeof(words) / sizeof(words[0]));
	struct bucket *bucket = &learner->buckets[hash & learner->mask];
	struct entry *entry = find(learner, bucket, hash);

	if (!entry) {
		entry = make_room(learner, bucket, hash);
		if (!entry)
			return learner->enough == 1;
		*entry = (struct entry){.hash = hash, .generation = learner->generation};
	} else if (entry->generation != learner->generation) {
		*entry = (struct entry){hash, learner->generation, learner->enough & MOST_PACKETS, true};
	}
	if (entry->packets < learner->enough)
		entry->packets++;
	entry->known |= entry->packets >= learner->enough;
	return entry->known;
}
