/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The review store: block records in one SQLite file, filled from the record files as they grow and rotate. A run that
 * is killed at any point, or two at once, neither lose nor double a record: what a batch of lines added and the place
 * in the file up to which it was read are committed together.
 */
#ifndef OP25B_STORE_STORE_H
#define OP25B_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Opens, or with write makes, the store. 0 with *ret the caller's, to free with store_close(); a negative errno with
 * *ret_error (the caller's to free; NULL without memory) saying why. */
int store_open(const char *path, bool write, struct store **ret, char **ret_error);
void store_close(struct store *store); /* NULL is fine */

/* Again and again while the store looks for an answer, some milliseconds apart, in the thread that asked: `busy` must not call
 * the store. NULL: no more. */
void store_while_asked(struct store *store, void (*busy)(void *context), void *context);

/* What became of the lines: each is in exactly one of these. */
struct store_ingested {
	bool waiting; /* for another run that fills the same store; nothing has been done yet */
	uint64_t lines;
	uint64_t records;      /* stored now */
	uint64_t notices;      /* likewise: records of the gateway itself */
	uint64_t duplicates;   /* stored before, under the same (host, boot_id, seq) */
	uint64_t foreign;      /* other programs' EVE records */
	uint64_t refused;      /* no record, or a damaged one: see store_refused */
	uint64_t files, bytes; /* that had something new; bytes after decompression */
};

struct store_ingest_config {
	const char *const *paths; /* record files; each with its rotated ones beside it when rotated is set */
	unsigned path_count;
	bool rotated;
	/* Told about once a second, with what is known of the whole (0: unknown). NULL: nothing is told. Non-zero ends the run after the batch. */
	int (*progress)(void *context, const struct store_ingested *so_far, uint64_t bytes_expected);
	/* Each file that was not read whole, in this run or, unchanged since, in an earlier one: why, and what to do. The others
	 * were read. NULL: nothing is told. */
	void (*unread)(void *context, const char *path, const char *why);
	/* Each refused line, as it is met. */
	void (*refused)(void *context, const char *path, uint64_t line, uint64_t offset, const char *why);
	void *context;
};

/* 0 with *ret filled; a negative errno as above, with what was committed before in *ret. A file that was named and cannot be
 * read is an error; one beside it is told as unread. */
int store_ingest(struct store *store, const struct store_ingest_config *config, struct store_ingested *ret);

#endif
