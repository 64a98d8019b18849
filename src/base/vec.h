/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth of arrays: doubling, overflow-checked, and the array untouched on failure. */
#ifndef OP25B_BASE_VEC_H
#define OP25B_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes room for `need` items of `size` bytes in the malloc'ed array *items of *capacity items (NULL and 0 at
 * first). False without memory; *items stays valid and the caller's to free.
 */
bool vec_reserve(void **items, size_t *capacity, size_t need, size_t size);

/* VEC_RESERVE(list.items, list.capacity, need): the same for a typed pointer. */
#define VEC_RESERVE(items, capacity, need)                                                                   \
	__extension__({                                                                                      \
		void *vec_items_ = (items);                                                                  \
		bool vec_ok_ = vec_reserve(&vec_items_, &(capacity), (need), sizeof(*(items)));              \
		(items) = vec_items_;                                                                        \
		vec_ok_;                                                                                     \
	})

#endif
