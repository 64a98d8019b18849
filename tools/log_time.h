/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times as people write them on a command line, in the forms that journalctl takes, so that nobody learns them anew.
 * Reads no clock; local time is that of the environment (TZ).
 */
#ifndef OP25B_TOOLS_LOG_TIME_H
#define OP25B_TOOLS_LOG_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_US_PER_S INT64_C(1000000)

enum { LOG_TIME_TEXT_MAX = 48 };

/*
 * "now", "today", "yesterday", "tomorrow" (days begin at midnight), "-2h", "+5min", "2 hours ago", "@1700000000",
 * "2026-11-22", "Sun 2026-11-22", "2026-11-22 10:00[:00[.5]]", "yesterday 10:00", "10:00[:00]" (of today); with an offset
 * ("Z", "UTC", "+09:00", "+0900") at the end of days and times, else local time, or UTC with utc. Where the offset is told,
 * today is that of its clocks. A time that the clocks show twice is the first of both, with `later` the second; one that they
 * leave out is as far behind the gap as it is behind the gap's begin.
 * 0, or -EINVAL, -ERANGE (a day or time that there is not, a weekday that the date is not), -ENOTSUP (a zone by its name), with
 * *ret_us untouched.
 */
int log_time_parse(const char *text, int64_t now_us, bool utc, bool later, int64_t *ret_us);

/* A length of time: "90", "90s", "1h 30min", "2 days", "1w". 0, or -EINVAL, -ERANGE with *ret_us untouched. */
int log_span_parse(const char *text, int64_t *ret_us);

/* Seconds east of UTC at that moment; 0 with utc. */
int32_t log_time_offset(int64_t us, bool utc);

/* Midnight before, of the day that is `days` later (earlier, if negative). */
int64_t log_time_day(int64_t us, bool utc, int days);

/* Midnight at which a step of so many days begins that holds this moment: weeks begin on Mondays. */
int64_t log_time_days_begin(int64_t us, bool utc, int days);
/* Which day of local time it is, counted from 1970-01-01. */
int64_t log_time_day_number(int64_t us);

/* "2026-11-22 10:00:00", with a "Z" in UTC. For people. */
void log_time_format(int64_t us, bool utc, char out[LOG_TIME_TEXT_MAX]);
/* The same in at most 15 characters: without the year of now_us, and in other years without the time of day. */
void log_time_format_brief(int64_t us, int64_t now_us, bool utc, char out[LOG_TIME_TEXT_MAX]);
/* RFC 3339 with microseconds and offset. For programs. */
void log_time_format_exact(int64_t us, bool utc, char out[LOG_TIME_TEXT_MAX]);

#endif
