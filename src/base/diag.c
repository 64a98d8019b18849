/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/diag.h"

#include "base/escape.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void diag_clear(struct diag *diag)
{
	free(diag->file);
	free(diag->text);
	free(diag->message);
	free(diag->hint);
}

void diag_list_free(struct diag_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		diag_clear(&list->items[i]);
	free(list->items);
	*list = (struct diag_list){0};
}

/* Control characters would move the caret or drive the terminal, so each becomes a '?' (a tab one space). */
static char *printable_copy(const char *text, size_t len)
{
	size_t n = len > DIAG_TEXT_MAX ? DIAG_TEXT_MAX : len;
	char *copy = malloc(n + 1);

	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		copy[i] = c == '\t' ? ' ' : c < 0x20 || c == 0x7f ? '?' : text[i];
	}
	copy[n] = '\0';
	return copy;
}

__attribute__((format(printf, 4, 0))) static bool diag_fill(struct diag *diag, const struct diag_place *place,
							    const char *hint, const char *format,
							    va_list args)
{
	if (vasprintf(&diag->message, format, args) < 0) {
		diag->message = NULL;
		return false;
	}
	diag->line = place->line;
	diag->column = place->column;
	diag->width = place->width;
	diag->file = strdup(place->file ? place->file : "-");
	diag->hint = hint ? strdup(hint) : NULL;
	diag->text = place->text ? printable_copy(place->text, place->text_len) : NULL;
	return diag->file && (!hint || diag->hint) && (!place->text || diag->text);
}

/* The last warning of a full list, emptied: a refusal must say why, however many warnings came before it. */
static struct diag *diag_displace_warning(struct diag_list *list)
{
	size_t at = list->count;

	while (list->kept_warnings > 0 && at > 0) {
		struct diag freed = list->items[--at];

		if (freed.severity != DIAG_WARNING)
			continue;
		diag_clear(&freed);
		memmove(&list->items[at], &list->items[at + 1], (list->count - at - 1) * sizeof(freed));
		list->count--;
		list->kept_warnings--;
		return &list->items[list->count];
	}
	return NULL;
}

static struct diag *diag_room(struct diag_list *list, enum diag_severity severity)
{
	if (list->count == DIAG_KEEP_MAX)
		return severity == DIAG_ERROR ? diag_displace_warning(list) : NULL;
	if (!list->items)
		list->items = calloc(DIAG_KEEP_MAX, sizeof(*list->items));
	if (!list->items) {
		list->out_of_memory = true;
		return NULL;
	}
	return &list->items[list->count];
}

void diag_add(struct diag_list *list, enum diag_severity severity, const struct diag_place *place,
	      const char *hint, const char *format, ...)
{
	struct diag *diag;
	va_list args;

	if (!list)
		return;
	if (severity == DIAG_ERROR)
		list->errors++;
	else
		list->warnings++;
	diag = diag_room(list, severity);
	if (!diag)
		return;
	*diag = (struct diag){.severity = severity};
	va_start(args, format);
	if (diag_fill(diag, place, hint, format, args)) {
		list->count++;
		list->kept_warnings += severity == DIAG_WARNING;
	} else {
		diag_clear(diag);
		list->out_of_memory = true;
	}
	va_end(args);
}

static bool diag_before(const struct diag *a, const struct diag *b)
{
	int order = strcmp(a->file, b->file);

	if (order != 0)
		return order < 0;
	if (a->line != b->line)
		return a->line < b->line;
	return a->column < b->column;
}

void diag_sort(struct diag_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		struct diag diag = list->items[i];
		size_t at = i;

		for (; at > 0 && diag_before(&diag, &list->items[at - 1]); at--)
			list->items[at] = list->items[at - 1];
		list->items[at] = diag;
	}
}

/* Bytes that start no character (UTF-8 continuation) take no column on a terminal. */
static void print_repeated(FILE *out, const char *text, size_t from, size_t to, char c)
{
	for (size_t i = from; i < to; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			fputc(c, out);
	}
}

static void print_caret(const struct diag *diag, FILE *out)
{
	size_t len = strlen(diag->text);
	size_t at = diag->column - 1;
	size_t end = at + (diag->width ? diag->width : 1);

	if (at > len)
		return;
	fputs("    ", out);
	print_repeated(out, diag->text, 0, at, ' ');
	fputc('^', out);
	if (end > len)
		end = len;
	if (at + 1 < end)
		print_repeated(out, diag->text, at + 1, end, '~');
	fputc('\n', out);
}

static void diag_print_one(const struct diag *diag, FILE *out)
{
	escape_print(out, diag->file);
	if (diag->line)
		fprintf(out, ":%u", diag->line);
	if (diag->line && diag->column)
		fprintf(out, ":%u", diag->column);
	fputs(diag->severity == DIAG_ERROR ? ": error: " : ": warning: ", out);
	escape_print(out, diag->message);
	putc('\n', out);
	if (diag->text) {
		fprintf(out, "    %s\n", diag->text);
		if (diag->column)
			print_caret(diag, out);
	}
	if (diag->hint) {
		fputs("  ", out);
		escape_print(out, diag->hint);
		putc('\n', out);
	}
}

void diag_print(const struct diag_list *list, FILE *out)
{
	size_t kept_out = list->errors + list->warnings - list->count;

	for (size_t i = 0; i < list->count; i++)
		diag_print_one(&list->items[i], out);
	if (kept_out)
		fprintf(out, "%zu more findings not shown\n", kept_out);
}
