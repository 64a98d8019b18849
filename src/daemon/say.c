/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void say(enum say_level level, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", (int)level, text);
	else
		fprintf(stderr, "op25bd: %s\n", text);
}
