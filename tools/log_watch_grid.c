/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8, LOWEST_BLOCK = 0x2581 };

void watch_grid_free(struct watch_grid *grid)
{
	free(grid->cells);
	*grid = (struct watch_grid){0};
}

int watch_grid_clear(struct watch_grid *grid, int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;
	struct watch_cell *cells = grid->cells;

	if (!cells || rows != grid->rows || columns != grid->columns) {
		cells = calloc(count ? count : 1, sizeof(*cells));
		if (!cells)
			return -ENOMEM;
		free(grid->cells);
		*grid = (struct watch_grid){.rows = rows, .columns = columns, .cells = cells};
	}
	for (size_t i = 0; i < count; i++)
		cells[i] = (struct watch_cell){.glyph = ' ', .style = WATCH_PLAIN};
	return 0;
}

static void put_glyph(struct watch_grid *grid, int row, int column, enum watch_style style, unsigned glyph)
{
	if (row >= 0 && row < grid->rows && column >= 0 && column < grid->columns)
		grid->cells[(size_t)row * (size_t)grid->columns + (size_t)column] =
			(struct watch_cell){.glyph = (uint16_t)glyph, .style = (uint8_t)style};
}

int watch_put(struct watch_grid *grid, int row, int column, enum watch_style style, const char *text)
{
	/* Nothing that a terminal would obey gets into a cell, wherever the text is from. */
	for (; *text; text++)
		put_glyph(grid, row, column++, style,
			  *text >= ' ' && *text <= '~' ? (unsigned char)*text : '?');
	return column;
}

int watch_putf(struct watch_grid *grid, int row, int column, enum watch_style style, const char *format, ...)
{
	char text[2 * WATCH_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return watch_put(grid, row, column, style, text);
}

/* How much of the text fits into a row: up to a blank, if there is one. */
static size_t cut(const char *text, int columns)
{
	size_t room = (size_t)columns, len = strlen(text);

	if (len <= room)
		return len;
	for (len = room; len > room / 2; len--)
		if (text[len] == ' ')
			return len;
	return room;
}

int watch_put_lines(struct watch_grid *grid, int row, int end, enum watch_style style, const char *text)
{
	while (*text && row < end) {
		size_t len = cut(text, grid->columns);

		watch_putf(grid, row++, 0, style, "%.*s", (int)len, text);
		text += len + (text[len] == ' ');
	}
	return row;
}

void watch_tell_cut(struct watch_grid *grid, int row, int column)
{
	if (column > grid->columns)
		watch_put(grid, row, grid->columns - 1, WATCH_BOLD, "+");
}

void watch_fill(struct watch_grid *grid, int row, int column, enum watch_style style)
{
	for (; column < grid->columns; column++)
		put_glyph(grid, row, column, style, ' ');
}

/* 0 for nothing, and more than that for whatever is more than nothing. */
static unsigned level_of(uint64_t value, uint64_t greatest)
{
	if (value == 0)
		return 0;
	return (unsigned)(1 + (LEVELS - 2) * (double)value / (double)greatest);
}

void watch_spark(struct watch_grid *grid, int row, int column, int width, bool utf8, const uint64_t *values,
		 size_t count)
{
	static const char ascii[] = "_.:-=+*#";
	size_t first = width > 0 && (size_t)width < count ? count - (size_t)width : 0;
	uint64_t greatest = 0;

	if (width <= 0)
		return;
	for (size_t i = first; i < count; i++)
		greatest = values[i] > greatest ? values[i] : greatest;
	/* The newest stands at the right end. */
	column += width - (int)(count - first);
	for (size_t i = first; i < count; i++) {
		unsigned level = level_of(values[i], greatest);

		put_glyph(grid, row, column++, WATCH_CURVE,
			  utf8 ? LOWEST_BLOCK + level : (unsigned char)ascii[level]);
	}
}

const char *watch_number(uint64_t value, int width, char out[24])
{
	static const char units[] = "kMGTPE";
	const char *unit = units;

	if (snprintf(out, 24, "%" PRIu64, value) <= width)
		return out;
	for (value /= 1000; snprintf(out, 24, "%" PRIu64 "%c", value, *unit) > width && unit[1]; unit++)
		value /= 1000;
	return out;
}

const char *watch_rate(uint64_t rate, int width, char out[24])
{
	if (rate == 0 || rate >= 99950)
		return watch_number((rate + 500) / 1000, width, out);
	snprintf(out, 24, "%" PRIu64 ".%" PRIu64, (rate + 50) / 1000, (rate + 50) % 1000 / 100);
	return out;
}
