/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: which records are about a subscriber's day, so that questions about few subscribers need not go through
 * everybody's records. A list of numbers takes about a byte or two for each.
 */
#ifndef OP25B_STORE_VISITS_H
#define OP25B_STORE_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeroes: none. Give back with visits_free(). */
struct visits {
	int64_t first, last; /* ids of records; first 0: none */
	uint8_t *rest;       /* those behind the first: differences, 7 bits a byte, the low ones first */
	uint32_t len, capacity;
};

/* Ids rise. False without memory. */
bool visits_add(struct visits *visits, int64_t record);
void visits_free(struct visits *visits);

/* Reads what stands in the table visit: the next id after `id`, 0 at the end. Begin with *at 0 and the first id. */
int64_t visits_next(const uint8_t *rest, size_t len, size_t *at, int64_t id);

#endif
