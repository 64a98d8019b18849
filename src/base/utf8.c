/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

size_t utf8_length(const char *text, size_t len)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t length;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (forms[i].length > len)
			return 0;
		if (forms[i].length > 1 && (bytes[1] < forms[i].low || bytes[1] > forms[i].high))
			return 0;
		for (size_t j = 2; j < forms[i].length; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

struct utf8_character utf8_first(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = utf8_length(text, strnlen(text, 4));
	uint32_t code = length > 1 ? bytes[0] & (0x7fU >> length) : bytes[0];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 0x3fU);
	return (struct utf8_character){code, length ? length : 1, length == 0};
}

bool utf8_is_visible(const struct utf8_character *character)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0x00, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},       {0x034f, 0x034f},
		{0x061c, 0x061c},    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
		{0x200b, 0x200f},    {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
		{0xfdd0, 0xfdef},    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
		{0xfff0, 0xfffb},    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
		{0xf0000, 0x10ffff},
	};
	uint32_t code = character->code;

	if (character->bad || (code & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return false;
	return true;
}

int utf8_escape(const struct utf8_character *character, char out[UTF8_ESCAPE_MAX])
{
	unsigned code = character->code;

	if (code < 0x100 && (character->bad || code < 0x80))
		return snprintf(out, UTF8_ESCAPE_MAX, "\\x%02x", code);
	if (code < 0x10000)
		return snprintf(out, UTF8_ESCAPE_MAX, "\\u%04x", code);
	return snprintf(out, UTF8_ESCAPE_MAX, "\\U%08x", code);
}
