/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page from top to bottom: its head with what it may do, the heading, the figures of the headline, and the sections. */
#include "report/assets.h"
#include "report/markup.h"

#include "base/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	const char *id;
	enum report_text heading;
	void (*write)(const struct page *page);
} sections[] = {
	{"overview", TEXT_HEADLINE, page_headline},
	{"timeline", TEXT_TIMELINE, page_timeline},
	{"week", TEXT_HEAT, page_heat},
	{"top", TEXT_TOP, page_talkers},
	{"fresh", TEXT_FRESH, page_fresh},
	{"groups", TEXT_RULES, page_groups},
	{"exemptions", TEXT_EXEMPTIONS, page_exemptions},
	{"health", TEXT_HEALTH, page_health},
};

static void write_period(const struct page *page)
{
	char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX];

	page_say(page, TEXT_PERIOD, date_text(page, page->report->since_us, from),
		 date_text(page, page->report->until_us, to));
}

/* The policy of the page: nothing from anywhere, and of what stands here only the style and the script that we put in. */
static void write_head(const struct page *page)
{
	page_raw(page, "<!DOCTYPE html>\n<html lang=\"");
	page_raw(page, page->language == REPORT_JAPANESE ? "ja" : "en");
	page_raw(page,
		 "\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '");
	page_raw(page, report_style_hash);
	page_raw(page, "'; script-src '");
	page_raw(page, report_script_hash);
	page_raw(
		page,
		"'; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n<meta name=\"generator\" content=\"op25b " OP25B_VERSION
		"\">\n<title>");
	page_word(page, TEXT_TITLE);
	page_raw(page, " &#8211; ");
	write_period(page);
	page_raw(page, "</title>\n<style>");
	fwrite(report_style, 1, report_style_size, page->out);
	page_raw(page, "</style>\n</head>\n");
}

/* Words that the script needs stand in attributes, so that the script is the same on every page. */
static void write_body_tag(const struct page *page)
{
	page_raw(page, "<body data-filter=\"");
	page_word(page, TEXT_SCRIPT_FILTER);
	page_raw(page, "\" data-rows=\"");
	page_word(page, TEXT_SCRIPT_ROWS);
	page_raw(page, "\" data-subscribers=\"");
	page_word(page, TEXT_SCRIPT_SUBSCRIBERS);
	page_raw(page, "\" data-scroll=\"");
	page_word(page, TEXT_SCRIPT_SCROLL);
	page_raw(page, "\" data-clear=\"");
	page_word(page, TEXT_SCRIPT_CLEAR);
	page_raw(page, "\" data-classes=\"");
	page_word(page, TEXT_CLASS_ALL);
	page_raw(page, "\">\n<a class=\"skip\" href=\"#overview\">");
	page_word(page, TEXT_SKIP);
	page_raw(page, "</a>\n");
}

static void write_fact(const struct page *page, enum report_text name)
{
	page_raw(page, "<div><dt>");
	page_word(page, name);
	page_raw(page, "</dt><dd>");
}

/* "UTC+09:00" of the clock at the end of the period. */
static void write_clock(const struct page *page)
{
	int32_t offset = page->report->offset(page->report->context, page->report->until_us) / 60;
	int32_t minutes = offset < 0 ? -offset : offset;

	page_raw(page, "UTC");
	if (minutes)
		fprintf(page->out, "%c%02" PRId32 ":%02" PRId32, offset < 0 ? '-' : '+', minutes / 60,
			minutes % 60);
}

static void write_heading(const struct page *page)
{
	const struct report *report = page->report;

	page_raw(page, "<header class=\"top\">\n<h1>");
	page_word(page, TEXT_TITLE);
	page_raw(page, "</h1>\n<dl class=\"facts\">");
	write_fact(page, TEXT_PERIOD_LABEL);
	write_period(page);
	page_raw(page, "</dd></div>");
	write_fact(page, TEXT_CLOCK);
	write_clock(page);
	page_raw(page, "</dd></div>");
	write_fact(page, TEXT_MADE);
	page_date(page, report->now_us);
	page_raw(page, "</dd></div>");
	write_fact(page, TEXT_FILTERS);
	if (*report->filters)
		page_name(page, report->filters);
	else
		page_word(page, TEXT_FILTERS_NONE);
	page_raw(page, "</dd></div></dl>\n</header>\n");
}

static void write_contents(const struct page *page)
{
	page_raw(page, "<nav aria-label=\"");
	page_word(page, TEXT_CONTENTS);
	page_raw(page, "\"><ul>");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		fprintf(page->out, "<li><a href=\"#%s\">", sections[i].id);
		page_word(page, sections[i].heading);
		page_raw(page, "</a></li>");
	}
	page_raw(page, "</ul></nav>\n");
}

static void write_foot(const struct page *page)
{
	page_raw(page, "</main>\n<footer><p>");
	page_say(page, TEXT_FOOT, "op25b-log " OP25B_VERSION, NULL);
	page_raw(page, "</p></footer>\n<script>");
	fwrite(report_script, 1, report_script_size, page->out);
	page_raw(page, "</script>\n</body>\n</html>\n");
}

int report_write(const struct report *report, enum report_language language, FILE *out)
{
	const struct page page = {.out = out, .report = report, .language = language};

	errno = 0;
	write_head(&page);
	write_body_tag(&page);
	write_heading(&page);
	write_contents(&page);
	page_raw(&page, "<main>\n");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		section_begin(&page, sections[i].id, sections[i].heading);
		sections[i].write(&page);
		section_end(&page);
	}
	write_foot(&page);
	if (!ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
