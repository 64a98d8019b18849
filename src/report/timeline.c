/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timeline: packets above, subscribers below, over one axis of time, drawn as SVG; and a table of the same figures. */
#include "report/markup.h"

#include <inttypes.h>
#include <string.h>

/* Places in the drawing, in its units; TENTHS of them where a bar begins between two. */
enum {
	WIDTH = 960,
	LEFT = 56,
	RIGHT = 952,
	TOP = 12,
	BASE = 200,
	LOW_TOP = 228,
	LOW_BASE = 288,
	HEIGHT = 312,
	TENTHS = 10,
	GRID = 4,
	TICKS_MAX = 15,
	DAY_S = 86400,
	WEEK_S = 7 * DAY_S,
	LONGEST_TICK_S = 4 * WEEK_S,
	MONDAY_S = 4 * DAY_S, /* the first one after 1970 began */
};

struct axis {
	int64_t begin_us, end_us;
	uint64_t packets, subscribers; /* at the top of the two parts */
};

/* Four times the least round number that is a fourth of value or more: grid lines get round numbers, bars most of the room. */
static uint64_t round_up(uint64_t value)
{
	static const uint64_t tenths[] = {10, 15, 20, 25, 30, 40, 50, 60, 80};
	uint64_t part = value / GRID + (value % GRID > 0);

	for (uint64_t power = 1; power <= UINT64_MAX / 1000; power *= 10) {
		for (size_t i = 0; i < sizeof(tenths) / sizeof(tenths[0]); i++) {
			if (power * tenths[i] % 10 == 0 && power * tenths[i] / 10 >= part)
				return power * tenths[i] / 10 * GRID;
		}
	}
	return value;
}

/* The least round number that is value or more: for the lower part, which has only its top marked. */
static uint64_t round_near(uint64_t value)
{
	static const uint64_t steps[] = {10, 15, 20, 30, 40, 50, 60, 80, 100};
	uint64_t power = 1;

	if (value <= 10)
		return value ? value : 1;
	while (value / 100 >= power && power < UINT64_MAX / 1000)
		power *= 10;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i] * power >= value)
			return steps[i] * power;
	}
	return value;
}

static int64_t step_us(const struct report *report)
{
	return (int64_t)report->step_s * 1000000;
}

static struct axis axis_of(const struct report *report)
{
	struct axis axis = {.begin_us = report->buckets[0].start_us};

	axis.end_us = report->buckets[report->bucket_count - 1].start_us + step_us(report);
	for (size_t i = 0; i < report->bucket_count; i++) {
		const struct report_sums *sums = &report->buckets[i].sums;

		if (sums->packets > axis.packets)
			axis.packets = sums->packets;
		if (sums->subscribers > axis.subscribers)
			axis.subscribers = sums->subscribers;
	}
	axis.packets = round_up(axis.packets);
	axis.subscribers = round_near(axis.subscribers);
	return axis;
}

/* Tenths of units from the left; moments outside are drawn at the edge. */
static int64_t place_of(const struct axis *axis, int64_t us)
{
	double part = (double)(us - axis->begin_us) / (double)(axis->end_us - axis->begin_us);

	if (part < 0)
		part = 0;
	if (part > 1)
		part = 1;
	return LEFT * TENTHS + (int64_t)(part * (RIGHT - LEFT) * TENTHS + 0.5);
}

static int64_t height_of(uint64_t value, uint64_t most, int64_t room)
{
	int64_t height = (int64_t)((double)value * (double)room * TENTHS / (double)most + 0.5);

	return value && height < TENTHS ? TENTHS : height; /* what is there is seen */
}

static void write_rectangle(const struct page *page, const char *class, int64_t x, int64_t y, int64_t width,
			    int64_t height)
{
	fprintf(page->out, "<rect class=\"%s\" x=\"", class);
	page_tenths(page, x);
	page_raw(page, "\" y=\"");
	page_tenths(page, y);
	page_raw(page, "\" width=\"");
	page_tenths(page, width);
	page_raw(page, "\" height=\"");
	page_tenths(page, height);
	page_raw(page, "\"/>");
}

static void write_level(const struct page *page, int64_t y, uint64_t value)
{
	char text[NUMBER_TEXT_MAX];

	fprintf(page->out,
		"<path class=\"grid\" d=\"M%d %" PRId64 "H%d\"/><text class=\"y\" x=\"%d\" y=\"%" PRId64
		"\">%s</text>",
		LEFT, y, RIGHT, LEFT - 6, y + 4, number_short(value, text));
}

static void write_grid(const struct page *page, const struct axis *axis)
{
	for (unsigned i = 0; i <= GRID; i++)
		write_level(page, BASE - (BASE - TOP) * (int64_t)i / GRID, axis->packets / GRID * i);
	write_level(page, LOW_BASE, 0);
	write_level(page, LOW_TOP, axis->subscribers);
}

/* The least distance of marks on the axis with which few enough stand there. */
static int64_t tick_of(const struct axis *axis)
{
	static const int64_t seconds[] = {60,    300,   600,   900,    1800,   3600,    7200,   10800,
					  21600, 43200, 86400, 172800, 604800, 1209600, 2419200};
	size_t i = 0;

	while (i + 1 < sizeof(seconds) / sizeof(seconds[0]) &&
	       (axis->end_us - axis->begin_us) / 1000000 / seconds[i] > TICKS_MAX)
		i++;
	if ((axis->end_us - axis->begin_us) / 1000000 / seconds[i] >
	    TICKS_MAX) /* years: no better than even parts */
		return (axis->end_us - axis->begin_us) / 1000000 / TICKS_MAX;
	return seconds[i];
}

/* "11-22" where a day begins, else "07:00", by the report's clock; over years "2026-11". */
static const char *mark_text(const struct page *page, int64_t tick, int64_t at, char out[TIME_TEXT_MAX])
{
	char text[TIME_TEXT_MAX];

	time_text(page, at * 1000000, false, text);
	if (tick > LONGEST_TICK_S)
		snprintf(out, TIME_TEXT_MAX, "%.7s", text);
	else
		snprintf(out, TIME_TEXT_MAX, "%.5s",
			 tick >= DAY_S || strcmp(text + 11, "00:00") == 0 ? text + 5 : text + 11);
	return out;
}

static void write_tick(const struct page *page, int64_t x, const char *text)
{
	fprintf(page->out, "<path class=\"tick\" d=\"M");
	page_tenths(page, x);
	fprintf(page->out, " %dV%dM", BASE, BASE + 5);
	page_tenths(page, x);
	fprintf(page->out, " %dV%d\"/><text class=\"x\" x=\"", LOW_BASE, LOW_BASE + 5);
	page_tenths(page, x);
	fprintf(page->out, "\" y=\"%d\">%s</text>", LOW_BASE + 19, text);
}

/* Where days, hours and so on begin by the report's clock, and weeks on Mondays. */
static void write_ticks(const struct page *page, const struct axis *axis)
{
	int64_t tick = tick_of(axis), begin = axis->begin_us / 1000000;
	int64_t offset = page->report->offset(page->report->context, axis->begin_us);
	int64_t past = (begin + offset - (tick % WEEK_S == 0 ? MONDAY_S : 0)) % tick;
	char text[TIME_TEXT_MAX];

	if (past < 0)
		past += tick;
	for (int64_t at = past ? begin + tick - past : begin; at * 1000000 < axis->end_us; at += tick)
		write_tick(page, place_of(axis, at * 1000000), mark_text(page, tick, at, text));
}

/* Periods in which packets passed unjudged, behind the bars. */
static void write_open_periods(const struct page *page, const struct axis *axis)
{
	const struct report *report = page->report;

	for (size_t i = 0; i < report->notice_count; i++) {
		const struct report_notice *notice = &report->notices[i];
		int64_t until = notice->is_over ? notice->last_us : report->until_us;
		int64_t x = place_of(axis, notice->first_us), width = place_of(axis, until) - x;

		if (notice->is_period && notice->open && until >= axis->begin_us &&
		    notice->first_us < axis->end_us)
			write_rectangle(page, "open", x, TOP * TENTHS,
					width < 3 * TENTHS ? 3 * TENTHS : width, (BASE - TOP) * TENTHS);
	}
}

static void write_bar(const struct page *page, const struct axis *axis, const struct report_bucket *bucket)
{
	char packets[NUMBER_TEXT_MAX], subscribers[NUMBER_TEXT_MAX], time[TIME_TEXT_MAX];
	int64_t x = place_of(axis, bucket->start_us);
	int64_t whole = place_of(axis, bucket->start_us + step_us(page->report)) - x;
	int64_t width = whole > 3 * TENTHS ? whole - TENTHS : whole;
	int64_t all = height_of(bucket->sums.packets, axis->packets, BASE - TOP);
	int64_t blocked = height_of(bucket->sums.blocked, axis->packets, BASE - TOP);
	int64_t low = height_of(bucket->sums.subscribers, axis->subscribers, LOW_BASE - LOW_TOP);

	if (!bucket->sums.records)
		return;
	page_raw(page, "<g class=\"bar\"><title>");
	page_raw(page, time_text(page, bucket->start_us, false, time));
	page_raw(page, " ");
	page_say(page, TEXT_BAR, number_text(bucket->sums.packets, packets),
		 number_text(bucket->sums.subscribers, subscribers));
	page_raw(page, "</title>");
	write_rectangle(page, "reach", x, TOP * TENTHS, whole, (LOW_BASE - TOP) * TENTHS);
	if (all > blocked)
		write_rectangle(page, "monitored", x, BASE * TENTHS - all, width, all - blocked);
	if (blocked)
		write_rectangle(page, "blocked", x, BASE * TENTHS - blocked, width, blocked);
	if (low)
		write_rectangle(page, "subscribers", x, LOW_BASE * TENTHS - low, width, low);
	page_raw(page, "</g>\n");
}

static void write_drawing(const struct page *page, const struct axis *axis, uint64_t most)
{
	char step[NUMBER_TEXT_MAX], number[NUMBER_TEXT_MAX];

	fprintf(page->out,
		"<svg class=\"timeline\" role=\"img\" aria-labelledby=\"timeline-t timeline-d\" viewBox=\"0 0 %d %d\">",
		WIDTH, HEIGHT);
	page_raw(page, "<title id=\"timeline-t\">");
	page_word(page, TEXT_TIMELINE_TITLE);
	page_raw(page, "</title><desc id=\"timeline-d\">");
	page_say(page, TEXT_TIMELINE_DESC, span_text(page, page->report->step_s, step),
		 number_text(most, number));
	page_raw(page, "</desc>\n");
	write_grid(page, axis);
	write_open_periods(page, axis);
	for (size_t i = 0; i < page->report->bucket_count; i++)
		write_bar(page, axis, &page->report->buckets[i]);
	write_ticks(page, axis);
	page_raw(page, "</svg>\n");
}

static void write_legend(const struct page *page)
{
	static const struct {
		const char *class;
		enum report_text text;
	} entries[] = {{"blocked", TEXT_LEGEND_BLOCKED},
		       {"monitored", TEXT_LEGEND_MONITORED},
		       {"open", TEXT_LEGEND_OPEN},
		       {"subscribers", TEXT_LEGEND_SUBSCRIBERS}};

	page_raw(page, "<ul class=\"legend\">");
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		fprintf(page->out,
			"<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"%s\" width=\"12\" height=\"12\"/></svg>",
			entries[i].class);
		page_word(page, entries[i].text);
		page_raw(page, "</li>");
	}
	page_raw(page, "</ul>\n");
}

/* What the two parts of the drawing are, and that bars at its ends may be low because they are short. */
static void write_note(const struct page *page, const struct axis *axis)
{
	const struct report *report = page->report;
	char step[NUMBER_TEXT_MAX];

	page_raw(page, "<p class=\"note\">");
	page_say(page, TEXT_TIMELINE_NOTE, span_text(page, report->step_s, step), NULL);
	if (axis->begin_us < report->since_us || axis->end_us > report->until_us) {
		page_raw(page, page->language == REPORT_JAPANESE ? "" : " ");
		page_word(page, TEXT_TIMELINE_PART);
	}
	page_raw(page, "</p>\n");
}

static void write_table(const struct page *page)
{
	static const struct table_column columns[] = {
		{TEXT_FROM, COLUMN_TIME_UP},           {TEXT_ATTEMPTS, COLUMN_NUMBER},
		{TEXT_PACKETS, COLUMN_NUMBER},         {TEXT_BLOCKED_SHORT, COLUMN_NUMBER},
		{TEXT_MONITORED_SHORT, COLUMN_NUMBER}, {TEXT_SUBSCRIBERS, COLUMN_NUMBER}};

	page_raw(page, "<details><summary>");
	page_word(page, TEXT_TIMELINE_TABLE);
	page_raw(page, "</summary>\n");
	table_begin(page, "timeline-figures", TABLE_SORT, TEXT_TIMELINE_TITLE, NULL, NULL, columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < page->report->bucket_count; i++) {
		const struct report_bucket *bucket = &page->report->buckets[i];

		row_begin(page);
		fprintf(page->out, "<th scope=\"row\" class=\"w\" data-v=\"%" PRId64 "\">", bucket->start_us);
		page_time(page, bucket->start_us, false);
		page_raw(page, "</th>");
		cell_number(page, bucket->sums.attempts);
		cell_number(page, bucket->sums.packets);
		cell_number(page, bucket->sums.blocked);
		cell_number(page, sums_monitored(&bucket->sums));
		cell_number(page, bucket->sums.subscribers);
		row_end(page);
	}
	table_end(page);
	page_raw(page, "</details>\n");
}

void page_timeline(const struct page *page)
{
	struct axis axis;
	uint64_t most = 0;

	for (size_t i = 0; i < page->report->bucket_count; i++) {
		if (page->report->buckets[i].sums.packets > most)
			most = page->report->buckets[i].sums.packets;
	}
	if (page->report->bucket_count == 0) {
		page_empty(page, TEXT_NO_RECORDS);
		return;
	}
	axis = axis_of(page->report);
	page_raw(page,
		 "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"timeline-h\">");
	write_drawing(page, &axis, most);
	page_raw(page, "</div>\n");
	write_legend(page);
	write_note(page, &axis);
	write_table(page);
}
