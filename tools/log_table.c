/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of cells as an aligned table, JSON, NDJSON or CSV. */
#include "log.h"

#include "log_text.h"
#include "log_time.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	AHEAD = 500, /* rows that an aligned table looks at before it knows how wide its columns are */
	GAP = 2,
	BAR_WIDTH = 30,
	NARROWEST = 12, /* what the last column is never cut below */
};

struct cell {
	char *text;
	size_t width;
	unsigned colour;
};

struct log_table {
	const struct log_context *context;
	const struct log_column *columns;
	size_t count;
	size_t at, last; /* the next cell's column; the last shown */
	uint64_t rows;
	struct cell *cells; /* of AHEAD rows */
	size_t kept;        /* rows in it */
	size_t *widths;
	bool begun, failed;
};

static bool is_shown(const struct log_table *table, size_t column)
{
	return table->columns[column].title != NULL;
}

static bool is_right(enum log_cell type)
{
	return type == LOG_CELL_NUMBER || type == LOG_CELL_RIGHT;
}

static void table_free(struct log_table *table)
{
	for (size_t i = 0; table->cells && i < AHEAD * table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table->widths);
	free(table);
}

struct log_table *log_table_new(const struct log_context *context, const struct log_column *columns,
				size_t count)
{
	struct log_table *table = calloc(1, sizeof(*table));

	log_page(context);
	if (!table || count == 0) {
		free(table);
		return NULL;
	}
	*table = (struct log_table){.context = context, .columns = columns, .count = count};
	for (size_t i = 0; i < count; i++)
		if (is_shown(table, i))
			table->last = i;
	if (context->output == LOG_TABLE) {
		table->cells = calloc(AHEAD * count, sizeof(*table->cells));
		table->widths = calloc(count, sizeof(*table->widths));
		if (!table->cells || !table->widths) {
			table_free(table);
			return NULL;
		}
	}
	return table;
}

/* ---- the aligned table ---- */

static void put_blanks(size_t count)
{
	printf("%*s", (int)count, "");
}

static void print_text(const struct log_table *table, const char *text, size_t room, unsigned colour)
{
	bool painted = table->context->colour && colour != 0;

	if (painted)
		printf("\033[%um", colour);
	log_text_print(stdout, text, table->context->utf8, room);
	if (painted)
		fputs("\033[0m", stdout);
}

/* Cuts the last column alone: the others were made for their texts. */
static void print_cell(const struct log_table *table, size_t column, const struct cell *cell, size_t begin)
{
	size_t width = table->widths[column], pad = width > cell->width ? width - cell->width : 0;
	size_t room = 0, terminal = table->context->width;

	if (is_right(table->columns[column].type))
		put_blanks(pad);
	if (column == table->last && terminal > 0 && !log_is_paged())
		room = terminal > begin + NARROWEST ? terminal - begin : NARROWEST;
	print_text(table, cell->text ? cell->text : "", room, cell->colour);
	if (column != table->last)
		put_blanks((is_right(table->columns[column].type) ? 0 : pad) + GAP);
}

static void print_row(const struct log_table *table, const struct cell *cells)
{
	size_t begin = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (!is_shown(table, i))
			continue;
		print_cell(table, i, &cells[i], begin);
		begin += GAP + (cells[i].width > table->widths[i] ? cells[i].width : table->widths[i]);
	}
	putchar('\n');
}

static void print_titles(const struct log_table *table)
{
	size_t begin = 0;

	for (size_t i = 0; i < table->count; i++) {
		char *title = is_shown(table, i) ? strdup(table->columns[i].title) : NULL;
		struct cell cell = {title, title ? strlen(title) : 0, 1};

		if (title)
			print_cell(table, i, &cell, begin);
		begin += title ? GAP + table->widths[i] : 0;
		free(title);
	}
	putchar('\n');
}

static void print_kept(struct log_table *table)
{
	for (size_t i = 0; i < table->count && table->kept > 0; i++) {
		size_t *width = &table->widths[i];

		if (!table->begun && is_shown(table, i))
			*width = strlen(table->columns[i].title);
		for (size_t row = 0; row < table->kept; row++)
			if (table->cells[row * table->count + i].width > *width)
				*width = table->cells[row * table->count + i].width;
	}
	if (!table->begun && table->kept > 0)
		print_titles(table);
	table->begun = table->begun || table->kept > 0;
	for (size_t row = 0; row < table->kept; row++)
		print_row(table, table->cells + row * table->count);
	for (size_t i = 0; i < table->kept * table->count; i++) {
		free(table->cells[i].text);
		table->cells[i] = (struct cell){0};
	}
	table->kept = 0;
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
	if (table->context->output == LOG_JSON)
		fputs("[]\n", stdout);
	else if (table->context->output == LOG_CSV)
		print_csv_head(table);
}

void log_table_flush(struct log_table *table)
{
	if (table && table->context->output == LOG_TABLE)
		print_kept(table);
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
	log_text_print(stdout, text, context->utf8, 0);
	putchar('\n');
	free(text);
}
