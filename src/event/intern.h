/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts kept once and named by a small number. Records outlive the policy whose names they carry, and a million
 * table entries share a handful of names. Bounded: there are INTERN_MAX texts at most.
 */
#ifndef OP25B_EVENT_INTERN_H
#define OP25B_EVENT_INTERN_H

#include "base/siphash.h"

#include <stddef.h>
#include <stdint.h>

enum { INTERN_MAX = 65535, INTERN_BUCKETS = 4096, INTERN_TEXT_MAX = 512 };

struct intern_text {
	char *bytes;
	uint32_t len;
	uint32_t users;
	uint16_t next; /* in its bucket, or in the list of free numbers */
};

struct intern {
	struct siphash_key key;
	struct intern_text *texts; /* number n stands at [n - 1] */
	size_t capacity;
	size_t count; /* numbers ever used; freed ones are in the free list */
	uint16_t free;
	uint16_t buckets[INTERN_BUCKETS];
};

/* The number of a text of at most INTERN_TEXT_MAX bytes (NULs are bytes like others), with one more user; 0 when there
 * is no room for another. A zeroed struct with its key set is empty. */
uint16_t intern_hold(struct intern *intern, const char *bytes, size_t len);
/* One more user of a number that has one. */
void intern_keep(struct intern *intern, uint16_t number);
void intern_release(struct intern *intern, uint16_t number);
/* Borrowed until the number's last user releases it; a NUL follows the bytes. */
const char *intern_text(const struct intern *intern, uint16_t number);
void intern_clear(struct intern *intern);

#endif
