/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables' form in memory, shared by the builders (lpm4.c, lpm6.c) and the look-up (lookup.c), which is a file
 * of its own so that a test can prove that its object calls nothing.
 */
#ifndef OP25B_LPM_TABLE_H
#define OP25B_LPM_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The IPv4 direct table has 2^16 chunks, one for each value of an address's top 16 bits. More bits would make lists
 * shorter, yet 2^20 entries cost 8 MB before the first prefix; the lists hold two to four bytes a range as it is.
 */
enum {
	LPM4_CHUNK_BITS = 16,
	LPM4_CHUNKS = 1 << LPM4_CHUNK_BITS,
	LPM4_RANGES_MAX = 1 << 29,
	LPM6_RANGES_MAX = 1 << 27,
};

/*
 * How a chunk keeps its ranges. A list is `starts` sorted starts (the first range's is the chunk's own and is not
 * kept) followed by one value more than starts. Both come narrow where the chunk allows it: starts that are all
 * multiples of 256 as their upper 8 bits, values below 256 as one byte.
 *
 * Where most starts are multiples of 256, as in any table of routes, a map answers faster: a bit for each 256
 * addresses says whether another value begins there, and counting bits finds the value, without a search whose length
 * the processor cannot foresee. Addresses that are divided further have the value LPM4_MAP_DIVIDED, and are looked up
 * in a list of the whole chunk; a map without a list has no such addresses, and the value is one like others.
 */
enum lpm4_form {
	LPM4_DIRECT = 0, /* one range only, its value stands in the chunk */
	LPM4_LIST = 1,
	LPM4_NARROW_STARTS = 2,
	LPM4_NARROW_VALUES = 4,
	LPM4_MAP = 8,
};

struct lpm4_chunk {
	uint32_t first; /* where the list or map begins, in units of two bytes */
	uint16_t
		number; /* of starts - 1; the value when LPM4_DIRECT; of a map, units to the struct lpm4_chunk of its
			  * list, or 0 */
	uint16_t form; /* of enum lpm4_form, or-ed */
};

enum {
	LPM4_SLOT_BITS = 8, /* addresses a bit of a map */
	LPM4_MAP_WORDS = 4,
	LPM4_MAP_STARTS_MIN = 3, /* a shorter list is searched as fast, and is smaller */
	LPM4_MAP_DIVIDED = 0xffff,
	LPM4_MAP_DIVIDED_NARROW = 0xff,
};

/* The values follow: one for where the chunk begins, and one for each bit. */
struct lpm4_map {
	uint64_t bits[LPM4_MAP_WORDS];
	uint8_t before[LPM4_MAP_WORDS]; /* how many bits are set in the words before */
} __attribute__((packed, aligned(2)));

enum { LPM4_MAP_UNITS = sizeof(struct lpm4_map) / 2, LPM4_CHUNK_UNITS = sizeof(struct lpm4_chunk) / 2 };

struct lpm4 {
	size_t memory; /* bytes, this structure included */
	struct lpm4_chunk chunks[LPM4_CHUNKS];
	uint16_t lists[];
};

/* How many two-byte units a number of starts or values takes. */
static inline size_t lpm4_units(size_t count, int narrow)
{
	return narrow ? (count + 1) / 2 : count;
}

/*
 * IPv6 keeps two lists of 64-bit starts: `high` for the first 64 bits of addresses, `low` for the rest, where each
 * divided /64 owns one stretch. A fixed window of bits would put nearly all of 2000::/3, or one provider's /32,
 * into one chunk, so direct tables ("nodes") are laid where the starts lie: from the first start of a stretch to
 * its last, with about as many slots as starts. A slot still crowded gets a node of its own, LPM6_DEPTH_MAX deep at
 * most, then binary search remains: lists made up to hurt cost log2(count) steps, never more.
 */
enum {
	LPM6_DEPTH_MAX = 4,
	LPM6_CROWDED = 8, /* as many starts as fill one cache line */
};

#define LPM6_NODE UINT32_C(0x80000000) /* in slot.more */
#define LPM6_DIVIDED                                                                                         \
	UINT32_C(0x80000000) /* in a leaf: the other bits number the slot of the /64's low stretch */

/*
 * more == 0: first is the leaf. more == LPM6_NODE: first is a node's number. Otherwise the ranges first to
 * first + more of the list, both included, of which the first reaches back before the slot.
 */
struct lpm6_slot {
	uint32_t first;
	uint32_t more;
};

/* Slot number i covers (i << shift) + base and on; the outer ones also all that lies before or behind. */
struct lpm6_node {
	uint64_t base;
	uint32_t first; /* slot */
	uint32_t last;  /* number of slots - 1 */
	uint32_t shift;
};

/* Start and leaf side by side, so that a look-up ends in one cache line; packed, it is 12 bytes instead of 16. */
struct lpm6_item {
	uint64_t start;
	uint32_t leaf; /* a value, or LPM6_DIVIDED and a slot's number */
} __attribute__((packed, aligned(4)));

struct lpm6_list {
	struct lpm6_item *items;
	size_t count;
	size_t capacity;
};

struct lpm6 {
	struct lpm6_slot root;
	struct lpm6_list high;
	struct lpm6_list low;
	struct lpm6_slot *slots;
	struct lpm6_node *nodes;
	size_t slot_count;
	size_t slot_capacity;
	size_t node_count;
	size_t node_capacity;
};

#endif
