/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"

#include <stdlib.h>

bool vec_reserve(void **items, size_t *capacity, size_t need, size_t size)
{
	size_t grown = *capacity ? *capacity : 8, bytes;
	void *bigger;

	if (need <= *capacity)
		return true;
	while (grown < need) {
		if (__builtin_mul_overflow(grown, 2, &grown))
			return false;
	}
	if (__builtin_mul_overflow(grown, size, &bytes))
		return false;
	bigger = realloc(*items, bytes);
	if (!bigger)
		return false;
	*items = bigger;
	*capacity = grown;
	return true;
}
