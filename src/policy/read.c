/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy file, line by line. The language is inih's, made strict, because inih cuts long lines, joins indented
 * ones to the value before, takes ':' for '=', and counts nothing:
 *   - a line is a head "[gateway]" or "[pool NAME]", a "key = value", a comment that begins with '#' or ';', or blank
 *   - indentation means nothing; a value ends with its line, there are no continuation lines
 *   - a ';' behind a blank begins a comment, as inih has it; a '#' behind a value does not
 *   - ':' is no '='
 *   - lines end with LF or CR LF and have at most POLICY_LINE_MAX bytes (comments may be longer), no NUL and no other
 *     control characters; a byte order mark before the first line is skipped
 * Every line is judged here first and handed on to inih only when inih reads it the same way.
 */
#include "policy/reading.h"

#include "base/cleanup.h"
#include "base/suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

enum { HINT_MAX = 240, KEYS_MAX = 64, POLICY_BYTES_MAX = 128 << 20 };

struct reader {
	struct reading *reading;
	struct policy_lines lines;
	int error;
};

static struct spot spot_at(const struct reading *reading, size_t at, size_t len)
{
	return (struct spot){.line = reading->line, .column = (uint32_t)at + 1, .width = (uint32_t)len};
}

static bool is_comment(const char *line, size_t len)
{
	size_t at = text_skip_blanks(line, 0, len);

	return at == len || line[at] == '#' || line[at] == ';';
}

/* NULs, other control characters, and lines that inih would cut. */
static bool bytes_are_sound(struct reading *reading, size_t len, size_t full_len, size_t max)
{
	const char *line = reading->line_text;
	char hint[HINT_MAX];

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c >= 0x20 && c != 0x7f) || c == '\t')
			continue;
		reading_error(reading, spot_at(reading, i, 1), "a policy is plain text; remove it",
			      c == '\0' ? "a NUL byte (%02x)" : "a control character (byte %02x)", c);
		return false;
	}
	if (full_len <= max || is_comment(line, len))
		return true;
	snprintf(
		hint, sizeof(hint),
		"lines have at most %zu bytes, this one has %zu; a list can go on in a line that repeats its key",
		max, full_len);
	reading_error(reading, spot_at(reading, max, 1), hint, "the line is too long");
	return false;
}

/* A word that is a key somewhere. */
static bool is_any_key(const char *text, size_t len)
{
	for (size_t i = 0; i < policy_key_count; i++) {
		if (strlen(policy_keys[i].name) == len && memcmp(policy_keys[i].name, text, len) == 0)
			return true;
	}
	return false;
}

/* "conntrack yes", "mode: enforce": the key is plain, so that it need not be reported as missing too. */
static void tell_no_equals(struct reading *reading, const char *line, size_t from, size_t key_len, size_t to)
{
	size_t rest = text_skip_blanks(line, from + key_len, to);
	const struct policy_key *key = NULL;
	size_t count;
	char hint[HINT_MAX];

	if (rest < to && line[rest] == ':')
		rest = text_skip_blanks(line, rest + 1, to);
	if (reading->section != POLICY_SECTIONS)
		key = policy_key_find(reading->section, line + from, key_len);
	if (key)
		reading_marks(reading)->key_lines[key - policy_section_keys(key->section, &count)] =
			reading->line;
	snprintf(hint, sizeof(hint), "write: %.*s = %.*s", (int)key_len, line + from, (int)(to - rest),
		 line + rest);
	reading_error(reading, spot_at(reading, from, key_len), hint, "no '=' behind \"%.*s\"", (int)key_len,
		      line + from);
}

static void tell_no_pair(struct reading *reading, const char *line, size_t from, size_t to)
{
	size_t word = from;
	char hint[HINT_MAX];
	struct prefix prefix;

	while (word < to && line[word] != ' ' && line[word] != '\t' && line[word] != ':')
		word++;
	if (is_any_key(line + from, word - from)) {
		tell_no_equals(reading, line, from, word - from, to);
		return;
	}
	word = text_trim(line, from, to);
	if (prefix_parse(line + from, word - from, &prefix) == ADDR_OK)
		snprintf(hint, sizeof(hint),
			 "write: prefix = %.*s (lists of bare prefixes belong in a file named by `file =`)",
			 (int)(word - from), line + from);
	else if (from > 0)
		snprintf(
			hint, sizeof(hint),
			"a value ends with its line, indented or not; a list can go on in a line that repeats its key");
	else
		snprintf(hint, sizeof(hint), "a comment begins with '#' or ';'");
	reading_error(reading, spot_at(reading, from, to - from), hint, "neither [section] nor key = value");
}

/* True when inih will find the same key and value. */
static bool pair_is_sound(struct reading *reading, const char *line, size_t len)
{
	size_t from = text_skip_blanks(line, 0, len);
	size_t separator = policy_line_separator(line, len);

	if (separator == len || line[separator] == ':') {
		tell_no_pair(reading, line, from, text_trim(line, from, len));
		return false;
	}
	if (separator == from) {
		reading_error(reading, spot_at(reading, separator, 1), "write: key = value",
			      "the key before '=' is missing");
		return false;
	}
	reading->value_at = text_skip_blanks(line, separator + 1, len);
	return true;
}

/* Judges the line; true when it is to be handed to inih. */
static bool line_is_pair(struct reading *reading, size_t full_len, size_t max)
{
	const char *line = reading->line_text;
	size_t len = reading->line_len;

	if (!bytes_are_sound(reading, len, full_len, max) || is_comment(line, len))
		return false;
	if (line[text_skip_blanks(line, 0, len)] != '[')
		return pair_is_sound(reading, line, len);
	policy_head_read(reading, line, len);
	return false;
}

/* The byte order mark that some editors put before UTF-8. */
static void skip_mark(struct policy_lines *lines)
{
	if (lines->len < 3 || memcmp(lines->text, "\xef\xbb\xbf", 3) != 0)
		return;
	memmove(lines->text, lines->text + 3, lines->len - 3);
	lines->len -= 3;
	lines->full_len -= 3;
}

static bool take_line(struct reader *reader)
{
	struct reading *reading = reader->reading;
	struct policy_lines *lines = &reader->lines;
	int result = policy_lines_next(lines);

	if (result <= 0) {
		reader->error = result;
		return false;
	}
	if (++reading->line == 1)
		skip_mark(lines);
	lines->text[lines->len] = '\n';
	reading->texts[0].last_line = reading->line;
	reading->texts[0].last_at = reading->texts[0].len;
	if (reading->texts[0].len > POLICY_BYTES_MAX) {
		reader->error = -EFBIG;
		return false;
	}
	if (!reading_append_text(reading, 0, lines->text, lines->len + 1)) {
		reading->failure = -ENOMEM;
		return false;
	}
	reading->line_text = reading_line(reading, 0, reading->line, &reading->line_len);
	return true;
}

/* inih's reader: one whole line a call, or an empty one in place of what was dealt with here. */
static char *read_line(char *buffer, int size, void *argument)
{
	struct reader *reader = argument;
	struct reading *reading = reader->reading;
	size_t max = size > POLICY_LINE_MAX ? POLICY_LINE_MAX : size > 0 ? (size_t)size - 1 : 0;
	size_t from;

	if (size < 1 || reading->failure || !take_line(reader))
		return NULL;
	buffer[0] = '\0';
	if (line_is_pair(reading, reader->lines.full_len, max)) {
		from = text_skip_blanks(reading->line_text, 0, reading->line_len);
		memcpy(buffer, reading->line_text + from, reading->line_len - from);
		buffer[reading->line_len - from] = '\0';
	}
	return buffer;
}

/* "pool" -> "[pool NAME]" */
static const char *head_text(enum policy_section section, char out[32])
{
	snprintf(out, 32, policy_section_is_named(section) ? "[%s NAME]" : "[%s]",
		 policy_section_name(section));
	return out;
}

/* Sections that have a key of that name, as "[pool NAME] and [relay NAME]"; false if there is none. */
static bool sections_with(const char *name, size_t len, char *out, size_t size)
{
	size_t at = 0;
	char head[32];

	for (unsigned section = 0; section < POLICY_SECTIONS; section++) {
		if (!policy_key_find((enum policy_section)section, name, len))
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
				       head_text((enum policy_section)section, head));
		if (at >= size)
			break;
	}
	return at > 0;
}

static void tell_unknown_key(struct reading *reading, const char *name, size_t len, struct spot spot)
{
	const char *names[KEYS_MAX];
	size_t count;
	const struct policy_key *keys = policy_section_keys(reading->section, &count);
	const char *nearest;
	char sections[HINT_MAX], hint[HINT_MAX * 2], head[32];

	head_text(reading->section, head);
	if (sections_with(name, len, sections, sizeof(sections))) {
		snprintf(hint, sizeof(hint), "it belongs to %s", sections);
		reading_error(reading, spot, hint, "%s has no key \"%.*s\"", head, (int)len, name);
		return;
	}
	for (size_t i = 0; i < count; i++)
		names[i] = keys[i].name;
	nearest = suggest_nearest(name, len, names, count);
	if (nearest) {
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", nearest);
	} else {
		size_t at = (size_t)snprintf(hint, sizeof(hint), "keys of %s are", head);

		for (size_t i = 0; i < count && at < sizeof(hint); i++)
			at += (size_t)snprintf(hint + at, sizeof(hint) - at, "%s %s", i ? "," : "", names[i]);
	}
	reading_error(reading, spot, hint, "unknown key \"%.*s\"", (int)len, name);
}

/* Marks where the key stood; false for a second one that may not repeat. */
static bool mark_key(struct reading *reading, const struct policy_key *key, struct spot spot)
{
	size_t count;
	uint32_t *line = &reading_marks(reading)->key_lines[key - policy_section_keys(key->section, &count)];
	char hint[HINT_MAX];

	if (*line != 0 && !key->repeatable) {
		snprintf(hint, sizeof(hint), "the first is in line %u; remove one of them", *line);
		reading_error(reading, spot, hint, "\"%s\" stands twice in this section", key->name);
		return false;
	}
	if (*line == 0)
		*line = reading->line;
	return true;
}

/* inih's handler. Its section is not looked at: heads were read by policy_head_read(). */
static int read_pair(void *argument, const char *section, const char *name, const char *value)
{
	struct reader *reader = argument;
	struct reading *reading = reader->reading;
	size_t len = strlen(name);
	struct spot spot = spot_at(reading, text_skip_blanks(reading->line_text, 0, reading->line_len), len);
	const struct policy_key *key;

	(void)section;
	if (!reading->any_section)
		reading_error(reading, spot, "begin with [gateway]", "a key before the first section");
	if (reading->section == POLICY_SECTIONS)
		return 1;
	key = policy_key_find(reading->section, name, len);
	if (!key) {
		tell_unknown_key(reading, name, len, spot);
	} else if (mark_key(reading, key, spot)) {
		len = strlen(value);
		policy_value_read(reading, key, value, len, spot_at(reading, reading->value_at, len));
	}
	return 1;
}

static int read_lines(struct reading *reading, FILE *stream)
{
	char text[LINE_KEEP + 1];
	struct reader reader = {.reading = reading, .lines = {.stream = stream, .text = text}};
	int result;

	errno = 0;
	result = ini_parse_stream(read_line, &reader, read_pair, &reader);
	if (reading->failure)
		return reading->failure;
	if (reader.error) {
		reading_error(reading, (struct spot){0}, NULL, "cannot be read: %s", strerror(-reader.error));
		return reader.error;
	}
	if (result < 0)
		return -ENOMEM;
	if (result > 0)
		reading_error(reading, (struct spot){.line = (uint32_t)result}, NULL,
			      "inih cannot read this line");
	return 0;
}

/* The defaults of [gateway], [log] and [triage] hold also where these sections do not occur. */
static void set_single_defaults(struct reading *reading)
{
	for (unsigned i = POLICY_SECTION_GATEWAY; i < POLICY_SECTION_POOL; i++) {
		reading->section = (enum policy_section)i;
		policy_value_defaults(reading);
	}
	reading->section = POLICY_SECTIONS;
}

static int read_and_check(struct reading *reading, FILE *stream, const char *name)
{
	size_t errors = reading->diags->errors;
	uint16_t source;
	int error = reading_add_source(reading, name, &source);

	if (error)
		return error;
	set_single_defaults(reading);
	error = read_lines(reading, stream);
	if (error)
		return error;
	policy_check(reading);
	if (!reading->failure) {
		policy_prefixes_sort(reading->policy);
		policy_sweep(reading);
	}
	if (reading->failure)
		return reading->failure;
	reading_tell_tallies(reading);
	if (reading->diags->errors > errors)
		return -EBADMSG;
	return policy_digest(reading->policy);
}

/* Frees everything but the policy. */
static void reading_clear(struct reading *reading)
{
	for (size_t i = 0; reading->texts && i < reading->policy->source_count; i++) {
		free(reading->texts[i].text);
		free(reading->texts[i].index);
	}
	free(reading->texts);
	free(reading->marks);
	free(reading->references);
}

int policy_read_stream(FILE *stream, const char *name, const char *directory, int64_t now_s,
		       struct diag_list *diags, struct policy **ret)
{
	struct diag_list unwanted = {0};
	struct reading reading = {
		.policy = calloc(1, sizeof(*reading.policy)),
		.diags = diags ? diags : &unwanted,
		.directory = directory,
		.now_s = now_s,
	};
	int error = reading.policy ? read_and_check(&reading, stream, name) : -ENOMEM;

	reading_clear(&reading);
	diag_list_free(&unwanted);
	if (error)
		policy_free(reading.policy);
	else
		*ret = reading.policy;
	if (diags)
		diag_sort(diags);
	return error;
}

static int tell_unreadable(struct diag_list *diags, const char *path, int error, const char *hint)
{
	diag_add(diags, DIAG_ERROR, &(struct diag_place){.file = path}, hint, "cannot be read: %s",
		 strerror(error));
	return -error;
}

/* A pipe from whoever started us ends with its writer; one that lies in the file system may never end. */
static bool is_own_pipe(const char *path, const struct stat *status)
{
	return S_ISFIFO(status->st_mode) &&
	       (strcmp(path, "/dev/stdin") == 0 || strncmp(path, "/dev/fd/", strlen("/dev/fd/")) == 0);
}

/* Without O_NONBLOCK a FIFO in the policy's place would hold the daemon for ever. */
static int open_policy(const char *path, struct diag_list *diags, FILE **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	FILE *stream;

	if (fd < 0)
		return tell_unreadable(diags, path, errno,
				       errno == EACCES   ? "run as root, or name another with -p"
				       : errno == ENOENT ? "op25b.ini(5) has examples to write one from"
							 : NULL);
	if (fstat(fd, &status) != 0 || (!S_ISREG(status.st_mode) && !is_own_pipe(path, &status)) ||
	    fcntl(fd, F_SETFL, 0) != 0) {
		close(fd);
		return tell_unreadable(diags, path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL,
				       "a policy is a regular file, or a pipe named /dev/stdin");
	}
	stream = fdopen(fd, "r");
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	*ret = stream;
	return 0;
}

int policy_read_file(const char *path, int64_t now_s, struct diag_list *diags, struct policy **ret)
{
	const char *slash = strrchr(path, '/');
	char *directory CLEANUP_FREE =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	FILE *stream CLEANUP_FCLOSE = NULL;
	int error = directory ? open_policy(path, diags, &stream) : -ENOMEM;

	if (error)
		return error;
	return policy_read_stream(stream, path, slash ? directory : NULL, now_s, diags, ret);
}
