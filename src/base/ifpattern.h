/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interface names and patterns as nftables' iifname has them: an exact name, or a name that ends in '*'. */
#ifndef OP25B_BASE_IFPATTERN_H
#define OP25B_BASE_IFPATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum { IF_NAME_MAX = 16 }; /* IFNAMSIZ: 15 bytes and a NUL */

/* True for 1..15 bytes without '/', ':', blanks or quotes, in which '*' only stands last ("*" alone is refused). */
bool ifpattern_valid(const char *text, size_t len);
bool ifpattern_matches(const char *pattern, const char *name);
/* True when some interface name matches both. */
bool ifpattern_overlap(const char *a, const char *b);

#endif
