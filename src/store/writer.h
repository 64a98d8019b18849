/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: takes blocks of records into the tables. What a batch of blocks adds, the numbers that it makes
 * known, its sums and the places in its files are one transaction.
 */
#ifndef OP25B_STORE_WRITER_H
#define OP25B_STORE_WRITER_H

#include "store/reach.h"
#include "store/rollup.h"
#include "store/seen.h"

enum { SEGMENT_RECORDS = 4096 };

/* The file that blocks come from. Its counts are those of the table. */
struct writer_file {
	int64_t id; /* 0: it cannot be known again, or is not in the table yet */
	struct block_file begun;
	uint64_t place, lines, records, duplicates, refused, foreign;
	uint8_t tail[TAIL_BYTES];
	bool changed; /* the table does not have these counts */
	bool fresh;   /* there were lines that were not read before */
};

struct writer_segment {
	int64_t first_id, last_id, min_time, max_time; /* last_id 0: there is none */
};

struct writer {
	struct store *store;
	const struct store_ingest_config *config;
	struct store_ingested *done; /* what is committed */
	struct store_ingested batch; /* what is not yet */
	struct siphash_key key;
	struct names names;
	struct seen seen;
	struct rollup rollup;
	struct reach reach;
	struct writer_file file;
	struct writer_segment segment;
	bool open; /* a transaction is */
	int64_t opened_ms;
	sqlite3_stmt *add_record, *add_notice, *add_refused, *unchanged, *find_file, *add_file, *save_file,
		*save_stat, *save_path, *settle, *segments, *put_segment;
};

/* 0 or a negative errno with the reason told to the store; give back with writer_free() in any case, which undoes what was not
 * committed. config and done are borrowed. */
int writer_init(struct writer *writer, struct store *store, const struct store_ingest_config *config,
		const struct siphash_key *key, struct store_ingested *done);
void writer_free(struct writer *writer);

/* Answers a BLOCK_BEGIN. */
int writer_begin_file(struct writer *writer, struct block *block);
int writer_add(struct writer *writer, const struct block *block);
/* At a BLOCK_END of a file that could be opened. */
int writer_end_file(struct writer *writer, const struct block *block);
/* Tells the run's caller of a file that was not read, or not whole. */
void writer_tell_unread(const struct writer *writer, const char *path, const char *why);
/* Commits when the batch is large or old enough; with `now`, always. */
int writer_commit(struct writer *writer, bool now);

int64_t writer_clock_ms(void);

#endif
