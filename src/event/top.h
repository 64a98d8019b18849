/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to event/: who stands out in the table, for event_top(). */
#ifndef OP25B_EVENT_TOP_H
#define OP25B_EVENT_TOP_H

#include "event/table.h"

/* As event_top(). */
int top_of_table(const struct table *table, struct event_offender *out, size_t max, size_t looks_max,
		 struct event_top *ret);

#endif
