/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of cells as an aligned table, JSON, NDJSON or CSV. */
#include "log.h"

#include "log_layout.h"
#include "log_text.h"
#include "log_time.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	AHEAD = 500, /* rows that an aligned table looks at before it knows how wide its columns are */
	BAR_WIDTH = 30,
};

struct cell {
	char *text;
	size_t width;
	unsigned colour;
	int64_t us; /* of a time; else INT64_MIN */
};

struct log_table {
	const struct log_context *context;
	const struct log_column *columns;
	size_t count;
	size_t at; /* the next cell's column */
	uint64_t rows;
	struct cell *cells; /* of AHEAD rows */
	size_t kept;        /* rows in it */
	struct log_layout *layout;
	const size_t *expected; /* widths, by column; NULL: those of the first rows will do */
	bool begun, failed;
	bool brief; /* times are */
	bool told_left_out;
};

static bool is_right(enum log_cell type)
{
	return type == LOG_CELL_NUMBER || type == LOG_CELL_RIGHT;
}

static void table_free(struct log_table *table)
{
	for (size_t i = 0; table->cells && i < AHEAD * table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table->layout);
	free(table);
}

struct log_table *log_table_new(const struct log_context *context, const struct log_column *columns,
				size_t count)
{
	struct log_table *table = calloc(1, sizeof(*table));

	if (!table || count == 0 || count > LOG_LAYOUT_MAX) {
		free(table);
		return NULL;
	}
	*table = (struct log_table){.context = context, .columns = columns, .count = count};
	if (context->output != LOG_TABLE)
		return table;
	table->cells = calloc(AHEAD * count, sizeof(*table->cells));
	table->layout = calloc(count, sizeof(*table->layout));
	if (!table->cells || !table->layout) {
		table_free(table);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		table->layout[i] =
			(struct log_layout){.shown = columns[i].title != NULL,
					    .rank = columns[i].rank,
					    .least = columns[i].least,
					    .width = strlen(columns[i].title ? columns[i].title : "")};
	return table;
}

void log_table_expect(struct log_table *table, const size_t *widths)
{
	if (table)
		table->expected = widths;
}

/* ---- the aligned table ---- */

/* A line on its way to a terminal, beyond whose last column nothing may stand. */
struct line {
	const struct log_table *table;
	size_t at, end;
};

static size_t room_of(const struct log_table *table)
{
	const struct log_context *context = table->context;

	return context->width > 0 && !context->wide ? context->width : SIZE_MAX;
}

static void put_blanks(struct line *line, size_t count)
{
	size_t room = line->end - line->at;

	count = count < room ? count : room;
	printf("%*s", (int)count, "");
	line->at += count;
}

static void put_text(struct line *line, const struct cell *cell, size_t most)
{
	const struct log_context *context = line->table->context;
	bool painted = context->colour && cell->colour != 0, whole = cell->width <= most;

	if (most == 0 || !cell->text)
		return;
	if (painted)
		printf("\033[%um", cell->colour);
	line->at += log_text_print(stdout, cell->text, context->utf8, whole ? 0 : most);
	if (painted)
		fputs("\033[0m", stdout);
}

/* A cell wider than its column moves those behind it: what comes late may be wider than all before. */
static void put_cell(struct line *line, size_t column, const struct cell *cell, bool is_last)
{
	const struct log_layout *layout = &line->table->layout[column];
	size_t width = layout->width, pad = width > cell->width ? width - cell->width : 0;
	bool right = is_right(line->table->columns[column].type);
	size_t room, most;

	if (right)
		put_blanks(line, pad);
	room = line->end - line->at;
	most = layout->least > 0 && line->end != SIZE_MAX && width < room ? width : room;
	put_text(line, cell, most);
	if (!is_last)
		put_blanks(line, (right ? 0 : pad) + LOG_LAYOUT_GAP);
}

static void print_row(const struct log_table *table, const struct cell *cells)
{
	struct line line = {.table = table, .end = room_of(table)};
	size_t last = table->count;

	while (last > 0 && !table->layout[last - 1].shown)
		last--;
	for (size_t i = 0; i < last; i++)
		if (table->layout[i].shown)
			put_cell(&line, i, &cells[i], i + 1 == last);
	putchar('\n');
}

static void print_titles(const struct log_table *table)
{
	struct cell cells[LOG_LAYOUT_MAX] = {0};

	for (size_t i = 0; i < table->count; i++) {
		const char *title = table->columns[i].title ? table->columns[i].title : "";

		cells[i] = (struct cell){.text = strdup(title), .width = strlen(title), .colour = 1};
	}
	print_row(table, cells);
	for (size_t i = 0; i < table->count; i++)
		free(cells[i].text);
}

/* The widest cell of the column among those kept, or its title. */
static size_t widest(const struct log_table *table, size_t column)
{
	size_t width = table->columns[column].title ? strlen(table->columns[column].title) : 0;

	if (table->expected && table->expected[column] > width)
		width = table->expected[column];
	for (size_t row = 0; row < table->kept; row++)
		if (table->cells[row * table->count + column].width > width)
			width = table->cells[row * table->count + column].width;
	return width;
}

static void measure(struct log_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		table->layout[i].width = widest(table, i);
}

/* Shorter times before columns are left out. */
static void make_brief(struct log_table *table)
{
	char text[LOG_TIME_TEXT_MAX];

	table->brief = true;
	for (size_t i = 0; i < table->kept * table->count; i++) {
		struct cell *cell = &table->cells[i];

		if (!cell->text || cell->us == INT64_MIN)
			continue;
		log_time_format_brief(cell->us, table->context->now_us, table->context->utc, text);
		free(cell->text);
		cell->text = strdup(text);
		cell->width = strlen(text);
		table->failed = table->failed || !cell->text;
	}
	measure(table);
}

static void fit(struct log_table *table)
{
	size_t room = room_of(table);

	measure(table);
	if (log_layout_width(table->layout, table->count) > room)
		make_brief(table);
	log_layout_fit(table->layout, table->count, room);
}

/* Columns grow with what comes later as long as all of them still have room. Whether one did. */
static bool widen(struct log_table *table)
{
	bool widened = false;

	for (size_t i = 0; i < table->count; i++) {
		size_t before = table->layout[i].width, now = widest(table, i);

		if (!table->layout[i].shown || now <= before)
			continue;
		table->layout[i].width = now;
		if (log_layout_width(table->layout, table->count) > room_of(table))
			table->layout[i].width = before;
		else
			widened = true;
	}
	return widened;
}

static void print_kept(struct log_table *table)
{
	if (table->kept == 0)
		return;
	log_page(table->context);
	if (!table->begun)
		fit(table);
	/* Where it goes on for ever, what comes stands below titles of its own again. */
	if (!table->begun || (widen(table) && table->expected))
		print_titles(table);
	table->begun = true;
	for (size_t row = 0; row < table->kept; row++)
		print_row(table, table->cells + row * table->count);
	for (size_t i = 0; i < table->kept * table->count; i++) {
		free(table->cells[i].text);
		table->cells[i] = (struct cell){0};
	}
	table->kept = 0;
}

/* Which columns there was no room for, once. */
static void tell_left_out(struct log_table *table)
{
	char *text = NULL;
	size_t size = 0, count = 0;
	FILE *out = table->begun && !table->told_left_out ? open_memstream(&text, &size) : NULL;

	for (size_t i = 0; out && i < table->count; i++)
		if (table->columns[i].title && table->columns[i].title[0] && !table->layout[i].shown)
			fprintf(out, "%s%s", count++ ? ", " : "", table->columns[i].title);
	if (out && fclose(out) == 0 && count > 0)
		log_note(table->context, "(no room for %s: --wide)", text);
	table->told_left_out = table->begun;
	free(text);
}

/* ---- values ---- */

struct value {
	const char *text; /* NULL: none, unless it is of another type */
	uint64_t number, most;
	int64_t us;
	const uint64_t *values;
	size_t count;
};

void log_spark_print(FILE *out, const uint64_t *values, size_t count, bool utf8)
{
	static const char ascii[] = "_.:-=+*#";
	uint64_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (values[i] > most)
			most = values[i];
	for (size_t i = 0; i < count; i++) {
		/* Eighths of the greatest, rounded up: what is there at all is seen. Divided first, so that nothing overflows. */
		unsigned eighth = values[i] ? 1 + (unsigned)((double)(values[i] - 1) * 8 / (double)most) : 0;

		eighth = eighth > 8 ? 8 : eighth;
		if (eighth == 0)
			putc(' ', out);
		else if (utf8)
			fprintf(out, "\xE2\x96%c", (char)(0x80 + eighth));
		else
			putc(ascii[eighth - 1], out);
	}
}

static void print_bar(FILE *out, uint64_t value, uint64_t most, bool utf8)
{
	/* Eighths of a column, rounded up. */
	unsigned eighths =
		value && most ? 1 + (unsigned)((double)(value - 1) * BAR_WIDTH * 8 / (double)most) : 0;

	eighths = eighths > BAR_WIDTH * 8 ? BAR_WIDTH * 8 : eighths;
	if (!utf8) {
		for (unsigned i = 0; i < (eighths + 7) / 8; i++)
			putc('#', out);
		return;
	}
	for (; eighths >= 8; eighths -= 8)
		fputs("\xE2\x96\x88", out);
	if (eighths > 0)
		fprintf(out, "\xE2\x96%c", (char)(0x90 - eighths));
}

static void print_plain(FILE *out, const struct log_table *table, enum log_cell type,
			const struct value *value)
{
	char time[LOG_TIME_TEXT_MAX];

	if (type == LOG_CELL_NUMBER && value->us != INT64_MIN) {
		fprintf(out, "%" PRIu64, value->number);
	} else if (type == LOG_CELL_BOOL) {
		fputs(value->number ? "yes" : "no", out);
	} else if (type == LOG_CELL_SPARK) {
		log_spark_print(out, value->values, value->count, table->context->utf8);
	} else if (type == LOG_CELL_BAR) {
		print_bar(out, value->number, value->most, table->context->utf8);
	} else if (type == LOG_CELL_TIME && value->us != INT64_MIN) {
		if (table->brief)
			log_time_format_brief(value->us, table->context->now_us, table->context->utc, time);
		else
			log_time_format(value->us, table->context->utc, time);
		fputs(time, out);
	} else {
		fputs(value->text ? value->text : "-", out);
	}
}

static void keep_cell(struct log_table *table, enum log_cell type, const struct value *value)
{
	struct cell *cell = &table->cells[table->kept * table->count + table->at];
	size_t size = 0;
	FILE *out = open_memstream(&cell->text, &size);

	cell->us = type == LOG_CELL_TIME ? value->us : INT64_MIN;
	if (!out) {
		table->failed = true;
		return;
	}
	print_plain(out, table, type, value);
	if (fclose(out) != 0)
		table->failed = true;
	else
		cell->width = log_text_width(cell->text, table->context->utf8);
}

static void print_json(const struct log_table *table, enum log_cell type, const struct value *value)
{
	char time[LOG_TIME_TEXT_MAX];

	if (type == LOG_CELL_NUMBER && value->us != INT64_MIN) {
		printf("%" PRIu64, value->number);
	} else if (type == LOG_CELL_BOOL) {
		fputs(value->number ? "true" : "false", stdout);
	} else if (type == LOG_CELL_SPARK) {
		for (size_t i = 0; i < value->count; i++)
			printf("%s%" PRIu64, i ? "," : "[", value->values[i]);
		fputs(value->count ? "]" : "[]", stdout);
	} else if (type == LOG_CELL_TIME && value->us != INT64_MIN) {
		log_time_format_exact(value->us, table->context->utc, time);
		log_text_json(stdout, time);
	} else if (value->text) {
		log_text_json(stdout, value->text);
	} else {
		fputs("null", stdout);
	}
}

static void print_csv(const struct log_table *table, enum log_cell type, const struct value *value)
{
	char time[LOG_TIME_TEXT_MAX];

	if (type == LOG_CELL_NUMBER && value->us != INT64_MIN) {
		printf("%" PRIu64, value->number);
	} else if (type == LOG_CELL_BOOL) {
		fputs(value->number ? "true" : "false", stdout);
	} else if (type == LOG_CELL_SPARK) {
		for (size_t i = 0; i < value->count; i++)
			printf("%s%" PRIu64, i ? " " : "", value->values[i]);
	} else if (type == LOG_CELL_TIME && value->us != INT64_MIN) {
		log_time_format_exact(value->us, table->context->utc, time);
		fputs(time, stdout);
	} else if (value->text) {
		log_text_csv(stdout, value->text);
	}
}

/* ---- rows ---- */

static bool is_first_named(const struct log_table *table)
{
	for (size_t i = 0; i < table->at; i++)
		if (table->columns[i].name)
			return false;
	return true;
}

static void print_csv_head(const struct log_table *table)
{
	const char *comma = "";

	for (size_t i = 0; i < table->count; i++) {
		if (!table->columns[i].name)
			continue;
		printf("%s%s", comma, table->columns[i].name);
		comma = ",";
	}
	fputs("\r\n", stdout);
}

static void begin_row(struct log_table *table)
{
	if (table->context->output != LOG_TABLE && table->rows == 0)
		log_page(table->context);
	if (table->context->output == LOG_JSON)
		fputs(table->rows ? ",\n {" : "[\n {", stdout);
	else if (table->context->output == LOG_NDJSON)
		putchar('{');
	else if (table->context->output == LOG_CSV && table->rows == 0)
		print_csv_head(table);
}

static void end_row(struct log_table *table)
{
	table->at = 0;
	table->rows++;
	if (table->context->output == LOG_JSON)
		putchar('}');
	else if (table->context->output == LOG_NDJSON)
		fputs("}\n", stdout);
	else if (table->context->output == LOG_CSV)
		fputs("\r\n", stdout);
	else if (++table->kept == AHEAD)
		print_kept(table);
}

static void put_named(const struct log_table *table, const struct log_column *column,
		      const struct value *value)
{
	if (!is_first_named(table))
		putchar(',');
	if (table->context->output == LOG_CSV) {
		print_csv(table, column->type, value);
		return;
	}
	log_text_json(stdout, column->name);
	putchar(':');
	print_json(table, column->type, value);
}

static void put_value(struct log_table *table, const struct value *value)
{
	const struct log_column *column;

	if (!table)
		return;
	column = &table->columns[table->at];
	if (table->at == 0)
		begin_row(table);
	if (table->context->output != LOG_TABLE) {
		if (column->name)
			put_named(table, column, value);
	} else if (column->title) {
		keep_cell(table, column->type, value);
	}
	if (++table->at == table->count)
		end_row(table);
}

void log_table_text(struct log_table *table, const char *value)
{
	put_value(table, &(struct value){.text = value, .us = INT64_MIN});
}

void log_table_number(struct log_table *table, uint64_t value)
{
	put_value(table, &(struct value){.number = value});
}

void log_table_time(struct log_table *table, int64_t us)
{
	put_value(table, &(struct value){.us = us});
}

void log_table_bool(struct log_table *table, bool value)
{
	put_value(table, &(struct value){.number = value});
}

void log_table_spark(struct log_table *table, const uint64_t *values, size_t count)
{
	put_value(table, &(struct value){.values = values, .count = count});
}

void log_table_bar(struct log_table *table, uint64_t value, uint64_t most)
{
	put_value(table, &(struct value){.number = value, .most = most});
}

void log_table_paint(struct log_table *table, unsigned colour)
{
	if (table && table->context->output == LOG_TABLE && table->at > 0)
		table->cells[table->kept * table->count + table->at - 1].colour = colour;
}

static void print_nothing(const struct log_table *table)
{
	if (table->context->output != LOG_TABLE)
		log_page(table->context);
	if (table->context->output == LOG_JSON)
		fputs("[]\n", stdout);
	else if (table->context->output == LOG_CSV)
		print_csv_head(table);
}

void log_table_flush(struct log_table *table)
{
	if (!table || table->context->output != LOG_TABLE)
		return;
	print_kept(table);
	tell_left_out(table);
}

int log_table_end(struct log_table *table)
{
	int code;

	if (!table)
		return log_error("no memory");
	if (table->rows == 0)
		print_nothing(table);
	else if (table->context->output == LOG_JSON)
		fputs("\n]\n", stdout);
	else if (table->context->output == LOG_TABLE)
		print_kept(table);
	if (table->context->output == LOG_TABLE)
		tell_left_out(table);
	code = table->failed ? log_error("no memory") : table->rows ? LOG_FOUND : LOG_NOTHING;
	if (code == LOG_NOTHING)
		log_nothing(table->context);
	table_free(table);
	return code;
}

void log_note(const struct log_context *context, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int len;

	if (context->output != LOG_TABLE)
		return;
	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (len < 0)
		return;
	log_page(context);
	log_text_wrap(stdout, text, context->utf8, (struct log_wrap){.width = context->width});
	free(text);
}

void log_remark(const struct log_context *context, const char *text)
{
	if (context->output == LOG_TABLE && strcmp(context->command->name, "report") != 0)
		log_note(context, "%s", text);
	else
		(void)log_error("%s", text);
}
