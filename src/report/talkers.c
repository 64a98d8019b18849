/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subscribers: those with most attempts, with class and evidence; and those first seen in the last day. */
#include "report/markup.h"

#include <inttypes.h>
#include <string.h>

enum { DESTINATIONS_TEXT_MAX = NUMBER_TEXT_MAX + 16 };

static const struct {
	const char *name; /* for the style and the script */
	enum report_text text;
	int rank; /* sorted by class, those to look at first come first */
} classes[REPORT_CLASSES] = {
	[REPORT_UNKNOWN] = {"unknown", TEXT_CLASS_UNKNOWN, 4},
	[REPORT_BOT] = {"bot", TEXT_CLASS_BOT, 1},
	[REPORT_CLIENT] = {"client", TEXT_CLASS_CLIENT, 2},
	[REPORT_SERVER] = {"server", TEXT_CLASS_SERVER, 3},
};

/* A bar of the day: dark where the subscriber was seen, by the report's clock. */
static void write_day(const struct page *page, const struct report_talker *talker)
{
	int32_t offset = page->report->offset(page->report->context, talker->last_us);
	int turn = ((int)(offset / 3600) % REPORT_DAY_HOURS + REPORT_DAY_HOURS) % REPORT_DAY_HOURS;
	char number[NUMBER_TEXT_MAX];

	page_raw(page, "<svg class=\"day\" viewBox=\"0 0 96 8\" role=\"img\"><title>");
	page_say(page, TEXT_HOURS_TITLE,
		 number_text((unsigned)__builtin_popcount(talker->clock_hours & 0xffffff), number), NULL);
	page_raw(page, "</title><rect class=\"rest\" width=\"96\" height=\"8\"/><path class=\"part\" d=\"");
	for (int hour = 0; hour < REPORT_DAY_HOURS; hour++) {
		int utc = (hour - turn + REPORT_DAY_HOURS) % REPORT_DAY_HOURS;

		if (talker->clock_hours >> utc & 1)
			fprintf(page->out, "M%d 0h3v8h-3z", hour * 4);
	}
	page_raw(page, "\"/></svg>");
}

/* The count of destinations, and whether it is an estimate. */
static const char *destinations_text(const struct page *page, const struct report_talker *talker,
				     char out[DESTINATIONS_TEXT_MAX])
{
	const char *about = report_text(TEXT_ESTIMATE, page->language);
	char number[NUMBER_TEXT_MAX];

	number_text(talker->destinations, number);
	snprintf(out, DESTINATIONS_TEXT_MAX, "%.*s%s",
		 talker->destinations_exact ? 0 : (int)strcspn(about, "%"), about, number);
	return out;
}

/* The evidence in words: the classifier's, or the figures alone. */
static void write_evidence(const struct page *page, const struct report_talker *talker)
{
	char first[DESTINATIONS_TEXT_MAX], second[NUMBER_TEXT_MAX];

	if (*talker->evidence[page->language]) {
		page_figures(page, talker->evidence[page->language]);
		return;
	}
	page_say(page, TEXT_EVIDENCE, destinations_text(page, talker, first),
		 number_text((unsigned)__builtin_popcount(talker->clock_hours & 0xffffff), second));
	page_raw(page, page->language == REPORT_JAPANESE ? "\xe3\x80\x81" : "; ");
	page_say(page, TEXT_EVIDENCE_MORE, number_text(talker->busiest_hour, first),
		 number_text(talker->hours_active, second));
}

static void write_class(const struct page *page, const struct report_talker *talker)
{
	fprintf(page->out,
		"<td class=\"evidence\" data-v=\"%d\"><div class=\"verdict\"><span class=\"badge %s\">",
		classes[talker->class].rank, classes[talker->class].name);
	page_word(page, classes[talker->class].text);
	page_raw(page, "</span>");
	write_day(page, talker);
	page_raw(page, "</div><p>");
	write_evidence(page, talker);
	page_raw(page, "</p></td>");
}

static void write_subscriber(const struct page *page, const struct report_talker *talker)
{
	char text[PREFIX_TEXT_MAX], key[ADDRESS_KEY_MAX];

	subscriber_format(&talker->subscriber, text);
	address_key(&talker->subscriber.addr, key);
	fprintf(page->out, "<th scope=\"row\" class=\"address\" data-v=\"%s\">", key);
	if (*text)
		page_name(page, text);
	else
		page_word(page, TEXT_OVERFLOW);
	page_raw(page, "</th>");
}

static void write_known(const struct page *page, const struct report_talker *talker)
{
	page_raw(page, "<details><summary>");
	page_word(page, TEXT_DESTINATIONS_LIST);
	page_raw(page, "</summary><ul>");
	for (size_t i = 0; i < talker->known_count; i++) {
		char text[ADDR_TEXT_MAX];

		addr_format(&talker->known[i], text);
		fprintf(page->out, "<li>%s</li>", text);
	}
	if (talker->known_more) {
		page_raw(page, "<li>");
		page_word(page, TEXT_DESTINATIONS_MORE);
		page_raw(page, "</li>");
	}
	page_raw(page, "</ul></details>");
}

static void write_destinations(const struct page *page, const struct report_talker *talker)
{
	char text[DESTINATIONS_TEXT_MAX];

	fprintf(page->out, "<td class=\"n met\" data-v=\"%" PRIu64 "\"><span>", talker->destinations);
	page_put(page, destinations_text(page, talker, text));
	page_raw(page, "</span>");
	if (talker->known_count)
		write_known(page, talker);
	page_raw(page, "</td>");
}

static void write_way(const struct page *page, const struct report_talker *talker)
{
	const char *means = report_reason(talker->reason, page->language);

	page_raw(page, "<td class=\"way\">");
	page_name(page, talker->pool);
	if (*talker->rule && strcmp(talker->rule, talker->pool) != 0) {
		page_raw(page, " &#183; ");
		page_name(page, talker->rule);
	}
	page_raw(page, "<p>");
	if (means)
		page_put(page, means);
	else
		page_name(page, talker->reason);
	if (talker->several_ways)
		page_word(page, TEXT_SEVERAL);
	page_raw(page, "</p></td>");
}

static bool is_rest(const struct report_talker *talker)
{
	return talker->subscriber.addr.family == ADDR_NONE;
}

static void write_attempts(const struct page *page, uint64_t value, uint64_t most)
{
	fprintf(page->out, "<td class=\"n\" data-v=\"%" PRIu64 "\">", value);
	page_number(page, value);
	page_bar(page, value, most);
	page_raw(page, "</td>");
}

static void write_row(const struct page *page, const struct report_talker *talker, uint64_t most)
{
	/* Of no class, and not counted: nobody knows how many subscribers it is. */
	if (is_rest(talker))
		page_raw(page, "<tr data-rest>");
	else
		fprintf(page->out, "<tr data-class=\"%s\">", classes[talker->class].name);
	write_subscriber(page, talker);
	write_class(page, talker);
	write_attempts(page, talker->sums.attempts, most);
	cell_number(page, talker->sums.packets);
	write_destinations(page, talker);
	write_way(page, talker);
	cell_time(page, talker->ever_first_us, false);
	cell_time(page, talker->last_us, false);
	row_end(page);
}

static void write_talkers(const struct page *page, const char *id, enum report_text caption,
			  const struct report_talkers *talkers)
{
	static const struct table_column columns[] = {
		{TEXT_SUBSCRIBER, COLUMN_TEXT},      {TEXT_CLASS, COLUMN_TEXT},
		{TEXT_ATTEMPTS, COLUMN_NUMBER_DOWN}, {TEXT_PACKETS, COLUMN_NUMBER},
		{TEXT_DESTINATIONS, COLUMN_NUMBER},  {TEXT_WAY, COLUMN_TEXT},
		{TEXT_FIRST_SEEN, COLUMN_TIME},      {TEXT_LAST_SEEN, COLUMN_TIME}};
	char count[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];
	uint64_t most = 0, told_apart = 0;

	if (talkers->count == 0) {
		page_empty(page, TEXT_EMPTY);
		return;
	}
	for (size_t i = 0; i < talkers->count; i++) {
		told_apart += !is_rest(&talkers->rows[i]);
		if (talkers->rows[i].sums.attempts > most)
			most = talkers->rows[i].sums.attempts;
	}
	table_begin(page, id, TABLE_CLASSES, caption, number_text(told_apart, count),
		    number_text(talkers->total, total), columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < talkers->count; i++)
		write_row(page, &talkers->rows[i], most);
	table_end(page);
	if (told_apart < talkers->count)
		page_note(page, TEXT_OVERFLOW_NOTE);
}

void page_talkers(const struct page *page)
{
	write_talkers(page, "talkers", TEXT_TOP_CAPTION, &page->report->top);
}

void page_fresh(const struct page *page)
{
	write_talkers(page, "newcomers", TEXT_FRESH_CAPTION, &page->report->fresh);
}
