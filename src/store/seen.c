/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_BITS = 11, BOOT_MAX = 2048, DUPLICATE = 1 };

_Static_assert(SEEN_SOURCES_MAX <= (1 << SOURCE_BITS) / 4 * 3, "the cache is never emptied by itself");

int seen_init(struct seen *seen, struct store *store, struct names *names)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} statements[] = {
		{&seen->find, "SELECT id FROM source WHERE host = ?1 AND boot = ?2"},
		{&seen->add, "INSERT INTO source(host, boot) VALUES(?1, ?2)"},
		{&seen->before,
		 "SELECT first, last FROM seen WHERE source = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1"},
		{&seen->behind,
		 "SELECT first, last FROM seen WHERE source = ?1 AND first > ?2 ORDER BY first LIMIT 1"},
		{&seen->put,
		 "INSERT INTO seen(source, first, last) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET last = excluded.last"},
		{&seen->drop, "DELETE FROM seen WHERE source = ?1 AND first = ?2"},
		{&seen->count_duplicates, "UPDATE source SET duplicates = duplicates + ?2 WHERE id = ?1"},
	};
	int r = 0;

	*seen = (struct seen){.store = store, .names = names};
	seen->items = calloc(SEEN_SOURCES_MAX, sizeof(seen->items[0]));
	if (!seen->items || cache_init(&seen->sources, SOURCE_BITS) < 0)
		return store_say(store, ENOMEM, "not enough memory");
	for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
		r = store_prepare(store, statements[i].sql, statements[i].statement);
	return r;
}

void seen_free(struct seen *seen)
{
	sqlite3_finalize(seen->find);
	sqlite3_finalize(seen->add);
	sqlite3_finalize(seen->before);
	sqlite3_finalize(seen->behind);
	sqlite3_finalize(seen->put);
	sqlite3_finalize(seen->drop);
	sqlite3_finalize(seen->count_duplicates);
	cache_free(&seen->sources);
	free(seen->items);
}

void seen_forget(struct seen *seen)
{
	cache_clear(&seen->sources);
	seen->count = 0;
}

/* Runs a statement whose rows nobody wants. */
static int run(struct seen *seen, sqlite3_stmt *statement, int64_t a, uint64_t b, uint64_t c)
{
	int r = 0;

	(void)sqlite3_bind_int64(statement, 1, a);
	(void)sqlite3_bind_int64(statement, 2, (int64_t)b);
	if (sqlite3_bind_parameter_count(statement) > 2)
		(void)sqlite3_bind_int64(statement, 3, (int64_t)c);
	if (sqlite3_step(statement) != SQLITE_DONE)
		r = store_failed(seen->store);
	(void)sqlite3_reset(statement);
	return r;
}

static int flush_source(struct seen *seen, struct seen_source *source)
{
	int r = 0;

	if (source->valid && source->dirty)
		r = run(seen, seen->put, source->id, source->first, source->last);
	if (r == 0 && source->duplicates > 0)
		r = run(seen, seen->count_duplicates, source->id, source->duplicates, 0);
	source->dirty = false;
	source->duplicates = 0;
	return r;
}

int seen_flush(struct seen *seen)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < seen->count; i++)
		r = flush_source(seen, &seen->items[i]);
	return r;
}

/* ---- writers ---- */

static int source_id(struct seen *seen, const struct row *row, int64_t *ret)
{
	char boot[BOOT_MAX];
	int64_t host;
	int len = (int)json_text_decode(&row->boot_id, boot);
	int r = names_text(seen->names, &row->host, &host);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(seen->find, 1, host);
	(void)sqlite3_bind_text(seen->find, 2, boot, len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(seen->add, 1, host);
	(void)sqlite3_bind_text(seen->add, 2, boot, len, SQLITE_STATIC);
	return names_find_or_add(seen->names, seen->find, seen->add, ret);
}

/* A host's name can be written in two ways, with escapes and without: both are one writer. */
static struct seen_source *known_by_id(struct seen *seen, int64_t id)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->items[i].id == id)
			return &seen->items[i];
	}
	return NULL;
}

static int find_source(struct seen *seen, const struct row *row, struct seen_source **ret)
{
	int64_t place, id;
	int r;

	if (cache_find(&seen->sources, row->source_key, &place)) {
		*ret = &seen->items[place];
		return 0;
	}
	r = source_id(seen, row, &id);
	if (r < 0)
		return r;
	if (seen->count == SEEN_SOURCES_MAX || seen->sources.count == SEEN_SOURCES_MAX) {
		r = seen_flush(seen);
		seen_forget(seen);
	}
	*ret = known_by_id(seen, id);
	if (!*ret) {
		*ret = &seen->items[seen->count++];
		**ret = (struct seen_source){.id = id};
	}
	cache_put(&seen->sources, row->source_key, *ret - seen->items);
	return r;
}

/* ---- ranges ---- */

/* The range that a look-up finds: 1, 0 when there is none, or a negative errno. */
static int look_up(struct seen *seen, sqlite3_stmt *statement, int64_t source, uint64_t seq,
		   uint64_t *ret_first, uint64_t *ret_last)
{
	int step, r = 0;

	(void)sqlite3_bind_int64(statement, 1, source);
	(void)sqlite3_bind_int64(statement, 2, (int64_t)seq);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW) {
		*ret_first = (uint64_t)sqlite3_column_int64(statement, 0);
		*ret_last = (uint64_t)sqlite3_column_int64(statement, 1);
		r = 1;
	} else if (step != SQLITE_DONE) {
		r = store_failed(seen->store);
	}
	(void)sqlite3_reset(statement);
	return r;
}

static int find_next(struct seen *seen, struct seen_source *source)
{
	uint64_t first = 0, last = 0;
	int r = look_up(seen, seen->behind, source->id, source->last, &first, &last);

	source->next = r == 1 ? first : UINT64_MAX;
	return r < 0 ? r : 0;
}

/* The range has reached the one behind it: they are one. */
static int join_next(struct seen *seen, struct seen_source *source)
{
	uint64_t first = 0, last = 0;
	int r = look_up(seen, seen->behind, source->id, source->first, &first, &last);

	if (r < 0)
		return r;
	r = run(seen, seen->drop, source->id, first, 0);
	source->last = last;
	source->dirty = true;
	return r < 0 ? r : find_next(seen, source);
}

/* Makes the range in hand the one that holds seq, or ends before it, or begins with it. 1: seq was in it. */
static int turn_to(struct seen *seen, struct seen_source *source, uint64_t seq)
{
	uint64_t first = 0, last = 0;
	int found, r = flush_source(seen, source);

	if (r < 0)
		return r;
	found = look_up(seen, seen->before, source->id, seq, &first, &last);
	if (found < 0)
		return found;
	source->valid = true;
	if (found == 1 && last + 1 >= seq) {
		r = last >= seq ? DUPLICATE : 0;
		source->first = first;
		source->last = r == DUPLICATE ? last : seq;
	} else {
		source->first = source->last = seq;
	}
	source->dirty = r == 0;
	found = find_next(seen, source);
	return found < 0 ? found : r;
}

static int add_number(struct seen *seen, struct seen_source *source, uint64_t seq)
{
	int r = 0;

	if (source->valid && seq >= source->first && seq <= source->last)
		return DUPLICATE;
	if (source->valid && seq == source->last + 1) {
		source->last = seq;
		source->dirty = true;
	} else if (source->valid && seq > source->last && seq < source->next) {
		r = flush_source(seen, source);
		source->first = source->last = seq;
		source->dirty = true;
	} else {
		r = turn_to(seen, source, seq);
	}
	if (r == 0 && source->last + 1 == source->next)
		r = join_next(seen, source);
	return r;
}

int seen_add(struct seen *seen, const struct row *row, int64_t *ret_source)
{
	struct seen_source *source = NULL;
	int r = find_source(seen, row, &source);

	if (r < 0)
		return r;
	r = add_number(seen, source, row->seq);
	source->duplicates += r == DUPLICATE;
	*ret_source = source->id;
	return r;
}
