/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which columns of a table a terminal has room for, and how wide each may be: a row that wraps cannot be read. Knows widths
 * only.
 */
#ifndef OP25B_TOOLS_LOG_LAYOUT_H
#define OP25B_TOOLS_LOG_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	LOG_LAYOUT_GAP = 2,  /* between columns */
	LOG_LAYOUT_MAX = 32, /* columns of a table */
};

struct log_layout {
	bool shown;
	unsigned
		rank; /* 0: always shown; else those with the lowest ranks are shown first, as far as there is room */
	size_t least; /* it may be cut to so many characters; 0: it is not cut */
	size_t width; /* what it wants, and afterwards what it gets */
};

/* What the shown ones take. */
size_t log_layout_width(const struct log_layout *columns, size_t count);
/* Hides and narrows shown columns until they take no more than room, which is 1 at least. Ranks above 0 differ. count is
 * LOG_LAYOUT_MAX at most. */
void log_layout_fit(struct log_layout *columns, size_t count, size_t room);

#endif
