/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: what records tell of destinations, by subscriber and by destination. */
#ifndef OP25B_STORE_QUERY_DESTINATIONS_H
#define OP25B_STORE_QUERY_DESTINATIONS_H

#include "store/known.h"
#include "store/question.h"

enum {
	/* Destinations that are told apart. With more of them in the period, rare ones are missing: those of fewer records than
	 * all records' destinations divided by this. */
	DESTINATION_GROUPS_MAX = 1 << 18,
	/* Destinations of one subscriber that are listed. */
	DESTINATION_LIST_MAX = 1 << 16,
};

/* STORE_GROUP_DESTINATION of store_groups(). */
int destination_groups(struct question *question, uint64_t limit, store_group_row_taker *row, void *context);

/* The destinations of one subscriber in the period. */
struct reached {
	struct known known;
	uint64_t least; /* so many are known of without knowing which */
	bool unknown;   /* others are not known */
	bool by_record; /* the sums of days hold more than what counts */
};

/* The destinations of each wanted subscriber: reaches[place]. They are the caller's, all zeroes, to free with reached_free(). */
int reached_read(struct question *question, struct reached *reaches);
uint64_t reached_count(const struct reached *reach, bool *ret_exact);
void reached_free(struct reached *reach);

#endif
