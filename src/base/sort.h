/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large arrays in order, by a number and what follows it: addresses of policies and captures. What comes sorted is left as
 * it is, and a few other items before and behind such a stretch are merged with it; large others go by the number in
 * radix passes, then by comparison among the few that it does not tell apart.
 */
#ifndef OP25B_BASE_SORT_H
#define OP25B_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

struct sort {
	char *items;
	size_t count, size; /* size: of an item, in bytes */
	unsigned high_bits; /* bits that high() returns */
	uint64_t (*high)(const char *item);
	int (*compare)(const void *left, const void *right); /* its first criterion is high() */
};

/* Slower where there is no memory for a second array, but it is always done. */
void sort_items(struct sort *s);

#endif
