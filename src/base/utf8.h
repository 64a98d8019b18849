/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts as a character of UTF-8, in one place for those who write texts and those who read them. */
#ifndef OP25B_BASE_UTF8_H
#define OP25B_BASE_UTF8_H

#include <stddef.h>

/* Length of the valid UTF-8 character at text, of which len bytes (1 at least) may be read; 0 if there is none (RFC 3629: no
 * overlong forms, no surrogates). */
size_t utf8_length(const char *text, size_t len);

#endif
