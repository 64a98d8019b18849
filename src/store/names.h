/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: the numbers of names, ways and subscribers: known ones from caches, new ones made in the database. */
#ifndef OP25B_STORE_NAMES_H
#define OP25B_STORE_NAMES_H

#include "store/block.h"
#include "store/cache.h"
#include "store/database.h"

struct names {
	struct store *store;
	struct siphash_key key;
	struct cache names, ways, subscribers;
	sqlite3_stmt *find_name, *add_name, *find_way, *add_way, *find_subscriber, *add_subscriber;
};

/* 0 or a negative errno; give back with names_free() in any case. All below: 0 with *ret_id, or a negative errno with the
 * reason told to the store. */
int names_init(struct names *names, struct store *store, const struct siphash_key *key);
void names_free(struct names *names);

int names_text(struct names *names, const struct json_text *text, int64_t *ret_id);
/* The same of a text that has a hash already. */
int names_known_text(struct names *names, uint64_t key, const struct json_text *text, int64_t *ret_id);
/* key: block_way_key(). */
int names_way(struct names *names, uint64_t key, const struct json_text *host, const struct row_names *way,
	      int64_t *ret_id);
/* key: row->subscriber_key. */
int names_subscriber(struct names *names, uint64_t key, const struct prefix *subscriber, int64_t *ret_id);

/* Both statements have the same things bound. *ret_id: of the row that the first one finds, or the second one adds. */
int names_find_or_add(struct names *names, sqlite3_stmt *find, sqlite3_stmt *add, int64_t *ret_id);

#endif
