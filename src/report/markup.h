/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing HTML such that no text from a record can become markup: what comes from outside goes through page_put() or a
 * function that uses it, whether it stands between tags or in a quoted attribute. Internal to report/.
 */
#ifndef OP25B_REPORT_MARKUP_H
#define OP25B_REPORT_MARKUP_H

#include "report/report.h"
#include "report/texts.h"

struct page {
	FILE *out;
	const struct report *report;
	enum report_language language;
};

enum {
	NUMBER_TEXT_MAX = 32,
	TIME_TEXT_MAX = 40,
	DATE_TEXT_MAX = 64,
	ADDRESS_KEY_MAX = 48,
	FIGURES_TEXT_MAX = 1024
};

/* Markup of our own, as it is. */
void page_raw(const struct page *page, const char *markup);
/*
 * Any text, for between tags or in a quoted attribute. What is not seen, or is no valid UTF-8, is written as an escape
 * (base/utf8.h), as on the terminal.
 */
void page_put(const struct page *page, const char *text);
/* A text of the table, with first and second (NULL: none) in the places of %1 and %2; all of it escaped. */
void page_say(const struct page *page, enum report_text text, const char *first, const char *second);
void page_word(const struct page *page, enum report_text text);

/* "1,234,567". Returns out. */
const char *number_text(uint64_t value, char out[NUMBER_TEXT_MAX]);
/* "12k", "3.8k", rounded, for what has little room. */
const char *number_short(uint64_t value, char out[NUMBER_TEXT_MAX]);
/*
 * "2026-11-22 07:12" by the report's clock, in Japanese "2026/11/22 07:12"; seconds only with seconds set. All parts have
 * their places.
 */
const char *time_text(const struct page *page, int64_t us, bool seconds, char out[TIME_TEXT_MAX]);
/* The same where there is room: in Japanese with the day of the week. */
const char *date_text(const struct page *page, int64_t us, char out[DATE_TEXT_MAX]);
/* "2 h" */
const char *span_text(const struct page *page, uint64_t seconds, char out[NUMBER_TEXT_MAX]);
/* What sorts as text by family and value: sixteen bytes in hexadecimal. */
void address_key(const struct addr *addr, char out[ADDRESS_KEY_MAX]);

void page_number(const struct page *page, uint64_t value);
/* A sentence that has figures in it, which get their commas. What is longer than FIGURES_TEXT_MAX is cut. */
void page_figures(const struct page *page, const char *text);
/* A <time> element; page_date() has date_text() in it. */
void page_time(const struct page *page, int64_t us, bool seconds);
void page_date(const struct page *page, int64_t us);
/* A name from a record in an element of its own; "" as a dash. A long one is cut. */
void page_name(const struct page *page, const char *name);
/* Tenths as a decimal fraction, whatever the locale. */
void page_tenths(const struct page *page, int64_t tenths);
/* A bar as long as value is part of whole. Nothing for whole 0. */
void page_bar(const struct page *page, uint64_t value, uint64_t whole);

/* A section with its heading, which the contents lead to. */
void section_begin(const struct page *page, const char *id, enum report_text heading);
void section_end(const struct page *page);

/* A sentence in place of what there is none of. */
void page_empty(const struct page *page, enum report_text text);
/* A sentence under a table, after its end. */
void page_note(const struct page *page, enum report_text text);

/* DOWN, UP: the rows come in this order, the greatest or the least first. */
enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_NUMBER_DOWN,
	COLUMN_TIME,
	COLUMN_TIME_UP,
	COLUMN_TIME_DOWN
};
struct table_column {
	enum report_text title;
	enum column_kind kind;
};

/* How a table is offered: sorted by columns, filtered by words, or by the classes of subscribers as well. */
enum table_tools { TABLE_PLAIN, TABLE_SORT, TABLE_FILTER, TABLE_CLASSES };

/* Opens a table up to its body; first and second are put into the caption. Columns are sorted where tools say so. */
void table_begin(const struct page *page, const char *id, enum table_tools tools, enum report_text caption,
		 const char *first, const char *second, const struct table_column *columns, size_t count);
void table_end(const struct page *page);
void row_begin(const struct page *page);
void row_end(const struct page *page);
/* Cells; the first of a row is its heading (head set). */
void cell_name(const struct page *page, const char *name, bool head);
void cell_number(const struct page *page, uint64_t value);
void cell_time(const struct page *page, int64_t us, bool seconds);
void cell_word(const struct page *page, enum report_text text);
/* A number's cell with its share of the whole, in words and as a bar. */
void cell_share(const struct page *page, uint64_t value, uint64_t whole);

enum { ROWS_MAX = 200 }; /* of a table that grows with the years */

static inline size_t rows_shown(size_t count)
{
	return count < ROWS_MAX ? count : ROWS_MAX;
}

/* Packets that were only monitored. Records may say anything, so this does not count on their sums. */
static inline uint64_t sums_monitored(const struct report_sums *sums)
{
	return sums->packets > sums->blocked ? sums->packets - sums->blocked : 0;
}

/* The sections, in files of their own. */
void page_headline(const struct page *page);
void page_timeline(const struct page *page);
void page_heat(const struct page *page);
void page_talkers(const struct page *page);
void page_fresh(const struct page *page);
void page_groups(const struct page *page);
void page_exemptions(const struct page *page);
void page_health(const struct page *page);

/* What the health section and the headline tell alike. */
struct health {
	uint64_t gaps, missing;
	uint64_t open_periods, open_packets;
	uint64_t closed_periods, closed_packets;
	uint64_t rules;
};
void health_of(const struct report *report, struct health *ret);

#endif
