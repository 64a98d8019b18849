/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_text.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { REPLACEMENT = 0xFFFD };

/* Columns of a character as it stands; -1: it has to be escaped. */
static int plain_width(const struct utf8_character *character, bool utf8)
{
	if (!utf8_is_visible(character))
		return -1;
	if (character->code < 0x80)
		return 1;
	return utf8 ? wcwidth((wchar_t)character->code) : -1;
}

/* Prints one character if it fits; columns taken, -1: it does not fit. */
static int print_character(FILE *out, const char *text, const struct utf8_character *character, bool utf8,
			   size_t room)
{
	char escape[UTF8_ESCAPE_MAX];
	int width = plain_width(character, utf8);
	int columns = width >= 0 ? width : utf8_escape(character, escape);

	if ((size_t)columns > room)
		return -1;
	if (out && width >= 0)
		fwrite(text, 1, character->length, out);
	else if (out)
		fputs(escape, out);
	return columns;
}

/* Most texts are plain ASCII: so many characters stand as they are. */
static size_t plain_run(const char *text)
{
	size_t len = 0;

	while (text[len] >= ' ' && text[len] <= '~' && text[len] != '"' && text[len] != '\\')
		len++;
	return len;
}

size_t log_text_width(const char *text, bool utf8)
{
	size_t sum = 0;

	for (struct utf8_character next; *text; text += next.length) {
		next.length = plain_run(text);
		if (next.length > 0) {
			sum += next.length;
			continue;
		}
		next = utf8_first(text);
		sum += (size_t)print_character(NULL, text, &next, utf8, SIZE_MAX);
	}
	return sum;
}

size_t log_text_print(FILE *out, const char *text, bool utf8, size_t most)
{
	bool whole = most == 0 || log_text_width(text, utf8) <= most;
	const char *mark = utf8 ? "\xE2\x80\xA6" : ">";
	size_t room = whole ? SIZE_MAX : most - 1, taken = 0;

	for (struct utf8_character next; *text; text += next.length) {
		int columns;

		next.length = plain_run(text);
		if (next.length > 0 && next.length <= room - taken) {
			fwrite(text, 1, next.length, out);
			taken += next.length;
			continue;
		}
		next = utf8_first(text);
		columns = print_character(out, text, &next, utf8, room - taken);
		if (columns < 0)
			break;
		taken += (size_t)columns;
	}
	if (!whole)
		fputs(mark, out);
	return taken + !whole;
}

/* The blanks before the next word, and the word: their bytes. */
static size_t word_length(const char *text, size_t *ret_blanks)
{
	*ret_blanks = strspn(text, " ");
	return *ret_blanks + strcspn(text + *ret_blanks, " ");
}

void log_text_wrap(FILE *out, const char *text, bool utf8, struct log_wrap wrap)
{
	size_t at = wrap.begin, blanks, len;

	for (; *text; text += len) {
		char *word;

		len = word_length(text, &blanks);
		word = strndup(text + blanks, len - blanks);
		if (!word)
			break;
		if (wrap.width > 0 && at > wrap.indent && at > wrap.begin &&
		    at + blanks + log_text_width(word, utf8) > wrap.width) {
			fprintf(out, "\n%*s", (int)wrap.indent, "");
			at = wrap.indent;
			blanks = 0;
		}
		fprintf(out, "%*s", (int)blanks, "");
		at += blanks + log_text_print(out, word, utf8, 0);
		free(word);
	}
	putc('\n', out);
}

static void print_json_escape(FILE *out, uint32_t code)
{
	if (code >= 0x10000)
		fprintf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((code - 0x10000) >> 10)),
			(unsigned)(0xDC00 + ((code - 0x10000) & 0x3FF)));
	else
		fprintf(out, "\\u%04x", (unsigned)code);
}

void log_text_json(FILE *out, const char *text)
{
	putc('"', out);
	for (struct utf8_character next; *text; text += next.length) {
		next.length = plain_run(text);
		if (next.length > 0) {
			fwrite(text, 1, next.length, out);
			continue;
		}
		next = utf8_first(text);
		if (next.bad)
			print_json_escape(out, REPLACEMENT);
		else if (!utf8_is_visible(&next))
			print_json_escape(out, next.code);
		else if (next.code == '"' || next.code == '\\')
			fprintf(out, "\\%c", (int)next.code);
		else
			fwrite(text, 1, next.length, out);
	}
	putc('"', out);
}

/* The signs that begin a formula, and their full-width forms, which some spreadsheets take for the same. */
static bool is_formula(const char *text)
{
	static const uint32_t signs[] = {'=', '+', '-', '@', '\t', '\r', 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20};
	uint32_t code;

	while (*text == ' ')
		text++;
	code = utf8_first(text).code;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (code == signs[i])
			return true;
	return false;
}

void log_text_csv(FILE *out, const char *text)
{
	bool quoted = text[0] == ' ' || text[strcspn(text, ",\"\r\n;")] != '\0';

	if (quoted)
		putc('"', out);
	if (is_formula(text))
		putc('\'', out);
	for (struct utf8_character next; *text; text += next.length) {
		char escape[UTF8_ESCAPE_MAX];

		next = utf8_first(text);
		if (!utf8_is_visible(&next)) {
			utf8_escape(&next, escape);
			fputs(escape, out);
			continue;
		}
		if (next.code == '"')
			putc('"', out);
		fwrite(text, 1, next.length, out);
	}
	if (quoted)
		putc('"', out);
}
