/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/out.h"

#include "base/utf8.h"

void out_u64(struct out *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	out_bytes(out, digits + at, sizeof(digits) - at);
}

static void out_escaped(struct out *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\') {
		out_char(out, '\\');
		out_char(out, (char)c);
	} else {
		out_bytes(out, text, sizeof(text));
	}
}

/* The character at text, as it stands within a JSON string; how many bytes it took. */
static size_t out_character(struct out *out, const char *text, size_t len)
{
	unsigned char c = (unsigned char)text[0];
	size_t n = utf8_length(text, len);

	if (n == 0)
		out_text(out, "\xef\xbf\xbd");
	else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
		out_escaped(out, c);
	else
		out_bytes(out, text, n);
	return n ? n : 1;
}

/* How many characters from here on stand in a JSON string as they are: nearly always all. */
static size_t plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

void out_json_string(struct out *out, const char *text, size_t len)
{
	out_char(out, '"');
	for (size_t i = 0; i < len;) {
		size_t plain = plain_run(text + i, len - i);

		out_bytes(out, text + i, plain);
		i += plain;
		if (i < len)
			i += out_character(out, text + i, len - i);
	}
	out_char(out, '"');
}

void out_json_string_to(FILE *stream, const char *text, size_t len)
{
	char memory[8]; /* the longest form of one character has 6 */

	fputc('"', stream);
	for (size_t i = 0; i < len;) {
		struct out out = out_over(memory, sizeof(memory));

		i += out_character(&out, text + i, len - i);
		fwrite(memory, 1, out_len(&out), stream);
	}
	fputc('"', stream);
}
