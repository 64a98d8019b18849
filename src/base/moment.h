/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wall-clock moments and their text. Policies count whole seconds, packets nanoseconds; both since 1970-01-01
 * 00:00:00 UTC without leap seconds, so that a comparison is one integer comparison. Nothing here reads a clock.
 */
#ifndef OP25B_BASE_MOMENT_H
#define OP25B_BASE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_NEVER  INT64_MAX /* later than every date a policy can hold */
#define MOMENT_ALWAYS INT64_MIN /* earlier than every date a policy can hold */
#define NSEC_PER_SEC  INT64_C(1000000000)

enum { MOMENT_TEXT_MAX = 40 };

/* A date as a policy states it: the second, and the offset it was written with (kept so that dumps show the same clock). */
struct moment {
	int64_t s;
	int32_t offset_s; /* seconds east of UTC */
};

enum moment_error {
	MOMENT_OK = 0,
	MOMENT_BAD_FORM,  /* not YYYY-MM-DDTHH:MM:SS at all */
	MOMENT_NO_OFFSET, /* everything there but the offset */
	MOMENT_BAD_OFFSET,
	MOMENT_OUT_OF_RANGE, /* month 13, 30 February, hour 24, second 60 */
	MOMENT_FRACTION,     /* a part of a second, which a policy date never needs */
	MOMENT_TRAILING,
};

/*
 * RFC 3339 section 5.6 date-time with whole seconds and an offset ("Z" or "+09:00"); a space may stand for the
 * "T". Years 1970 to 9999. *ret is untouched on failure; *ret_at, if not NULL, is the byte where reading stopped.
 */
enum moment_error moment_parse(const char *text, size_t len, struct moment *ret, size_t *ret_at);
const char *moment_error_text(enum moment_error error);

/* "2009-10-01T00:00:00+09:00" ("Z" for offset 0). Returns the length. Out-of-range seconds are clamped to years 0..9999. */
size_t moment_format(int64_t s, int32_t offset_s, char out[MOMENT_TEXT_MAX]);
/* Suricata's EVE form: "2026-01-01T00:00:00.123456+0900". */
size_t moment_format_eve(int64_t ns, int32_t offset_s, char out[MOMENT_TEXT_MAX]);
/* The same of microseconds: years 1 to 9999, which nanoseconds do not reach. */
size_t moment_format_eve_us(int64_t us, int32_t offset_s, char out[MOMENT_TEXT_MAX]);
/* Exactly that form back, as microseconds since 1970; false for anything else, and *ret_us untouched. */
bool moment_parse_eve(const char *text, size_t len, int64_t *ret_us);

#endif
