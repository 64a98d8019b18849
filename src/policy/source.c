/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reading.h"

#include "base/vec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 512 };

int reading_add_source(struct reading *reading, const char *path, uint16_t *ret)
{
	struct policy *policy = reading->policy;
	size_t index = policy->source_count;
	char *copy;

	if (index == POLICY_SOURCES_MAX)
		return -EMFILE;
	if (!VEC_RESERVE(policy->sources, reading->sources_capacity, index + 1) ||
	    !VEC_RESERVE(reading->texts, reading->texts_capacity, index + 1))
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	policy->sources[index] = copy;
	reading->texts[index] = (struct source_text){0};
	policy->source_count++;
	*ret = (uint16_t)index;
	return 0;
}

bool reading_append_text(struct reading *reading, uint16_t source, const char *bytes, size_t len)
{
	struct source_text *text = &reading->texts[source];

	if (!VEC_RESERVE(text->text, text->capacity, text->len + len))
		return false;
	memcpy(text->text + text->len, bytes, len);
	text->len += len;
	return true;
}

/* Notes where every line begins, as far as the text goes by now. */
static bool index_lines(struct source_text *text)
{
	size_t at = text->index_count > 0 ? text->index[text->index_count - 1] : 0;

	while (at < text->len) {
		const char *end = memchr(text->text + at, '\n', text->len - at);

		if (text->index_count == 0) {
			if (!VEC_RESERVE(text->index, text->index_capacity, 1))
				return false;
			text->index[text->index_count++] = 0;
		}
		if (!end)
			break;
		at = (size_t)(end + 1 - text->text);
		if (!VEC_RESERVE(text->index, text->index_capacity, text->index_count + 1))
			return false;
		text->index[text->index_count++] = (uint32_t)at;
	}
	return true;
}

/* While reading, the last line is the one wanted; the first look further back makes the index. */
static bool find_line(struct source_text *text, uint32_t line, size_t *ret)
{
	if (line == text->last_line) {
		*ret = text->last_at;
		return true;
	}
	if (line > text->index_count && !index_lines(text))
		return false;
	if (line > text->index_count)
		return false;
	*ret = text->index[line - 1];
	return true;
}

const char *reading_line(struct reading *reading, uint16_t source, uint32_t line, size_t *ret_len)
{
	struct source_text *text = &reading->texts[source];
	const char *end;
	size_t at;

	*ret_len = 0;
	if (line == 0 || !text->text || !find_line(text, line, &at))
		return "";
	end = memchr(text->text + at, '\n', text->len - at);
	*ret_len = (end ? (size_t)(end - text->text) : text->len) - at;
	return text->text + at;
}

struct spot spot_of_head(struct reading *reading, uint32_t line)
{
	size_t len;
	const char *text = reading_line(reading, 0, line, &len);
	const char *close = memchr(text, ']', len);
	size_t from = text_skip_blanks(text, 0, len);
	size_t to = close ? (size_t)(close + 1 - text) : len;

	if (line == 0)
		return (struct spot){0};
	return (struct spot){.line = line, .column = (uint32_t)from + 1, .width = (uint32_t)(to - from)};
}

struct spot spot_of_section(struct reading *reading, size_t rule)
{
	return spot_of_head(reading, reading->policy->rules[rule].line);
}

/* Where the value begins in a line of the policy (behind '=') or of a list file (its first word). */
static size_t value_start(const char *line, size_t len, uint16_t source)
{
	size_t at = source == 0 ? policy_line_separator(line, len) : 0;

	if (source == 0)
		at = at == len ? 0 : at + 1;
	return text_skip_blanks(line, at, len);
}

static size_t value_end(const char *line, size_t start, size_t len, uint16_t source)
{
	size_t end = start;

	while (end < len && line[end] != '\r' &&
	       !(source == 0 ? line[end] == ';' && (line[end - 1] == ' ' || line[end - 1] == '\t')
			     : line[end] == '#'))
		end++;
	return text_trim(line, start, end);
}

struct spot spot_of_line(struct reading *reading, uint16_t source, uint32_t line)
{
	size_t len;
	const char *text = reading_line(reading, source, line, &len);
	size_t start = value_start(text, len, source);
	size_t end = value_end(text, start, len, source);

	return (struct spot){source, line, (uint32_t)start + 1, (uint32_t)(end - start)};
}

struct spot spot_of_prefix(struct reading *reading, uint16_t source, uint32_t line,
			   const struct prefix *prefix)
{
	struct spot spot = spot_of_line(reading, source, line);
	size_t len, at = 0, word, word_len;
	const char *text = reading_line(reading, source, line, &len) + spot.column - 1;

	while (text_next_word(text, spot.width, &at, &word, &word_len)) {
		struct prefix found;

		if (prefix_parse(text + word, word_len, &found) != ADDR_OK)
			continue;
		found = prefix_canonical(&found);
		if (prefix_compare(&found, prefix) != 0)
			continue;
		spot.column += (uint32_t)word;
		spot.width = (uint32_t)word_len;
		break;
	}
	return spot;
}

struct spot spot_of_key(struct reading *reading, const struct section_marks *marks,
			const struct policy_key *key)
{
	size_t count;
	uint32_t line = marks->key_lines[key - policy_section_keys(key->section, &count)];

	if (line == 0)
		return spot_of_head(reading, marks->line);
	return spot_of_line(reading, 0, line);
}

bool reading_has_room(const struct reading *reading, enum diag_severity severity)
{
	return reading->diags->count < DIAG_KEEP_MAX ||
	       (severity == DIAG_ERROR && reading->diags->kept_warnings > 0);
}

void reading_find(struct reading *reading, enum diag_severity severity, struct spot spot, const char *hint,
		  const char *format, ...)
{
	struct diag_place place = {.file = reading->policy->sources[spot.source],
				   .line = spot.line,
				   .column = spot.column,
				   .width = spot.width};
	char message[MESSAGE_MAX] = "not kept";
	va_list args;

	if (reading_has_room(reading, severity)) {
		if (spot.line)
			place.text = reading_line(reading, spot.source, spot.line, &place.text_len);
		if (place.text_len > 0 && place.text[place.text_len - 1] == '\r')
			place.text_len--;
		va_start(args, format);
		vsnprintf(message, sizeof(message), format, args);
		va_end(args);
	}
	diag_add(reading->diags, severity, &place, hint, "%s", message);
}

struct tally_row {
	uint32_t shown;
	enum diag_severity severity;
	const char *text; /* "N more ..." */
};

static const struct tally_row tally_rows[TALLIES] = {
	[TALLY_BAD_LINE] = {20, DIAG_ERROR, "lines of its lists that are no prefix"},
	[TALLY_HOST_BITS] = {5, DIAG_WARNING, "prefixes with host bits set"},
	[TALLY_DUPLICATE] = {5, DIAG_WARNING, "prefixes that are listed twice"},
	[TALLY_SAME] = {20, DIAG_ERROR, "prefixes that another section of its kind lists too"},
	[TALLY_SAME_HARMLESS] = {5, DIAG_WARNING, "prefixes that another section of its kind lists too"},
	[TALLY_NESTED] = {5, DIAG_WARNING, "prefixes inside those of another section of its kind"},
	[TALLY_RELAY_IN_POOL] = {5, DIAG_WARNING, "addresses inside pools"},
	[TALLY_INSIDE_IN_POOL] = {5, DIAG_WARNING, "prefixes inside pools"},
	[TALLY_NO_POOL] = {5, DIAG_WARNING, "prefixes that no pool contains"},
	[TALLY_PART_OF_POOL] = {5, DIAG_WARNING, "prefixes that pools contain only in part"},
	[TALLY_TARGET_INSIDE] = {5, DIAG_WARNING, "destinations that are inside anyway"},
	[TALLY_TOO_LARGE] = {5, DIAG_ERROR, "prefixes larger than a provider has"},
};

bool reading_tally(struct reading *reading, size_t rule, enum tally tally)
{
	if (++reading->marks[rule].tally[tally] > tally_rows[tally].shown)
		return false;
	if (reading_has_room(reading, tally_rows[tally].severity))
		return true;
	diag_add(reading->diags, tally_rows[tally].severity, &(struct diag_place){0}, NULL, "not kept");
	return false;
}

static void tell_tally(struct reading *reading, size_t rule, enum tally tally)
{
	const struct tally_row *row = &tally_rows[tally];
	const struct policy_rule *its = &reading->policy->rules[rule];
	uint32_t count = reading->marks[rule].tally[tally];
	struct spot spot = spot_of_section(reading, rule);

	if (count <= row->shown)
		return;
	reading_find(reading, row->severity, spot, NULL, "%u more in [%s %s]: %s", count - row->shown,
		     policy_kind_name(its->kind), its->name, row->text);
}

void reading_tell_tallies(struct reading *reading)
{
	for (size_t rule = 0; rule < reading->policy->rule_count; rule++) {
		for (unsigned tally = 0; tally < TALLIES; tally++)
			tell_tally(reading, rule, (enum tally)tally);
	}
}

struct spot spot_of_key_in_hand(const struct reading *reading, const struct policy_key *key)
{
	size_t at = text_skip_blanks(reading->line_text, 0, reading->line_len);

	return (struct spot){
		.line = reading->line, .column = (uint32_t)at + 1, .width = (uint32_t)strlen(key->name)};
}

struct section_marks *reading_marks(struct reading *reading)
{
	switch (reading->section) {
	case POLICY_SECTION_GATEWAY:
		return &reading->gateway;
	case POLICY_SECTION_LOG:
		return &reading->log;
	case POLICY_SECTION_TRIAGE:
		return &reading->triage;
	default:
		return &reading->marks[reading->rule];
	}
}

void *reading_target(struct reading *reading)
{
	switch (reading->section) {
	case POLICY_SECTION_GATEWAY:
		return &reading->policy->gateway;
	case POLICY_SECTION_LOG:
		return &reading->policy->log;
	case POLICY_SECTION_TRIAGE:
		return &reading->policy->triage;
	default:
		return &reading->policy->rules[reading->rule];
	}
}
