/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gateways told of themselves: begin and end of a period become one row, and the latest comes first. */
#include "report/gathered.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_BACK = 200 }; /* rows among which a period's begin is looked for */

static bool is_period(const char *what)
{
	static const char *const names[] = {"failed-open", "failed-closed", "absent"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], what) == 0)
			return true;
	}
	return false;
}

/* The row of the same period, whose begin was told before. */
static struct report_notice *row_of(struct report_gathered *gathered, const struct store_notice *notice)
{
	size_t looked = gathered->notice_count < LOOK_BACK ? gathered->notice_count : LOOK_BACK;

	for (size_t i = 1; i <= looked; i++) {
		struct report_notice *row = &gathered->notices[gathered->notice_count - i];

		if (row->is_period && !row->is_over && row->first_us == notice->first_us &&
		    strcmp(row->what, notice->what) == 0 && strcmp(row->host, notice->host) == 0)
			return row;
	}
	return NULL;
}

static struct report_notice *new_row(struct report_gathered *gathered, const struct store_notice *notice)
{
	struct report_notice *row;

	if (!VEC_RESERVE(gathered->notices, gathered->notice_capacity, gathered->notice_count + 1))
		return NULL;
	row = &gathered->notices[gathered->notice_count++];
	*row = (struct report_notice){.host = report_gathered_text(gathered, notice->host),
				      .what = report_gathered_text(gathered, notice->what),
				      .is_period = is_period(notice->what)};
	return row;
}

static int take_notice(void *context, const struct store_notice *notice)
{
	struct report_gathered *gathered = context;
	struct report_notice *row = is_period(notice->what) ? row_of(gathered, notice) : NULL;

	row = row ? row : new_row(gathered, notice);
	if (!row)
		return -ENOMEM;
	row->time_us = notice->time_us;
	row->first_us = row->is_period ? notice->first_us : notice->time_us;
	row->last_us = notice->last_us;
	row->is_over = strcmp(notice->state, "begin") != 0;
	row->open = notice->open;
	row->packets = notice->packets;
	/* In a text of the line a quotation mark has a backslash before it, so this is the member's name. */
	row->has_packets = strstr(notice->json, "\"unjudged\":") != NULL;
	return 0;
}

static int take_source(void *context, const struct store_source *source)
{
	struct report_gathered *gathered = context;

	if (!VEC_RESERVE(gathered->sources, gathered->source_capacity, gathered->source_count + 1))
		return -ENOMEM;
	gathered->sources[gathered->source_count++] =
		(struct report_source){.host = report_gathered_text(gathered, source->host),
				       .boot_id = report_gathered_text(gathered, source->boot_id),
				       .first_seq = source->first_seq,
				       .last_seq = source->last_seq,
				       .records = source->records,
				       .gaps = source->gaps,
				       .missing = source->missing,
				       .duplicates = source->duplicates};
	return 0;
}

static int latest_first(const void *a, const void *b)
{
	const struct report_notice *first = a, *second = b;

	return (first->first_us < second->first_us) - (first->first_us > second->first_us);
}

/* Those that lost most come first, so that they are seen where there are many. */
static int most_missing_first(const void *a, const void *b)
{
	const struct report_source *first = a, *second = b;
	int r = (first->missing < second->missing) - (first->missing > second->missing);

	r = r ? r : strcmp(first->host, second->host);
	return r ? r : strcmp(first->boot_id, second->boot_id);
}

int report_gather_health(struct store *store, struct report_gathered *gathered)
{
	struct report *report = &gathered->report;
	int r = store_notices(store, gathered->question->filter, take_notice, gathered);

	r = r == 0 ? store_sources(store, take_source, gathered) : r;
	if (gathered->notice_count)
		qsort(gathered->notices, gathered->notice_count, sizeof(*gathered->notices), latest_first);
	if (gathered->source_count)
		qsort(gathered->sources, gathered->source_count, sizeof(*gathered->sources),
		      most_missing_first);
	report->notices = gathered->notices;
	report->notice_count = gathered->notice_count;
	report->sources = gathered->sources;
	report->source_count = gathered->source_count;
	return r;
}
