/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: in which hours a talker was seen: the rhythm that tells people from machines. */
#ifndef OP25B_STORE_QUERY_TALKERS_H
#define OP25B_STORE_QUERY_TALKERS_H

#include "store/question.h"

struct talker_hours {
	int64_t hour, day; /* the latest so far; both count from 1970 */
	uint64_t attempts; /* in it */
	uint32_t hours, days, clock_hours;
	uint64_t busiest;
};

/* Of each wanted subscriber: hours[place], all zeroes. */
int talker_hours_read(struct question *question, struct talker_hours *hours);
void talker_hours_tell(const struct talker_hours *hours, struct store_talker *row);

#endif
