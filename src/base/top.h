/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The greatest few of many, in one pass and in memory for the few: each of the many is offered once, and what stands among
 * the greatest so far gets one of so many places in an array of the caller's.
 */
#ifndef OP25B_BASE_TOP_H
#define OP25B_BASE_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct top_item {
	uint64_t weight;
	size_t place; /* below max */
};

struct top {
	struct top_item *items; /* a heap, the least first; after top_sort() the greatest first */
	size_t count, max;
};

/* 0 or -ENOMEM; give back with top_free() in any case. */
int top_init(struct top *top, size_t max);
void top_free(struct top *top);
/* True when it is among the greatest: *ret_place is where the caller puts it, perhaps over what was least. */
bool top_offer(struct top *top, uint64_t weight, size_t *ret_place);
/* Nothing may be offered after it. */
void top_sort(struct top *top);

#endif
