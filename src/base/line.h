/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of words, as people write them into small files: packets to be made, expectations. One reader for all of
 * them, so that every finding names file, line and column in the same way and says what would be right.
 */
#ifndef OP25B_BASE_LINE_H
#define OP25B_BASE_LINE_H

#include "base/addr.h"
#include "base/diag.h"
#include "base/moment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { LINE_TEXT_MAX = 4096 };

/* A line and the word in hand. Everything is borrowed. A word ends at a blank; "#" at the begin of one ends the line. */
struct line {
	const char *file;
	uint32_t number;
	const char *text;
	size_t len;
	size_t word, word_len; /* where the word in hand stands; word_len 0: none */
	struct diag_list *diags;
};

struct line line_over(const char *file, uint32_t number, const char *text, size_t len,
		      struct diag_list *diags);
/* Steps to the next word; false when there is none. */
bool line_next(struct line *line);
/* The word that line_next() would step to, without stepping. */
bool line_next_is(const struct line *line, const char *word);
bool line_is(const struct line *line, const char *word);
/* A word's copy for messages, cut to what fits. */
const char *line_word(const struct line *line, char *memory, size_t size);

/* Adds an error at the word in hand, behind the line's end when there is none. Always -EINVAL, for the caller to forward. */
int line_wrong(const struct line *line, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of a word that is none of `words`, with the nearest of them as the hint; `what` it should have been. */
int line_unknown(const struct line *line, const char *what, const char *const *words, size_t count);

/* Each steps to the next word and reads it. 0, or -EINVAL with an error added and *ret untouched. */
int line_take_number(struct line *line, const char *what, uint64_t min, uint64_t max, uint64_t *ret);
int line_take_moment(struct line *line, const char *what, int64_t *ret_s);

/*
 * Calls take() for each line of a stream, without its line end, until it returns something negative that is not
 * -EINVAL: lines with errors do not end the reading. 0; -EINVAL when a line had an error, was too long or held a NUL;
 * or the negative errno of reading or of take().
 */
int line_read_all(FILE *stream, const char *name, struct diag_list *diags,
		  int (*take)(void *context, struct line *line), void *context);

#endif
