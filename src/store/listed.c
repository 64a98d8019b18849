/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/listed.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT_MAX = 19, NUMBERS = 5, PLACES = LISTED_PAIRS_MAX * 2 };

/* An address as a number. */
__extension__ typedef unsigned __int128 wide;

unsigned listed_bucket(const struct addr *address)
{
	uint64_t mixed = (address->hi ^ address->lo) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(mixed >> 58) + (address->family == ADDR_IP4 ? 0 : LISTED_BUCKETS / 2);
}

uint8_t listed_family(unsigned bucket)
{
	return bucket < LISTED_BUCKETS / 2 ? ADDR_IP4 : ADDR_IP6;
}

void listed_free(struct listed *listed)
{
	free(listed->entries);
	free(listed->people);
	*listed = (struct listed){0};
}

static struct listed_entry *append(struct listed *listed, const struct listed_entry *entry)
{
	struct listed_entry *added;

	if ((!listed->entries || listed->count == listed->capacity) &&
	    !VEC_RESERVE(listed->entries, listed->capacity, listed->count + 1))
		return NULL;
	added = &listed->entries[listed->count++];
	*added = *entry;
	added->people = (uint32_t)listed->people_count;
	added->people_count = 0;
	return added;
}

/* For so many more. */
static bool expect_people(struct listed *listed, size_t count)
{
	return listed->people_capacity - listed->people_count >= count ||
	       VEC_RESERVE(listed->people, listed->people_capacity, listed->people_count + count);
}

/* Where they were expected. */
static void append_person(struct listed *listed, uint32_t person)
{
	listed->people[listed->people_count++] = person;
	listed->entries[listed->count - 1].people_count++;
}

/* ---- two buckets ---- */

static int compare(const struct listed_entry *a, const struct listed_entry *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo == b->lo ? 0 : a->lo < b->lo ? -1 : 1;
}

/* The subscribers of x and y, each once; either may have none. */
static bool unite_people(struct listed *into, const struct listed *a, const struct listed_entry *x,
			 const struct listed *b, const struct listed_entry *y)
{
	const uint32_t *one = a->people + x->people, *one_end = one + x->people_count;
	const uint32_t *two = b->people + y->people, *two_end = two + y->people_count;

	if (!expect_people(into, (size_t)x->people_count + y->people_count))
		return false;
	while (one < one_end || two < two_end) {
		bool both = one < one_end && two < two_end && *one == *two;
		bool first = two == two_end || (one < one_end && *one <= *two);

		append_person(into, first ? *one : *two);
		one += first;
		two += both || !first;
	}
	return true;
}

static bool unite(struct listed *into, const struct listed *a, const struct listed_entry *x,
		  const struct listed *b, const struct listed_entry *y)
{
	struct listed_entry *added = append(into, x);

	if (!added)
		return false;
	added->records += y->records;
	if (y->first_us < added->first_us)
		added->first_us = y->first_us;
	if (y->last_us > added->last_us)
		added->last_us = y->last_us;
	return unite_people(into, a, x, b, y);
}

static bool copy(struct listed *into, const struct listed *from, const struct listed_entry *entry)
{
	static const struct listed_entry nobody;

	return append(into, entry) && unite_people(into, from, entry, from, &nobody);
}

bool listed_add(struct listed *into, const struct listed *more)
{
	struct listed sum = {0};
	size_t i = 0, j = 0;
	bool kept = true;

	while (kept && (i < into->count || j < more->count)) {
		int order = i == into->count   ? 1
			    : j == more->count ? -1
					       : compare(&into->entries[i], &more->entries[j]);

		if (order == 0)
			kept = unite(&sum, into, &into->entries[i], more, &more->entries[j]);
		else
			kept = order < 0 ? copy(&sum, into, &into->entries[i])
					 : copy(&sum, more, &more->entries[j]);
		i += order <= 0;
		j += order >= 0;
	}
	listed_free(kept ? into : &sum);
	if (kept)
		*into = sum;
	return kept;
}

/* ---- as bytes: numbers of 7 bits a byte, the low ones first ---- */

static uint8_t *put(uint8_t *out, wide number)
{
	for (; number > 0x7f; number >>= 7)
		*out++ = (uint8_t)(0x80 | (number & 0x7f));
	*out++ = (uint8_t)number;
	return out;
}

/* Small ones of either sign become small ones. */
static uint64_t fold(int64_t number)
{
	return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static int64_t unfold(uint64_t number)
{
	return (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

bool listed_pack(const struct listed *listed, int64_t base_us, uint8_t **ret, size_t *ret_len)
{
	uint8_t *at = malloc(listed->count * NUMBERS * VARINT_MAX + listed->people_count * NUMBERS + 1);
	wide before = 0;

	*ret = at;
	if (!at)
		return false;
	for (size_t i = 0; i < listed->count; i++) {
		const struct listed_entry *entry = &listed->entries[i];
		wide number = (wide)entry->hi << 64 | entry->lo;
		uint32_t last = 0;

		at = put(at, number - before);
		at = put(at, entry->records);
		at = put(at, fold((int64_t)((uint64_t)entry->first_us - (uint64_t)base_us)));
		at = put(at, fold((int64_t)((uint64_t)entry->last_us - (uint64_t)entry->first_us)));
		at = put(at, entry->people_count);
		for (uint32_t j = 0; j < entry->people_count; j++) {
			at = put(at, listed->people[entry->people + j] - last);
			last = listed->people[entry->people + j];
		}
		before = number;
	}
	*ret_len = (size_t)(at - *ret);
	return true;
}

struct bytes {
	const uint8_t *at, *end;
	bool failed;
};

static wide take(struct bytes *bytes)
{
	wide number = 0;

	if (bytes->at < bytes->end && *bytes->at < 0x80)
		return *bytes->at++;

	for (unsigned bits = 0; bytes->at < bytes->end && bits < 128; bits += 7) {
		uint8_t byte = *bytes->at++;

		number |= (wide)(byte & 0x7f) << bits;
		if (!(byte & 0x80))
			return number;
	}
	bytes->failed = true;
	return 0;
}

static bool take_people(struct bytes *bytes, uint64_t count, struct listed *into)
{
	uint32_t person = 0;

	/* Each takes a byte or more. */
	if (count > (uint64_t)(bytes->end - bytes->at))
		count = (uint64_t)(bytes->end - bytes->at);
	if (!expect_people(into, (size_t)count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		person += (uint32_t)take(bytes);
		append_person(into, person);
	}
	return true;
}

bool listed_unpack(struct listed *into, int64_t base_us, const uint8_t *bytes, size_t len)
{
	struct bytes left = {bytes, bytes + len, false};
	wide number = 0;

	into->count = into->people_count = 0;
	while (left.at < left.end) {
		struct listed_entry entry = {0};
		uint64_t count;

		number += take(&left);
		entry.hi = (uint64_t)(number >> 64);
		entry.lo = (uint64_t)number;
		entry.records = (uint64_t)take(&left);
		entry.first_us = (int64_t)((uint64_t)unfold((uint64_t)take(&left)) + (uint64_t)base_us);
		entry.last_us = (int64_t)((uint64_t)unfold((uint64_t)take(&left)) + (uint64_t)entry.first_us);
		count = (uint64_t)take(&left);
		if (left.failed)
			return true;
		if (!append(into, &entry) || !take_people(&left, count, into))
			return false;
	}
	return true;
}

/* ---- pairs ---- */

bool listed_pairs_init(struct listed_pairs *pairs, const struct siphash_key *key)
{
	*pairs = (struct listed_pairs){.key = *key};
	pairs->places = calloc(PLACES, sizeof(pairs->places[0]));
	return pairs->places != NULL;
}

void listed_pairs_free(struct listed_pairs *pairs)
{
	free(pairs->pairs);
	free(pairs->places);
}

void listed_pairs_forget(struct listed_pairs *pairs)
{
	if (pairs->count > 0)
		memset(pairs->places, 0, PLACES * sizeof(pairs->places[0]));
	pairs->count = 0;
	pairs->waiting_count = 0;
	pairs->full = false;
}

static size_t hash_of(const struct listed_pairs *pairs, const struct listed_pair *pair)
{
	const uint64_t words[2] = {pair->address.hi ^ (uint64_t)pair->address.family << 56,
				   pair->address.lo ^ (uint64_t)pair->subscriber << 32};

	return (size_t)siphash_words(&pairs->key, words, 2) & (PLACES - 1);
}

static uint32_t *place_of(const struct listed_pairs *pairs, const struct listed_pair *wanted, size_t at)
{
	for (;; at = (at + 1) & (PLACES - 1)) {
		const struct listed_pair *pair =
			pairs->places[at] ? &pairs->pairs[pairs->places[at] - 1] : NULL;

		if (!pair ||
		    (pair->subscriber == wanted->subscriber && addr_equal(&pair->address, &wanted->address)))
			return &pairs->places[at];
	}
}

static bool add_pair(struct listed_pairs *pairs, const struct listed_pair *more, uint32_t *place)
{
	struct listed_pair *pair;

	if (*place == 0) {
		pairs->full = pairs->full || pairs->count == LISTED_PAIRS_MAX;
		if (pairs->full)
			return true;
		if (!VEC_RESERVE(pairs->pairs, pairs->capacity, pairs->count + 1))
			return false;
		pairs->pairs[pairs->count++] = *more;
		*place = (uint32_t)pairs->count;
		return true;
	}
	pair = &pairs->pairs[*place - 1];
	pair->records++;
	if (more->first_us < pair->first_us)
		pair->first_us = more->first_us;
	if (more->last_us > pair->last_us)
		pair->last_us = more->last_us;
	return true;
}

bool listed_pairs_settle(struct listed_pairs *pairs)
{
	unsigned count = pairs->waiting_count;
	bool kept = true;

	for (unsigned i = 0; i < count; i++) {
		uint32_t place = pairs->places[pairs->at[i]];

		if (place > 0)
			__builtin_prefetch(&pairs->pairs[place - 1], 1);
	}
	for (unsigned i = 0; kept && i < count; i++)
		kept = add_pair(pairs, &pairs->waiting[i], place_of(pairs, &pairs->waiting[i], pairs->at[i]));
	pairs->waiting_count = 0;
	return kept;
}

bool listed_pairs_add(struct listed_pairs *pairs, const struct addr *address, uint32_t subscriber,
		      int64_t first_us, int64_t last_us)
{
	unsigned last = pairs->waiting_count;

	if (pairs->full)
		return true;
	pairs->waiting[last] = (struct listed_pair){*address, subscriber, 1, first_us, last_us};
	pairs->at[last] = hash_of(pairs, &pairs->waiting[last]);
	__builtin_prefetch(&pairs->places[pairs->at[last]], 1);
	pairs->waiting_count++;
	return pairs->waiting_count < LISTED_WAITING || listed_pairs_settle(pairs);
}

static int by_address(const void *a, const void *b)
{
	const struct listed_pair *x = a, *y = b;

	if (x->address.hi != y->address.hi)
		return x->address.hi < y->address.hi ? -1 : 1;
	if (x->address.lo != y->address.lo)
		return x->address.lo < y->address.lo ? -1 : 1;
	return (x->subscriber > y->subscriber) - (x->subscriber < y->subscriber);
}

/* Each to its bucket, where it stands ("American flag sort"). */
static void divide(struct listed_pairs *pairs)
{
	size_t ends[LISTED_BUCKETS];

	memcpy(ends, pairs->begins, sizeof(ends));
	for (unsigned bucket = 0; bucket < LISTED_BUCKETS; bucket++) {
		while (ends[bucket] < pairs->begins[bucket + 1]) {
			struct listed_pair *here = &pairs->pairs[ends[bucket]], other;
			unsigned own = listed_bucket(&here->address);

			if (own != bucket) {
				other = pairs->pairs[ends[own]];
				pairs->pairs[ends[own]] = *here;
				*here = other;
			}
			ends[own]++;
		}
	}
}

void listed_pairs_sort(struct listed_pairs *pairs)
{
	memset(pairs->begins, 0, sizeof(pairs->begins));
	for (size_t i = 0; i < pairs->count; i++)
		pairs->begins[listed_bucket(&pairs->pairs[i].address) + 1]++;
	for (unsigned bucket = 0; bucket < LISTED_BUCKETS; bucket++)
		pairs->begins[bucket + 1] += pairs->begins[bucket];
	divide(pairs);
	for (unsigned bucket = 0; bucket < LISTED_BUCKETS; bucket++) {
		size_t begin = pairs->begins[bucket], count = pairs->begins[bucket + 1] - begin;

		if (count > 1)
			qsort(pairs->pairs + begin, count, sizeof(pairs->pairs[0]), by_address);
	}
}

static bool take_pair(struct listed *into, const struct listed_pair *pair)
{
	const struct listed_entry entry = {.hi = pair->address.hi,
					   .lo = pair->address.lo,
					   .first_us = pair->first_us,
					   .last_us = pair->last_us};
	struct listed_entry *last = into->count > 0 ? &into->entries[into->count - 1] : NULL;

	if (!last || compare(last, &entry) != 0)
		last = append(into, &entry);
	if (!last)
		return false;
	last->records += pair->records;
	if (pair->first_us < last->first_us)
		last->first_us = pair->first_us;
	if (pair->last_us > last->last_us)
		last->last_us = pair->last_us;
	if (!expect_people(into, 1))
		return false;
	if (pair->subscriber != 0)
		append_person(into, pair->subscriber);
	return true;
}

bool listed_pairs_take(const struct listed_pairs *pairs, unsigned bucket, struct listed *into)
{
	bool kept = true;

	into->count = into->people_count = 0;
	for (size_t at = pairs->begins[bucket]; kept && at < pairs->begins[bucket + 1]; at++)
		kept = take_pair(into, &pairs->pairs[at]);
	return kept;
}
