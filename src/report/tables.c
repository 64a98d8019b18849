/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and tables. Without scripts a table is complete; page.js adds buttons where data-tools asks for them. */
#include "report/markup.h"

#include <inttypes.h>

void section_begin(const struct page *page, const char *id, enum report_text heading)
{
	fprintf(page->out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">", id, id, id);
	page_word(page, heading);
	page_raw(page, "</h2>\n");
}

void section_end(const struct page *page)
{
	page_raw(page, "</section>\n");
}

void page_empty(const struct page *page, enum report_text text)
{
	page_raw(page, "<p class=\"empty\">");
	page_word(page, text);
	page_raw(page, "</p>\n");
}

void page_note(const struct page *page, enum report_text text)
{
	page_raw(page, "<p class=\"note\">");
	page_word(page, text);
	page_raw(page, "</p>\n");
}

void table_begin(const struct page *page, const char *id, enum table_tools tools, enum report_text caption,
		 const char *first, const char *second, const struct table_column *columns, size_t count)
{
	static const char *const names[] = {"", "sort", "sort filter", "sort filter classes"};
	static const char *const kinds[] = {
		[COLUMN_TEXT] = "class=\"t\" data-kind=\"text\"",
		[COLUMN_NUMBER] = "class=\"n\" data-kind=\"number\"",
		[COLUMN_NUMBER_DOWN] = "class=\"n\" data-kind=\"number\" aria-sort=\"descending\"",
		[COLUMN_TIME] = "class=\"t\" data-kind=\"time\"",
		[COLUMN_TIME_UP] = "class=\"t\" data-kind=\"time\" aria-sort=\"ascending\"",
		[COLUMN_TIME_DOWN] = "class=\"t\" data-kind=\"time\" aria-sort=\"descending\"",
	};

	fprintf(page->out, "<div class=\"block\"><h3 id=\"%s-c\">", id);
	page_say(page, caption, first, second);
	fprintf(page->out,
		"</h3>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s-c\">"
		"<table id=\"%s\" data-tools=\"%s\" aria-labelledby=\"%s-c\">\n<thead><tr>",
		id, id, names[tools], id);
	for (size_t i = 0; i < count; i++) {
		fprintf(page->out, "<th scope=\"col\" %s>", kinds[columns[i].kind]);
		page_word(page, columns[i].title);
		page_raw(page, "</th>");
	}
	page_raw(page, "</tr></thead>\n<tbody>\n");
}

void table_end(const struct page *page)
{
	page_raw(page, "</tbody></table></div></div>\n");
}

void row_begin(const struct page *page)
{
	page_raw(page, "<tr>");
}

void row_end(const struct page *page)
{
	page_raw(page, "</tr>\n");
}

void cell_name(const struct page *page, const char *name, bool head)
{
	page_raw(page, head ? "<th scope=\"row\">" : "<td>");
	page_name(page, name);
	page_raw(page, head ? "</th>" : "</td>");
}

void cell_number(const struct page *page, uint64_t value)
{
	fprintf(page->out, "<td class=\"n\" data-v=\"%" PRIu64 "\">", value);
	page_number(page, value);
	page_raw(page, "</td>");
}

void cell_time(const struct page *page, int64_t us, bool seconds)
{
	fprintf(page->out, "<td class=\"w\" data-v=\"%" PRId64 "\">", us);
	page_time(page, us, seconds);
	page_raw(page, "</td>");
}

void cell_word(const struct page *page, enum report_text text)
{
	page_raw(page, "<td>");
	page_word(page, text);
	page_raw(page, "</td>");
}

void cell_share(const struct page *page, uint64_t value, uint64_t whole)
{
	uint64_t tenths = whole ? (uint64_t)((double)value * 1000 / (double)whole + 0.5) : 0;

	fprintf(page->out, "<td class=\"n\" data-v=\"%" PRIu64 "\">", value);
	page_number(page, value);
	fprintf(page->out, " <small>%" PRIu64 ".%" PRIu64 "%s%%</small>", tenths / 10, tenths % 10,
		page->language == REPORT_JAPANESE ? "" : "&#8239;");
	page_bar(page, value, whole);
	page_raw(page, "</td>");
}
