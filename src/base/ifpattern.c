/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ifpattern.h"

#include <string.h>

bool ifpattern_valid(const char *text, size_t len)
{
	if (len == 0 || len >= IF_NAME_MAX || (len == 1 && text[0] == '*'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c >= 0x7f || strchr("/:\"'\\", c))
			return false;
		if (c == '*' && i + 1 != len)
			return false;
	}
	return true;
}

/* The length of what must match to the letter; *ret_open says whether anything may follow. */
static size_t fixed_part(const char *pattern, bool *ret_open)
{
	size_t len = strlen(pattern);

	*ret_open = len > 0 && pattern[len - 1] == '*';
	return *ret_open ? len - 1 : len;
}

bool ifpattern_matches(const char *pattern, const char *name)
{
	bool open;
	size_t fixed = fixed_part(pattern, &open);

	if (strncmp(pattern, name, fixed) != 0)
		return false;
	return open || strlen(name) == fixed;
}

bool ifpattern_overlap(const char *a, const char *b)
{
	bool a_open, b_open;
	size_t a_len = fixed_part(a, &a_open), b_len = fixed_part(b, &b_open);
	size_t common = a_len < b_len ? a_len : b_len;

	if (strncmp(a, b, common) != 0)
		return false;
	if (a_len == b_len)
		return true;
	return a_len < b_len ? a_open : b_open;
}
