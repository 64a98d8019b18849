/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_time.h"

#include "base/moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY_S = 86400, TEXT_MAX = 80, YEAR_MIN = 1970, YEAR_MAX = 9999 };

static const int64_t latest_us = INT64_C(253402300800) * LOG_US_PER_S; /* the end of year 9999 */

int32_t log_time_offset(int64_t us, bool utc)
{
	time_t s = (time_t)(us / LOG_US_PER_S - (us % LOG_US_PER_S < 0));
	struct tm tm;

	if (utc || !localtime_r(&s, &tm))
		return 0;
	return (int32_t)tm.tm_gmtoff;
}

/* What the clocks on the wall show, as if they were in UTC, to the moment. The offsets of the days around it are tried. */
static int64_t from_wall(int64_t wall_us, bool utc, bool later)
{
	int64_t day_us = DAY_S * LOG_US_PER_S;
	int64_t before = log_time_offset(wall_us - day_us, utc),
		after = log_time_offset(wall_us + day_us, utc);
	int64_t first = wall_us - before * LOG_US_PER_S, second = wall_us - after * LOG_US_PER_S;
	bool first_holds = log_time_offset(first, utc) == before;
	bool second_holds = log_time_offset(second, utc) == after;

	if (first_holds && second_holds)
		return (first < second) == later ? second : first;
	return second_holds ? second : first;
}

static int64_t wall_day(int64_t us, bool utc)
{
	int64_t day_us = DAY_S * LOG_US_PER_S, wall = us + log_time_offset(us, utc) * LOG_US_PER_S;

	return wall / day_us - (wall % day_us < 0);
}

int64_t log_time_day_number(int64_t us)
{
	return wall_day(us, false);
}

int64_t log_time_day(int64_t us, bool utc, int days)
{
	return from_wall((wall_day(us, utc) + days) * DAY_S * LOG_US_PER_S, utc, false);
}

int64_t log_time_days_begin(int64_t us, bool utc, int days)
{
	const int64_t monday = 4; /* 1970-01-05 */
	int64_t behind = (wall_day(us, utc) - (days % 7 == 0 ? monday : 0)) % days;

	return log_time_day(us, utc, -(int)(behind < 0 ? behind + days : behind));
}

/* ---- lengths ---- */

static const struct unit {
	const char *names[4];
	int64_t us;
} units[] = {
	{{"s", "sec", "second", "seconds"}, LOG_US_PER_S},
	{{"m", "min", "minute", "minutes"}, 60 * LOG_US_PER_S},
	{{"h", "hr", "hour", "hours"}, 3600 * LOG_US_PER_S},
	{{"d", "day", "days"}, DAY_S *LOG_US_PER_S},
	{{"w", "week", "weeks"}, 7 * DAY_S *LOG_US_PER_S},
	{{"M", "month", "months"}, INT64_C(2629800) * LOG_US_PER_S}, /* a twelfth of a year of 365.25 days */
	{{"y", "year", "years"}, INT64_C(31557600) * LOG_US_PER_S},
	{{"ms", "msec"}, 1000},
	{{"us", "usec"}, 1},
};

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* Steps over the unit at *at; its length, 0 when it is none. No unit at the end of the text is seconds. */
static int64_t take_unit(const char **at)
{
	size_t len = 0;

	*at = skip_blanks(*at);
	while (isalpha((unsigned char)(*at)[len]))
		len++;
	if (len == 0)
		return **at == '\0' ? LOG_US_PER_S : 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		for (size_t j = 0; j < 4 && units[i].names[j]; j++) {
			if (strlen(units[i].names[j]) == len && strncmp(units[i].names[j], *at, len) == 0) {
				*at += len;
				return units[i].us;
			}
		}
	}
	return 0;
}

static int take_whole(const char **at, int64_t *ret)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); (*at)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **at - '0', &value))
			return -ERANGE;
	*ret = value;
	return 0;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* ".5" in millionths; digits behind the sixth are let go. 0 where there is none, -1 for a point alone. */
static int64_t take_fraction(const char **at)
{
	int64_t us = 0, weight = LOG_US_PER_S / 10;

	if (!take_char(at, '.'))
		return 0;
	if (!isdigit((unsigned char)**at))
		return -1;
	for (; isdigit((unsigned char)**at); (*at)++, weight /= 10)
		us += (**at - '0') * weight;
	return us;
}

/* "1.5h": number is the 1, fraction millionths. */
static int take_span(const char **at, int64_t *ret_us)
{
	int64_t number, fraction, unit, least;
	int r = take_whole(at, &number);

	if (r < 0)
		return r;
	fraction = take_fraction(at);
	unit = take_unit(at);
	if (unit == 0 || fraction < 0)
		return -EINVAL;
	least = unit / LOG_US_PER_S * fraction + unit % LOG_US_PER_S * fraction / LOG_US_PER_S;
	if (__builtin_mul_overflow(number, unit, &number) || __builtin_add_overflow(number, least, &number))
		return -ERANGE;
	*ret_us = number;
	return 0;
}

int log_span_parse(const char *text, int64_t *ret_us)
{
	const char *at = skip_blanks(text);
	int64_t sum = 0;

	do {
		int64_t us;
		int r = take_span(&at, &us);

		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, us, &sum))
			return -ERANGE;
		at = skip_blanks(at);
	} while (*at);
	*ret_us = sum;
	return 0;
}

/* ---- moments ---- */

static int within_years(int64_t us, int64_t *ret_us)
{
	if (us < 0 || us >= latest_us)
		return -ERANGE;
	*ret_us = us;
	return 0;
}

static int parse_span(const char *text, int64_t now_us, int sign, int64_t *ret_us)
{
	int64_t span;
	int r = log_span_parse(text, &span);

	if (r < 0)
		return r;
	if (__builtin_add_overflow(now_us, sign * span, &span))
		return -ERANGE;
	return within_years(span, ret_us);
}

/* Exactly so many digits; -1 when they are not there. */
static int take_digits(const char **at, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*at)[i]))
			return -1;
		value = value * 10 + ((*at)[i] - '0');
	}
	*at += digits;
	return value;
}

static int parse_epoch(const char *at, int64_t *ret_us)
{
	int64_t s, us;
	int r = take_whole(&at, &s);

	if (r < 0)
		return r;
	us = take_fraction(&at);
	if (us < 0 || *at)
		return -EINVAL;
	if (__builtin_mul_overflow(s, LOG_US_PER_S, &s) || __builtin_add_overflow(s, us, &s))
		return -ERANGE;
	return within_years(s, ret_us);
}

/* "YYYY-MM-DD" as the wall's midnight. */
static int take_date(const char **at, int64_t *ret_us)
{
	struct tm tm = {0}, same;
	int year = take_digits(at, 4);
	int month = year >= 0 && take_char(at, '-') ? take_digits(at, 2) : -1;
	int day = month >= 0 && take_char(at, '-') ? take_digits(at, 2) : -1;
	time_t s;

	if (day < 0)
		return -EINVAL;
	if (year < YEAR_MIN || year > YEAR_MAX)
		return -ERANGE;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	same = tm;
	/* Months and days that are none would be carried over. */
	s = timegm(&same);
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday)
		return -ERANGE;
	*ret_us = (int64_t)s * LOG_US_PER_S;
	return 0;
}

/* "HH:MM", "HH:MM:SS", "HH:MM:SS.5" */
static int take_clock(const char **at, int64_t *ret_us)
{
	int hour = take_digits(at, 2), second = 0;
	int minute = hour >= 0 && take_char(at, ':') ? take_digits(at, 2) : -1;
	int64_t us = 0;

	if (minute < 0)
		return -EINVAL;
	if (take_char(at, ':')) {
		second = take_digits(at, 2);
		us = second < 0 ? -1 : take_fraction(at);
	}
	if (us < 0)
		return -EINVAL;
	if (hour > 23 || minute > 59 || second > 59)
		return -ERANGE;
	*ret_us = (hour * 3600 + minute * 60 + second) * LOG_US_PER_S + us;
	return 0;
}

/* "JST", "Asia/Tokyo": means several things, or needs a table of zones. */
static bool is_zone_name(const char *at)
{
	size_t len = 0;

	while (isalpha((unsigned char)at[len]) || (len > 0 && at[len] && strchr("/_+-", at[len])))
		len++;
	return len >= 2 && at[len] == '\0';
}

/* What is left of the text: nothing, or an offset in seconds. 1: there is one. */
static int take_offset(const char *at, int64_t *ret_s)
{
	int sign, hours, minutes = 0;

	at = skip_blanks(at);
	if (!*at)
		return 0;
	if (strcasecmp(at, "Z") == 0 || strcasecmp(at, "UTC") == 0) {
		*ret_s = 0;
		return 1;
	}
	sign = *at == '-' ? -1 : 1;
	if (!take_char(&at, '+') && !take_char(&at, '-'))
		return is_zone_name(at) ? -ENOTSUP : -EINVAL;
	hours = take_digits(&at, 2);
	if (hours >= 0 && *at) {
		take_char(&at, ':');
		minutes = take_digits(&at, 2);
	}
	if (hours < 0 || minutes < 0 || *at)
		return -EINVAL;
	if (hours > 23 || minutes > 59)
		return -ERANGE;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return 1;
}

/* A local time of the years that can be told is told, though in UTC it lies in the year before or behind them. */
static int64_t from_local(int64_t wall_us, bool utc, bool later)
{
	int64_t us = from_wall(wall_us, utc, later);

	return us < 0 ? 0 : us < latest_us ? us : latest_us - 1;
}

/* A day as it is written: by its date, or so many days from today, which is known only when the zone is. */
struct day {
	bool named, dated;
	int weekday; /* -1: not told */
	int days;
	int64_t wall_us;
};

/* Steps over that word, in whatever case. */
static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(*at, word, len) != 0 || isalnum((unsigned char)(*at)[len]))
		return false;
	*at = skip_blanks(*at + len);
	return true;
}

/* 0 is Sunday, as for localtime_r(); -1: none. */
static int take_weekday(const char **at)
{
	static const char *const names[][2] = {{"Sun", "Sunday"},    {"Mon", "Monday"},   {"Tue", "Tuesday"},
					       {"Wed", "Wednesday"}, {"Thu", "Thursday"}, {"Fri", "Friday"},
					       {"Sat", "Saturday"}};

	for (int i = 0; i < 7; i++)
		if (take_word(at, names[i][0]) || take_word(at, names[i][1]))
			return i;
	return -1;
}

static int take_day(const char **at, struct day *day)
{
	static const struct {
		const char *word;
		int days;
	} words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
	int r;

	day->weekday = take_weekday(at);
	day->dated = strlen(*at) > 4 && (*at)[4] == '-';
	day->named = day->dated;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !day->named; i++) {
		day->named = take_word(at, words[i].word);
		day->days = words[i].days;
	}
	if (!day->named)
		day->days = 0;
	if (!day->dated)
		return day->weekday < 0 ? 0 : -EINVAL;
	r = take_date(at, &day->wall_us);
	if (r < 0)
		return r;
	if ((**at == 'T' || **at == 't') && isdigit((unsigned char)(*at)[1]))
		(*at)++;
	*at = skip_blanks(*at);
	return 0;
}

/* The wall's midnight of that day. 1970-01-01 was a Thursday. */
static int find_midnight(const struct day *day, int64_t now_wall_us, int64_t *ret_us)
{
	int64_t day_us = DAY_S * LOG_US_PER_S;

	*ret_us = day->dated ? day->wall_us : (now_wall_us / day_us + day->days) * day_us;
	return day->weekday >= 0 && (*ret_us / day_us + 4) % 7 != day->weekday ? -ERANGE : 0;
}

static int parse_absolute(const char *at, int64_t now_us, bool utc, bool later, int64_t *ret_us)
{
	int64_t wall, clock_us = 0, offset_s = 0;
	struct day day = {0};
	int r = take_day(&at, &day), zoned;

	/* A time alone is today's; a day alone its midnight. */
	if (r == 0 && (!day.named || isdigit((unsigned char)*at)))
		r = take_clock(&at, &clock_us);
	if (r < 0)
		return r;
	zoned = take_offset(at, &offset_s);
	if (zoned < 0)
		return zoned;
	/* Which day it is, and was yesterday, goes by the clock that is meant. */
	r = find_midnight(&day, now_us + (zoned ? offset_s : log_time_offset(now_us, utc)) * LOG_US_PER_S,
			  &wall);
	if (r < 0)
		return r;
	wall += clock_us;
	return within_years(zoned ? wall - offset_s * LOG_US_PER_S : from_local(wall, utc, later), ret_us);
}

int log_time_parse(const char *text, int64_t now_us, bool utc, bool later, int64_t *ret_us)
{
	static const char ago[] = " ago";
	char copy[TEXT_MAX];
	size_t len;

	text = skip_blanks(text);
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len == 0 || len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strcasecmp(copy, "now") == 0) {
		*ret_us = now_us;
		return 0;
	}
	if (copy[0] == '@')
		return parse_epoch(copy + 1, ret_us);
	if (copy[0] == '-' || copy[0] == '+')
		return parse_span(copy + 1, now_us, copy[0] == '-' ? -1 : 1, ret_us);
	if (len > sizeof(ago) - 1 && strcasecmp(copy + len - (sizeof(ago) - 1), ago) == 0) {
		copy[len - (sizeof(ago) - 1)] = '\0';
		return parse_span(copy, now_us, -1, ret_us);
	}
	return parse_absolute(copy, now_us, utc, later, ret_us);
}

/* ---- the way back ---- */

/* EVE's form, "2026-11-22T10:00:00.000000+0900", which the others are cut from. */
static size_t format_eve(int64_t us, bool utc, char out[MOMENT_TEXT_MAX])
{
	if (us > latest_us - 1)
		us = latest_us - 1;
	if (us < 0)
		us = 0;
	return moment_format_eve_us(us, log_time_offset(us, utc), out);
}

void log_time_format(int64_t us, bool utc, char out[LOG_TIME_TEXT_MAX])
{
	char eve[MOMENT_TEXT_MAX];

	format_eve(us, utc, eve);
	eve[10] = ' ';
	snprintf(out, LOG_TIME_TEXT_MAX, "%.19s%s", eve, utc ? "Z" : "");
}

void log_time_format_brief(int64_t us, int64_t now_us, bool utc, char out[LOG_TIME_TEXT_MAX])
{
	char whole[LOG_TIME_TEXT_MAX], now[LOG_TIME_TEXT_MAX];
	const size_t year = strlen("2026-"), day = strlen("2026-11-22");

	log_time_format(us, utc, whole);
	log_time_format(now_us, utc, now);
	if (strncmp(whole, now, year) == 0)
		snprintf(out, LOG_TIME_TEXT_MAX, "%s", whole + year);
	else
		snprintf(out, LOG_TIME_TEXT_MAX, "%.*s", (int)day, whole);
}

void log_time_format_exact(int64_t us, bool utc, char out[LOG_TIME_TEXT_MAX])
{
	char eve[MOMENT_TEXT_MAX];
	size_t len = format_eve(us, utc, eve);

	if (utc)
		snprintf(out, LOG_TIME_TEXT_MAX, "%.*sZ", (int)len - 5, eve);
	else
		snprintf(out, LOG_TIME_TEXT_MAX, "%.*s:%s", (int)len - 2, eve, eve + len - 2);
}
