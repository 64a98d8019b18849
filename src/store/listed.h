/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: which destinations records list, in how many records, of whom, and when. Of a day that is over this is
 * kept, so that a question about months need not go through its records. Everything is told apart by bucket, of which one at a
 * time is in memory.
 */
#ifndef OP25B_STORE_LISTED_H
#define OP25B_STORE_LISTED_H

#include "base/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LISTED_BUCKETS = 128,       /* the first half of them for IPv4 */
	LISTED_PAIRS_MAX = 1 << 21, /* of destination and subscriber, in memory at once */
	LISTED_WAITING = 32,
	LISTED_WHOLE = -1, /* in the table listed, in place of a bucket: all buckets of the day are there */
	LISTED_TOO_MANY = -2, /* likewise: the day has too many pairs, and its records are looked at */
};

/* ---- a bucket: destinations in the order of their addresses ---- */

struct listed_entry {
	uint64_t hi, lo; /* the address */
	uint64_t records;
	int64_t first_us, last_us;     /* of the packets */
	uint32_t people, people_count; /* place in listed->people */
};

/* All zeroes: empty. Give back with listed_free(). */
struct listed {
	struct listed_entry *entries;
	size_t count, capacity;
	uint32_t *people; /* subscribers, in order */
	size_t people_count, people_capacity;
};

unsigned listed_bucket(const struct addr *address);
uint8_t listed_family(unsigned bucket);
void listed_free(struct listed *listed);
/* All below: false without memory. */
bool listed_add(struct listed *into, const struct listed *more);
/* As bytes; times are kept by their difference to base_us. *ret is the caller's. */
bool listed_pack(const struct listed *listed, int64_t base_us, uint8_t **ret, size_t *ret_len);
/* What listed_pack() gave takes the place of what is in there. Other bytes are read as far as they can be understood. */
bool listed_unpack(struct listed *into, int64_t base_us, const uint8_t *bytes, size_t len);

/* ---- what becomes of records ---- */

struct listed_pair {
	struct addr address;
	uint32_t subscriber, records;
	int64_t first_us, last_us;
};

/* Made by listed_pairs_init(), given back with listed_pairs_free() in any case. */
struct listed_pairs {
	struct listed_pair *pairs;
	size_t count, capacity;
	uint32_t *places; /* hash table: places in pairs plus one */
	struct siphash_key key;
	size_t begins[LISTED_BUCKETS + 1]; /* after listed_pairs_sort() */
	/* What is on its way: memory answers late, but many questions at once. */
	struct listed_pair waiting[LISTED_WAITING];
	size_t at[LISTED_WAITING];
	unsigned waiting_count;
	bool full; /* there were more than LISTED_PAIRS_MAX: it is not to be used */
};

bool listed_pairs_init(struct listed_pairs *pairs, const struct siphash_key *key);
void listed_pairs_free(struct listed_pairs *pairs);
void listed_pairs_forget(struct listed_pairs *pairs);
/* A record of that subscriber (0: overflow) lists the address. They are taken some at a time: listed_pairs_settle() takes the rest. */
bool listed_pairs_add(struct listed_pairs *pairs, const struct addr *address, uint32_t subscriber,
		      int64_t first_us, int64_t last_us);
bool listed_pairs_settle(struct listed_pairs *pairs);
/* After that nothing more is added. */
void listed_pairs_sort(struct listed_pairs *pairs);
/* That bucket of them takes the place of what is in there. */
bool listed_pairs_take(const struct listed_pairs *pairs, unsigned bucket, struct listed *into);

#endif
