/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/writer.h"

#include "store/record_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BATCH_LINES = 1 << 18,
	BATCH_MS = 2000,
	BATCH_PAUSE_MS = 20, /* others who write get their turn between two batches */
	BATCH_LONG_MS = 200,
	REFUSED_KEPT = 1000,
	AHEAD = 8, /* rows whose subscribers are on their way from memory */
};

int64_t writer_clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int prepare(struct writer *writer)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} statements[] = {
		{&writer->add_record, record_row_insert},
		{&writer->add_notice,
		 "INSERT INTO notice(source, seq, time, what, state, first, last, packets, open, json)"
		 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
		{&writer->add_refused, "INSERT OR IGNORE INTO refused(file, offset, why) VALUES(?1, ?2, ?3)"},
		{&writer->unchanged,
		 "SELECT id, path, unread FROM file WHERE device = ?1 AND inode = ?2 AND size = ?3 AND mtime_ns = ?4"},
		{&writer->find_file,
		 "SELECT id, place, lines, records, duplicates, refused, foreign_lines, tail FROM file WHERE head = ?1"},
		{&writer->add_file, "INSERT INTO file(head, path) VALUES(?1, ?2)"},
		{&writer->save_file,
		 "UPDATE file SET place = ?2, lines = ?3, records = ?4, duplicates = ?5, refused = ?6, foreign_lines = ?7, tail = ?8, path = ?9"
		 " WHERE id = ?1"},
		{&writer->save_stat,
		 "UPDATE file SET device = ?2, inode = ?3, size = ?4, mtime_ns = ?5, unread = ?6 WHERE id = ?1"},
		{&writer->save_path, "UPDATE file SET path = ?2 WHERE id = ?1"},
		/* What else is known under that name, or was that file, is no more. */
		{&writer->settle,
		 "UPDATE file SET unread = NULL WHERE unread IS NOT NULL AND id <> ?1 AND (path = ?4 OR (device = ?2 AND inode = ?3))"},
		{&writer->segments,
		 "SELECT first_id, last_id, min_time, max_time FROM segment ORDER BY first_id DESC LIMIT 1"},
		{&writer->put_segment,
		 "INSERT INTO segment(first_id, last_id, min_time, max_time) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
		 " SET last_id = excluded.last_id, min_time = excluded.min_time, max_time = excluded.max_time"},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
		r = store_prepare(writer->store, statements[i].sql, statements[i].statement);
	return r;
}

int writer_init(struct writer *writer, struct store *store, const struct store_ingest_config *config,
		const struct siphash_key *key, struct store_ingested *done)
{
	int r;

	*writer = (struct writer){.store = store, .config = config, .key = *key, .done = done};
	r = names_init(&writer->names, store, key);
	r = r < 0 ? r : seen_init(&writer->seen, store, &writer->names);
	r = r < 0 ? r : rollup_init(&writer->rollup, store);
	r = r < 0 ? r : reach_init(&writer->reach, store, key);
	return r < 0 ? r : prepare(writer);
}

void writer_free(struct writer *writer)
{
	sqlite3_stmt *const statements[] = {writer->add_record, writer->add_notice, writer->add_refused,
					    writer->unchanged,  writer->find_file,  writer->add_file,
					    writer->save_file,  writer->save_stat,  writer->save_path,
					    writer->settle,     writer->segments,   writer->put_segment};

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		sqlite3_finalize(statements[i]);
	if (writer->open)
		(void)sqlite3_exec(writer->store->db, "ROLLBACK", NULL, NULL, NULL);
	names_free(&writer->names);
	seen_free(&writer->seen);
	rollup_free(&writer->rollup);
	reach_free(&writer->reach);
}

/* A statement without rows; what is bound stays, because all of it is bound anew each time. */
static int step(struct writer *writer, sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : store_failed(writer->store);

	(void)sqlite3_reset(statement);
	return r;
}

/* ---- segments ---- */

static int load_segment(struct writer *writer)
{
	struct writer_segment *segment = &writer->segment;
	int found = sqlite3_step(writer->segments);

	*segment = (struct writer_segment){0};
	if (found == SQLITE_ROW) {
		segment->first_id = sqlite3_column_int64(writer->segments, 0);
		segment->last_id = sqlite3_column_int64(writer->segments, 1);
		segment->min_time = sqlite3_column_int64(writer->segments, 2);
		segment->max_time = sqlite3_column_int64(writer->segments, 3);
	}
	(void)sqlite3_reset(writer->segments);
	return found == SQLITE_ROW || found == SQLITE_DONE ? 0 : store_failed(writer->store);
}

static int save_segment(struct writer *writer)
{
	const struct writer_segment *segment = &writer->segment;

	if (segment->last_id == 0)
		return 0;
	(void)sqlite3_bind_int64(writer->put_segment, 1, segment->first_id);
	(void)sqlite3_bind_int64(writer->put_segment, 2, segment->last_id);
	(void)sqlite3_bind_int64(writer->put_segment, 3, segment->min_time);
	(void)sqlite3_bind_int64(writer->put_segment, 4, segment->max_time);
	return step(writer, writer->put_segment);
}

static int extend_segment(struct writer *writer, int64_t id, int64_t time_us)
{
	struct writer_segment *segment = &writer->segment;
	int r = 0;

	if (segment->last_id == 0 || segment->last_id - segment->first_id + 1 >= SEGMENT_RECORDS) {
		r = save_segment(writer);
		*segment = (struct writer_segment){id, id, time_us, time_us};
	}
	segment->last_id = id;
	segment->min_time = time_us < segment->min_time ? time_us : segment->min_time;
	segment->max_time = time_us > segment->max_time ? time_us : segment->max_time;
	return r;
}

/* ---- the transaction ---- */

static int open_batch(struct writer *writer)
{
	int r;

	if (writer->open)
		return 0;
	r = store_run(writer->store, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	writer->open = true;
	writer->opened_ms = writer_clock_ms();
	return load_segment(writer);
}

static int save_file(struct writer *writer)
{
	struct writer_file *file = &writer->file;
	const uint64_t counts[] = {file->place,      file->lines,   file->records,
				   file->duplicates, file->refused, file->foreign};

	if (file->id == 0 || !file->changed)
		return 0;
	(void)sqlite3_bind_int64(writer->save_file, 1, file->id);
	for (int i = 0; i < (int)(sizeof(counts) / sizeof(counts[0])); i++)
		(void)sqlite3_bind_int64(writer->save_file, i + 2, (int64_t)counts[i]);
	(void)sqlite3_bind_blob(writer->save_file, 8, file->tail, TAIL_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(writer->save_file, 9, file->begun.path, -1, SQLITE_STATIC);
	file->changed = false;
	return step(writer, writer->save_file);
}

static void add_counts(struct store_ingested *sum, const struct store_ingested *more)
{
	sum->lines += more->lines;
	sum->records += more->records;
	sum->notices += more->notices;
	sum->duplicates += more->duplicates;
	sum->foreign += more->foreign;
	sum->refused += more->refused;
	sum->files += more->files;
	sum->bytes += more->bytes;
}

static void pause_after(int64_t batch_ms)
{
	const struct timespec pause = {.tv_nsec = BATCH_PAUSE_MS * 1000000L};

	if (batch_ms > BATCH_LONG_MS)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int writer_commit(struct writer *writer, bool now)
{
	int64_t age_ms = writer->open ? writer_clock_ms() - writer->opened_ms : 0;
	int r;

	if (!now && writer->batch.lines < BATCH_LINES && age_ms < BATCH_MS)
		return 0;
	if (writer->open) {
		r = rollup_flush(&writer->rollup);
		r = r < 0 ? r : reach_flush(&writer->reach);
		r = r < 0 ? r : seen_flush(&writer->seen);
		r = r < 0 ? r : save_segment(writer);
		r = r < 0 ? r : save_file(writer);
		r = r < 0 ? r : store_run(writer->store, "COMMIT");
		if (r < 0)
			return r;
		writer->open = false;
	}
	add_counts(writer->done, &writer->batch);
	writer->batch = (struct store_ingested){0};
	if (!now)
		pause_after(age_ms);
	return 0;
}

/* ---- files ---- */

void writer_tell_unread(const struct writer *writer, const char *path, const char *why)
{
	char text[STORE_ERROR_MAX];

	if (!writer->config->unread)
		return;
	snprintf(text, sizeof(text),
		 "not read whole: %s; the rest of it is stored, and it is looked at again when it changes",
		 why);
	writer->config->unread(writer->config->context, path, text);
}

/* It is known from an earlier run, perhaps by another name. */
static int know_again(struct writer *writer, const char *path)
{
	const char *known = (const char *)sqlite3_column_text(writer->unchanged, 1);
	const char *unread = (const char *)sqlite3_column_text(writer->unchanged, 2);
	int r;

	if (unread)
		writer_tell_unread(writer, path, unread);
	if (known && strcmp(known, path) == 0)
		return 0;
	r = open_batch(writer);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(writer->save_path, 1, sqlite3_column_int64(writer->unchanged, 0));
	(void)sqlite3_bind_text(writer->save_path, 2, path, -1, SQLITE_STATIC);
	return step(writer, writer->save_path);
}

static int is_unchanged(struct writer *writer, const struct block_file *file, bool *ret)
{
	int found, r = 0;

	(void)sqlite3_bind_int64(writer->unchanged, 1, (int64_t)file->device);
	(void)sqlite3_bind_int64(writer->unchanged, 2, (int64_t)file->inode);
	(void)sqlite3_bind_int64(writer->unchanged, 3, (int64_t)file->size);
	(void)sqlite3_bind_int64(writer->unchanged, 4, file->mtime_ns);
	found = sqlite3_step(writer->unchanged);
	*ret = found == SQLITE_ROW;
	if (found == SQLITE_ROW)
		r = know_again(writer, file->path);
	else if (found != SQLITE_DONE)
		r = store_failed(writer->store);
	(void)sqlite3_reset(writer->unchanged);
	return r;
}

static int find_file(struct writer *writer)
{
	sqlite3_stmt *find = writer->find_file;
	struct writer_file *file = &writer->file;
	int found;

	(void)sqlite3_bind_blob(find, 1, file->begun.head, HEAD_BYTES, SQLITE_STATIC);
	found = sqlite3_step(find);
	if (found == SQLITE_ROW) {
		file->id = sqlite3_column_int64(find, 0);
		file->place = (uint64_t)sqlite3_column_int64(find, 1);
		file->lines = (uint64_t)sqlite3_column_int64(find, 2);
		file->records = (uint64_t)sqlite3_column_int64(find, 3);
		file->duplicates = (uint64_t)sqlite3_column_int64(find, 4);
		file->refused = (uint64_t)sqlite3_column_int64(find, 5);
		file->foreign = (uint64_t)sqlite3_column_int64(find, 6);
		if (sqlite3_column_bytes(find, 7) == TAIL_BYTES)
			memcpy(file->tail, sqlite3_column_blob(find, 7), TAIL_BYTES);
	}
	(void)sqlite3_reset(find);
	return found == SQLITE_ROW || found == SQLITE_DONE ? 0 : store_failed(writer->store);
}

int writer_begin_file(struct writer *writer, struct block *block)
{
	struct writer_file *file = &writer->file;
	int64_t id = file->id;
	int r;

	*file = (struct writer_file){.begun = block->file};
	if (block->file.restarted) {
		file->id = id;
		return 0;
	}
	r = is_unchanged(writer, &block->file, &block->file.unchanged);
	if (r == 0 && !block->file.unchanged && block->file.has_head)
		r = find_file(writer);
	file->begun.unchanged = block->file.unchanged;
	block->file.place = file->place;
	block->file.lines = file->lines;
	memcpy(block->file.tail, file->tail, TAIL_BYTES);
	return r;
}

static int add_file(struct writer *writer)
{
	struct writer_file *file = &writer->file;
	int r;

	if (file->id != 0 || !file->begun.has_head)
		return 0;
	(void)sqlite3_bind_blob(writer->add_file, 1, file->begun.head, HEAD_BYTES, SQLITE_STATIC);
	(void)sqlite3_bind_text(writer->add_file, 2, file->begun.path, -1, SQLITE_STATIC);
	r = step(writer, writer->add_file);
	file->id = sqlite3_last_insert_rowid(writer->store->db);
	return r;
}

static int save_stat(struct writer *writer, const struct block_file *found)
{
	int r;

	(void)sqlite3_bind_int64(writer->save_stat, 1, writer->file.id);
	(void)sqlite3_bind_int64(writer->save_stat, 2, (int64_t)found->device);
	(void)sqlite3_bind_int64(writer->save_stat, 3, (int64_t)found->inode);
	(void)sqlite3_bind_int64(writer->save_stat, 4, (int64_t)found->size);
	(void)sqlite3_bind_int64(writer->save_stat, 5, found->mtime_ns);
	(void)sqlite3_bind_text(writer->save_stat, 6, found->missing, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(writer->settle, 1, writer->file.id);
	(void)sqlite3_bind_int64(writer->settle, 2, (int64_t)found->device);
	(void)sqlite3_bind_int64(writer->settle, 3, (int64_t)found->inode);
	(void)sqlite3_bind_text(writer->settle, 4, found->path, -1, SQLITE_STATIC);
	r = step(writer, writer->save_stat);
	return r < 0 ? r : step(writer, writer->settle);
}

/* A file that shows nothing that it could be known by is remembered by where it is, so that its damage is told once. */
static int know_by_place(struct writer *writer, const struct block_file *found)
{
	const uint64_t where[] = {found->device, found->inode};
	struct writer_file *file = &writer->file;
	int r;

	block_head((const char *)where, sizeof(where), file->begun.head);
	file->begun.has_head = true;
	r = find_file(writer);
	return r < 0 ? r : add_file(writer);
}

int writer_end_file(struct writer *writer, const struct block *block)
{
	int r;

	writer->batch.bytes += block->bytes;
	writer->batch.refused += block->refusal_count;
	for (size_t i = 0; i < block->refusal_count && writer->config->refused; i++)
		writer->config->refused(writer->config->context, block->file.path, block->refusals[i].line,
					block->refusals[i].offset, block->refusals[i].why);
	if (writer->file.begun.unchanged)
		return 0;
	writer->batch.files += writer->file.fresh;
	if (block->file.missing)
		writer_tell_unread(writer, block->file.path, block->file.missing);
	if (writer->file.id == 0 && !block->file.missing)
		return 0;
	r = open_batch(writer);
	if (r == 0 && writer->file.id == 0)
		r = know_by_place(writer, &block->file);
	r = r < 0 ? r : save_file(writer);
	return r < 0 || block->file.unsettled ? r : save_stat(writer, &block->file);
}

/* ---- lines ---- */

static int add_refusal(struct writer *writer, const struct refusal *refusal)
{
	struct writer_file *file = &writer->file;

	writer->batch.refused++;
	if (writer->config->refused)
		writer->config->refused(writer->config->context, file->begun.path, refusal->line,
					refusal->offset, refusal->why);
	if (file->refused++ >= REFUSED_KEPT || file->id == 0)
		return 0;
	(void)sqlite3_bind_int64(writer->add_refused, 1, file->id);
	(void)sqlite3_bind_int64(writer->add_refused, 2, (int64_t)refusal->offset);
	(void)sqlite3_bind_text(writer->add_refused, 3, refusal->why, -1, SQLITE_STATIC);
	return step(writer, writer->add_refused);
}

static int add_notice(struct writer *writer, const struct row *row, int64_t source)
{
	int64_t what = 0, state = 0;
	int r = names_text(&writer->names, &row->line->kind_text, &what);

	r = r < 0 ? r : names_text(&writer->names, &row->line->state, &state);
	if (r < 0)
		return r;
	record_row_bind_notice(writer->add_notice, row, source, what, state);
	writer->batch.notices++;
	return step(writer, writer->add_notice);
}

static int add_record(struct writer *writer, const struct row *row, int64_t source)
{
	struct record_numbers numbers = {.source = source};
	bool overflow = row->subscriber.addr.family == ADDR_NONE;
	int64_t record;
	int r = names_way(&writer->names, row->way_key, &row->host, &row->names, &numbers.way);

	if (r == 0 && !overflow)
		r = names_subscriber(&writer->names, row->subscriber_key, &row->subscriber,
				     &numbers.subscriber);
	if (r == 0 && row->iface_key)
		r = names_known_text(&writer->names, row->iface_key, &row->iface, &numbers.iface);
	if (r < 0)
		return r;
	r = record_row_bind(writer->add_record, row, &numbers);
	r = r < 0 ? store_say(writer->store, ENOMEM, "not enough memory") : step(writer, writer->add_record);
	writer->batch.records++;
	record = sqlite3_last_insert_rowid(writer->store->db);
	r = r < 0 ? r : extend_segment(writer, record, row->time_us);
	r = r < 0 ? r
		  : rollup_add_row(&writer->rollup, &writer->names, row, record, numbers.subscriber,
				   numbers.way);
	return r < 0 ? r : reach_add(&writer->reach, row, numbers.subscriber, record);
}

static int add_row(struct writer *writer, const struct row *row)
{
	int64_t source = 0;
	int r = seen_add(&writer->seen, row, &source);

	if (r < 0)
		return r;
	if (r > 0) {
		writer->batch.duplicates++;
		writer->file.duplicates++;
		return 0;
	}
	writer->file.records++;
	return row->notice ? add_notice(writer, row, source) : add_record(writer, row, source);
}

int writer_add(struct writer *writer, const struct block *block)
{
	struct writer_file *file = &writer->file;
	int r = open_batch(writer);

	r = r < 0 ? r : add_file(writer);
	for (size_t i = 0; r == 0 && i < block->row_count; i++) {
		if (i + AHEAD < block->row_count)
			cache_expect(&writer->names.subscribers, block->rows[i + AHEAD].subscriber_key);
		r = add_row(writer, &block->rows[i]);
	}
	for (size_t i = 0; r == 0 && i < block->refusal_count; i++)
		r = add_refusal(writer, &block->refusals[i]);
	writer->batch.bytes += block->bytes;
	writer->batch.lines += block->lines;
	writer->batch.foreign += block->foreign;
	file->lines += block->lines;
	file->foreign += block->foreign;
	file->place = block->place;
	memcpy(file->tail, block->tail, TAIL_BYTES);
	file->changed = file->fresh = true;
	return r;
}
