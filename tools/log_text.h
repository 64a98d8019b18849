/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of records on their way to people. Whoever writes a record file, or names an interface or host, could put there
 * what drives a terminal, turns the direction of writing, or is a formula in a spreadsheet: nothing of it gets through.
 */
#ifndef OP25B_TOOLS_LOG_TEXT_H
#define OP25B_TOOLS_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns that log_text_print() takes for it. */
size_t log_text_width(const char *text, bool utf8);

/*
 * Prints a text as one line. What is no plain character, or without utf8 no ASCII, is shown as \xNN, \uNNNN or \UNNNNNNNN.
 * What needs more than `most` columns is cut and ends in a mark (0: no bound). The columns taken.
 */
size_t log_text_print(FILE *out, const char *text, bool utf8, size_t most);

/* Where lines begin and end: the text at column `begin`, further lines at `indent`, none beyond `width` (0: one line). */
struct log_wrap {
	size_t begin, indent, width;
};

/* The same in as many lines as it needs, broken at blanks, with a line feed behind the last. */
void log_text_wrap(FILE *out, const char *text, bool utf8, struct log_wrap wrap);

/* A JSON string with its quotes; what is no plain character is escaped, so nothing is lost but bytes that are no UTF-8. */
void log_text_json(FILE *out, const char *text);

/* A field of RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it. */
void log_text_csv(FILE *out, const char *text);

#endif
