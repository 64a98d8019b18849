/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to event/: whether what was read of a line fits together. The first thing wrong is kept. */
#ifndef OP25B_EVENT_LINE_CHECK_H
#define OP25B_EVENT_LINE_CHECK_H

#include "event/line.h"

/* Which lines always have a field. */
enum {
	LINE_ANY = 1,
	LINE_RECORD = 2,
	LINE_ONE = 4, /* records of one subscriber */
	LINE_NOTICE = 8,
};

/* Always false. `why` and `field` are static. */
bool line_wrong_at(struct event_line *line, const char *field, size_t offset, const char *why);

/* A newer form may differ in whatever else is wrong, so this is told before anything else. */
void line_check_schema(struct event_line *line);
void line_check_record(struct event_line *line);
void line_check_notice(struct event_line *line);

#endif
