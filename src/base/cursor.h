/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded reader over bytes somebody else owns. Reading past the end gives zeros and sets `failed` for good, so
 * a parser reads what it needs and looks once. Numbers are big-endian, as on the wire.
 */
#ifndef OP25B_BASE_CURSOR_H
#define OP25B_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_over(const uint8_t *bytes, size_t len)
{
	return (struct cursor){.at = bytes, .end = bytes + len};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next n bytes, or NULL (and failed) when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t n)
{
	const uint8_t *bytes = cursor->at;

	if (cursor->failed || n > cursor_left(cursor)) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += n;
	return bytes;
}

static inline void cursor_skip(struct cursor *cursor, size_t n)
{
	(void)cursor_take(cursor, n);
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 1);

	return b ? b[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 2);

	return (uint16_t)(b ? b[0] << 8 | b[1] : 0);
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
	const uint8_t *b = cursor_take(cursor, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

#endif
