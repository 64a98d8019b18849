/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts of others on their way to a terminal: file names, arguments and records may hold what drives it, or turns the
 * direction of writing. Shown as \xNN, \uNNNN or \UNNNNNNNN, they do neither.
 */
#ifndef OP25B_BASE_ESCAPE_H
#define OP25B_BASE_ESCAPE_H

#include <stdio.h>

/* Prints the text as part of one line. */
void escape_print(FILE *out, const char *text);

/*
 * From here on what this process prints to stderr is escaped, except for line feeds and tabs: also what getopt says of
 * arguments, and messages that name a file. Bars and prompts that mean to drive the terminal write to STDERR_FILENO. Before
 * any thread is made. Without memory stderr stays as it is.
 */
void escape_errors(void);

#endif
