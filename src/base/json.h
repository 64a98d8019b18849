/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A strict reader of JSON (RFC 8259) in memory that somebody else owns: it keeps no tree, allocates nothing, and neither
 * its stack nor its time grows with more than the bytes read. Texts stay where they stand, escapes and all.
 *
 * The first thing wrong is kept in `why`, with `at` where it was found, and ends the reading for good. NUL, escaped or not, is
 * refused within texts: whoever keeps them may do so as C strings.
 */
#ifndef OP25B_BASE_JSON_H
#define OP25B_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 48 };

struct json {
	const char *begin, *at, *end;
	const char *why; /* a static sentence; NULL: nothing is wrong */
};

/* What stands between a text's quotes: valid UTF-8. Borrowed from the memory read. */
struct json_text {
	const char *at;
	uint32_t len;
	bool escaped; /* there are backslashes: json_text_decode() tells what is meant */
};

static inline struct json json_over(const char *text, size_t len)
{
	return (struct json){.begin = text, .at = text, .end = text + len};
}

/* Always false. */
bool json_wrong(struct json *json, const char *at, const char *why);

/* The next character that is no white space, '\0' at the end. */
static inline char json_next(struct json *json)
{
	while (json->at < json->end &&
	       (*json->at == ' ' || *json->at == '\t' || *json->at == '\r' || *json->at == '\n'))
		json->at++;
	return json->at < json->end ? *json->at : '\0';
}

/* Steps over that character if it comes next; else nothing happens. */
static inline bool json_have(struct json *json, char c)
{
	if (json_next(json) != c)
		return false;
	json->at++;
	return true;
}

/* The same where nothing else may come. */
bool json_take(struct json *json, char c);

/* What comes next as a text; false when it is none, or a damaged one. */
bool json_text(struct json *json, struct json_text *ret);
/* A text without escapes is the same bytes; else this writes at most text->len bytes, which must be there. The length. */
size_t json_text_decode(const struct json_text *text, char *out);
bool json_text_is(const struct json_text *text, const char *word);

/* What comes next as a whole number of at most max. False also for other numbers: read those with json_skip(). */
bool json_whole(struct json *json, uint64_t max, uint64_t *ret);
bool json_bool(struct json *json, bool *ret);

/* Steps over any value, `depth` objects and lists deep already. */
bool json_skip(struct json *json, unsigned depth);
/* Nothing but white space is left. */
bool json_end(struct json *json);

#endif
