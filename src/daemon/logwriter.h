/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record file: whole lines appended, whatever happens to the disk. While it cannot be written, lines wait in
 * bounded memory; what does not fit is counted as lost. A line that was written in part is completed where it
 * stands, so no half line ever joins the next record. Nothing here waits or fails the caller.
 */
#ifndef OP25B_DAEMON_LOGWRITER_H
#define OP25B_DAEMON_LOGWRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum logwriter_change {
	LOGWRITER_SAME,
	LOGWRITER_FAILED,    /* it worked before, now it does not */
	LOGWRITER_RECOVERED, /* everything that waited is written */
};

struct logwriter_stats {
	uint64_t lines;           /* taken */
	uint64_t written;         /* lines in the file */
	uint64_t lost;            /* lines dropped because no room was left to wait in */
	uint64_t failures;        /* failed writes and opens */
	uint64_t waiting;         /* bytes */
	int error;                /* why it does not work now, a negative errno; 0: it works */
	uint64_t lost_in_failure; /* of lost: since it last worked */
};

struct logwriter;

/* path "-" is standard output. capacity: bytes that may wait. Opens nothing yet. NULL without memory. */
struct logwriter *logwriter_new(const char *path, size_t capacity);
/* Closes without writing; logwriter_flush() first. NULL is fine. */
void logwriter_free(struct logwriter *writer);

/* True when a line of so many bytes finds room; else logwriter_flush() may make some. */
bool logwriter_fits(const struct logwriter *writer, size_t len);
/* Takes one line with its line feed. One that does not fit is lost. */
void logwriter_add(struct logwriter *writer, const char *line, size_t len);

/* Writes what waits, as far as the file takes it; opens the file where needed. Says whether its health changed. */
enum logwriter_change logwriter_flush(struct logwriter *writer);

/*
 * Ends with the open file and begins the one that now has the path (SIGUSR1 after a rotation), or a new path when
 * path is not NULL. A half-written line is completed in the old file, or taken back out of it and written whole to
 * the new one. 0; -ENOMEM, with everything as before; other -errno when the new file does not open: lines wait.
 */
int logwriter_reopen(struct logwriter *writer, const char *path);

/* Where the next line will stand; all zeroes when no regular file is open. */
void logwriter_place(const struct logwriter *writer, uint64_t *ret_device, uint64_t *ret_inode,
		     uint64_t *ret_size);

void logwriter_stats_get(const struct logwriter *writer, struct logwriter_stats *ret);
const char *logwriter_path(const struct logwriter *writer);

#endif
