/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: in which hours a talker was seen: the rhythm that tells people from machines. */
#ifndef OP25B_STORE_QUERY_TALKERS_H
#define OP25B_STORE_QUERY_TALKERS_H

#include "store/question.h"

struct talker_hours {
	int64_t hour, day;         /* the latest so far; both count from 1970 */
	uint64_t attempts;         /* in it */
	int64_t first_us, last_us; /* of the packets that its records tell */
	int64_t until_us;          /* the last packet of the hours before it */
	uint32_t hours, days, clock_hours;
	uint64_t busiest;
	uint32_t silences_h
		[STORE_REST_SIDE_H]; /* before the last hours: hour i of them at i % STORE_REST_SIDE_H */
	uint32_t rest_h;             /* as in store_talker */
};

/* Of each wanted subscriber: hours[place], all zeroes; left_out[place], likewise: whether something of him did not count. */
int talker_hours_read(struct question *question, struct talker_hours *hours, bool *left_out);
void talker_hours_tell(const struct talker_hours *hours, struct store_talker *row);

#endif
