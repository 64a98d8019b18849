/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_layout.h"

enum { NARROWEST = 4 }; /* of what should not be cut at all, where there is no other way */

size_t log_layout_width(const struct log_layout *columns, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (columns[i].shown)
			sum += (sum > 0 ? LOG_LAYOUT_GAP : 0) + columns[i].width;
	return sum;
}

static size_t need_of(const struct log_layout *column)
{
	return column->least > 0 && column->least < column->width ? column->least : column->width;
}

/* What the shown ones need at least. */
static size_t needed(const struct log_layout *columns, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (columns[i].shown)
			sum += (sum > 0 ? LOG_LAYOUT_GAP : 0) + need_of(&columns[i]);
	return sum;
}

/* The hidden one with the lowest rank above `rank`; count: none. */
static size_t next_ranked(const struct log_layout *columns, const bool *wanted, size_t count, unsigned rank)
{
	size_t found = count;

	for (size_t i = 0; i < count; i++)
		if (wanted[i] && columns[i].rank > rank &&
		    (found == count || columns[i].rank < columns[found].rank))
			found = i;
	return found;
}

static void choose(struct log_layout *columns, size_t count, size_t room)
{
	bool wanted[LOG_LAYOUT_MAX];
	unsigned rank = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		wanted[i] = columns[i].shown;
		columns[i].shown = wanted[i] && columns[i].rank == 0;
	}
	while ((i = next_ranked(columns, wanted, count, rank)) < count) {
		columns[i].shown = true;
		columns[i].shown = needed(columns, count) <= room;
		rank = columns[i].rank;
	}
}

/* The widest one behind the first that is wider than the narrowest; count: none. */
static size_t widest(const struct log_layout *columns, size_t count)
{
	size_t found = count;
	bool first = true;

	for (size_t i = 0; i < count; i++) {
		if (!columns[i].shown)
			continue;
		if (!first && need_of(&columns[i]) > NARROWEST &&
		    (found == count || need_of(&columns[i]) > need_of(&columns[found])))
			found = i;
		first = false;
	}
	return found;
}

/* For terminals that have no room even for what is always shown. */
static void squeeze(struct log_layout *columns, size_t count, size_t room)
{
	size_t i;

	while (needed(columns, count) > room && (i = widest(columns, count)) < count)
		columns[i].least = need_of(&columns[i]) - 1;
	for (i = count; i-- > 0 && needed(columns, count) > room;) {
		columns[i].shown = false;
		if (needed(columns, count) == 0) {
			columns[i].shown = true;
			columns[i].least = room;
		}
	}
}

void log_layout_fit(struct log_layout *columns, size_t count, size_t room)
{
	size_t left;

	if (log_layout_width(columns, count) <= room)
		return;
	choose(columns, count, room);
	squeeze(columns, count, room);
	left = room - needed(columns, count);
	for (size_t i = 0; i < count; i++) {
		size_t need = need_of(&columns[i]), more = columns[i].width - need;

		if (!columns[i].shown)
			continue;
		more = more < left ? more : left;
		columns[i].width = need + more;
		left -= more;
	}
}
