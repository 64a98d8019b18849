/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_text.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

enum {
	REPLACEMENT = 0xFFFD,
	ESCAPE_MAX = 11, /* \UNNNNNNNN */
};

/* One character, or a byte that begins none. */
struct character {
	uint32_t code;
	size_t len;
	bool bad;
};

static bool follows(unsigned char byte)
{
	return (byte & 0xC0) == 0x80;
}

/* RFC 3629: shortest form only, no surrogates. The text's NUL ends a sequence like any other wrong byte. */
static struct character next_character(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)text;
	size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : (at[0] & 0xF0) == 0xE0 ? 3 : 4;
	uint32_t code = len == 1 ? at[0] : at[0] & (0x7FU >> len);

	if (at[0] >= 0x80 && (at[0] < 0xC2 || at[0] > 0xF4))
		return (struct character){at[0], 1, true};
	for (size_t i = 1; i < len; i++) {
		if (!follows(at[i]))
			return (struct character){at[0], 1, true};
		code = code << 6 | (at[i] & 0x3FU);
	}
	if (code < least[len] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return (struct character){at[0], 1, true};
	return (struct character){code, len, false};
}

/* What has no shape of its own but changes what stands around it: controls, directions, joiners, separators, tags. */
static bool is_plain(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0x00, 0x1F},       {0x7F, 0x9F},        {0xAD, 0xAD},     {0x061C, 0x061C},
		{0x115F, 0x1160},   {0x180B, 0x180F},    {0x200B, 0x200F}, {0x2028, 0x202E},
		{0x2060, 0x206F},   {0x3164, 0x3164},    {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
		{0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},    {0xFFFE, 0xFFFF}, {0x1D173, 0x1D17A},
		{0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return false;
	return true;
}

/* Columns of a character as it stands; -1: it has to be escaped. */
static int plain_width(const struct character *character, bool utf8)
{
	if (character->bad || !is_plain(character->code))
		return -1;
	if (character->code < 0x80)
		return 1;
	return utf8 ? wcwidth((wchar_t)character->code) : -1;
}

static int format_escape(const struct character *character, char out[ESCAPE_MAX])
{
	if (character->code < 0x100 && (character->bad || character->code < 0x80))
		return snprintf(out, ESCAPE_MAX, "\\x%02x", (unsigned)character->code);
	if (character->code < 0x10000)
		return snprintf(out, ESCAPE_MAX, "\\u%04x", (unsigned)character->code);
	return snprintf(out, ESCAPE_MAX, "\\U%08x", (unsigned)character->code);
}

/* Prints one character if it fits; columns taken, -1: it does not fit. */
static int print_character(FILE *out, const char *text, const struct character *character, bool utf8,
			   size_t room)
{
	char escape[ESCAPE_MAX];
	int width = plain_width(character, utf8);
	int columns = width >= 0 ? width : format_escape(character, escape);

	if ((size_t)columns > room)
		return -1;
	if (out && width >= 0)
		fwrite(text, 1, character->len, out);
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

	for (struct character next; *text; text += next.len) {
		next.len = plain_run(text);
		if (next.len > 0) {
			sum += next.len;
			continue;
		}
		next = next_character(text);
		sum += (size_t)print_character(NULL, text, &next, utf8, SIZE_MAX);
	}
	return sum;
}

size_t log_text_print(FILE *out, const char *text, bool utf8, size_t most)
{
	bool whole = most == 0 || log_text_width(text, utf8) <= most;
	const char *mark = utf8 ? "\xE2\x80\xA6" : ">";
	size_t room = whole ? SIZE_MAX : most - 1, taken = 0;

	for (struct character next; *text; text += next.len) {
		int columns;

		next.len = plain_run(text);
		if (next.len > 0 && next.len <= room - taken) {
			fwrite(text, 1, next.len, out);
			taken += next.len;
			continue;
		}
		next = next_character(text);
		columns = print_character(out, text, &next, utf8, room - taken);
		if (columns < 0)
			break;
		taken += (size_t)columns;
	}
	if (!whole)
		fputs(mark, out);
	return taken + !whole;
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
	for (struct character next; *text; text += next.len) {
		next.len = plain_run(text);
		if (next.len > 0) {
			fwrite(text, 1, next.len, out);
			continue;
		}
		next = next_character(text);
		if (next.bad)
			print_json_escape(out, REPLACEMENT);
		else if (!is_plain(next.code))
			print_json_escape(out, next.code);
		else if (next.code == '"' || next.code == '\\')
			fprintf(out, "\\%c", (int)next.code);
		else
			fwrite(text, 1, next.len, out);
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
	code = next_character(text).code;
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
	for (struct character next; *text; text += next.len) {
		char escape[ESCAPE_MAX];

		next = next_character(text);
		if (next.bad || !is_plain(next.code)) {
			format_escape(&next, escape);
			fputs(escape, out);
			continue;
		}
		if (next.code == '"')
			putc('"', out);
		fwrite(text, 1, next.len, out);
	}
	if (quoted)
		putc('"', out);
}
