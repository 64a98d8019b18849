/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One value parser a type; what a key's row says (range, words, length) is all they need to know. */
#include "policy/reading.h"

#include "base/number.h"
#include "base/suggest.h"
#include "base/vec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_MAX = 240, WORDS_MAX = 8 };

/* A value in hand. */
struct value {
	struct reading *reading;
	const struct policy_key *key;
	const char *text;
	size_t len;
	struct spot spot;
	char *target; /* the field; NULL when the key has none */
};

static struct spot spot_within(const struct value *value, size_t at, size_t len)
{
	struct spot spot = value->spot;

	spot.column += (uint32_t)at;
	spot.width = (uint32_t)len;
	return spot;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

bool policy_name_valid(const char *text, size_t len, size_t *ret_bad)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_name_char(text[i])) {
			*ret_bad = i;
			return false;
		}
	}
	return true;
}

static bool too_long(struct value *value)
{
	char hint[HINT_MAX];

	if (value->len <= value->key->max)
		return false;
	snprintf(hint, sizeof(hint), "\"%s\" has at most %llu bytes; this is %zu", value->key->name,
		 (unsigned long long)value->key->max, value->len);
	reading_error(value->reading, value->spot, hint, "the value is too long");
	return true;
}

/* The index of the first byte that is not UTF-8 as RFC 3629 has it (surrogates and overlong forms aside), or len. */
static size_t utf8_end(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];
		size_t more = c < 0x80                ? 0
			      : c >= 0xc2 && c < 0xe0 ? 1
			      : c >= 0xe0 && c < 0xf0 ? 2
			      : c >= 0xf0 && c < 0xf5 ? 3
						      : len;

		if (more >= len - i)
			return i;
		for (size_t k = 1; k <= more; k++) {
			if (((unsigned char)text[i + k] & 0xc0) != 0x80)
				return i;
		}
		i += more + 1;
	}
	return len;
}

static void store_text(struct value *value)
{
	char **target = (char **)(void *)value->target;
	char *copy = strndup(value->text, value->len);

	if (!copy) {
		value->reading->failure = -ENOMEM;
		return;
	}
	free(*target);
	*target = copy;
}

static void read_text(struct value *value)
{
	size_t end = utf8_end(value->text, value->len);

	if (too_long(value))
		return;
	if (end < value->len) {
		reading_error(value->reading, spot_within(value, end, 1), "save the file as UTF-8",
			      "not UTF-8 text");
		return;
	}
	if (value->len > 0 && value->text[0] == ';') {
		reading_error(value->reading, value->spot,
			      "';' begins a comment; begin the text with something else",
			      "a text cannot begin with ';'");
		return;
	}
	store_text(value);
}

static void read_path(struct value *value)
{
	if (too_long(value))
		return;
	if (value->text[0] != '/' && strcmp(value->text, "-") != 0) {
		reading_error(value->reading, value->spot, "write the whole path, beginning with '/'",
			      "the path is not absolute: the daemon's working directory is not yours");
		return;
	}
	store_text(value);
}

static void read_name(struct value *value)
{
	size_t bad;

	if (too_long(value))
		return;
	if (!policy_name_valid(value->text, value->len, &bad)) {
		reading_error(value->reading, spot_within(value, bad, 1),
			      "names consist of letters, digits, '.', '_' and '-', without blanks",
			      "a character that a name cannot have");
		return;
	}
	memcpy(value->target, value->text, value->len);
	value->target[value->len] = '\0';
}

static void store_number(struct value *value, uint64_t number)
{
	uint8_t u8 = (uint8_t)number;
	uint16_t u16 = (uint16_t)number;
	uint32_t u32 = (uint32_t)number;

	assert(value->key->size == 1 || value->key->size == 2 || value->key->size == 4);
	memcpy(value->target,
	       value->key->size == 1   ? (void *)&u8
	       : value->key->size == 2 ? (void *)&u16
				       : (void *)&u32,
	       value->key->size);
}

static void read_number(struct value *value)
{
	const struct policy_key *key = value->key;
	char hint[HINT_MAX];
	uint64_t number;
	enum number_error error = number_parse(value->text, value->len, key->min, key->max, &number);

	if (error == NUMBER_OK) {
		store_number(value, number);
		return;
	}
	snprintf(hint, sizeof(hint), "\"%s\" is a number from %llu to %llu, in decimal digits alone",
		 key->name, (unsigned long long)key->min, (unsigned long long)key->max);
	reading_error(value->reading, value->spot, hint, "\"%s\" is %s", value->text,
		      error == NUMBER_OUT_OF_RANGE ? "out of range" : "not a number");
}

static void tell_bad_choice(struct value *value, size_t count)
{
	const struct policy_key *key = value->key;
	const char *nearest = suggest_nearest(value->text, value->len, key->words, count);
	char hint[HINT_MAX];
	size_t at = (size_t)snprintf(hint, sizeof(hint), "\"%s\" is", key->name);

	for (size_t i = 0; i < count && at < sizeof(hint); i++)
		at += (size_t)snprintf(hint + at, sizeof(hint) - at, "%s \"%s\"",
				       i == 0           ? ""
				       : i + 1 == count ? " or"
							: ",",
				       key->words[i]);
	if (nearest && at < sizeof(hint))
		snprintf(hint + at, sizeof(hint) - at, "; did you mean \"%s\"?", nearest);
	reading_error(value->reading, value->spot, hint, "\"%s\" is not one of the words that \"%s\" takes",
		      value->text, key->name);
}

static void read_choice(struct value *value)
{
	size_t count = 0;

	for (; value->key->words[count]; count++) {
		if (strcmp(value->key->words[count], value->text) == 0) {
			store_number(value, count);
			return;
		}
	}
	tell_bad_choice(value, count);
}

/* What the text becomes with the wrong part put right; false when it does not become a date that way. */
static bool date_repaired(const struct value *value, enum moment_error error, size_t at, char *out,
			  size_t size)
{
	struct moment moment;
	const char *rest = value->text + (at < value->len ? at : value->len);

	if (error == MOMENT_TRAILING)
		snprintf(out, size, "%.*s", (int)at, value->text);
	else if (error == MOMENT_FRACTION)
		snprintf(out, size, "%.19s%s", value->text, rest + strspn(rest, ".0123456789"));
	else if (error == MOMENT_BAD_OFFSET && value->len == 24)
		snprintf(out, size, "%.22s:%s", value->text, value->text + 22);
	else if (error == MOMENT_BAD_FORM && value->len > 16)
		snprintf(out, size, "%.16s:00%s", value->text, value->text + 16);
	else
		return false;
	return moment_parse(out, strlen(out), &moment, NULL) == MOMENT_OK;
}

static void hint_date(const struct value *value, enum moment_error error, size_t at, char *hint, size_t size)
{
	struct moment moment;
	char day[32], repaired[HINT_MAX];

	snprintf(day, sizeof(day), "%.16sT00:00:00Z", value->text);
	if (error == MOMENT_NO_OFFSET)
		snprintf(hint, size, "say whose clock: %sZ for UTC, %s+09:00 for Japan", value->text,
			 value->text);
	else if (value->len == 10 && moment_parse(day, strlen(day), &moment, NULL) == MOMENT_OK)
		snprintf(hint, size,
			 "write %sT00:00:00+09:00 for the day's first second in Japan, %sT00:00:00Z for UTC",
			 value->text, value->text);
	else if (date_repaired(value, error, at, repaired, sizeof(repaired)))
		snprintf(hint, size, "write %s", repaired);
	else if (error == MOMENT_OUT_OF_RANGE)
		snprintf(
			hint, size,
			"years are 1970 to 9999, hours 00 to 23, minutes and seconds 00 to 59; months have their own days");
	else
		snprintf(hint, size, "write it like 2009-10-01T00:00:00+09:00");
}

static void read_date(struct value *value)
{
	struct moment moment;
	size_t at = 0;
	enum moment_error error = moment_parse(value->text, value->len, &moment, &at);
	char hint[HINT_MAX];
	bool given = true;

	if (error != MOMENT_OK) {
		hint_date(value, error, at, hint, sizeof(hint));
		reading_error(value->reading, value->spot, hint, "%s", moment_error_text(error));
		return;
	}
	memcpy(value->target, &moment, sizeof(moment));
	memcpy(value->target - value->key->offset + value->key->has_offset, &given, sizeof(given));
}

static bool interface_known(const struct policy_interfaces *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->names[i], name) == 0)
			return true;
	}
	return false;
}

static void add_interface(struct value *value, const char *text, size_t len, size_t at)
{
	struct policy_interfaces *list = (struct policy_interfaces *)(void *)value->target;
	char name[IF_NAME_MAX] = "";
	char(*bigger)[IF_NAME_MAX];
	char hint[HINT_MAX];

	if (!ifpattern_valid(text, len) || memchr(text, ';', len) || memchr(text, '#', len)) {
		reading_error(
			value->reading, spot_within(value, at, len),
			"1 to 15 characters without '/', ':', ';', '#' and quotes; a pattern like ppp* has '*' at its end alone, and something before it",
			"\"%.*s\" cannot be an interface's name", (int)len, text);
		return;
	}
	memcpy(name, text, len);
	if (interface_known(list, name)) {
		reading_warning(value->reading, spot_within(value, at, len), "remove one of them",
				"\"%s\" is listed twice", name);
		return;
	}
	if (list->count == POLICY_INTERFACES_MAX) {
		snprintf(hint, sizeof(hint), "at most %d; use patterns like ppp*", POLICY_INTERFACES_MAX);
		reading_error(value->reading, spot_within(value, at, len), hint,
			      "too many interfaces in one list");
		return;
	}
	bigger = reallocarray(list->names, list->count + 1, sizeof(*bigger));
	if (!bigger) {
		value->reading->failure = -ENOMEM;
		return;
	}
	list->names = bigger;
	memcpy(list->names[list->count++], name, sizeof(name));
}

static void read_interfaces(struct value *value)
{
	size_t at = 0, word, len;

	while (text_next_word(value->text, value->len, &at, &word, &len))
		add_interface(value, value->text + word, len, word);
}

static void read_address(struct value *value)
{
	struct addr addr;
	struct prefix prefix;
	enum addr_error error = addr_parse(value->text, value->len, &addr);
	char hint[HINT_MAX], text[ADDR_TEXT_MAX];

	if (error == ADDR_OK) {
		prefix = (struct prefix){.addr = addr, .len = (uint8_t)addr_bits(addr.family)};
		policy_prefix_add(value->reading, value->reading->rule, POLICY_ROLE_SOURCE, 0,
				  value->spot.line, &prefix);
		return;
	}
	snprintf(hint, sizeof(hint), "for example 192.0.2.25 or 2001:db8::25, one a line");
	if (prefix_parse(value->text, value->len, &prefix) == ADDR_OK) {
		addr_format(&prefix.addr, text);
		if (prefix.len == addr_bits(prefix.addr.family))
			snprintf(hint, sizeof(hint), "write %s", text);
		else
			snprintf(hint, sizeof(hint), "name each relay by its own address, one a line");
		reading_error(value->reading, value->spot, hint, "a prefix where an address belongs");
		return;
	}
	reading_error(value->reading, value->spot, hint, "%s", addr_error_text(error));
}

static void read_prefix(struct value *value)
{
	enum policy_role role = POLICY_ROLE_SOURCE;

	if (value->key->section == POLICY_SECTION_INSIDE || value->key->section == POLICY_SECTION_DESTINATION)
		role = POLICY_ROLE_TARGET;
	if (strcmp(value->text, "none") == 0)
		value->reading->marks[value->reading->rule].none_line = value->spot.line;
	else
		policy_prefix_read(value->reading, role, value->text, value->len, value->spot);
}

static void read_list_file(struct value *value)
{
	if (!too_long(value))
		policy_list_read(value->reading, value->text, value->len, value->spot);
}

/* True for what can only be meant as an address: a group's name never looks so. */
static bool looks_like_address(const char *text, size_t len)
{
	if (memchr(text, '/', len) || memchr(text, ':', len))
		return true;
	for (size_t i = 0; i < len; i++) {
		if ((text[i] < '0' || text[i] > '9') && text[i] != '.')
			return false;
	}
	return true;
}

static void add_reference(struct value *value, const char *text, size_t len, struct spot spot)
{
	struct reading *reading = value->reading;
	struct group_reference *reference;
	size_t bad;

	if (len > POLICY_NAME_MAX || !policy_name_valid(text, len, &bad)) {
		reading_error(reading, spot,
			      "write prefixes, names of [destination NAME] sections, or \"any\"",
			      "neither a prefix nor a name");
		return;
	}
	if (!VEC_RESERVE(reading->references, reading->references_capacity, reading->reference_count + 1)) {
		reading->failure = -ENOMEM;
		return;
	}
	reference = &reading->references[reading->reference_count++];
	*reference = (struct group_reference){.rule = (uint16_t)reading->rule, .spot = spot};
	memcpy(reference->name, text, len);
}

static void read_to(struct value *value)
{
	struct policy_rule *rule = &value->reading->policy->rules[value->reading->rule];
	size_t at = 0, word, len;

	while (text_next_word(value->text, value->len, &at, &word, &len)) {
		const char *text = value->text + word;
		struct spot spot = spot_within(value, word, len);

		if (len == 3 && memcmp(text, "any", 3) == 0) {
			value->reading->marks[value->reading->rule].to_any_line = value->spot.line;
			continue;
		}
		rule->to_any = false;
		if (looks_like_address(text, len))
			policy_prefix_read(value->reading, POLICY_ROLE_TO, text, len, spot);
		else
			add_reference(value, text, len, spot);
	}
}

typedef void value_reader(struct value *value);

static value_reader *const readers[] = {
	[POLICY_TYPE_TEXT] = read_text,
	[POLICY_TYPE_NAME] = read_name,
	[POLICY_TYPE_PATH] = read_path,
	[POLICY_TYPE_NUMBER] = read_number,
	[POLICY_TYPE_CHOICE] = read_choice,
	[POLICY_TYPE_DATE] = read_date,
	[POLICY_TYPE_ADDRESS] = read_address,
	[POLICY_TYPE_PREFIX] = read_prefix,
	[POLICY_TYPE_LIST_FILE] = read_list_file,
	[POLICY_TYPE_INTERFACES] = read_interfaces,
	[POLICY_TYPE_TO] = read_to,
};

static_assert(sizeof(readers) / sizeof(readers[0]) == POLICY_TYPE_TO + 1, "a reader for each type");

/* "queue = 100 # the default": in a text that '#' would be meant, elsewhere it was taken for a comment. */
static bool has_comment(struct value *value)
{
	for (size_t i = 1; i < value->len && value->key->type != POLICY_TYPE_TEXT; i++) {
		if (value->text[i] != '#' || (value->text[i - 1] != ' ' && value->text[i - 1] != '\t'))
			continue;
		reading_error(
			value->reading, spot_within(value, i, value->len - i),
			"behind a value, a comment begins with a blank and ';'; '#' begins one only where the line begins",
			"'#' begins no comment here");
		return true;
	}
	return false;
}

void policy_value_read(struct reading *reading, const struct policy_key *key, const char *text, size_t len,
		       struct spot spot)
{
	struct value value = {.reading = reading, .key = key, .text = text, .len = len, .spot = spot};
	size_t errors = reading->diags->errors, count;

	if (len == 0) {
		reading_error(reading, spot_of_key_in_hand(reading, key),
			      "write the value behind '=', or leave the whole line out",
			      "\"%s\" has no value", key->name);
		return;
	}
	if (key->size)
		value.target = (char *)reading_target(reading) + key->offset;
	if (!has_comment(&value))
		readers[key->type](&value);
	if (reading->diags->errors > errors)
		reading_marks(reading)->bad_keys |= UINT32_C(1)
						    << (key - policy_section_keys(key->section, &count));
}

void policy_value_defaults(struct reading *reading)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(reading->section, &count);

	for (size_t i = 0; i < count; i++) {
		const char *text = keys[i].default_text;
		struct value value = {.reading = reading, .key = &keys[i], .text = text ? text : ""};

		value.len = strlen(value.text);
		if (keys[i].size)
			value.target = (char *)reading_target(reading) + keys[i].offset;
		if (text)
			readers[keys[i].type](&value);
	}
}
