/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: the rows that a question is about, each record in exactly one of them, or of those ways that count in one a way. Days that the period holds whole come
 * from the sums by day, further hours from the sums by hour, and only what is cut from the records, so that the answer is
 * exact for every period and costs what its subscribers cost.
 */
#ifndef OP25B_STORE_FACTS_H
#define OP25B_STORE_FACTS_H

#include "store/question.h"

enum fact_grain { FACT_RECORD, FACT_HOUR, FACT_DAY };

/* The destinations that a record tells. Borrowed until the next one. */
struct fact_told {
	struct addr dst; /* ADDR_NONE: none */
	uint64_t count;
	bool exact;               /* the list is all of them; without a list, dst */
	const uint8_t *list;      /* addresses in network order; NULL: none */
	size_t listed, size;      /* how many, of how many bytes */
	const uint8_t *registers; /* as event/destinations.h has them; NULL: none */
	bool named;               /* all that the registers count are known by name elsewhere */
};

struct fact {
	enum fact_grain grain;
	int64_t time_us;    /* of the record; where the hour or day begins */
	int64_t record;     /* id, 0 if the grain is no record; the rows of one record follow each other */
	int64_t subscriber; /* id, 0: overflow */
	size_t place;       /* of the subscriber among the wanted */
	size_t way;         /* place in question->ways */
	struct store_sums sums;
	const struct fact_told *told; /* NULL: not asked for */
};

enum fact_order {
	FACT_ANY_ORDER,
	FACT_BY_HOUR,  /* all of one hour before the next one */
	FACT_BY_TIME,  /* of records only */
	FACT_BACKWARD, /* likewise, the latest first */
};

struct fact_range {
	int64_t since_us, until_us;
	enum fact_grain coarsest;
	enum fact_order order;
	bool tell; /* what all records tell; coarsest is then FACT_RECORD */
};

typedef int fact_taker(void *context, const struct fact *fact);

/* The rows that count. 0, what the taker returned (it ends then), or a negative errno. */
int facts_read(struct question *question, const struct fact_range *range, fact_taker *take, void *context);

/* From now on only subscribers with the filter's min_attempts or more count; without min_attempts as before. */
int facts_require_attempts(struct question *question);

/* What one record tells. */
int facts_told(struct question *question, int64_t record, struct fact_told *ret);
/* The same of a statement's columns from `column` on: dst, count, exact, reach. */
void fact_told_read(sqlite3_stmt *statement, int column, struct fact_told *ret);
/* records, packets, blocked, offloaded, attempts, first, last. */
struct store_sums fact_sums(sqlite3_stmt *row, int column);
/* Address i of the list. */
struct addr fact_told_address(const struct fact_told *told, size_t i);

#endif
