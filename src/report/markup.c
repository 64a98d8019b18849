/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/markup.h"

#include "base/moment.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_CHARACTERS_MAX = 120,
	DAY_S = 86400,
	FIRST_WEEKDAY_SHIFT = 3, /* 1970-01-01 was a Thursday, and weeks begin on Mondays here */
};

void page_raw(const struct page *page, const char *markup)
{
	fputs(markup, page->out);
}

/* NULL: it stands as it is. */
static const char *entity_of(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* At most so many characters, and whether that was all. */
static bool put_most(const struct page *page, const char *text, unsigned most)
{
	while (*text && most-- > 0) {
		struct utf8_character next = utf8_first(text);
		const char *entity = entity_of(next.code);
		char escape[UTF8_ESCAPE_MAX];

		if (!utf8_is_visible(&next) && utf8_escape(&next, escape) > 0)
			fputs(escape, page->out);
		else if (entity)
			fputs(entity, page->out);
		else
			fwrite(text, 1, next.length, page->out);
		text += next.length;
	}
	return !*text;
}

void page_put(const struct page *page, const char *text)
{
	put_most(page, text, UINT_MAX);
}

void page_say(const struct page *page, enum report_text text, const char *first, const char *second)
{
	const char *of = report_text(text, page->language);

	for (const char *mark = strchr(of, '%'); mark; mark = strchr(of, '%')) {
		fwrite(of, 1, (size_t)(mark - of), page->out);
		if (mark[1] == '1' && first)
			page_put(page, first);
		if (mark[1] == '2' && second)
			page_put(page, second);
		of = mark + 2;
	}
	page_put(page, of);
}

void page_word(const struct page *page, enum report_text text)
{
	page_put(page, report_text(text, page->language));
}

const char *number_text(uint64_t value, char out[NUMBER_TEXT_MAX])
{
	char digits[NUMBER_TEXT_MAX];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *at = out;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return out;
}

static uint64_t rounded(uint64_t value, uint64_t unit)
{
	return value / unit + (value % unit >= (unit + 1) / 2);
}

const char *number_short(uint64_t value, char out[NUMBER_TEXT_MAX])
{
	static const char units[] = " kMGTPE";
	unsigned unit = 0;
	uint64_t one = 1, tenths;

	/* What rounds to 1000 of a unit is 1 of the next. */
	while (unit + 2 < sizeof(units) && rounded(value, one) >= 1000) {
		one *= 1000;
		unit++;
	}
	tenths = unit > 0 ? rounded(value, one / 10) : 0;
	if (unit == 0)
		snprintf(out, NUMBER_TEXT_MAX, "%" PRIu64, value);
	else if (tenths < 100 && tenths % 10 > 0)
		snprintf(out, NUMBER_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
			 units[unit]);
	else
		snprintf(out, NUMBER_TEXT_MAX, "%" PRIu64 "%c", rounded(value, one), units[unit]);
	return out;
}

/* Whole seconds, rounded down also before 1970. */
static int64_t seconds_of(int64_t us)
{
	return us / 1000000 - (us % 1000000 < 0);
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

const char *time_text(const struct page *page, int64_t us, bool seconds, char out[TIME_TEXT_MAX])
{
	char text[MOMENT_TEXT_MAX];

	moment_format(seconds_of(us), page->report->offset(page->report->context, us), text);
	snprintf(out, TIME_TEXT_MAX, "%.10s %.*s", text, seconds ? 8 : 5, text + 11);
	if (page->language == REPORT_JAPANESE)
		out[4] = out[7] = '/';
	return out;
}

static enum report_text weekday_of(const struct page *page, int64_t us)
{
	int64_t seconds = seconds_of(us) + page->report->offset(page->report->context, us);
	int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
	int64_t day = (days + FIRST_WEEKDAY_SHIFT) % REPORT_WEEK_DAYS;

	return TEXT_MONDAY + (enum report_text)(day < 0 ? day + REPORT_WEEK_DAYS : day);
}

const char *date_text(const struct page *page, int64_t us, char out[DATE_TEXT_MAX])
{
	char time[TIME_TEXT_MAX];

	time_text(page, us, false, time);
	if (page->language == REPORT_JAPANESE)
		snprintf(out, DATE_TEXT_MAX, "%.4s年%d月%d日（%s）%.5s", time, two_digits(time + 5),
			 two_digits(time + 8), report_text(weekday_of(page, us), page->language), time + 11);
	else
		snprintf(out, DATE_TEXT_MAX, "%s", time);
	return out;
}

const char *span_text(const struct page *page, uint64_t seconds, char out[NUMBER_TEXT_MAX])
{
	static const struct {
		uint64_t seconds;
		enum report_text text;
	} units[] = {{86400, TEXT_STEP_DAYS},
		     {3600, TEXT_STEP_HOURS},
		     {60, TEXT_STEP_MINUTES},
		     {1, TEXT_STEP_SECONDS}};
	size_t unit = 0;
	const char *text;

	while (unit < 3 && (seconds < units[unit].seconds ||
			    (seconds % units[unit].seconds && seconds < 2 * units[unit].seconds)))
		unit++;
	text = report_text(units[unit].text, page->language);
	snprintf(out, NUMBER_TEXT_MAX, "%" PRIu64 "%s", seconds / units[unit].seconds, text + 2);
	return out;
}

void address_key(const struct addr *addr, char out[ADDRESS_KEY_MAX])
{
	snprintf(out, ADDRESS_KEY_MAX, "%u:%016" PRIx64 "%016" PRIx64, addr->family, addr->hi, addr->lo);
}

void page_number(const struct page *page, uint64_t value)
{
	char text[NUMBER_TEXT_MAX];

	page_raw(page, number_text(value, text));
}

void page_time(const struct page *page, int64_t us, bool seconds)
{
	char machine[MOMENT_TEXT_MAX], text[TIME_TEXT_MAX];

	moment_format(seconds_of(us), page->report->offset(page->report->context, us), machine);
	fprintf(page->out, "<time datetime=\"%s\">%s</time>", machine, time_text(page, us, seconds, text));
}

void page_date(const struct page *page, int64_t us)
{
	char machine[MOMENT_TEXT_MAX], text[DATE_TEXT_MAX];

	moment_format(seconds_of(us), page->report->offset(page->report->context, us), machine);
	fprintf(page->out, "<time datetime=\"%s\">%s</time>", machine, date_text(page, us, text));
}

void page_figures(const struct page *page, const char *text)
{
	char grouped[FIGURES_TEXT_MAX];
	size_t length = 0;

	while (*text && length + NUMBER_TEXT_MAX < sizeof(grouped)) {
		size_t digits = strspn(text, "0123456789");

		if (digits > 3 && digits < 20) {
			number_text(strtoull(text, NULL, 10), grouped + length);
			length += strlen(grouped + length);
			text += digits;
		} else {
			grouped[length++] = *text++;
		}
	}
	grouped[length] = '\0';
	page_put(page, grouped);
}

void page_name(const struct page *page, const char *name)
{
	if (!*name) {
		page_raw(page, "<span class=\"none\">&#8211;</span>");
		return;
	}
	page_raw(page, "<bdi>");
	page_raw(page, put_most(page, name, NAME_CHARACTERS_MAX) ? "</bdi>" : "&#8230;</bdi>");
}

void page_tenths(const struct page *page, int64_t tenths)
{
	fprintf(page->out, "%" PRId64, tenths / 10);
	if (tenths % 10)
		fprintf(page->out, ".%" PRId64, tenths % 10);
}

void page_bar(const struct page *page, uint64_t value, uint64_t whole)
{
	int64_t tenths = whole ? (int64_t)((double)value * 1000 / (double)whole) : 0;

	if (!whole)
		return;
	page_raw(
		page,
		"<svg class=\"share\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
		"focusable=\"false\"><rect class=\"rest\" width=\"100\" height=\"4\"/><rect class=\"part\" "
		"height=\"4\" width=\"");
	page_tenths(page, tenths > 1000 ? 1000 : tenths);
	page_raw(page, "\"/></svg>");
}
