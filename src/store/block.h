/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: what goes from the thread that reads lines to the one that writes rows: some hundred lines at a time,
 * read already, in memory of a fixed size. Texts stay where they stand in the lines; what is looked up by them again and
 * again has a keyed hash, so that the writer need not look at them.
 */
#ifndef OP25B_STORE_BLOCK_H
#define OP25B_STORE_BLOCK_H

#include "event/line.h"

#include "base/siphash.h"

enum {
	BLOCK_READ = 1 << 18, /* bytes that are read at once */
	BLOCK_DATA = BLOCK_READ + EVENT_LINE_MAX,
	BLOCK_ROWS = 1024,
	BLOCK_ARENA = 1 << 19,
	BLOCK_REFUSALS = 64,
	BLOCK_WHY = EVENT_LINE_WHY_MAX,
	HEAD_BYTES = 16,
	TAIL_BYTES = 8,
	TAIL_OF = 256, /* bytes before a place whose hash is kept */
};

/* Names under which packets are counted; see the table way. */
struct row_names {
	struct json_text pool, rule, rule_kind, policy;
	struct json_text reason;
	uint8_t verdict;
	bool monitored;
	bool divided; /* of a record whose rules and reasons are known, but not which packets had both */
};

/* A record. Addresses and the like as in struct event_line; everything pointed to stands in the block. */
struct row {
	uint64_t source_key, way_key, iface_key; /* hashes of the texts */
	uint64_t subscriber_key;
	uint64_t seq;
	int64_t time_us, first_us, last_us;
	uint64_t packets, blocked, offloaded, attempts, destinations;
	struct json_text host, boot_id, iface;
	struct row_names names;
	struct prefix subscriber;
	struct addr src, dst;
	uint16_t sport, dport;
	uint32_t window_s;
	uint8_t kind;
	bool destinations_exact, notice;
	bool estimated; /* reach holds registers */
	uint8_t part_count, reason_count;
	uint16_t reach_len;
	const uint8_t *reach; /* as kept in the table record; NULL: dst alone, or nothing is known */
	const struct event_line_part *parts;
	const struct event_line_reason *reasons;
	struct json_text reasons_as_written, rules_as_written;
	const struct event_line *line; /* of a notice: all but the arrays at its end */
	struct json_text written;      /* of a notice: the whole line */
};

struct refusal {
	uint64_t line, offset; /* within the file; lines count from 1 */
	char why[BLOCK_WHY];
};

enum block_what {
	BLOCK_LINES,
	BLOCK_BEGIN, /* a file: is it known? Answered in `file`, and given back to the reader */
	BLOCK_END,   /* of that file */
	BLOCK_STOP,  /* of all files */
};

/* A file, and where to go on in it. */
struct block_file {
	const char *path; /* borrowed from the list of files */
	uint64_t device, inode, size;
	int64_t mtime_ns;
	uint8_t head[HEAD_BYTES];
	bool has_head;  /* else there is too little in it to know it again */
	bool restarted; /* its place turned out to be wrong: it is read from its begin */
	bool unsettled; /* it changed while it was read, or could not be read on: it is not known by its inode */
	const char *
		missing; /* what of it cannot be read as long as it stays as it is; a literal, NULL: nothing */
	bool unchanged;  /* the answer: all of it was consumed before. Else, where to go on: */
	uint64_t place, lines;
	uint8_t tail[TAIL_BYTES];
};

struct block {
	enum block_what what;
	bool answered;
	struct block_file file;         /* of BLOCK_BEGIN and BLOCK_END */
	int error;                      /* of BLOCK_END: negative errno, when it could not be opened */
	uint64_t place;                 /* behind the last whole line */
	uint8_t tail[TAIL_BYTES];       /* of what stands before it */
	uint64_t bytes, lines, foreign; /* counted in this block */
	size_t row_count, refusal_count, data_len, arena_used;
	struct row rows[BLOCK_ROWS];
	struct refusal refusals[BLOCK_REFUSALS];
	_Alignas(16) uint8_t arena[BLOCK_ARENA];
	char data[BLOCK_DATA];
};

/* Makes the row of a record or notice. False when the arena has no room for it: then the block is full. An empty arena has
 * room for every row. */
bool block_add(struct block *block, const struct siphash_key *key, const struct event_line *line,
	       const char *text, size_t len);

/* The keyed hash of names, for look-ups. */
uint64_t block_way_key(const struct siphash_key *key, const struct json_text *host,
		       const struct row_names *names);

/* Hashes of content, without a secret. */
void block_head(const char *bytes, size_t len, uint8_t out[HEAD_BYTES]);
void block_tail(const char *end, size_t len, uint8_t out[TAIL_BYTES]);

#endif
