/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect/set.h"

#include "base/vec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {"allowed", "monitored", "blocked"};
static_assert(sizeof(outcome_names) / sizeof(outcome_names[0]) == EXPECT_OUTCOMES, "one name an outcome");

const char *expect_outcome_name(enum expect_outcome outcome)
{
	return outcome_names[outcome];
}

/* ---- the words of a line ---- */

static int take_who(struct line *line, struct expect_line *ret)
{
	enum addr_error error;

	if (line_is(line, "others")) {
		ret->who = EXPECT_OTHERS;
		return 0;
	}
	if (line_is(line, "unknown")) {
		ret->who = EXPECT_UNKNOWN;
		return 0;
	}
	ret->who = EXPECT_PREFIX;
	error = prefix_parse(line->text + line->word, line->word_len, &ret->prefix);
	if (error != ADDR_OK)
		return line_wrong(line, "begin with an address, a prefix, \"others\" or \"unknown\"",
				  "whose packets? %s", addr_error_text(error));
	if (prefix_has_host_bits(&ret->prefix)) {
		struct prefix canonical = prefix_canonical(&ret->prefix);
		char hint[PREFIX_TEXT_MAX];

		prefix_format(&canonical, hint);
		return line_wrong(line, hint, "the prefix has bits behind its length; meant is probably:");
	}
	return 0;
}

static int take_outcome(struct line *line, struct expect_line *ret)
{
	line_next(line);
	ret->never = line_is(line, "never");
	if (ret->never)
		line_next(line);
	for (unsigned i = 0; i < EXPECT_OUTCOMES; i++) {
		if (line_is(line, outcome_names[i])) {
			ret->outcome = (enum expect_outcome)i;
			return 0;
		}
	}
	return line_unknown(line, "an outcome", outcome_names, EXPECT_OUTCOMES);
}

static bool find_reason(const struct line *line, int *ret)
{
	for (int i = 0; i < REASONS; i++) {
		if (line_is(line, engine_reasons[i].name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int take_unit(struct line *line, struct expect_line *ret)
{
	static const char *const units[] = {"attempts", "attempt", "packets", "packet"};

	line_next(line);
	for (size_t i = 0; i < 4; i++) {
		if (line_is(line, units[i])) {
			ret->counts_packets = i >= 2;
			return 0;
		}
	}
	return line_unknown(line, "\"attempts\" or \"packets\"", units, 4);
}

static int take_bound(struct line *line, enum expect_bound bound, struct expect_line *ret)
{
	int r;

	if (ret->never)
		return line_wrong(line, "leave the number out, or \"never\"",
				  "\"never\" is a number already");
	if (ret->bound != EXPECT_SOME)
		return line_wrong(line, "write two lines", "a second number in this line");
	r = line_take_number(line, "the number", 0, UINT64_MAX, &ret->count);
	if (r < 0)
		return r;
	ret->bound = bound;
	return take_unit(line, ret);
}

static int take_between(struct line *line, struct expect_line *ret)
{
	int r = line_take_moment(line, "the first date", &ret->from_s);

	if (r < 0)
		return r;
	if (!line_next(line) || !line_is(line, "and"))
		return line_wrong(line, "write: between DATE and DATE", "no \"and\" behind the first date");
	r = line_take_moment(line, "the second date", &ret->until_s);
	if (r == 0 && ret->until_s <= ret->from_s)
		return line_wrong(line, "exchange the dates", "the second date is not behind the first one");
	return r;
}

/* "at least", "at most", or "at" a date: that second. */
static int take_at(struct line *line, struct expect_line *ret)
{
	int r;

	if (line_next_is(line, "least") || line_next_is(line, "most")) {
		line_next(line);
		return take_bound(line, line_is(line, "least") ? EXPECT_AT_LEAST : EXPECT_AT_MOST, ret);
	}
	r = line_take_moment(line, "the date", &ret->from_s);
	if (r == 0)
		ret->until_s = ret->from_s + 1;
	return r;
}

static int refuse_word(const struct line *line)
{
	const char *names[REASONS + 6] = {"exactly", "at", "from", "until", "between", "attempts"};

	for (unsigned i = 0; i < REASONS; i++)
		names[6 + i] = engine_reasons[i].name;
	return line_unknown(line, "a reason, a number or a time", names, REASONS + 6);
}

static int take_clause(struct line *line, struct expect_line *ret)
{
	if (line_is(line, "exactly"))
		return take_bound(line, EXPECT_EXACTLY, ret);
	if (line_is(line, "at"))
		return take_at(line, ret);
	if (line_is(line, "from"))
		return line_take_moment(line, "the date", &ret->from_s);
	if (line_is(line, "until"))
		return line_take_moment(line, "the date", &ret->until_s);
	if (line_is(line, "between"))
		return take_between(line, ret);
	if (ret->reason == EXPECT_ANY_REASON && find_reason(line, &ret->reason))
		return 0;
	return refuse_word(line);
}

/* ---- the lines ---- */

static const struct expect_line nothing = {
	.reason = EXPECT_ANY_REASON,
	.from_s = MOMENT_ALWAYS,
	.until_s = MOMENT_NEVER,
};

/* The words without the blanks around them and the comment behind. */
static char *copy_words(struct line line)
{
	size_t begin = 0, end = 0;

	line.word = line.word_len = 0;
	while (line_next(&line)) {
		begin = end == 0 ? line.word : begin;
		end = line.word + line.word_len;
	}
	return strndup(line.text + begin, end - begin);
}

static int keep_line(struct expect *expect, const struct line *line, struct expect_line *made)
{
	if (!VEC_RESERVE(expect->lines, expect->capacity, expect->count + 1))
		return -ENOMEM;
	made->number = line->number;
	made->file = strdup(line->file);
	made->text = copy_words(*line);
	expect->lines[expect->count++] = *made;
	return made->file && made->text ? 0 : -ENOMEM;
}

static int take_line(void *context, struct line *line)
{
	struct expect_line made = nothing;
	int r;

	if (!line_next(line))
		return 0;
	r = take_who(line, &made);
	if (r == 0)
		r = take_outcome(line, &made);
	while (r == 0 && line_next(line))
		r = take_clause(line, &made);
	return r < 0 ? r : keep_line(context, line, &made);
}

int expect_read(struct expect *expect, FILE *stream, const char *name, struct diag_list *diags)
{
	return line_read_all(stream, name, diags, take_line, expect);
}

int expect_read_outcome(struct expect *expect, struct line *line, uint64_t first, uint64_t last)
{
	struct expect_line made = nothing;
	int r = take_outcome(line, &made);

	if (r < 0)
		return r;
	made.who = EXPECT_PACKETS;
	made.first = first;
	made.last = last;
	made.bound = EXPECT_EXACTLY;
	made.count = last - first + 1;
	made.counts_packets = true;
	if (line_next(line) && !find_reason(line, &made.reason))
		return refuse_word(line);
	if (line_next(line))
		return line_wrong(line, "leave it out", "more words behind the reason");
	return keep_line(expect, line, &made);
}

int expect_new(struct expect **ret)
{
	struct expect *expect = calloc(1, sizeof(*expect));

	if (!expect)
		return -ENOMEM;
	*ret = expect;
	return 0;
}

void expect_free(struct expect *expect)
{
	if (!expect)
		return;
	for (size_t i = 0; i < expect->count; i++) {
		free(expect->lines[i].file);
		free(expect->lines[i].text);
	}
	free(expect->lines);
	free(expect->by_prefix);
	free(expect->by_packet);
	free(expect->rest);
	free(expect);
}

size_t expect_count(const struct expect *expect)
{
	return expect->count;
}

const struct expect_line *expect_at(const struct expect *expect, size_t at)
{
	return &expect->lines[at];
}
