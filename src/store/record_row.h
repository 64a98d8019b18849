/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: a record as a row of the tables record and notice. */
#ifndef OP25B_STORE_RECORD_ROW_H
#define OP25B_STORE_RECORD_ROW_H

#include "store/block.h"

#include <sqlite3.h>

/* What a row's names have become. */
struct record_numbers {
	int64_t source, way, subscriber, iface; /* subscriber 0: overflow */
	uint8_t src[16], dst[16];               /* memory for what is bound */
};

extern const char record_row_insert[];

/* Binds all of the statement; texts and blobs are borrowed from the row and from *numbers until it has run. 0 or -ENOMEM. */
int record_row_bind(sqlite3_stmt *statement, const struct row *row, struct record_numbers *numbers);
void record_row_bind_notice(sqlite3_stmt *statement, const struct row *row, int64_t source, int64_t what,
			    int64_t state);

#endif
