/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages beside the list: one subscriber's details, and help. */
#include "log_watch.h"

#include <inttypes.h>
#include <string.h>

enum { TITLE = 14 };

static int put_line(struct watch_grid *grid, int row, const char *title, const char *text)
{
	if (!text[0])
		return row;
	watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s", TITLE, title);
	watch_put(grid, row, TITLE, WATCH_BOLD, text);
	return row + 1;
}

static int put_count(struct watch_grid *grid, int row, const char *title, uint64_t value, const char *more)
{
	watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s", TITLE, title);
	watch_putf(grid, row, TITLE, WATCH_BOLD, "%" PRIu64 "%s", value, more);
	return row + 1;
}

static int put_offender(struct watch_grid *grid, int row, const struct watch_offender *offender)
{
	row = put_count(grid, row, "packets", offender->packets,
			offender->monitored ? ", let through (only monitored)" : "");
	row = put_count(grid, row, "attempts", offender->attempts, "");
	row = put_count(grid, row, "by kernel", offender->offloaded, "");
	row = put_count(grid, row, "destinations", offender->destinations,
			offender->destinations_exact ? "" : " or more: estimated, or not all are known");
	row = put_line(grid, row, "since", offender->since);
	row = put_line(grid, row, "last", offender->last);
	row = put_line(grid, row, "reason", offender->reason);
	row = put_line(grid, row, "pool", offender->pool);
	row = put_line(grid, row, "rule", offender->rule);
	row = put_line(grid, row, "last to", offender->destination);
	return put_line(grid, row, "gateway", offender->host);
}

void watch_view_details(const struct watch_model *model, struct watch_grid *grid)
{
	const struct watch_offender *offender = watch_model_followed(model);
	int row = 1;

	watch_putf(grid, row++, 0, WATCH_BOLD, "%s", model->followed);
	if (offender)
		row = put_offender(grid, row, offender);
	else
		watch_put(grid, row++, 0, WATCH_FAINT,
			  "no more in the list: nothing of him was blocked for a while");
	watch_putf(grid, row, 0, WATCH_PLAIN, "%-*s", TITLE, "packets/s");
	watch_spark(grid, row, TITLE, grid->columns - TITLE, model->utf8, model->followed_history,
		    model->followed_steps);
	row += 2;
	for (size_t i = 0; i < model->answer_count; i++)
		row = watch_put_lines(grid, row, grid->rows - 1, WATCH_PLAIN, model->answers[i]);
	/* The last row is not this page's. */
	if (row >= grid->rows - 1)
		watch_fill(grid, grid->rows - 1, 0, WATCH_PLAIN);
}

void watch_view_help(struct watch_grid *grid)
{
	static const char *const lines[][2] = {
		{"q", "quit"},
		{"space", "look again at once"},
		{"s, d", "seconds from one look to the next"},
		{"P A D T", "sort by packets, attempts, destinations, time of the last packet"},
		{"/", "show only an address, a prefix, a reason, a pool or a rule"},
		{"Escape", "show all again"},
		{"Enter", "all that is known of the subscriber at the cursor; any key goes back"},
		{"arrows", "move the cursor; also j and k, Page Up, Page Down, Home (g), End (G)"},
		{"c", "colours on or off"},
		{"", ""},
		{"PACKETS", "of his present window; faint: only monitored"},
		{"DEST", "different destinations; ~ where that is estimated"},
		{"KERNEL", "packets that the kernel blocked by itself (offload)"},
		{"if", "what would become of packets that no daemon judges, and when"},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		watch_put(grid, (int)i + 2, 1, WATCH_BOLD, lines[i][0]);
		watch_put(grid, (int)i + 2, 10, WATCH_PLAIN, lines[i][1]);
	}
	watch_fill(grid, grid->rows - 1, 0, WATCH_PLAIN);
}
