/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: the destinations of a subscriber. They are counted as event/destinations.h does; where that becomes an
 * estimate, those that are known by name are kept beside it: where these are all, they are counted, and nobody is told to have
 * fewer destinations than he has names.
 */
#ifndef OP25B_STORE_KNOWN_H
#define OP25B_STORE_KNOWN_H

#include "event/destinations.h"

enum {
	KNOWN_NAMES_MAX = 1 << 16, /* more names than that are only estimated */
};

/* What the sets of one run share. Names take memory beyond the budget: it is told in name_bytes. */
struct known_memory {
	struct destinations_budget budget;
	size_t name_bytes;
	struct siphash_key key;
};

/* All zeroes: empty. Give back with known_free(). */
struct known {
	struct destinations *set;
	uint8_t *
		names; /* a hash table of addresses in network order, where zeroes are free; NULL: the set is exact */
	size_t name_count, capacity;
	uint8_t family; /* ADDR_NONE until there is an address */
	uint8_t size;   /* of one in bytes */
	bool partial;   /* names are not all: some were only estimated, or there is no room for more */
};

/* False without memory; the set stays valid. The addresses of one set are of one family. */
bool known_add(struct known *known, const struct addr *address, struct known_memory *memory);
/* That address of 4 or 16 bytes, in network order, will be added soon: memory answers late. */
void known_expect(const struct known *known, const uint8_t *bytes, size_t size,
		  const struct known_memory *memory);
/* What was estimated elsewhere: names are not all from here on. */
bool known_add_registers(struct known *known, const uint8_t registers[DESTINATIONS_REGISTERS],
			 struct known_memory *memory);
/* The same of a set whose names are all known, and are added by known_unpack() next. */
bool known_add_named_registers(struct known *known, const uint8_t registers[DESTINATIONS_REGISTERS],
			       struct known_memory *memory);
/* *ret_exact: whether the count is. */
uint64_t known_count(const struct known *known, bool *ret_exact);
void known_free(struct known *known, struct known_memory *memory);

/* The names beside an estimate as bytes to be kept: *ret is the caller's, NULL where there are none. False without memory. */
bool known_pack(const struct known *known, uint8_t **ret, size_t *ret_len);
/* Adds what known_pack() gave; bytes that it cannot have given end it, or add nothing. False without memory. */
bool known_unpack(struct known *known, uint8_t family, const uint8_t *bytes, size_t len,
		  struct known_memory *memory);

#endif
