/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes, from `prefix =` lines and from list files. A list file holds one prefix a line; '#' begins a comment
 * anywhere in a line; blank lines, CR LF and a byte order mark are let pass. It is read whole, not mapped: a file
 * that somebody truncates meanwhile must not kill the daemon with SIGBUS. Only regular files are opened, so that no
 * FIFO holds the daemon; symbolic links are followed, as configuration management makes many.
 */
#include "policy/reading.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HINT_MAX = 200,
	GUESS_MAX = 64,
	LIST_BYTES_MAX = 128 << 20,
	PREFIXES_MAX = 16 << 20, /* of one family */
};

static void add4(struct reading *reading, const struct policy_prefix4 *entry)
{
	struct policy *policy = reading->policy;

	if (policy->ip4_count == PREFIXES_MAX) {
		reading->failure = -E2BIG;
		return;
	}
	if (!VEC_RESERVE(policy->ip4, reading->ip4_capacity, policy->ip4_count + 1)) {
		reading->failure = -ENOMEM;
		return;
	}
	policy->ip4[policy->ip4_count++] = *entry;
}

static void add6(struct reading *reading, const struct policy_prefix6 *entry)
{
	struct policy *policy = reading->policy;

	if (policy->ip6_count == PREFIXES_MAX) {
		reading->failure = -E2BIG;
		return;
	}
	if (!VEC_RESERVE(policy->ip6, reading->ip6_capacity, policy->ip6_count + 1)) {
		reading->failure = -ENOMEM;
		return;
	}
	policy->ip6[policy->ip6_count++] = *entry;
}

void policy_prefix_add(struct reading *reading, size_t rule, enum policy_role role, uint16_t source,
		       uint32_t line, const struct prefix *prefix)
{
	reading->marks[rule].prefixes += role != POLICY_ROLE_TO;
	if (prefix->addr.family == ADDR_IP4)
		add4(reading, &(struct policy_prefix4){.addr = (uint32_t)prefix->addr.lo,
						       .line = line,
						       .rule = (uint16_t)rule,
						       .source = source,
						       .len = prefix->len,
						       .role = (uint8_t)role});
	else
		add6(reading, &(struct policy_prefix6){.hi = prefix->addr.hi,
						       .lo = prefix->addr.lo,
						       .line = line,
						       .rule = (uint16_t)rule,
						       .source = source,
						       .len = prefix->len,
						       .role = (uint8_t)role});
}

/* Up to four numbers with dots between; returns how many, 0 if the text is something else. */
static unsigned guess_octets(const char *text, size_t len, uint32_t *ret)
{
	uint32_t value = 0;
	unsigned octets = 0;
	size_t at = 0;

	while (octets < 4) {
		unsigned number = 0, digits = 0;

		for (; at < len && text[at] >= '0' && text[at] <= '9' && digits < 4; digits++)
			number = number * 10 + (unsigned)(text[at++] - '0');
		if (digits == 0 || number > 255)
			return 0;
		value = value << 8 | number;
		octets++;
		if (at == len || text[at] != '.' || at + 1 == len)
			break;
		at++;
	}
	if (at < len && !(text[at] == '.' && at + 1 == len && octets < 4))
		return 0;
	*ret = (uint32_t)((uint64_t)value << 8 * (4 - octets));
	return octets;
}

/* "24" or "255.255.255.0"; false for anything else. */
static bool guess_length(const char *text, size_t len, uint8_t *ret)
{
	uint32_t mask;

	if (guess_octets(text, len, &mask) == 1) {
		mask >>= 24;
		*ret = (uint8_t)mask;
		return mask <= 32;
	}
	if (guess_octets(text, len, &mask) != 4 || (~mask & (~mask + 1)) != 0)
		return false;
	*ret = (uint8_t)__builtin_popcount(mask);
	return true;
}

bool policy_prefix_guess(const char *text, size_t len, char *out, size_t size)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct prefix prefix;
	uint32_t addr;
	unsigned octets = guess_octets(text, addr_len, &addr);
	char formatted[PREFIX_TEXT_MAX];

	if (octets == 0)
		return false;
	prefix = (struct prefix){.addr = addr_ip4(addr), .len = (uint8_t)(8 * octets)};
	if (slash && !guess_length(slash + 1, len - addr_len - 1, &prefix.len))
		return false;
	prefix = prefix_canonical(&prefix);
	prefix_format(&prefix, formatted);
	snprintf(out, size, "%s", formatted);
	return true;
}

static void tell_bad_prefix(struct reading *reading, const char *text, size_t len, struct spot spot,
			    enum addr_error error)
{
	char hint[HINT_MAX], guess[GUESS_MAX];
	bool in_list = spot.source != 0;

	if (memchr(text, ';', len) || (!in_list && memchr(text, '#', len)))
		snprintf(hint, sizeof(hint),
			 in_list ? "comments of a list begin with '#'"
				 : "behind a value, a comment begins with a blank and ';'");
	else if (memchr(text, ',', len) || memchr(text, ' ', len) || memchr(text, '\t', len))
		snprintf(hint, sizeof(hint),
			 in_list ? "one prefix a line" : "one prefix a line: repeat the key");
	else if (memchr(text, '-', len))
		snprintf(hint, sizeof(hint),
			 "write a range as the prefixes that make it up, like 192.0.2.0/24");
	else if (policy_prefix_guess(text, len, guess, sizeof(guess)))
		snprintf(hint, sizeof(hint), "did you mean %s?", guess);
	else
		snprintf(hint, sizeof(hint), "for example 192.0.2.0/24 or 2001:db8::/32");
	if (memchr(text, '\0', len))
		reading_error(reading, spot, "a list is plain text", "a NUL byte");
	else
		reading_error(reading, spot, hint, "%s", addr_error_text(error));
}

/* ::ffff:0:0/96 is a notation of programs (RFC 4291 section 2.5.5.2); no packet has it. */
static bool is_mapped(const struct prefix *prefix)
{
	return prefix->addr.family == ADDR_IP6 && prefix->len >= 96 && prefix->addr.hi == 0 &&
	       prefix->addr.lo >> 32 == 0xffff;
}

static void tell_mapped(struct reading *reading, const struct prefix *prefix, struct spot spot)
{
	struct prefix plain = {.addr = addr_ip4((uint32_t)prefix->addr.lo),
			       .len = (uint8_t)(prefix->len - 96)};
	char text[PREFIX_TEXT_MAX], hint[HINT_MAX];

	plain = prefix_canonical(&plain);
	prefix_format(&plain, text);
	snprintf(hint, sizeof(hint), "write %s", text);
	reading_error(reading, spot, hint, "an IPv4-mapped IPv6 address, which no packet has");
}

static void tell_host_bits(struct reading *reading, const struct prefix *canonical, struct spot spot)
{
	char text[PREFIX_TEXT_MAX], hint[HINT_MAX];

	prefix_format(canonical, text);
	snprintf(hint, sizeof(hint), "write %s; or, if one address is meant, without the length", text);
	reading_warning(reading, spot, hint, "bits are set behind the prefix length; %s is used", text);
}

/* Judges what stands in a prefix's place; true with the canonical prefix when it can be used. Bad lines of lists,
 * and host bits everywhere, are shown only so often. */
static bool judge_prefix(struct reading *reading, const char *text, size_t len, struct spot spot,
			 struct prefix *ret)
{
	struct prefix prefix;
	enum addr_error error = prefix_parse(text, len, &prefix);
	bool shown = true;

	if (error != ADDR_OK || is_mapped(&prefix)) {
		if (spot.source != 0)
			shown = reading_tally(reading, reading->rule, TALLY_BAD_LINE);
		if (shown && error != ADDR_OK)
			tell_bad_prefix(reading, text, len, spot, error);
		else if (shown)
			tell_mapped(reading, &prefix, spot);
		return false;
	}
	*ret = prefix_canonical(&prefix);
	if (!addr_equal(&ret->addr, &prefix.addr) && reading_tally(reading, reading->rule, TALLY_HOST_BITS))
		tell_host_bits(reading, ret, spot);
	return true;
}

void policy_prefix_read(struct reading *reading, enum policy_role role, const char *text, size_t len,
			struct spot spot)
{
	struct prefix prefix;

	if (judge_prefix(reading, text, len, spot, &prefix))
		policy_prefix_add(reading, reading->rule, role, spot.source, spot.line, &prefix);
}

/* One line of a list; true when a prefix, good or bad, stood there. */
static bool read_list_line(struct reading *reading, enum policy_role role, uint16_t source, uint32_t number,
			   const char *line, size_t len)
{
	const char *comment = memchr(line, '#', len);
	size_t from, to;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (comment && (size_t)(comment - line) < len)
		len = (size_t)(comment - line);
	from = text_skip_blanks(line, 0, len);
	to = text_trim(line, from, len);
	if (from == to)
		return false;
	policy_prefix_read(reading, role, line + from, to - from,
			   (struct spot){source, number, (uint32_t)from + 1, (uint32_t)(to - from)});
	return true;
}

static size_t read_list_text(struct reading *reading, enum policy_role role, uint16_t source)
{
	const char *text = reading->texts[source].text;
	const char *end = text + reading->texts[source].len;
	const char *at = text;
	uint32_t number = 0;
	size_t found = 0;

	if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (at < end && !reading->failure) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		found += read_list_line(reading, role, source, ++number, at, len);
		at += len + 1;
	}
	return found;
}

/* The whole file into the source's text; 0 or -errno, -EAGAIN when it changed meanwhile and may be half a list. */
static int load_list(struct reading *reading, int fd, uint16_t source)
{
	struct source_text *text = &reading->texts[source];
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if (status.st_size > LIST_BYTES_MAX)
		return -EFBIG;
	text->capacity = (size_t)status.st_size + 1;
	text->text = malloc(text->capacity);
	if (!text->text)
		return -ENOMEM;
	while (text->len < text->capacity) {
		ssize_t got = read(fd, text->text + text->len, text->capacity - text->len);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return text->len < (size_t)status.st_size ? -EAGAIN : 0;
		text->len += got > 0 ? (size_t)got : 0;
	}
	return -EAGAIN;
}

static char *list_path(const struct reading *reading, const char *text)
{
	char *path = NULL;

	if (!reading->directory || text[0] == '/')
		return strdup(text);
	if (asprintf(&path, "%s/%s", reading->directory, text) < 0)
		return NULL;
	return path;
}

static void tell_unreadable(struct reading *reading, const char *path, struct spot spot, int error)
{
	char hint[HINT_MAX + 256];

	if (error == -EINVAL)
		snprintf(hint, sizeof(hint), "%s is not a regular file", path);
	else if (error == -EFBIG)
		snprintf(hint, sizeof(hint), "%s has more than %d bytes: split it", path, LIST_BYTES_MAX);
	else if (error == -EAGAIN)
		snprintf(hint, sizeof(hint),
			 "%s changed while it was read: write lists elsewhere, then rename them", path);
	else if (error == -EMFILE)
		snprintf(hint, sizeof(hint), "at most %d list files", POLICY_SOURCES_MAX - 1);
	else
		snprintf(hint, sizeof(hint), "%s: %s", path, strerror(-error));
	reading_error(reading, spot, hint, "the list file cannot be read");
}

void policy_list_read(struct reading *reading, const char *text, size_t len, struct spot spot)
{
	enum policy_role role =
		reading->section == POLICY_SECTION_INSIDE || reading->section == POLICY_SECTION_DESTINATION
			? POLICY_ROLE_TARGET
			: POLICY_ROLE_SOURCE;
	char *path CLEANUP_FREE = list_path(reading, text);
	int fd CLEANUP(cleanup_close) = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	int error = path ? fd < 0 ? -errno : 0 : -ENOMEM;
	uint16_t source = 0;

	(void)len;
	if (!error)
		error = reading_add_source(reading, path, &source);
	if (!error)
		error = load_list(reading, fd, source);
	if (error == -ENOMEM)
		reading->failure = error;
	else if (error)
		tell_unreadable(reading, path, spot, error);
	else if (read_list_text(reading, role, source) == 0)
		reading_warning(reading, spot, "if it is meant to be empty, `prefix = none` says so",
				"the list file is empty");
}
