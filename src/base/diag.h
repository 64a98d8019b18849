/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings in what a person wrote: errors and warnings that name file, line and column, show the line with a
 * caret, and say what would be right. Collected, not printed, because ALL of a file's errors are reported and
 * because libraries never log.
 */
#ifndef OP25B_BASE_DIAG_H
#define OP25B_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum diag_severity {
	DIAG_WARNING,
	DIAG_ERROR,
};

/* Where a finding stands. line and column count from 1; 0 means "the whole file" or "the whole line". */
struct diag_place {
	const char *file; /* borrowed for the call */
	uint32_t line;    /* 0: no line */
	uint32_t column;  /* in bytes, 0: no column */
	uint32_t width;   /* bytes to underline, 0 counts as 1 */
	const char *text; /* the offending line, borrowed for the call; NULL if there is none */
	size_t text_len;
};

struct diag {
	enum diag_severity severity;
	char *file;
	uint32_t line;
	uint32_t column;
	uint32_t width;
	char *text; /* a printable copy of the line, at most DIAG_TEXT_MAX bytes; NULL if there is none */
	char *message;
	char *hint; /* what would be right; NULL if there is nothing to add */
};

/*
 * How many findings are kept; what comes after is only counted, so that a broken list of a million lines stays
 * readable. An error that comes late takes a warning's room.
 */
enum { DIAG_KEEP_MAX = 200, DIAG_TEXT_MAX = 240 };

struct diag_list {
	struct diag *items;
	size_t count;
	size_t errors; /* all of them, also those not kept */
	size_t warnings;
	size_t kept_warnings; /* among the items */
	bool out_of_memory;
};

/* A zeroed struct diag_list is an empty one. */
void diag_list_free(struct diag_list *list);

/*
 * Adds a finding; everything is copied. hint may be NULL. Never fails: without memory the finding is still
 * counted and out_of_memory set. list may be NULL to throw findings away.
 */
void diag_add(struct diag_list *list, enum diag_severity severity, const struct diag_place *place,
	      const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Orders the kept findings by file, line, column; stable, so that findings of one place keep their order. */
void diag_sort(struct diag_list *list);

/*
 * Prints every finding as
 *   FILE:LINE:COLUMN: error: MESSAGE
 *       the line
 *          ^~~~
 *     HINT
 * and, when some were not kept, a line that says how many. Names and messages are escaped, so that they drive no terminal.
 */
void diag_print(const struct diag_list *list, FILE *out);

#endif
