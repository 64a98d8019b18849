/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/escape.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1024 }; /* written at once */

/* The next character as it is shown; the bytes of text that it takes. */
static size_t next(const char *text, size_t len, bool lines, char out[UTF8_ESCAPE_MAX])
{
	char bytes[5] = "";
	struct utf8_character character;

	memcpy(bytes, text, len < 4 ? len : 4);
	character = utf8_first(bytes);
	if (utf8_is_visible(&character) || (lines && (character.code == '\n' || character.code == '\t')))
		snprintf(out, UTF8_ESCAPE_MAX, "%.*s", (int)character.length, text);
	else
		(void)utf8_escape(&character, out);
	return character.length;
}

void escape_print(FILE *out, const char *text)
{
	size_t len = strlen(text);
	char shown[UTF8_ESCAPE_MAX];

	for (size_t at = 0; at < len;) {
		at += next(text + at, len - at, false, shown);
		fputs(shown, out);
	}
}

static bool write_whole(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(STDERR_FILENO, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		size -= (size_t)written;
	}
	return true;
}

static ssize_t write_escaped(void *cookie, const char *data, size_t size)
{
	char piece[PIECE_BYTES];
	size_t filled = 0;

	for (size_t at = 0; at < size;) {
		char shown[UTF8_ESCAPE_MAX];
		size_t len;

		at += next(data + at, size - at, true, shown);
		len = strlen(shown);
		if (filled + len > sizeof(piece)) {
			if (!write_whole(piece, filled))
				return 0;
			filled = 0;
		}
		memcpy(piece + filled, shown, len);
		filled += len;
	}
	return write_whole(piece, filled) ? (ssize_t)size : 0;
}

void escape_errors(void)
{
	FILE *escaped = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_escaped});

	if (!escaped)
		return;
	/* As stderr is by nature: each message is written at once, and in one piece. */
	setvbuf(escaped, NULL, _IONBF, 0);
	stderr = escaped;
}
