/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/names.h"

#include "event/event.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_BITS = 16,
	WAY_BITS = 16,
	SUBSCRIBER_BITS = 20,
	TEXT_MAX = 8192,
	WAY_COLUMNS = 9,
};

static const char way_columns[] = "host, pool, rule, rule_kind, reason, verdict, monitored, policy, divided";

static int prepare_ways(struct names *names)
{
	char sql[300];
	int r;

	snprintf(sql, sizeof(sql), "INSERT INTO way(%s) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		 way_columns);
	r = store_prepare(names->store, sql, &names->add_way);
	snprintf(sql, sizeof(sql), "SELECT id FROM way WHERE (%s) = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		 way_columns);
	return r < 0 ? r : store_prepare(names->store, sql, &names->find_way);
}

int names_init(struct names *names, struct store *store, const struct siphash_key *key)
{
	int r = 0;

	*names = (struct names){.store = store, .key = *key};
	if (cache_init(&names->names, NAME_BITS) < 0 || cache_init(&names->ways, WAY_BITS) < 0 ||
	    cache_init(&names->subscribers, SUBSCRIBER_BITS) < 0)
		return store_say(store, ENOMEM, "not enough memory");
	r = store_prepare(store, "SELECT id FROM name WHERE text = ?1", &names->find_name);
	r = r < 0 ? r : store_prepare(store, "INSERT INTO name(text) VALUES(?1)", &names->add_name);
	r = r < 0 ? r
		  : store_prepare(store, "SELECT id FROM subscriber WHERE address = ?1 AND len = ?2",
				  &names->find_subscriber);
	r = r < 0 ? r
		  : store_prepare(store, "INSERT INTO subscriber(address, len) VALUES(?1, ?2)",
				  &names->add_subscriber);
	return r < 0 ? r : prepare_ways(names);
}

void names_free(struct names *names)
{
	sqlite3_finalize(names->find_name);
	sqlite3_finalize(names->add_name);
	sqlite3_finalize(names->find_way);
	sqlite3_finalize(names->add_way);
	sqlite3_finalize(names->find_subscriber);
	sqlite3_finalize(names->add_subscriber);
	cache_free(&names->names);
	cache_free(&names->ways);
	cache_free(&names->subscribers);
}

int names_find_or_add(struct names *names, sqlite3_stmt *find, sqlite3_stmt *add, int64_t *ret_id)
{
	int step = sqlite3_step(find), r = 0;

	if (step == SQLITE_ROW) {
		*ret_id = sqlite3_column_int64(find, 0);
	} else if (step == SQLITE_DONE) {
		step = sqlite3_step(add);
		*ret_id = sqlite3_last_insert_rowid(names->store->db);
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		r = store_failed(names->store);
	(void)sqlite3_reset(find);
	(void)sqlite3_reset(add);
	return r;
}

static uint64_t bytes_key(const struct names *names, const char *bytes, size_t len)
{
	uint64_t words[TEXT_MAX / 8 + 2];
	size_t count = (len + 7) / 8;

	words[count] = 0;
	if (count > 0)
		words[count - 1] = 0;
	memcpy(words, bytes, len);
	words[count] = len;
	return siphash_words(&names->key, words, count + 1);
}

int names_text(struct names *names, const struct json_text *text, int64_t *ret_id)
{
	char decoded[TEXT_MAX];
	size_t len = text->len <= sizeof(decoded) ? json_text_decode(text, decoded) : 0;
	uint64_t key = bytes_key(names, decoded, len);
	int r;

	if (len == 0) {
		*ret_id = 0;
		return 0;
	}
	if (cache_find(&names->names, key, ret_id))
		return 0;
	(void)sqlite3_bind_text(names->find_name, 1, decoded, (int)len, SQLITE_STATIC);
	(void)sqlite3_bind_text(names->add_name, 1, decoded, (int)len, SQLITE_STATIC);
	r = names_find_or_add(names, names->find_name, names->add_name, ret_id);
	if (r == 0)
		cache_put(&names->names, key, *ret_id);
	return r;
}

int names_known_text(struct names *names, uint64_t key, const struct json_text *text, int64_t *ret_id)
{
	int r;

	if (cache_find(&names->names, key, ret_id))
		return 0;
	r = names_text(names, text, ret_id);
	if (r == 0)
		cache_put(&names->names, key, *ret_id);
	return r;
}

static struct json_text word(const char *text)
{
	return (struct json_text){.at = text, .len = (uint32_t)strlen(text)};
}

static struct json_text verdict_text(uint8_t verdict)
{
	switch (verdict) {
	case EVENT_DROP:
		return word("drop");
	case EVENT_RESET:
		return word("reset");
	case EVENT_ICMP:
		return word("icmp");
	default:
		return word("");
	}
}

static int make_way(struct names *names, const struct json_text *host, const struct row_names *way,
		    int64_t *ret_id)
{
	const struct json_text verdict = verdict_text(way->verdict);
	const struct json_text *texts[WAY_COLUMNS] = {host,         &way->pool, &way->rule, &way->rule_kind,
						      &way->reason, &verdict,   NULL,       &way->policy,
						      NULL};

	for (int i = 0; i < WAY_COLUMNS; i++) {
		int64_t id = i < WAY_COLUMNS - 1 ? way->monitored : way->divided;
		int r = texts[i] ? names_text(names, texts[i], &id) : 0;

		if (r < 0)
			return r;
		(void)sqlite3_bind_int64(names->find_way, i + 1, id);
		(void)sqlite3_bind_int64(names->add_way, i + 1, id);
	}
	return names_find_or_add(names, names->find_way, names->add_way, ret_id);
}

int names_way(struct names *names, uint64_t key, const struct json_text *host, const struct row_names *way,
	      int64_t *ret_id)
{
	int r;

	if (cache_find(&names->ways, key, ret_id))
		return 0;
	r = make_way(names, host, way, ret_id);
	if (r == 0)
		cache_put(&names->ways, key, *ret_id);
	return r;
}

int names_subscriber(struct names *names, uint64_t key, const struct prefix *subscriber, int64_t *ret_id)
{
	uint8_t bytes[16];
	int len, r;

	if (cache_find(&names->subscribers, key, ret_id))
		return 0;
	len = (int)addr_to_bytes(&subscriber->addr, bytes);
	(void)sqlite3_bind_blob(names->find_subscriber, 1, bytes, len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(names->find_subscriber, 2, subscriber->len);
	(void)sqlite3_bind_blob(names->add_subscriber, 1, bytes, len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(names->add_subscriber, 2, subscriber->len);
	r = names_find_or_add(names, names->find_subscriber, names->add_subscriber, ret_id);
	if (r == 0)
		cache_put(&names->subscribers, key, *ret_id);
	return r;
}
