/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the nearest of the words that would have been right. */
#ifndef OP25B_BASE_SUGGEST_H
#define OP25B_BASE_SUGGEST_H

#include <stddef.h>

/*
 * The candidate nearest to text (insert, delete, replace or swap neighbours cost 1 each, letter case nothing), or
 * NULL when none is near enough to be meant (more than a third of the letters differ). The first of equals wins.
 */
const char *suggest_nearest(const char *text, size_t len, const char *const *candidates, size_t count);

#endif
