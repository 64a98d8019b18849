/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include "base/utf8.h"

#include <endian.h>
#include <string.h>

/* One of these in each byte of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

bool json_wrong(struct json *json, const char *at, const char *why)
{
	if (!json->why) {
		json->why = why;
		json->at = at;
	}
	return false;
}

bool json_take(struct json *json, char c)
{
	if (json_have(json, c))
		return true;
	if (json->at == json->end)
		return json_wrong(json, json->at, "it ends too early");
	return json_wrong(json, json->at, "no JSON");
}

/* The high bit of each byte that ends a run of plain characters; above the lowest such bit there may be false ones. */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
	uint64_t found = ((quote - EACH(1)) & ~quote) | ((backslash - EACH(1)) & ~backslash) |
			 ((word - EACH(0x20)) & ~word) | word;

	return found & EACH(0x80);
}

/* Where the run of plain characters at p ends: at a quote, a backslash, a control character or one outside ASCII. */
static const char *plain_end(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word, found;

		memcpy(&word, p, sizeof(word));
		found = special_bytes(le64toh(word));
		if (found)
			return p + (__builtin_ctzll(found) >> 3);
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind "\u"; -1 when they are not there. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* The character that the escape at p stands for, *ret_len how long that is; -1 when it is none. */
static int32_t escaped_character(const char *p, const char *end, size_t *ret_len)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter = end - p >= 2 && p[1] ? strchr(letters, p[1]) : NULL;
	int32_t value, low;

	*ret_len = 2;
	if (letter)
		return meant[letter - letters];
	if (end - p < 6 || p[1] != 'u')
		return -1;
	*ret_len = 6;
	value = hex4(p + 2, end);
	if (value < 0xd800 || value > 0xdfff)
		return value;
	low = value < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*ret_len = 12;
	return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
}

/* Steps *p over one character that is not plain. */
static bool take_special(struct json *json, const char **p, bool *escaped)
{
	size_t len = 0;

	if (*p == json->end)
		return json_wrong(json, *p, "it ends within a text");
	if ((unsigned char)**p >= 0x80) {
		len = utf8_length(*p, (size_t)(json->end - *p));
		if (len == 0)
			return json_wrong(json, *p, "no UTF-8");
	} else if (**p == '\\') {
		int32_t character = escaped_character(*p, json->end, &len);

		if (character <= 0)
			return json_wrong(json, *p, character == 0 ? "a NUL" : "no escape that JSON knows");
		*escaped = true;
	} else {
		return json_wrong(json, *p, **p == '\0' ? "a NUL" : "a control character within a text");
	}
	*p += len;
	return true;
}

bool json_text(struct json *json, struct json_text *ret)
{
	const char *begin, *p;
	bool escaped = false;

	if (json_next(json) != '"')
		return false;
	begin = json->at + 1;
	for (p = plain_end(begin, json->end); p == json->end || *p != '"'; p = plain_end(p, json->end)) {
		if (!take_special(json, &p, &escaped))
			return false;
	}
	json->at = p + 1;
	*ret = (struct json_text){begin, (uint32_t)(p - begin), escaped};
	return true;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t json_text_decode(const struct json_text *text, char *out)
{
	const char *p = text->at, *end;
	size_t len = 0, step;

	if (text->len == 0) /* then there may be no bytes at all */
		return 0;
	for (end = p + text->len; p < end;) {
		if (*p != '\\') {
			out[len++] = *p++;
			continue;
		}
		len += put_utf8(out + len, (uint32_t)escaped_character(p, end, &step));
		p += step;
	}
	return len;
}

bool json_text_is(const struct json_text *text, const char *word)
{
	size_t len = strlen(word);

	return text->len == len && memcmp(text->at, word, len) == 0;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static bool ends_number(const char *p, const char *end)
{
	return p == end || *p == '\0' || !strchr("+-.eE0123456789", *p);
}

bool json_whole(struct json *json, uint64_t max, uint64_t *ret)
{
	const char *p, *digits;
	uint64_t value = 0;

	(void)json_next(json);
	digits = json->at;
	for (p = digits; p < json->end && *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (p == digits || (*digits == '0' && p - digits > 1) || !ends_number(p, json->end) || value > max)
		return false;
	json->at = p;
	*ret = value;
	return true;
}

static bool take_word(struct json *json, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0)
		return false;
	json->at += len;
	return true;
}

bool json_bool(struct json *json, bool *ret)
{
	char c = json_next(json);

	if ((c != 't' || !take_word(json, "true")) && (c != 'f' || !take_word(json, "false")))
		return false;
	*ret = c == 't';
	return true;
}

static bool skip_number(struct json *json)
{
	const char *p = json->at, *end = json->end, *part;

	p += p < end && *p == '-';
	part = p;
	p = skip_digits(p, end);
	if (p == part || (*part == '0' && p - part > 1))
		return json_wrong(json, json->at, "no JSON");
	if (p < end && *p == '.') {
		part = ++p;
		p = skip_digits(p, end);
		if (p == part)
			return json_wrong(json, json->at, "no JSON");
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		part = p;
		p = skip_digits(p, end);
		if (p == part)
			return json_wrong(json, json->at, "no JSON");
	}
	json->at = p;
	return true;
}

static bool skip_single(struct json *json)
{
	struct json_text text;

	switch (json_next(json)) {
	case '"':
		return json_text(json, &text);
	case 't':
		return take_word(json, "true") || json_wrong(json, json->at, "no JSON");
	case 'f':
		return take_word(json, "false") || json_wrong(json, json->at, "no JSON");
	case 'n':
		return take_word(json, "null") || json_wrong(json, json->at, "no JSON");
	default:
		if (json->at == json->end)
			return json_wrong(json, json->at, "it ends too early");
		return skip_number(json);
	}
}

static bool skip_key(struct json *json)
{
	struct json_text text;

	return (json_next(json) == '"' || json_take(json, '"')) && json_text(json, &text) &&
	       json_take(json, ':');
}

/* Which of the containers around are objects: one bit each, the innermost lowest. */
struct nesting {
	uint64_t objects;
	unsigned outer, depth;
};

_Static_assert(JSON_DEPTH_MAX <= 64, "one bit each");

/* Steps into a container; *ret_empty: it was over at once. */
static bool open_container(struct json *json, struct nesting *nesting, bool object, bool *ret_empty)
{
	json->at++;
	*ret_empty = json_have(json, object ? '}' : ']');
	if (*ret_empty)
		return true;
	if (nesting->outer + nesting->depth >= JSON_DEPTH_MAX)
		return json_wrong(json, json->at - 1, "nested too deep");
	nesting->objects = nesting->objects << 1 | object;
	nesting->depth++;
	return !object || skip_key(json);
}

/* Behind a value: to the next one, and out of what ends there. */
static bool close_containers(struct json *json, struct nesting *nesting)
{
	while (nesting->depth > 0) {
		bool object = nesting->objects & 1;

		if (json_have(json, ','))
			return !object || skip_key(json);
		if (!json_take(json, object ? '}' : ']'))
			return false;
		nesting->objects >>= 1;
		nesting->depth--;
	}
	return true;
}

bool json_skip(struct json *json, unsigned depth)
{
	struct nesting nesting = {.outer = depth};

	do {
		char c = json_next(json);
		bool value = true;

		if (c == '{' || c == '[') {
			if (!open_container(json, &nesting, c == '{', &value))
				return false;
		} else if (!skip_single(json)) {
			return false;
		}
		if (value && !close_containers(json, &nesting))
			return false;
	} while (nesting.depth > 0);
	return true;
}

bool json_end(struct json *json)
{
	if (json_next(json) == '\0' && json->at == json->end)
		return true;
	return json_wrong(json, json->at, *json->at == '\0' ? "a NUL" : "something behind its end");
}
