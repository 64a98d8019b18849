/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_space.h"

#include "base/siphash.h"
#include "base/vec.h"
#include "ruleset/verify_questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first addresses of all elementary ranges of one family. */
struct bounds {
	struct addr *items;
	size_t count, capacity;
	uint8_t family;
};

/* The classes of one side while they are found: each has a key of `words` words, the engine's class and the
 * answers to all that rules ask. */
struct index {
	struct verify_places *places;
	const struct engine *engine;
	bool source;
	bool exchanged; /* for answers: what the engine says of a target as a source, and the reverse */
	struct verify_questions questions;
	size_t words;
	uint64_t *keys; /* of place i at keys[i * words] */
	size_t key_capacity;
	uint32_t *slots; /* place + 1, 0: empty */
	size_t slot_count;
};

static bool bounds_add(struct bounds *bounds, struct addr addr)
{
	if (!VEC_RESERVE(bounds->items, bounds->capacity, bounds->count + 1))
		return false;
	bounds->items[bounds->count++] = addr;
	return true;
}

static bool is_last(const struct addr *addr)
{
	if (addr->family == ADDR_IP4)
		return addr->lo == UINT32_MAX;
	return addr->hi == UINT64_MAX && addr->lo == UINT64_MAX;
}

static bool bounds_add_range(struct bounds *bounds, struct addr first, struct addr last)
{
	if (!bounds_add(bounds, first))
		return false;
	if (is_last(&last))
		return true;
	last.hi += last.family == ADDR_IP6 && last.lo == UINT64_MAX;
	last.lo++;
	return bounds_add(bounds, last);
}

static bool bounds_add_prefix(struct bounds *bounds, struct addr addr, uint8_t len)
{
	struct prefix prefix = {.addr = addr, .len = len};

	return bounds_add_range(bounds, addr, prefix_last(&prefix));
}

static bool bounds_add_policy(struct bounds *bounds, const struct policy *policy)
{
	bool ok = true;

	for (size_t i = 0; ok && bounds->family == ADDR_IP4 && i < policy->ip4_count; i++)
		ok = bounds_add_prefix(bounds, addr_ip4(policy->ip4[i].addr), policy->ip4[i].len);
	for (size_t i = 0; ok && bounds->family == ADDR_IP6 && i < policy->ip6_count; i++)
		ok = bounds_add_prefix(bounds, addr_ip6(policy->ip6[i].hi, policy->ip6[i].lo),
				       policy->ip6[i].len);
	return ok;
}

static bool bounds_add_set(struct bounds *bounds, const struct ruleset_set *set)
{
	bool ok = true;

	for (size_t i = 0; ok && i < set->count; i++) {
		if (set->family == ADDR_IP4)
			ok = bounds_add_range(bounds, addr_ip4(set->ip4[i].first),
					      addr_ip4(set->ip4[i].last));
		else
			ok = bounds_add_range(bounds, addr_ip6(set->ip6[i].first_hi, set->ip6[i].first_lo),
					      addr_ip6(set->ip6[i].last_hi, set->ip6[i].last_lo));
	}
	return ok;
}

/* Where rules draw a boundary by themselves: around the parts of a divided set. */
static bool bounds_add_rule(struct bounds *bounds, const struct ruleset_rule *rule)
{
	bool ok = true;

	for (size_t i = 0; ok && i < rule->match_count; i++) {
		const struct ruleset_match *match = &rule->matches[i];

		if ((match->kind == RULESET_MATCH_SADDR_WITHIN ||
		     match->kind == RULESET_MATCH_DADDR_WITHIN) &&
		    match->prefix.addr.family == bounds->family)
			ok = bounds_add_prefix(bounds, match->prefix.addr, match->prefix.len);
	}
	return ok;
}

static int compare_bounds(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static int bounds_collect(const struct policy *policy, const struct ruleset *ruleset, struct bounds *bounds)
{
	struct addr zero = {.family = bounds->family};
	bool ok = bounds_add(bounds, zero) && bounds_add_policy(bounds, policy);
	size_t kept = 0;

	for (size_t i = 0; ok && i < ruleset->set_count; i++) {
		if (ruleset->sets[i].family == bounds->family)
			ok = bounds_add_set(bounds, &ruleset->sets[i]);
	}
	for (size_t i = 0; ok && i < ruleset->chain_count; i++) {
		for (size_t j = 0; ok && j < ruleset->chains[i].rule_count; j++)
			ok = bounds_add_rule(bounds, &ruleset->chains[i].rules[j]);
	}
	if (!ok)
		return -ENOMEM;
	qsort(bounds->items, bounds->count, sizeof(*bounds->items), compare_bounds);
	for (size_t i = 0; i < bounds->count; i++) {
		if (kept == 0 || !addr_equal(&bounds->items[kept - 1], &bounds->items[i]))
			bounds->items[kept++] = bounds->items[i];
	}
	bounds->count = kept;
	return 0;
}

static struct addr last_of(const struct bounds *bounds, size_t at)
{
	struct addr last = {.hi = UINT64_MAX, .lo = UINT64_MAX, .family = bounds->family};

	if (bounds->family == ADDR_IP4)
		last = addr_ip4(UINT32_MAX);
	if (at + 1 == bounds->count)
		return last;
	last = bounds->items[at + 1];
	last.hi -= last.family == ADDR_IP6 && last.lo == 0;
	last.lo--;
	return last;
}

/* Addresses that a router forwards from and to: for packets that are really to be sent. */
static bool is_routable(const struct addr *addr)
{
	uint64_t net = addr->lo >> 24;

	if (addr->family == ADDR_IP6)
		return addr->hi >> 61 == 1;
	return net >= 1 && net < 224 && net != 127 && addr->lo >> 16 != 0xa9fe;
}

/* One address of the range, such that it can be sent from and to where there is one at hand. */
static struct verify_place place_of(const struct addr *first, const struct addr *last)
{
	struct addr known = first->family == ADDR_IP4 ? addr_ip4(UINT32_C(0x0b000001))
						      : addr_ip6(UINT64_C(0x2a00000000000000), 1);

	if (is_routable(first))
		return (struct verify_place){*first, true};
	if (addr_compare(first, &known) <= 0 && addr_compare(&known, last) <= 0)
		return (struct verify_place){known, true};
	return (struct verify_place){is_routable(last) ? *last : *first, is_routable(last)};
}

static void write_key(const struct index *index, const struct addr *addr, uint64_t *key)
{
	key[0] = index->source != index->exchanged ? engine_source_class(index->engine, addr)
						   : engine_target_class(index->engine, addr);
	verify_questions_answer(&index->questions, addr, key + 1);
}

/* The slot of the key: it holds the key's place, or is empty. */
static size_t find_slot(const struct index *index, const uint64_t *key)
{
	static const struct siphash_key fixed = {0x25b, 25};
	size_t at = (size_t)siphash_words(&fixed, key, index->words) & (index->slot_count - 1);

	while (index->slots[at] != 0 && memcmp(&index->keys[(index->slots[at] - 1) * index->words], key,
					       index->words * sizeof(*key)) != 0)
		at = (at + 1) & (index->slot_count - 1);
	return at;
}

static bool index_grow(struct index *index)
{
	size_t count = index->slot_count ? 2 * index->slot_count : 256;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	free(index->slots);
	index->slots = slots;
	index->slot_count = count;
	for (uint32_t i = 0; i < index->places->count; i++)
		slots[find_slot(index, &index->keys[i * index->words])] = i + 1;
	return true;
}

/* Takes in an address: key is room for one key. */
static int index_add(struct index *index, const struct addr *first, const struct addr *last, uint64_t *key)
{
	struct verify_places *places = index->places;
	struct verify_place place = place_of(first, last);
	size_t slot;

	if ((!index->slots || 2 * (places->count + 1) > index->slot_count) && !index_grow(index))
		return -ENOMEM;
	write_key(index, first, key);
	slot = find_slot(index, key);
	places->ranges++;
	if (index->slots[slot] != 0) {
		if (place.routable && !places->items[index->slots[slot] - 1].routable)
			places->items[index->slots[slot] - 1] = place;
		return 0;
	}
	if (!VEC_RESERVE(places->items, places->capacity, places->count + 1) ||
	    !VEC_RESERVE(index->keys, index->key_capacity, (places->count + 1) * index->words))
		return -ENOMEM;
	memcpy(&index->keys[places->count * index->words], key, index->words * sizeof(*key));
	places->items[places->count++] = place;
	index->slots[slot] = (uint32_t)places->count;
	return 0;
}

/* Both ends of every range are looked at: where they differ, a boundary was missed, and they become two classes. */
static int index_fill(struct index *index, const struct bounds *bounds)
{
	uint64_t *key = calloc(index->words, sizeof(*key));
	int r = key ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < bounds->count; i++) {
		struct addr last = last_of(bounds, i);

		r = index_add(index, &bounds->items[i], &last, key);
		if (r == 0 && !addr_equal(&bounds->items[i], &last)) {
			r = index_add(index, &last, &last, key);
			index->places->ranges--;
		}
	}
	free(key);
	return r;
}

static int collect_side(const struct ruleset *ruleset, const struct engine *engine,
			const struct bounds *bounds, bool source, bool exchanged,
			struct verify_places *places)
{
	struct index index = {.places = places, .engine = engine, .source = source, .exchanged = exchanged};
	int r = verify_questions_collect(ruleset, bounds->family, source, &index.questions);

	index.words = 1 + verify_questions_words(&index.questions);
	if (r == 0)
		r = index_fill(&index, bounds);
	verify_questions_free(&index.questions);
	free(index.keys);
	free(index.slots);
	return r;
}

static int collect_part(const struct ruleset *ruleset, const struct engine *engine,
			const struct bounds *bounds, bool exchanged, struct verify_part *part)
{
	int r = collect_side(ruleset, engine, bounds, true, exchanged, &part->sources);

	return r < 0 ? r : collect_side(ruleset, engine, bounds, false, exchanged, &part->targets);
}

int verify_collect_places(const struct policy *policy, const struct ruleset *ruleset,
			  const struct engine *engine, struct verify_space *space)
{
	int r = 0;

	for (int i = 0; r == 0 && i < VERIFY_FAMILIES; i++) {
		struct bounds bounds = {.family = i == VERIFY_IP4 ? ADDR_IP4 : ADDR_IP6};

		r = bounds_collect(policy, ruleset, &bounds);
		for (int j = 0; r == 0 && j < VERIFY_PARTS; j++)
			r = collect_part(ruleset, engine, &bounds, j == VERIFY_ANSWERS, &space->parts[i][j]);
		free(bounds.items);
	}
	return r;
}
