/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands where: the screen with the list. Where there is little room, what matters least goes first. */
#include "log_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	LABEL = 10,
	RATE = 9,
	TABLE_LEAST = 4,       /* rows that the panel above leaves to the list and its head */
	SUBSCRIBER_LEAST = 23, /* 2001:db8:1234:5678::/64 */
	SUBSCRIBER_MOST = 43,
	MARK = 3, /* "..." */
};

/* ---- the panel ---- */

/* A rate and its curve in a half of the row. */
static void put_rate(const struct watch_model *model, struct watch_grid *grid, int row, int column, int width,
		     const char *label, enum watch_counter counter)
{
	char rate[24];

	watch_put(grid, row, column, WATCH_PLAIN, label);
	if (!model->now.known[counter])
		watch_putf(grid, row, column + LABEL, WATCH_FAINT, "%*s", RATE, "-");
	else if (!model->has_rates)
		watch_putf(grid, row, column + LABEL, WATCH_FAINT, "%*s", RATE, "...");
	else
		watch_putf(grid, row, column + LABEL, WATCH_BOLD, "%*s/s", RATE - 2,
			   watch_rate(model->rates[counter], RATE - 2, rate));
	if (model->now.known[counter])
		watch_spark(grid, row, column + LABEL + RATE + 1, width - LABEL - RATE - 2, model->utf8,
			    model->history[counter], model->steps);
}

static void put_rates(const struct watch_model *model, struct watch_grid *grid, int row,
		      const char *left_label, enum watch_counter left, const char *right_label,
		      enum watch_counter right)
{
	int half = grid->columns >= 2 * (LABEL + RATE + 3) ? grid->columns / 2 : grid->columns;

	put_rate(model, grid, row, 0, half, left_label, left);
	if (half < grid->columns)
		put_rate(model, grid, row, half, grid->columns - half, right_label, right);
}

static void put_main_rates(const struct watch_model *model, struct watch_grid *grid, int row)
{
	put_rates(model, grid, row, "packets", WATCH_PACKETS, "attempts", WATCH_ATTEMPTS);
}

static void put_verdict_rates(const struct watch_model *model, struct watch_grid *grid, int row)
{
	put_rates(model, grid, row, "blocked", WATCH_BLOCKED, "accepted", WATCH_ACCEPTED);
}

static void put_other_rates(const struct watch_model *model, struct watch_grid *grid, int row)
{
	put_rates(model, grid, row, "by kernel", WATCH_OFFLOADED, "records", WATCH_RECORDS);
}

/* A number that should be none. */
static int put_bad(struct watch_grid *grid, int row, int column, const char *label, uint64_t value)
{
	column = watch_put(grid, row, column, WATCH_PLAIN, label);
	return watch_putf(grid, row, column, value ? WATCH_BAD : WATCH_GOOD, "%" PRIu64, value);
}

static void put_queues(const struct watch_model *model, struct watch_grid *grid, int row)
{
	const struct watch_snapshot *now = &model->now;
	int column = watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s", LABEL, "queues");

	column = watch_putf(grid, row, column, WATCH_PLAIN, "%" PRIu64 ": in flight %" PRIu64, now->queues,
			    now->in_flight);
	if (!now->kernel_known) {
		watch_put(grid, row, column, WATCH_FAINT, ", the kernel's counters cannot be read");
		return;
	}
	column = watch_putf(grid, row, column, WATCH_PLAIN, ", waiting %" PRIu64, now->waiting);
	column = put_bad(grid, row, column, ", dropped full ", now->queue_dropped);
	column = put_bad(grid, row, column, ", socket ", now->socket_dropped);
	column = put_bad(grid, row, column, ", failed open ", now->failed_open);
	watch_tell_cut(grid, row, column);
}

/* Cases with the same fate stand together: "passes: no daemon, killed; waits: stalled". */
static void put_fates(const struct watch_model *model, struct watch_grid *grid, int row)
{
	static const char *const names[WATCH_CASES] = {"no daemon", "queue full", "socket full", "killed",
						       "stalled"};
	const char(*fates)[WATCH_NAME_MAX] = model->now.fates;
	int column = watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s", LABEL, "if");

	for (unsigned i = 0; i < WATCH_CASES; i++) {
		bool told = false;

		for (unsigned j = 0; j < i; j++)
			told = told || strcmp(fates[j], fates[i]) == 0;
		if (told)
			continue;
		column = watch_putf(grid, row, column, WATCH_BOLD, "%s%s", i ? "; " : "",
				    fates[i][0] ? fates[i] : "?");
		for (unsigned j = i; j < WATCH_CASES; j++)
			if (strcmp(fates[j], fates[i]) == 0)
				column = watch_putf(grid, row, column, WATCH_PLAIN, "%s%s",
						    j == i ? ": " : ", ", names[j]);
	}
	watch_tell_cut(grid, row, column);
}

static void put_offload(const struct watch_model *model, struct watch_grid *grid, int row)
{
	const struct watch_snapshot *now = &model->now;
	uint64_t blocked = now->counters[WATCH_BLOCKED], offloaded = now->counters[WATCH_OFFLOADED];

	watch_putf(grid, row, 0, WATCH_PLAIN,
		   "%-*s%s; sources %" PRIu64 ", packets %" PRIu64 ", %d %% of those blocked", LABEL,
		   "offload", now->offload, now->offload_sources, offloaded,
		   blocked ? (int)(100 * (double)offloaded / (double)blocked) : 0);
}

static void put_records(const struct watch_model *model, struct watch_grid *grid, int row)
{
	const struct watch_snapshot *now = &model->now;
	int column = watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s%" PRIu64, LABEL, "records",
				now->counters[WATCH_RECORDS]);

	if (now->of_daemon) {
		column = put_bad(grid, row, column, ", lost ", now->records_lost);
		column = watch_putf(grid, row, column, WATCH_PLAIN, ", waiting %" PRIu64 " bytes",
				    now->log_waiting);
	}
	column = watch_putf(grid, row, column, WATCH_PLAIN, "; %" PRIu64 " subscribers", now->subscribers);
	if (now->window_s > 0)
		column = watch_putf(grid, row, column, WATCH_PLAIN, ", windows of %" PRIu64 " s",
				    now->window_s);
	watch_tell_cut(grid, row, column);
}

/* In the order shown; the rows with the greatest rank go first where there is no room. */
static const struct panel_row {
	void (*put)(const struct watch_model *model, struct watch_grid *grid, int row);
	int rank;
	bool of_daemon; /* only there */
} panel[] = {
	{put_main_rates, 0, false}, {put_verdict_rates, 3, false}, {put_other_rates, 6, false},
	{put_queues, 1, true},      {put_fates, 2, true},          {put_offload, 5, true},
	{put_records, 4, false},
};

static bool is_wanted(const struct watch_model *model, const struct panel_row *row)
{
	return (model->now.of_daemon || !row->of_daemon) &&
	       (row->put != put_offload || model->now.offload_wanted);
}

/* Warnings stand above everything else, on a sixth of the screen. Returns the first row that is free. */
static int put_warnings(const struct watch_model *model, struct watch_grid *grid, int row)
{
	int end = row + grid->rows / 6;
	size_t i = 0;

	for (; i < model->now.warning_count && row < end; i++) {
		char text[WATCH_TEXT_MAX + 16];

		snprintf(text, sizeof(text), "WARNING: %s", model->now.warnings[i]);
		row = watch_put_lines(grid, row, end, WATCH_BAD, text);
	}
	if (i < model->now.warning_count && row > 1)
		watch_putf(grid, row - 1, grid->columns - 5, WATCH_BAD, " (+%zu)",
			   model->now.warning_count - i);
	return row;
}

static int put_panel(const struct watch_model *model, struct watch_grid *grid, int row)
{
	int room = grid->rows - 1 - TABLE_LEAST - row;

	for (size_t i = 0; i < sizeof(panel) / sizeof(panel[0]); i++) {
		int before = 0;

		for (size_t j = 0; j < sizeof(panel) / sizeof(panel[0]); j++)
			before += panel[j].rank < panel[i].rank && is_wanted(model, &panel[j]);
		if (is_wanted(model, &panel[i]) && before < room)
			panel[i].put(model, grid, row++);
	}
	return row;
}

/* ---- the list ---- */

enum column {
	SUBSCRIBER,
	PACKETS,
	PACKET_RATE,
	ATTEMPTS,
	ATTEMPT_RATE,
	DESTINATIONS,
	OFFLOADED,
	LAST,
	REASON,
	COLUMNS
};

/* In the order shown; those with the greatest rank are left out where there is no room. Right-aligned unless negative. */
static const struct {
	const char *title;
	int width, rank;
} columns[COLUMNS] = {
	[SUBSCRIBER] = {"SUBSCRIBER", -SUBSCRIBER_LEAST, 0},
	[PACKETS] = {"PACKETS", 9, 1},
	[PACKET_RATE] = {"PKT/S", 7, 3},
	[ATTEMPTS] = {"ATTEMPTS", 8, 2},
	[ATTEMPT_RATE] = {"ATT/S", 7, 8},
	[DESTINATIONS] = {"DEST", 6, 4},
	[OFFLOADED] = {"KERNEL", 10, 7},
	[LAST] = {"LAST", 8, 6},
	[REASON] = {"REASON", -12, 5},
};

static int width_of(enum column column)
{
	return columns[column].width < 0 ? -columns[column].width : columns[column].width;
}

/* The longest of what all rows say there, so that nothing moves as one moves through the list. */
static int longest(const struct watch_model *model, enum column column)
{
	int most = (int)strlen(columns[column].title);

	for (size_t i = 0; i < model->row_count; i++) {
		const struct watch_offender *offender = model->rows[i].offender;
		int len = (int)strlen(column == REASON ? offender->reason : offender->subscriber);

		most = len > most ? len : most;
	}
	return most;
}

/* What the reason needs beyond its least, and cannot have from what no subscriber needs. */
static int lack_of(const struct watch_model *model)
{
	int lack = longest(model, REASON) - width_of(REASON);
	int spare = width_of(SUBSCRIBER) - longest(model, SUBSCRIBER);

	return lack - (spare > 0 ? spare : 0);
}

/* To the reason what it lacks, from what is left and from what no subscriber needs. Returns what is left. */
static int widen_reason(const struct watch_model *model, int room, int widths[COLUMNS])
{
	int lack = longest(model, REASON) - widths[REASON];
	int spare = widths[SUBSCRIBER] - longest(model, SUBSCRIBER);

	if (widths[REASON] == 0 || lack <= 0)
		return room;
	spare = (room > 0 ? room : 0) + (spare > 0 ? spare : 0);
	lack = lack < spare ? lack : spare;
	widths[REASON] += lack;
	room -= lack;
	if (room < 0)
		widths[SUBSCRIBER] += room;
	return room > 0 ? room : 0;
}

/*
 * Which columns there is room for; the reason and then the subscriber take what is left, to their longest texts. A whole
 * reason is worth more than the last columns.
 */
static void choose(const struct watch_model *model, int room, int widths[COLUMNS])
{
	int lack = lack_of(model);

	memset(widths, 0, COLUMNS * sizeof(widths[0]));
	for (int rank = 0; rank < COLUMNS; rank++) {
		int kept = rank > columns[LAST].rank && lack > 0 ? lack : 0;

		for (unsigned i = 0; i < COLUMNS; i++)
			if (columns[i].rank == rank && (i == SUBSCRIBER || width_of(i) + 1 + kept <= room)) {
				widths[i] = width_of(i);
				room -= widths[i] + 1;
			}
	}
	room = widen_reason(model, room, widths);
	widths[SUBSCRIBER] += room > 0 ? room : 0;
	if (widths[SUBSCRIBER] > SUBSCRIBER_MOST)
		widths[SUBSCRIBER] = SUBSCRIBER_MOST;
}

/* "09:01:00" of "2026-10-01T09:01:00...", of another day "10-01". */
static void clock_of(const char *moment, const char *today, char out[24])
{
	if (strlen(moment) < 19 || moment[10] != 'T')
		snprintf(out, 24, "-");
	else if (today[0] && strncmp(moment, today, 10) != 0)
		snprintf(out, 24, "%.5s", moment + 5);
	else
		snprintf(out, 24, "%.8s", moment + 11);
}

static const char *cell_text(const struct watch_model *model, const struct watch_row *row, enum column column,
			     char out[WATCH_NAME_MAX])
{
	const struct watch_offender *offender = row->offender;
	char number[24];

	switch (column) {
	case PACKETS:
		return watch_number(offender->packets, 9, out);
	case PACKET_RATE:
		return watch_rate(row->packet_rate, 7, out);
	case ATTEMPTS:
		return watch_number(offender->attempts, 8, out);
	case ATTEMPT_RATE:
		return watch_rate(row->attempt_rate, 7, out);
	case DESTINATIONS:
		snprintf(out, WATCH_NAME_MAX, "%s%s", offender->destinations_exact ? "" : "~",
			 watch_number(offender->destinations, 5, number));
		return out;
	case OFFLOADED:
		return watch_number(offender->offloaded, 10, out);
	case LAST:
		clock_of(offender->last, model->now.today, out);
		return out;
	case REASON:
		return offender->reason;
	default:
		return offender->subscriber;
	}
}

/* The titles without a row. */
static void put_row(const struct watch_model *model, struct watch_grid *grid, int line,
		    const int widths[COLUMNS], const struct watch_row *row, enum watch_style style)
{
	char memory[WATCH_NAME_MAX];
	int column = 0;

	watch_fill(grid, line, 0, style);
	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *text = row ? cell_text(model, row, i, memory) : columns[i].title;

		if (widths[i] == 0)
			continue;
		watch_putf(grid, line, column, style, columns[i].width < 0 ? "%-*.*s" : "%*.*s", widths[i],
			   widths[i], text);
		/* Half an address would be taken for another one, half a reason for a whole one. */
		if (row && columns[i].width < 0 && (int)strlen(text) > widths[i])
			watch_put(grid, line, column + widths[i] - 1, style, "+");
		column += widths[i] + 1;
	}
}

static void put_nobody(const struct watch_model *model, struct watch_grid *grid, int row)
{
	const struct watch_snapshot *now = &model->now;
	bool filtered = now->offender_count > 0 || (model->only && model->only->text[0]);
	int column = watch_put(grid, row, 0, WATCH_FAINT,
			       filtered ? "nobody whom the filter lets through"
					: "nobody is blocked at this moment");

	if (now->newest[0])
		watch_putf(grid, row, column, WATCH_FAINT, "; the last record is of %s", now->newest);
}

static void put_list(struct watch_model *model, struct watch_grid *grid, int row)
{
	int rows = grid->rows - 2 - row;
	int widths[COLUMNS];

	choose(model, grid->columns, widths);
	if (row < grid->rows - 1)
		put_row(model, grid, row++, widths, NULL, WATCH_BAR);
	watch_model_fit(model, rows > 0 ? (size_t)rows : 0);
	for (int i = 0; i < rows && model->top + (size_t)i < model->row_count; i++) {
		const struct watch_row *shown = &model->rows[model->top + (size_t)i];
		bool selected = model->top + (size_t)i == model->cursor;

		put_row(model, grid, row + i, widths, shown,
			selected                     ? WATCH_BAR
			: shown->offender->monitored ? WATCH_FAINT
						     : WATCH_PLAIN);
	}
	if (rows > 0 && model->row_count == 0)
		put_nobody(model, grid, row);
}

/* ---- first row and last ---- */

/* Of a long path the end tells more than the beginning. */
static int put_origin(struct watch_grid *grid, int column, int end, const char *origin)
{
	int room, len = (int)strlen(origin);

	column = watch_put(grid, 0, column, WATCH_BAR, " records of ");
	room = end - column > MARK ? end - column : MARK;
	if (len <= room)
		return watch_put(grid, 0, column, WATCH_BAR, origin);
	return watch_putf(grid, 0, column, WATCH_BAR, "...%s", origin + len - room + MARK);
}

static void put_title(const struct watch_model *model, struct watch_grid *grid)
{
	const struct watch_snapshot *now = &model->now;
	uint64_t s = now->uptime_s;
	int column;

	watch_fill(grid, 0, 0, WATCH_BAR);
	column = watch_putf(grid, 0, 0, WATCH_BAR, "op25b %s", now->gateway);
	if (now->of_daemon)
		column = watch_putf(grid, 0, column, WATCH_BAR,
				    ": %s, fail %s, op25bd %s up %" PRIu64 "d %02u:%02u:%02u", now->mode,
				    now->fail, now->version, s / 86400, (unsigned)(s / 3600 % 24),
				    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		column = put_origin(grid, column, grid->columns - (int)strlen(now->clock) - 1, now->origin);
	if (column < grid->columns - (int)strlen(now->clock))
		watch_put(grid, 0, grid->columns - (int)strlen(now->clock), WATCH_BAR, now->clock);
}

static void put_status(const struct watch_model *model, struct watch_grid *grid)
{
	int row = grid->rows - 1, column = 0;

	if (model->mode == WATCH_ASK_INTERVAL || model->mode == WATCH_ASK_FILTER) {
		column = watch_put(grid, row, 0, WATCH_BOLD,
				   model->mode == WATCH_ASK_FILTER
					   ? "show only (address, prefix, reason, pool, rule): "
					   : "seconds from one look to the next: ");
		column = watch_put(grid, row, column, WATCH_PLAIN, model->prompt);
		watch_put(grid, row, column, WATCH_BAR, " ");
		return;
	}
	if (model->mode == WATCH_HELP || model->mode == WATCH_DETAILS) {
		watch_put(grid, row, 0, WATCH_FAINT, "any key: back to the list  space: look again");
		return;
	}
	if (model->said[0]) {
		watch_put(grid, row, 0, WATCH_BAD, model->said);
		return;
	}
	column = watch_putf(grid, row, 0, WATCH_FAINT, "q quit  h help  by %s  every %g s  %zu of %" PRIu64,
			    watch_order_name(model->order), (double)model->interval_ms / 1000,
			    model->row_count, model->now.subscribers);
	if (model->only)
		column = watch_put(grid, row, column, WATCH_WORSE, model->only->text);
	if (model->filter[0])
		column = watch_putf(grid, row, column, WATCH_WORSE, "  only \"%s\"", model->filter);
	watch_tell_cut(grid, row, column);
}

void watch_view(struct watch_model *model, struct watch_grid *grid)
{
	if (model->mode == WATCH_HELP) {
		watch_view_help(grid);
	} else if (model->mode == WATCH_DETAILS) {
		watch_view_details(model, grid);
	} else {
		int row = put_warnings(model, grid, 1);

		row = put_panel(model, grid, row);
		put_list(model, grid, row);
	}
	put_title(model, grid);
	if (grid->rows > 1)
		put_status(model, grid);
}
