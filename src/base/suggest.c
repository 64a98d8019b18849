/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/suggest.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static int lower(char c)
{
	return tolower((unsigned char)c);
}

/* Optimal string alignment distance; three rolling rows. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;

		before = last;
		last = row;
		row = spare;
	}
	return last[b_len];
}

const char *suggest_nearest(const char *text, size_t len, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	unsigned best = (unsigned)len / 3 + 1;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t candidate_len = strlen(candidates[i]);
		unsigned d;

		if (candidate_len > WORD_MAX)
			continue;
		d = distance(text, len, candidates[i], candidate_len);
		if (d < best || (!nearest && d == best)) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}
