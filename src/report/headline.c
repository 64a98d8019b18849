/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of the headline, each with what it was in the period before. */
#include "report/markup.h"

#include <inttypes.h>

/* "+12 %"; out has room for it. Changes beyond a millionfold are of no use to anybody. */
static const char *change_text(const struct page *page, uint64_t now, uint64_t before,
			       char out[NUMBER_TEXT_MAX])
{
	const char *gap = page->language == REPORT_JAPANESE ? "" : " ";
	double percent = ((double)now - (double)before) * 100 / (double)before;
	long long rounded = (long long)(percent < 0 ? percent - 0.5 : percent + 0.5);
	char number[NUMBER_TEXT_MAX];

	if (rounded > 99999999)
		rounded = 99999999;
	if (rounded == 0)
		snprintf(out, NUMBER_TEXT_MAX,
			 "\xc2\xb1"
			 "0%s%%",
			 gap);
	else
		snprintf(out, NUMBER_TEXT_MAX, "%s%.20s%s%%", rounded < 0 ? "\xe2\x88\x92" : "+",
			 number_text((uint64_t)(rounded < 0 ? -rounded : rounded), number), gap);
	return out;
}

static void figure_begin(const struct page *page, enum report_text name, const char *kind, uint64_t value)
{
	page_raw(page, "<div class=\"figure ");
	page_raw(page, kind);
	page_raw(page, "\"><dt>");
	page_word(page, name);
	page_raw(page, "</dt><dd class=\"value\">");
	page_number(page, value);
	page_raw(page, "</dd><dd class=\"change\">");
}

static void write_compared(const struct page *page, enum report_text name, uint64_t now, uint64_t before)
{
	char change[NUMBER_TEXT_MAX], number[NUMBER_TEXT_MAX];

	figure_begin(page, name, "", now);
	if (!page->report->has_before)
		page_word(page, TEXT_BEFORE_NONE);
	else if (before == 0)
		page_word(page, TEXT_BEFORE_ZERO);
	else
		page_say(page, TEXT_BEFORE, change_text(page, now, before, change),
			 number_text(before, number));
	page_raw(page, "</dd></div>\n");
}

static void write_noted(const struct page *page, enum report_text name, enum report_text note, bool bad,
			uint64_t value)
{
	figure_begin(page, name, bad ? "bad" : "", value);
	page_word(page, note);
	page_raw(page, "</dd></div>\n");
}

void page_headline(const struct page *page)
{
	const struct report *report = page->report;
	const struct report_sums *now = &report->totals, *before = &report->before;
	struct health health;

	health_of(report, &health);
	if (now->records == 0) {
		page_empty(page, TEXT_NO_RECORDS);
	}
	page_raw(page, "<dl class=\"figures\">\n");
	write_compared(page, TEXT_ATTEMPTS_LONG, now->attempts, before->attempts);
	write_compared(page, TEXT_SUBSCRIBERS, now->subscribers, before->subscribers);
	write_compared(page, TEXT_BLOCKED, now->blocked, before->blocked);
	write_compared(page, TEXT_MONITORED, sums_monitored(now), sums_monitored(before));
	write_noted(page, TEXT_FRESH_FIGURE, TEXT_FRESH_NOTE, false, report->fresh.total);
	write_noted(page, TEXT_UNJUDGED_FIGURE, TEXT_UNJUDGED_NOTE, health.open_packets > 0,
		    health.open_packets);
	write_noted(page, TEXT_DROPPED_FIGURE, TEXT_DROPPED_NOTE, health.closed_packets > 0,
		    health.closed_packets);
	write_noted(page, TEXT_LOST_FIGURE, TEXT_LOST_NOTE, health.missing > 0, health.missing);
	page_raw(page, "</dl>\n");
}
