/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts as a character of UTF-8, in one place for those who write texts and those who read them. */
#ifndef OP25B_BASE_UTF8_H
#define OP25B_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the valid UTF-8 character at text, of which len bytes (1 at least) may be read; 0 if there is none (RFC 3629: no
 * overlong forms, no surrogates). */
size_t utf8_length(const char *text, size_t len);

/* One character of a text that nobody trusts, or a byte that begins none. */
struct utf8_character {
	uint32_t code; /* the byte's value, if bad */
	size_t length;
	bool bad;
};

/* The first one of a text that ends with a NUL and has not ended yet. */
struct utf8_character utf8_first(const char *text);

/*
 * False for what has no shape of its own but changes what stands around it, or how it is read: controls, directions, joiners,
 * separators, tags, and what is no character at all. For people it is to be escaped.
 */
bool utf8_is_visible(const struct utf8_character *character);

enum { UTF8_ESCAPE_MAX = 11 };

/* "\x1b", "\u200b", "\U000e0001"; its length. */
int utf8_escape(const struct utf8_character *character, char out[UTF8_ESCAPE_MAX]);

#endif
