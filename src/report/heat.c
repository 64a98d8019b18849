/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hours of the week as a table whose cells are coloured: it reads the same without colours. */
#include "report/markup.h"

#include <inttypes.h>

#define MINUTE_US (INT64_C(60) * 1000000)
#define HOUR_US   (60 * MINUTE_US)
/* Of less than that no hour's figure is told: a few attempts would make the darkest cell. */
#define LEAST_US  (10 * MINUTE_US)

enum { LEVELS = 6 }; /* classes h1 to h6 of the style; h0 is nothing at all */

static uint64_t mean_of(const struct report_heat *heat)
{
	double mean = heat->covered_us >= LEAST_US
			      ? (double)heat->attempts * (double)HOUR_US / (double)heat->covered_us + 0.5
			      : 0;

	/* Records may say anything. */
	return mean < (double)INT64_MAX ? (uint64_t)mean : INT64_MAX;
}

/*
 * From the least to the greatest mean, each level so many times the one before: one hour of a flood leaves the others apart.
 * But hours that differ little shall not look as if they differed much.
 */
struct scale {
	uint64_t least, most;
	double times;
};

static double power(double base, unsigned exponent)
{
	double result = 1;

	while (exponent-- > 0)
		result *= base;
	return result;
}

/* Of which that many powers make `whole`, which is at least 1. */
static double root_of(double whole, unsigned exponent)
{
	double below = 1, above = whole;

	for (int i = 0; i < 64; i++) {
		double middle = (below + above) / 2;

		if (power(middle, exponent) < whole)
			below = middle;
		else
			above = middle;
	}
	return below;
}

/* The least mean that is of this level. */
static uint64_t least_of(unsigned level, const struct scale *scale)
{
	uint64_t least = (uint64_t)((double)scale->least * power(scale->times, level - 1));

	return least ? least : 1;
}

static unsigned level_of(uint64_t mean, const struct scale *scale)
{
	unsigned level = mean ? LEVELS : 0;

	while (level > 1 && mean < least_of(level, scale))
		level--;
	return level;
}

static struct scale scale_of(const struct report *report)
{
	struct scale scale = {.least = UINT64_MAX};

	for (unsigned day = 0; day < REPORT_WEEK_DAYS; day++) {
		for (unsigned hour = 0; hour < REPORT_DAY_HOURS; hour++) {
			uint64_t mean = mean_of(&report->heat[day][hour]);

			scale.most = mean > scale.most ? mean : scale.most;
			scale.least = mean && mean < scale.least ? mean : scale.least;
		}
	}
	if (scale.least > scale.most / 2)
		scale.least = scale.most / 2;
	if (scale.least == 0)
		scale.least = 1;
	scale.times =
		scale.most > scale.least ? root_of((double)scale.most / (double)scale.least, LEVELS) : 1;
	return scale;
}

/* Not, or hardly, in the period. Readers of screens are told, too. */
static void write_outside(const struct page *page, const struct report_heat *heat, const char *when)
{
	enum report_text why = heat->covered_us == 0 ? TEXT_HEAT_OUTSIDE : TEXT_HEAT_SHORT;
	char text[NUMBER_TEXT_MAX];

	number_text(heat->attempts, text);
	page_raw(page, "<td class=\"h-\" title=\"");
	page_say(page, why, when, text);
	page_raw(page, "\"><span class=\"hidden\">");
	page_say(page, why, when, text);
	page_raw(page, "</span></td>");
}

static void write_cell(const struct page *page, unsigned day, unsigned hour, const struct scale *scale)
{
	const struct report_heat *heat = &page->report->heat[day][hour];
	uint64_t mean = mean_of(heat);
	char text[NUMBER_TEXT_MAX], when[TIME_TEXT_MAX];

	snprintf(when, sizeof(when), "%.20s %02u:00", report_text(TEXT_MONDAY + day, page->language), hour);
	if (heat->covered_us < LEAST_US) {
		write_outside(page, heat, when);
		return;
	}
	fprintf(page->out, "<td class=\"h%u\" title=\"", level_of(mean, scale));
	page_say(page, TEXT_HEAT_CELL, when, number_text(mean, text));
	fprintf(page->out, "\">%s</td>", number_short(mean, text));
}

static void write_legend(const struct page *page, const struct scale *scale)
{
	page_raw(page, "<p class=\"heat-legend\">");
	page_word(page, TEXT_HEAT_LEGEND);
	for (unsigned level = 1; level <= LEVELS; level++) {
		uint64_t least = least_of(level, scale);
		char text[NUMBER_TEXT_MAX];

		if (level < LEVELS && least_of(level + 1, scale) == least)
			continue; /* nothing is between the two */
		fprintf(page->out, " <span class=\"h%u\">&#8805;&#8239;%s</span>", level,
			number_short(least, text));
	}
	page_raw(page, "</p>\n");
}

void page_heat(const struct page *page)
{
	struct scale scale = scale_of(page->report);

	if (scale.most == 0) {
		page_empty(page, TEXT_NO_RECORDS);
		return;
	}
	page_raw(page, "<div class=\"block\"><h3 id=\"heat-c\">");
	page_word(page, TEXT_HEAT_CAPTION);
	page_raw(page,
		 "</h3>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"heat-c\">"
		 "<table id=\"heat\" aria-labelledby=\"heat-c\">\n<thead><tr><th scope=\"col\">");
	page_word(page, TEXT_HEAT_DAY);
	page_raw(page, "</th>");
	for (unsigned hour = 0; hour < REPORT_DAY_HOURS; hour++)
		fprintf(page->out, "<th scope=\"col\">%u</th>", hour);
	page_raw(page, "</tr></thead>\n<tbody>\n");
	for (unsigned day = 0; day < REPORT_WEEK_DAYS; day++) {
		page_raw(page, "<tr><th scope=\"row\">");
		page_word(page, TEXT_MONDAY + day);
		page_raw(page, "</th>");
		for (unsigned hour = 0; hour < REPORT_DAY_HOURS; hour++)
			write_cell(page, day, hour, &scale);
		row_end(page);
	}
	table_end(page);
	write_legend(page, &scale);
}
