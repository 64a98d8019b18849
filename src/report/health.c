/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the figures are the whole truth: records that are missing, and times when nobody judged packets. */
#include "report/markup.h"

#include <inttypes.h>
#include <string.h>

static void count_notice(const struct report_notice *notice, struct health *ret)
{
	uint64_t packets = notice->has_packets ? notice->packets : 0;

	if (!notice->is_period) {
		ret->rules += strcmp(notice->what, "rules-back") != 0;
	} else if (notice->open) {
		ret->open_periods++;
		ret->open_packets += packets;
	} else {
		ret->closed_periods++;
		ret->closed_packets += packets;
	}
}

void health_of(const struct report *report, struct health *ret)
{
	*ret = (struct health){0};
	for (size_t i = 0; i < report->source_count; i++) {
		ret->gaps += report->sources[i].gaps;
		ret->missing += report->sources[i].missing;
	}
	for (size_t i = 0; i < report->notice_count; i++)
		count_notice(&report->notices[i], ret);
}

/* One line of the summary: what is wrong, or that nothing is. */
static void write_finding(const struct page *page, bool bad, enum report_text good_text,
			  enum report_text bad_text, uint64_t first, uint64_t second)
{
	char one[NUMBER_TEXT_MAX], two[NUMBER_TEXT_MAX];

	page_raw(page, bad ? "<li class=\"bad\"><span aria-hidden=\"true\">!</span> "
			   : "<li class=\"good\"><span aria-hidden=\"true\">&#10003;</span> ");
	page_say(page, bad ? bad_text : good_text, number_text(first, one), number_text(second, two));
	page_raw(page, "</li>\n");
}

static void write_findings(const struct page *page)
{
	struct health health;

	health_of(page->report, &health);
	page_raw(page, "<ul class=\"findings\">\n");
	write_finding(page, health.missing > 0, TEXT_HEALTH_GAPS_OK, TEXT_HEALTH_GAPS_BAD, health.missing,
		      health.gaps);
	write_finding(page, health.open_periods > 0, TEXT_HEALTH_OPEN_OK, TEXT_HEALTH_OPEN_BAD,
		      health.open_packets, health.open_periods);
	write_finding(page, health.closed_periods > 0, TEXT_HEALTH_CLOSED_OK, TEXT_HEALTH_CLOSED_BAD,
		      health.closed_packets, health.closed_periods);
	write_finding(page, health.rules > 0, TEXT_HEALTH_RULES_OK, TEXT_HEALTH_RULES_BAD, health.rules, 0);
	page_raw(page, "</ul>\n");
}

static void write_what(const struct page *page, const char *what)
{
	static const struct {
		const char *name;
		enum report_text text;
	} names[] = {{"failed-open", TEXT_FAILED_OPEN}, {"failed-closed", TEXT_FAILED_CLOSED},
		     {"absent", TEXT_ABSENT},           {"rules-changed", TEXT_RULES_CHANGED},
		     {"rules-back", TEXT_RULES_BACK},   {"rules-failed", TEXT_RULES_FAILED}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, what) == 0) {
			cell_word(page, names[i].text);
			return;
		}
	}
	cell_name(page, what, false);
}

static void write_lasted(const struct page *page, const struct report_notice *notice)
{
	int64_t seconds = notice->is_over ? (notice->last_us - notice->first_us) / 1000000 : 0;
	char text[NUMBER_TEXT_MAX];

	if (!notice->is_period) {
		page_raw(page, "<td class=\"n\" data-v=\"0\"><span class=\"none\">&#8211;</span></td>");
		return;
	}
	if (seconds < 0)
		seconds = 0;
	fprintf(page->out, "<td class=\"n\" data-v=\"%" PRId64 "\">",
		notice->is_over ? seconds : INT64_C(1) << 40);
	if (notice->is_over)
		page_put(page, span_text(page, (uint64_t)seconds, text));
	else
		page_word(page, TEXT_GOING_ON);
	page_raw(page, "</td>");
}

/* Where no number is known, or there is none. */
static void write_no_number(const struct page *page, bool unknown)
{
	page_raw(page, "<td class=\"n\" data-v=\"0\">");
	if (unknown)
		page_word(page, TEXT_UNKNOWN_NUMBER);
	else
		page_name(page, "");
	page_raw(page, "</td>");
}

static void write_notice(const struct page *page, const struct report_notice *notice)
{
	row_begin(page);
	fprintf(page->out, "<th scope=\"row\" class=\"w\" data-v=\"%" PRId64 "\">", notice->first_us);
	page_time(page, notice->is_period ? notice->first_us : notice->time_us, true);
	page_raw(page, "</th>");
	cell_name(page, notice->host, false);
	write_what(page, notice->what);
	write_lasted(page, notice);
	if (notice->has_packets)
		cell_number(page, notice->packets);
	else
		write_no_number(page, notice->is_period);
	if (notice->is_period)
		cell_word(page, notice->open ? TEXT_PASSED : TEXT_DROPPED);
	else
		cell_name(page, "", false);
	row_end(page);
}

static void write_notices(const struct page *page)
{
	static const struct table_column columns[] = {
		{TEXT_FROM, COLUMN_TIME_DOWN}, {TEXT_GATEWAY, COLUMN_TEXT},   {TEXT_WHAT, COLUMN_TEXT},
		{TEXT_LASTED, COLUMN_NUMBER},  {TEXT_PACKETS, COLUMN_NUMBER}, {TEXT_FATE, COLUMN_TEXT}};
	size_t shown = rows_shown(page->report->notice_count);
	char count[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];

	table_begin(page, "notices", TABLE_FILTER, TEXT_NOTICES_CAPTION, number_text(shown, count),
		    number_text(page->report->notice_count, total), columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++)
		write_notice(page, &page->report->notices[i]);
	table_end(page);
}

static void write_source(const struct page *page, const struct report_source *source)
{
	row_begin(page);
	cell_name(page, source->host, true);
	page_raw(page, "<td><code>");
	page_name(page, source->boot_id);
	fprintf(page->out, "</code></td><td class=\"n\" data-v=\"%" PRIu64 "\">", source->first_seq);
	page_number(page, source->first_seq);
	page_raw(page, "&#8211;");
	page_number(page, source->last_seq);
	page_raw(page, "</td>");
	cell_number(page, source->records);
	cell_number(page, source->gaps);
	cell_number(page, source->missing);
	cell_number(page, source->duplicates);
	row_end(page);
}

void page_health(const struct page *page)
{
	static const struct table_column columns[] = {
		{TEXT_GATEWAY, COLUMN_TEXT},     {TEXT_RUN, COLUMN_TEXT},
		{TEXT_NUMBERS, COLUMN_NUMBER},   {TEXT_RECORDS, COLUMN_NUMBER},
		{TEXT_GAPS, COLUMN_NUMBER},      {TEXT_MISSING, COLUMN_NUMBER_DOWN},
		{TEXT_DUPLICATES, COLUMN_NUMBER}};
	size_t shown = rows_shown(page->report->source_count);
	char count[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];

	write_findings(page);
	if (page->report->notice_count)
		write_notices(page);
	if (page->report->source_count == 0)
		return;
	table_begin(page, "sources", TABLE_FILTER, TEXT_SOURCES_CAPTION, number_text(shown, count),
		    number_text(page->report->source_count, total), columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++)
		write_source(page, &page->report->sources[i]);
	table_end(page);
}
