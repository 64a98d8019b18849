/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded writer over memory the caller owns. Once something does not fit, `overflow` stays set and nothing more
 * is written: callers write a whole record and look once, at the end.
 */
#ifndef OP25B_BASE_OUT_H
#define OP25B_BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *at;
	char *end;
	char *begin;
	bool overflow;
};

static inline struct out out_over(char *memory, size_t size)
{
	return (struct out){.at = memory, .end = memory + size, .begin = memory};
}

static inline size_t out_len(const struct out *out)
{
	return (size_t)(out->at - out->begin);
}

static inline void out_bytes(struct out *out, const char *bytes, size_t len)
{
	if (out->overflow || len > (size_t)(out->end - out->at)) {
		out->overflow = true;
		return;
	}
	memcpy(out->at, bytes, len);
	out->at += len;
}

static inline void out_char(struct out *out, char c)
{
	out_bytes(out, &c, 1);
}

static inline void out_text(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

void out_u64(struct out *out, uint64_t value);
/* A JSON string with its quotes. Bytes that are no valid UTF-8 become U+FFFD, control characters \u00XX. */
void out_json_string(struct out *out, const char *text, size_t len);
/* The same to a stream, for what is printed; look at ferror() at the end. */
void out_json_string_to(FILE *stream, const char *text, size_t len);

#endif
