/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect/set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum expect_outcome expect_outcome_of(const struct decision *decision)
{
	if (decision->verdict != VERDICT_ACCEPT)
		return EXPECT_BLOCKED;
	return decision->would != VERDICT_ACCEPT ? EXPECT_MONITORED : EXPECT_ALLOWED;
}

/* ---- finding the lines that speak of a packet ---- */

static int compare_prefixes(const void *a, const void *b, void *context)
{
	const struct expect_line *lines = context;
	size_t one = *(const size_t *)a, other = *(const size_t *)b;
	int order = prefix_compare(&lines[one].prefix, &lines[other].prefix);

	return order ? order : (one > other) - (one < other);
}

static void use_length(uint8_t *lens, size_t *count, uint8_t len)
{
	if (!memchr(lens, len, *count))
		lens[(*count)++] = len;
}

static int index_lines(struct expect *expect)
{
	expect->by_prefix = calloc(expect->count + 1, sizeof(*expect->by_prefix));
	expect->by_packet = calloc(expect->count + 1, sizeof(*expect->by_packet));
	expect->rest = calloc(expect->count + 1, sizeof(*expect->rest));
	if (!expect->by_prefix || !expect->by_packet || !expect->rest)
		return -ENOMEM;
	for (size_t i = 0; i < expect->count; i++) {
		const struct expect_line *line = &expect->lines[i];

		if (line->who == EXPECT_PACKETS)
			expect->by_packet[expect->packet_count++] = i;
		if (line->who == EXPECT_OTHERS || line->who == EXPECT_UNKNOWN)
			expect->rest[expect->rest_count++] = i;
		if (line->who != EXPECT_PREFIX)
			continue;
		expect->by_prefix[expect->prefix_count++] = i;
		if (line->prefix.addr.family == ADDR_IP4)
			use_length(expect->lens4, &expect->len4_count, line->prefix.len);
		else
			use_length(expect->lens6, &expect->len6_count, line->prefix.len);
	}
	if (expect->prefix_count > 1)
		qsort_r(expect->by_prefix, expect->prefix_count, sizeof(*expect->by_prefix), compare_prefixes,
			expect->lines);
	expect->indexed = true;
	return 0;
}

/* The first place in by_prefix that is not before this prefix. */
static size_t find_prefix(const struct expect *expect, const struct prefix *prefix)
{
	size_t low = 0, high = expect->prefix_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&expect->lines[expect->by_prefix[middle]].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The line whose packets may hold this number: the last one that does not begin behind it. */
static struct expect_line *find_packet(struct expect *expect, uint64_t number)
{
	size_t low = 0, high = expect->packet_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (expect->lines[expect->by_packet[middle]].first <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &expect->lines[expect->by_packet[low - 1]] : NULL;
}

/* ---- counting ---- */

/* Traffic that is none of ours is only spoken of where its reason is named. */
static bool is_relevant(const struct expect_line *line, const struct expect_fact *fact,
			enum expect_outcome outcome)
{
	return line->who == EXPECT_PACKETS || line->reason == (int)fact->decision->reason ||
	       outcome != EXPECT_ALLOWED || packet_is_port25(fact->packet);
}

static void count(struct expect_line *line, const struct expect_fact *fact)
{
	enum expect_outcome outcome = expect_outcome_of(fact->decision);
	int64_t s = fact->time_ns / NSEC_PER_SEC - (fact->time_ns % NSEC_PER_SEC < 0);

	if (s < line->from_s || s >= line->until_s || !is_relevant(line, fact, outcome))
		return;
	if (line->seen[outcome]++ == 0)
		line->seen_reason[outcome] = fact->decision->reason;
	if (outcome != line->outcome ||
	    (line->reason != EXPECT_ANY_REASON && line->reason != (int)fact->decision->reason))
		return;
	line->packets++;
	line->attempts += fact->decision->attempt;
	if (line->first_file)
		return;
	line->first_file = fact->file;
	line->first_reason = fact->decision->reason;
	line->first_number = fact->number;
	line->first_time_ns = fact->time_ns;
	line->first_source = fact->packet->src;
}

static bool count_prefixes(struct expect *expect, const struct expect_fact *fact)
{
	const struct addr *source = &fact->packet->src;
	bool ip4 = source->family == ADDR_IP4, named = false;
	const uint8_t *lens = ip4 ? expect->lens4 : expect->lens6;
	size_t lens_count = ip4 ? expect->len4_count : expect->len6_count;

	for (size_t i = 0; i < lens_count; i++) {
		struct prefix prefix = {addr_mask(source, lens[i]), lens[i]};
		size_t at = find_prefix(expect, &prefix);

		for (; at < expect->prefix_count; at++) {
			struct expect_line *line = &expect->lines[expect->by_prefix[at]];

			if (prefix_compare(&line->prefix, &prefix) != 0)
				break;
			count(line, fact);
			named = true;
		}
	}
	return named;
}

int expect_observe(struct expect *expect, const struct expect_fact *fact)
{
	bool unknown = fact->packet->family == ADDR_NONE, named;
	struct expect_line *made;
	int r = expect->indexed ? 0 : index_lines(expect);

	if (r < 0)
		return r;
	made = fact->made ? find_packet(expect, fact->number) : NULL;
	if (made && fact->number <= made->last)
		count(made, fact);
	named = !unknown && count_prefixes(expect, fact);
	for (size_t i = 0; i < expect->rest_count; i++) {
		struct expect_line *line = &expect->lines[expect->rest[i]];

		if ((line->who == EXPECT_OTHERS && !unknown && !named) ||
		    (line->who == EXPECT_UNKNOWN && unknown))
			count(line, fact);
	}
	return 0;
}

/* ---- the answer ---- */

static uint64_t counted(const struct expect_line *line)
{
	return line->bound == EXPECT_SOME || line->never || line->counts_packets ? line->packets
										 : line->attempts;
}

bool expect_holds(const struct expect_line *line)
{
	if (line->never)
		return line->packets == 0;
	switch (line->bound) {
	case EXPECT_EXACTLY:
		return counted(line) == line->count;
	case EXPECT_AT_LEAST:
		return counted(line) >= line->count;
	case EXPECT_AT_MOST:
		return counted(line) <= line->count;
	case EXPECT_SOME:
		break;
	}
	return line->packets > 0;
}

static void add_others(const struct expect_line *line, char *out, size_t size)
{
	for (unsigned i = 0; i < EXPECT_OUTCOMES; i++) {
		size_t used = strlen(out);
		uint64_t others = line->seen[i] - (i == (unsigned)line->outcome ? line->packets : 0);

		if (others > 0)
			snprintf(out + used, size - used, "; %" PRIu64 " %s (%s)", others,
				 expect_outcome_name((enum expect_outcome)i),
				 reason_name(line->seen_reason[i]));
	}
}

void expect_finding(const struct expect_line *line, char *out, size_t size)
{
	char source[ADDR_TEXT_MAX] = "", time[MOMENT_TEXT_MAX];
	bool packets = line->counts_packets || line->never || line->bound == EXPECT_SOME;
	uint64_t number = counted(line);
	size_t used;

	used = (size_t)snprintf(out, size, "%" PRIu64 " %s%s %s", number, packets ? "packet" : "attempt",
				number == 1 ? "" : "s", expect_outcome_name(line->outcome));
	if (line->first_file && used < size) {
		moment_format_eve(line->first_time_ns, 0, time);
		if (line->first_source.family != ADDR_NONE)
			addr_format(&line->first_source, source);
		snprintf(out + used, size - used, " (%s), the first packet %" PRIu64 " of %s, %s%s%s",
			 reason_name(line->first_reason), line->first_number, line->first_file, time,
			 source[0] ? " from " : "", source);
	}
	add_others(line, out, size);
}
