/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/known.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 1024, /* a power of two, more than half of which an exact set never fills */
	SIZE_MAXIMUM = 16,
	VARINT_MAX = 19, /* bytes of 128 bits, 7 in each */
};

_Static_assert(FIRST_CAPACITY > 2 * DESTINATIONS_EXACT_MAX, "an exact set fits in");

/* An address as a number. */
__extension__ typedef unsigned __int128 wide;

/* ---- the table of names ---- */

static const uint8_t no_address[SIZE_MAXIMUM];

/* Of 4 or 16 bytes: as numbers, for this is done for each destination of each record. */
static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
	uint32_t x[4], y[4];

	memcpy(x, a, 4);
	memcpy(y, b, 4);
	if (size == 4 || x[0] != y[0])
		return x[0] == y[0];
	memcpy(x, a, SIZE_MAXIMUM);
	memcpy(y, b, SIZE_MAXIMUM);
	return x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static bool is_free(const uint8_t *slot, size_t size)
{
	return same(slot, no_address, size);
}

/* The two halves multiplied under the key, which changes with each run: who does not know it cannot aim at one place. */
static size_t place_of(const struct known *known, const uint8_t *bytes, const struct siphash_key *key)
{
	uint64_t words[2] = {0, 0};
	wide product;

	if (known->size == 4)
		memcpy(words, bytes, 4);
	else
		memcpy(words, bytes, SIZE_MAXIMUM);
	product = (wide)(words[0] ^ key->k0) * ((words[1] ^ key->k1) | 1);
	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

static uint8_t *slot_of(const struct known *known, const uint8_t *bytes, const struct siphash_key *key)
{
	for (size_t at = place_of(known, bytes, key);; at++) {
		uint8_t *slot = known->names + (at & (known->capacity - 1)) * known->size;

		if (same(slot, bytes, known->size) || is_free(slot, known->size))
			return slot;
	}
}

static bool make_room(struct known *known, struct known_memory *memory)
{
	const size_t old = known->names ? known->capacity * known->size : 0;
	struct known grown = *known;

	if (known->names && known->name_count * 2 < known->capacity)
		return true;
	grown.capacity = known->capacity ? known->capacity * 2 : FIRST_CAPACITY;
	grown.names = calloc(grown.capacity, grown.size);
	if (!grown.names)
		return false;
	for (size_t at = 0; at < old; at += known->size) {
		const uint8_t *name = known->names + at;

		if (!is_free(name, known->size))
			memcpy(slot_of(&grown, name, &memory->key), name, known->size);
	}
	free(known->names);
	memory->name_bytes += grown.capacity * grown.size - old;
	*known = grown;
	return true;
}

/* The address that is all zeroes is nobody's: it is no name. */
static bool add_name(struct known *known, const uint8_t *bytes, struct known_memory *memory)
{
	uint8_t *slot;

	if (known->name_count >= KNOWN_NAMES_MAX || is_free(bytes, known->size)) {
		known->partial = true;
		return true;
	}
	if (!make_room(known, memory))
		return false;
	slot = slot_of(known, bytes, &memory->key);
	if (is_free(slot, known->size)) {
		known->name_count++;
		memcpy(slot, bytes, known->size);
	}
	return true;
}

static bool add_address(struct known *known, const struct addr *address, struct known_memory *memory)
{
	uint8_t bytes[SIZE_MAXIMUM];

	return addr_to_bytes(address, bytes) != known->size || add_name(known, bytes, memory);
}

static void begin(struct known *known, uint8_t family)
{
	if (known->family != ADDR_NONE)
		return;
	known->family = family;
	known->size = family == ADDR_IP4 ? 4 : SIZE_MAXIMUM;
}

/* Those of the set, before it becomes an estimate, and forgets them. */
static bool keep_names(struct known *known, struct known_memory *memory)
{
	struct addr list[DESTINATIONS_EXACT_MAX];
	size_t count = destinations_list(known->set, known->family, list);
	bool kept = true;

	if (known->names || known->family == ADDR_NONE)
		return true;
	kept = make_room(known, memory);
	for (size_t i = 0; kept && i < count; i++)
		kept = add_address(known, &list[i], memory);
	return kept;
}

void known_expect(const struct known *known, const uint8_t *bytes, size_t size,
		  const struct known_memory *memory)
{
	if (known->names && known->size == size)
		__builtin_prefetch(known->names +
					   (place_of(known, bytes, &memory->key) & (known->capacity - 1)) *
						   known->size,
				   1);
}

bool known_add(struct known *known, const struct addr *address, struct known_memory *memory)
{
	bool exact, kept = true;

	begin(known, address->family);
	/* At 64 the next one makes it an estimate. */
	if (!known->names && destinations_count(known->set, &exact) >= DESTINATIONS_EXACT_MAX)
		kept = keep_names(known, memory);
	if (kept && known->names)
		kept = add_address(known, address, memory);
	return kept && destinations_add(&known->set, address, &memory->budget);
}

bool known_add_named_registers(struct known *known, const uint8_t registers[DESTINATIONS_REGISTERS],
			       struct known_memory *memory)
{
	return keep_names(known, memory) &&
	       destinations_add_registers(&known->set, registers, &memory->budget);
}

bool known_add_registers(struct known *known, const uint8_t registers[DESTINATIONS_REGISTERS],
			 struct known_memory *memory)
{
	known->partial = true;
	return known_add_named_registers(known, registers, memory);
}

uint64_t known_count(const struct known *known, bool *ret_exact)
{
	uint64_t count = destinations_count(known->set, ret_exact);

	if (known->names && !known->partial) {
		*ret_exact = true;
		return known->name_count;
	}
	return known->name_count > count ? known->name_count : count;
}

void known_free(struct known *known, struct known_memory *memory)
{
	destinations_free(known->set, &memory->budget);
	memory->name_bytes -= known->capacity * known->size;
	free(known->names);
	*known = (struct known){0};
}

/* ---- as bytes: in order, each as the difference to the one before, 7 bits a byte, the low ones first ---- */

/* Sorts by that byte. False: it is the same in all. */
static bool sort_by_byte(const uint8_t *from, uint8_t *to, size_t count, size_t size, size_t byte)
{
	size_t places[256] = {0}, before = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i * size + byte]]++;
	if (places[from[byte]] == count)
		return false;
	for (size_t i = 0; i < 256; i++) {
		size_t own = places[i];

		places[i] = before;
		before += own;
	}
	for (size_t i = 0; i < count; i++)
		memcpy(to + places[from[i * size + byte]]++ * size, from + i * size, size);
	return true;
}

/* In one half of memory or the other; where they are in the end. */
static uint8_t *sort_names(const struct known *known, uint8_t *memory)
{
	const size_t size = known->size, end = known->capacity * size;
	uint8_t *from = memory, *to = memory + known->name_count * size, *other;
	size_t len = 0;

	for (size_t at = 0; at < end; at += size) {
		if (is_free(known->names + at, size))
			continue;
		memcpy(from + len, known->names + at, size);
		len += size;
	}
	for (size_t byte = size; byte-- > 0;) {
		if (!sort_by_byte(from, to, known->name_count, size, byte))
			continue;
		other = from;
		from = to;
		to = other;
	}
	return from;
}

static wide number_of(const uint8_t *bytes, size_t size)
{
	wide number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

static size_t put_number(uint8_t *out, wide number)
{
	size_t len = 0;

	for (; number > 0x7f; number >>= 7)
		out[len++] = (uint8_t)(0x80 | (number & 0x7f));
	out[len++] = (uint8_t)number;
	return len;
}

bool known_pack(const struct known *known, uint8_t **ret, size_t *ret_len)
{
	uint8_t *memory = NULL, *sorted;
	wide before = 0;

	*ret = NULL;
	*ret_len = 0;
	if (known->name_count == 0)
		return true;
	memory = calloc(known->name_count, (size_t)known->size * 2);
	*ret = malloc(known->name_count * VARINT_MAX);
	if (!memory || !*ret) {
		free(memory);
		free(*ret);
		*ret = NULL;
		return false;
	}
	sorted = sort_names(known, memory);
	for (size_t i = 0; i < known->name_count; i++) {
		wide number = number_of(sorted + i * known->size, known->size);

		*ret_len += put_number(*ret + *ret_len, number - before);
		before = number;
	}
	free(memory);
	return true;
}

bool known_unpack(struct known *known, uint8_t family, const uint8_t *bytes, size_t len,
		  struct known_memory *memory)
{
	wide number = 0, part = 0;
	unsigned bits = 0;
	bool kept;

	begin(known, family);
	kept = len == 0 || keep_names(known, memory);
	for (size_t at = 0; kept && at < len; at++) {
		uint8_t name[SIZE_MAXIMUM];

		if (bits < 128)
			part |= (wide)(bytes[at] & 0x7f) << bits;
		bits += 7;
		if (bytes[at] & 0x80)
			continue;
		number += part;
		for (size_t i = 0; i < known->size; i++)
			name[i] = (uint8_t)(number >> 8 * (known->size - 1 - i));
		kept = add_name(known, name, memory);
		part = 0;
		bits = 0;
	}
	return kept;
}
