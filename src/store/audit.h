/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is stored of a writer's numbers, piece by piece, to be held against what the writer says that it wrote. */
#ifndef OP25B_STORE_AUDIT_H
#define OP25B_STORE_AUDIT_H

#include <stdint.h>

struct store;

enum {
	/*
	 * A daemon that begins anew takes the microseconds since boot for its first number (see op25b-events(5)), so a gap of so many
	 * numbers is a restart: a second and more between two starts. As many records are not lost in one piece: what
	 * waits for the disk is a few thousand.
	 */
	STORE_RESTART_NUMBERS = 1000000,
};

/* Numbers that were never seen, between two that were. Texts are borrowed for the call. */
struct store_gap {
	const char *host, *boot_id;
	uint64_t first, last;
};

typedef int store_gap_row(void *context, const struct store_gap *gap);

/* As all of store/query.h. In the order of host, boot and number. */
int store_gaps(struct store *store, store_gap_row *row, void *context);

struct store_share {
	uint64_t numbers; /* of records and notices */
	uint64_t packets, blocked, attempts;
};

/* What is stored of one writer's numbers first to end - 1; all zeroes when it is not known. Looks at every record. */
int store_share_of(struct store *store, const char *host, const char *boot_id, uint64_t first, uint64_t end,
		   struct store_share *ret);

#endif
