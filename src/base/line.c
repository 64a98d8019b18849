/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/line.h"

#include "base/cleanup.h"
#include "base/number.h"
#include "base/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct line line_over(const char *file, uint32_t number, const char *text, size_t len,
		      struct diag_list *diags)
{
	return (struct line){.file = file, .number = number, .text = text, .len = len, .diags = diags};
}

bool line_next(struct line *line)
{
	size_t at = line->word + line->word_len;

	while (at < line->len && is_blank(line->text[at]))
		at++;
	line->word = at;
	line->word_len = 0;
	if (at == line->len || line->text[at] == '#')
		return false;
	while (at < line->len && !is_blank(line->text[at]))
		at++;
	line->word_len = at - line->word;
	return true;
}

bool line_is(const struct line *line, const char *word)
{
	return line->word_len == strlen(word) && memcmp(line->text + line->word, word, line->word_len) == 0;
}

bool line_next_is(const struct line *line, const char *word)
{
	struct line ahead = *line;

	return line_next(&ahead) && line_is(&ahead, word);
}

const char *line_word(const struct line *line, char *memory, size_t size)
{
	size_t n = line->word_len < size ? line->word_len : size - 1;

	memcpy(memory, line->text + line->word, n);
	memory[n] = '\0';
	return memory;
}

int line_wrong(const struct line *line, const char *hint, const char *format, ...)
{
	struct diag_place place = {.file = line->file,
				   .line = line->number,
				   .column = (uint32_t)line->word + 1,
				   .width = line->word_len ? (uint32_t)line->word_len : 1,
				   .text = line->text,
				   .text_len = line->len};
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	diag_add(line->diags, DIAG_ERROR, &place, hint, "%s", message);
	return -EINVAL;
}

int line_unknown(const struct line *line, const char *what, const char *const *words, size_t count)
{
	const char *near = suggest_nearest(line->text + line->word, line->word_len, words, count);
	char word[64], hint[1024] = "one of:";
	size_t used = strlen(hint);

	if (near) {
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	} else {
		for (size_t i = 0; i < count && used < sizeof(hint); i++)
			used += (size_t)snprintf(hint + used, sizeof(hint) - used, " %s", words[i]);
	}
	if (line->word_len == 0)
		return line_wrong(line, hint, "the line ends where %s should stand", what);
	return line_wrong(line, hint, "\"%s\" is not %s", line_word(line, word, sizeof(word)), what);
}

int line_take_number(struct line *line, const char *what, uint64_t min, uint64_t max, uint64_t *ret)
{
	enum number_error error = NUMBER_NOT_A_NUMBER;
	char hint[96];

	if (line_next(line))
		error = number_parse(line->text + line->word, line->word_len, min, max, ret);
	if (error == NUMBER_OK)
		return 0;
	snprintf(hint, sizeof(hint), "write a number from %" PRIu64 " to %" PRIu64, min, max);
	return line_wrong(line, hint, error == NUMBER_OUT_OF_RANGE ? "%s is out of range" : "%s: no number",
			  what);
}

int line_take_moment(struct line *line, const char *what, int64_t *ret_s)
{
	enum moment_error error = MOMENT_BAD_FORM;
	struct moment moment;

	if (line_next(line))
		error = moment_parse(line->text + line->word, line->word_len, &moment, NULL);
	if (error != MOMENT_OK)
		return line_wrong(line, "write it as 2026-10-01T00:00:00+09:00, with \"Z\" for UTC", "%s: %s",
				  what, moment_error_text(error));
	*ret_s = moment.s;
	return 0;
}

static int refuse_line(struct line *line, const char *hint, const char *message)
{
	line->word = 0;
	line->word_len = 0;
	return line_wrong(line, hint, "%s", message);
}

static int take_one(struct line *line, int (*take)(void *context, struct line *line), void *context)
{
	if (memchr(line->text, '\0', line->len))
		return refuse_line(line, "this is no text file", "the line holds a NUL byte");
	if (line->len > LINE_TEXT_MAX) {
		line->len = 80;
		return refuse_line(line, "a line has at most 4096 bytes", "the line is too long");
	}
	return take(context, line);
}

int line_read_all(FILE *stream, const char *name, struct diag_list *diags,
		  int (*take)(void *context, struct line *line), void *context)
{
	char *text CLEANUP_FREE = NULL;
	size_t capacity = 0;
	uint32_t number = 0;
	ssize_t got;
	int worst = 0;

	errno = 0;
	while ((got = getline(&text, &capacity, stream)) >= 0) {
		size_t len = (size_t)got - (got > 0 && text[got - 1] == '\n');
		struct line line = line_over(name, ++number, text, len, diags);
		int r = take_one(&line, take, context);

		if (r < 0 && r != -EINVAL)
			return r;
		worst = r < 0 ? r : worst;
		errno = 0;
	}
	if (ferror(stream) || errno == ENOMEM)
		return errno ? -errno : -EIO;
	return worst;
}
