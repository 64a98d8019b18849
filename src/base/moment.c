/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/moment.h"

#include <stdio.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400 };

struct civil {
	int year, month, day;
};

/* Days since 1970-01-01 of a Gregorian date: years counted from 1 March, so that the leap day comes last. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_index = (5 * day_of_year + 2) / 153;
	int month = (int)(month_index < 10 ? month_index + 3 : month_index - 9);

	return (struct civil){
		.year = (int)(year_of_era + era * 400 + (month <= 2)),
		.month = month,
		.day = (int)(day_of_year - (153 * month_index + 2) / 5 + 1),
	};
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Reads `digits` decimal digits at *at; -1 if they are not all there. */
static int take_digits(const char *text, size_t len, size_t *at, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		if (*at >= len || text[*at] < '0' || text[*at] > '9')
			return -1;
		value = value * 10 + (text[(*at)++] - '0');
	}
	return value;
}

static bool take_char(const char *text, size_t len, size_t *at, const char *any_of)
{
	if (*at >= len || text[*at] == '\0' || !strchr(any_of, text[*at]))
		return false;
	(*at)++;
	return true;
}

static enum moment_error take_offset(const char *text, size_t len, size_t *at, int32_t *ret)
{
	int sign, hours, minutes;

	if (*at == len)
		return MOMENT_NO_OFFSET;
	if (take_char(text, len, at, "Zz")) {
		*ret = 0;
		return MOMENT_OK;
	}
	if (text[*at] == '.')
		return MOMENT_FRACTION;
	sign = text[*at] == '-' ? -1 : 1;
	if (!take_char(text, len, at, "+-"))
		return MOMENT_BAD_OFFSET;
	hours = take_digits(text, len, at, 2);
	if (hours < 0 || !take_char(text, len, at, ":"))
		return MOMENT_BAD_OFFSET;
	minutes = take_digits(text, len, at, 2);
	if (minutes < 0 || hours > 23 || minutes > 59)
		return MOMENT_BAD_OFFSET;
	*ret = sign * (hours * 3600 + minutes * 60);
	return MOMENT_OK;
}

static enum moment_error take_date(const char *text, size_t len, size_t *at, int64_t *ret_days)
{
	int year = take_digits(text, len, at, 4);
	bool dash = year >= 0 && take_char(text, len, at, "-");
	int month = dash ? take_digits(text, len, at, 2) : -1;
	int day;

	dash = month >= 0 && take_char(text, len, at, "-");
	day = dash ? take_digits(text, len, at, 2) : -1;
	if (day < 0)
		return MOMENT_BAD_FORM;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return MOMENT_OUT_OF_RANGE;
	*ret_days = days_from_civil(year, month, day);
	return MOMENT_OK;
}

static enum moment_error take_time(const char *text, size_t len, size_t *at, int64_t *ret_s)
{
	int hour = take_digits(text, len, at, 2);
	bool colon = hour >= 0 && take_char(text, len, at, ":");
	int minute = colon ? take_digits(text, len, at, 2) : -1;
	int second;

	colon = minute >= 0 && take_char(text, len, at, ":");
	second = colon ? take_digits(text, len, at, 2) : -1;
	if (second < 0)
		return MOMENT_BAD_FORM;
	if (hour > 23 || minute > 59 || second > 59)
		return MOMENT_OUT_OF_RANGE;
	*ret_s = hour * 3600 + minute * 60 + second;
	return MOMENT_OK;
}

static enum moment_error parse(const char *text, size_t len, struct moment *ret, size_t *at)
{
	int64_t days, seconds;
	int32_t offset = 0;
	enum moment_error error = take_date(text, len, at, &days);

	if (error != MOMENT_OK)
		return error;
	if (!take_char(text, len, at, "Tt "))
		return MOMENT_BAD_FORM;
	error = take_time(text, len, at, &seconds);
	if (error != MOMENT_OK)
		return error;
	error = take_offset(text, len, at, &offset);
	if (error != MOMENT_OK)
		return error;
	if (*at != len)
		return MOMENT_TRAILING;
	*ret = (struct moment){.s = days * SECONDS_PER_DAY + seconds - offset, .offset_s = offset};
	return MOMENT_OK;
}

enum moment_error moment_parse(const char *text, size_t len, struct moment *ret, size_t *ret_at)
{
	size_t at = 0;
	enum moment_error error = parse(text, len, ret, &at);

	if (ret_at)
		*ret_at = at;
	return error;
}

const char *moment_error_text(enum moment_error error)
{
	switch (error) {
	case MOMENT_OK:
		return "no error";
	case MOMENT_BAD_FORM:
		return "not a date of RFC 3339";
	case MOMENT_NO_OFFSET:
		return "the date has no offset from UTC";
	case MOMENT_BAD_OFFSET:
		return "the offset from UTC is not of the form +09:00, -05:30 or Z";
	case MOMENT_OUT_OF_RANGE:
		return "there is no such day or time";
	case MOMENT_FRACTION:
		return "parts of a second are not used in a policy";
	case MOMENT_TRAILING:
		return "text behind the date";
	}
	return "unknown date error";
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* The local clock's seconds, within years 1 to 9999; a date that was read with this offset is never changed. */
static int64_t local_s(int64_t s, int32_t offset_s)
{
	const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799); /* years 1 and 9999 */

	s = clamp(s, first - SECONDS_PER_DAY, last + SECONDS_PER_DAY);
	return clamp(s + offset_s, first, last);
}

/* Behind each other, and without snprintf: three moments stand in every record. */
static char *put_digits(char *at, unsigned value, unsigned count)
{
	for (unsigned i = count; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + count;
}

static char *put_fields(char *at, const unsigned fields[3], unsigned first_digits, char separator)
{
	at = put_digits(at, fields[0], first_digits);
	*at++ = separator;
	at = put_digits(at, fields[1], 2);
	*at++ = separator;
	return put_digits(at, fields[2], 2);
}

/* Writes "YYYY-MM-DDTHH:MM:SS" of the clock that stands offset_s east of UTC; returns its end. */
static char *put_clock(int64_t s, int32_t offset_s, char *at)
{
	int64_t local = local_s(s, offset_s);
	int64_t days = floor_div(local, SECONDS_PER_DAY);
	unsigned rest = (unsigned)(local - days * SECONDS_PER_DAY);
	struct civil date = civil_from_days(days);
	const unsigned day[] = {(unsigned)date.year, (unsigned)date.month, (unsigned)date.day};
	const unsigned clock[] = {rest / 3600, rest / 60 % 60, rest % 60};

	at = put_fields(at, day, 4, '-');
	*at++ = 'T';
	return put_fields(at, clock, 2, ':');
}

static char *put_offset(int32_t offset_s, bool colon, char *at)
{
	unsigned minutes = (unsigned)(offset_s < 0 ? -(int64_t)offset_s : offset_s) / 60;

	*at++ = offset_s < 0 ? '-' : '+';
	at = put_digits(at, minutes / 60, 2);
	if (colon)
		*at++ = ':';
	return put_digits(at, minutes % 60, 2);
}

static size_t end_text(char *out, char *at)
{
	*at = '\0';
	return (size_t)(at - out);
}

size_t moment_format(int64_t s, int32_t offset_s, char out[MOMENT_TEXT_MAX])
{
	char *at = put_clock(s, offset_s, out);

	if (offset_s == 0)
		*at++ = 'Z';
	else
		at = put_offset(offset_s, true, at);
	return end_text(out, at);
}

size_t moment_format_eve(int64_t ns, int32_t offset_s, char out[MOMENT_TEXT_MAX])
{
	int64_t s = floor_div(ns, NSEC_PER_SEC);
	char *at = put_clock(s, offset_s, out);

	*at++ = '.';
	at = put_digits(at, (unsigned)((ns % NSEC_PER_SEC + NSEC_PER_SEC) % NSEC_PER_SEC / 1000), 6);
	return end_text(out, put_offset(offset_s, false, at));
}

size_t moment_format_eve_us(int64_t us, int32_t offset_s, char out[MOMENT_TEXT_MAX])
{
	int64_t s = floor_div(us, 1000000);
	char *at = put_clock(s, offset_s, out);

	*at++ = '.';
	at = put_digits(at, (unsigned)(us - s * 1000000), 6);
	return end_text(out, put_offset(offset_s, false, at));
}

/* Two digits, or something over 99. */
static unsigned two(const char *text)
{
	unsigned tens = (unsigned)text[0] - '0', ones = (unsigned)text[1] - '0';

	return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static bool eve_form(const char *text)
{
	return text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':' &&
	       text[19] == '.' && (text[26] == '+' || text[26] == '-');
}

/* A text of that form is read by its places: this is done three times for each record. */
bool moment_parse_eve(const char *text, size_t len, int64_t *ret_us)
{
	unsigned century, year, month, day, hour, minute, second, part[3], offset_h, offset_min;
	int64_t s, offset_s;

	if (len != sizeof("2026-01-01T00:00:00.123456+0900") - 1 || !eve_form(text))
		return false;
	century = two(text), year = two(text + 2), month = two(text + 5), day = two(text + 8);
	hour = two(text + 11), minute = two(text + 14), second = two(text + 17);
	part[0] = two(text + 20), part[1] = two(text + 22), part[2] = two(text + 24);
	offset_h = two(text + 27), offset_min = two(text + 29);
	if (century > 99 || year > 99 || century + year == 0 || month < 1 || month > 12 || hour > 23 ||
	    minute > 59 || second > 59 || part[0] > 99 || part[1] > 99 || part[2] > 99 || offset_h > 23 ||
	    offset_min > 59)
		return false;
	year += century * 100;
	if (day < 1 || day > (unsigned)days_in_month((int)year, (int)month))
		return false;
	offset_s = (int64_t)(offset_h * 3600 + offset_min * 60) * (text[26] == '-' ? -1 : 1);
	s = days_from_civil((int)year, (int)month, (int)day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
	    second - offset_s;
	*ret_us = s * 1000000 + part[0] * 10000 + part[1] * 100 + part[2];
	return true;
}
