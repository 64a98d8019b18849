/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reading.h"

#include <errno.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int policy_lines_next(struct policy_lines *lines)
{
	int c = getc_unlocked(lines->stream);

	lines->len = lines->full_len = 0;
	if (c == EOF)
		return ferror(lines->stream) ? (errno ? -errno : -EIO) : 0;
	for (; c != EOF && c != '\n'; c = getc_unlocked(lines->stream)) {
		if (lines->len < LINE_KEEP)
			lines->text[lines->len++] = (char)c;
		lines->full_len++;
	}
	if (c == EOF && ferror(lines->stream))
		return errno ? -errno : -EIO;
	if (lines->len == lines->full_len && lines->len > 0 && lines->text[lines->len - 1] == '\r')
		lines->full_len = --lines->len;
	return 1;
}

/* The same rule as inih's: a ';' behind a blank begins a comment. */
size_t policy_line_separator(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=' || text[i] == ':')
			return i;
		if (text[i] == ';' && i > 0 && is_blank(text[i - 1]))
			return len;
	}
	return len;
}

size_t text_skip_blanks(const char *text, size_t at, size_t len)
{
	while (at < len && is_blank(text[at]))
		at++;
	return at;
}

size_t text_trim(const char *text, size_t from, size_t to)
{
	while (to > from && is_blank(text[to - 1]))
		to--;
	return to;
}

bool text_next_word(const char *text, size_t len, size_t *at, size_t *ret_word, size_t *ret_word_len)
{
	size_t begin = *at;

	while (begin < len && (is_blank(text[begin]) || text[begin] == ','))
		begin++;
	*at = begin;
	while (*at < len && !is_blank(text[*at]) && text[*at] != ',')
		(*at)++;
	*ret_word = begin;
	*ret_word_len = *at - begin;
	return *at > begin;
}
