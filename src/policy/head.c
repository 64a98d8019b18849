/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heads of sections: "[gateway]", "[pool NAME]". inih knows no names within heads and cuts at 49 bytes. */
#include "policy/reading.h"

#include "base/suggest.h"
#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HINT_MAX = 200 };

struct head {
	size_t kind, kind_len;
	size_t name, name_len; /* name_len 0: none */
};

static struct spot spot_at(const struct reading *reading, size_t at, size_t len)
{
	return (struct spot){.line = reading->line, .column = (uint32_t)at + 1, .width = (uint32_t)len};
}

/* What stands between the brackets; says what is wrong with them. */
static void split_head(struct reading *reading, const char *line, size_t len, struct head *head)
{
	size_t open = text_skip_blanks(line, 0, len);
	const char *bracket = memchr(line, ']', len);
	size_t close = bracket ? (size_t)(bracket - line) : len;
	size_t rest, end;

	if (!bracket)
		reading_error(reading, spot_at(reading, open, text_trim(line, open, len) - open),
			      "a section begins like [gateway] or [pool NAME]",
			      "']' is missing at the end of a section's head");
	rest = bracket ? text_skip_blanks(line, close + 1, len) : len;
	if (rest < len && !(line[rest] == ';' && rest > close + 1))
		reading_error(
			reading, spot_at(reading, rest, text_trim(line, rest, len) - rest),
			"put it on a line of its own; behind ']' only a blank and a ';' comment may follow",
			"text behind a section's head");
	head->kind = text_skip_blanks(line, open + 1, close);
	end = head->kind;
	while (end < close && line[end] != ' ' && line[end] != '\t')
		end++;
	head->kind_len = end - head->kind;
	head->name = text_skip_blanks(line, end, close);
	head->name_len = text_trim(line, head->name, close) - head->name;
}

static enum policy_section section_of(const char *text, size_t len)
{
	for (unsigned i = 0; i < POLICY_SECTIONS; i++) {
		const char *name = policy_section_name((enum policy_section)i);

		if (strlen(name) == len && memcmp(name, text, len) == 0)
			return (enum policy_section)i;
	}
	return POLICY_SECTIONS;
}

/* An unknown section's keys are judged as those of the section that was probably meant. */
static enum policy_section unknown_section(struct reading *reading, const char *line, const struct head *head)
{
	const char *names[POLICY_SECTIONS];
	const char *nearest;
	char hint[HINT_MAX];

	for (unsigned i = 0; i < POLICY_SECTIONS; i++)
		names[i] = policy_section_name((enum policy_section)i);
	nearest = suggest_nearest(line + head->kind, head->kind_len, names, POLICY_SECTIONS);
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean [%s%s]?", nearest,
			 policy_section_is_named(section_of(nearest, strlen(nearest))) ? " NAME" : "");
	else
		snprintf(
			hint, sizeof(hint),
			"sections are [gateway], [log], [triage], and [pool NAME], [relay NAME], [exempt NAME], "
			"[inside NAME], [destination NAME]");
	if (head->kind_len == 0)
		reading_error(reading, spot_at(reading, head->kind - 1, 2), hint,
			      "a section's head without a name");
	else
		reading_error(reading, spot_at(reading, head->kind, head->kind_len), hint,
			      "unknown section \"%.*s\"", (int)head->kind_len, line + head->kind);
	return nearest ? section_of(nearest, strlen(nearest)) : POLICY_SECTIONS;
}

/* Names that `to` would read as something else. */
static bool name_is_ambiguous(const char *name)
{
	struct prefix prefix;

	return strcmp(name, "any") == 0 || prefix_parse(name, strlen(name), &prefix) == ADDR_OK;
}

static void read_name(struct reading *reading, const char *line, const struct head *head,
		      char name[POLICY_NAME_MAX + 1])
{
	const char *kind = policy_section_name(reading->section);
	size_t bad;
	char hint[HINT_MAX];

	if (head->name_len == 0) {
		snprintf(hint, sizeof(hint), "write [%s NAME], for example [%s tokyo-1]", kind, kind);
		reading_error(reading, spot_at(reading, head->kind, head->kind_len), hint,
			      "[%s] needs a name", kind);
		return;
	}
	if (!policy_name_valid(line + head->name, head->name_len, &bad)) {
		reading_error(reading, spot_at(reading, head->name + bad, 1),
			      "names consist of letters, digits, '.', '_' and '-', without blanks",
			      "a character that a name cannot have");
		return;
	}
	if (head->name_len > POLICY_NAME_MAX) {
		snprintf(hint, sizeof(hint), "names have at most %d characters; this one has %zu",
			 POLICY_NAME_MAX, head->name_len);
		reading_error(reading, spot_at(reading, head->name, head->name_len), hint,
			      "a name that is too long");
		return;
	}
	memcpy(name, line + head->name, head->name_len);
	name[head->name_len] = '\0';
	if (reading->section == POLICY_SECTION_DESTINATION && name_is_ambiguous(name))
		reading_error(
			reading, spot_at(reading, head->name, head->name_len),
			"name the group after who it is, for example [destination mobile-carriers]",
			"a destination group cannot be called \"%s\": the key `to` would read that as an address or as \"any\"",
			name);
}

static void tell_too_many(struct reading *reading)
{
	if (!reading->too_many)
		reading_error(reading, spot_at(reading, 0, 1),
			      "put prefixes that share a rule into one section",
			      "more than %d sections with a name", POLICY_RULES_MAX);
	reading->too_many = true;
	reading->section = POLICY_SECTIONS;
}

/* What a rule is before any of its keys; false without memory (what there is, policy_free() frees). */
static bool rule_init(struct policy_rule *rule, enum policy_kind kind, uint32_t line)
{
	*rule = (struct policy_rule){
		.kind = kind,
		.line = line,
		.delegated_prefix_length = POLICY_IP6_SUBSCRIBER_LEN,
		.monitor_from.s = MOMENT_NEVER,
		.enforce_from.s = MOMENT_NEVER,
		.subscribers_until.s = MOMENT_NEVER,
		.from.s = MOMENT_ALWAYS,
		.until.s = MOMENT_NEVER,
		.to_any = true,
		.note = strdup(""),
		.ticket = strdup(""),
		.owner = strdup(""),
		.reason = strdup(""),
	};
	return rule->note && rule->ticket && rule->owner && rule->reason;
}

static void begin_rule(struct reading *reading, const char *line, const struct head *head)
{
	struct policy *policy = reading->policy;
	size_t index = policy->rule_count;
	enum policy_kind kind = (enum policy_kind)(reading->section - POLICY_SECTION_POOL);

	if (index == POLICY_RULES_MAX) {
		tell_too_many(reading);
		return;
	}
	if (!VEC_RESERVE(policy->rules, reading->rules_capacity, index + 1) ||
	    !VEC_RESERVE(reading->marks, reading->marks_capacity, index + 1)) {
		reading->failure = -ENOMEM;
		return;
	}
	policy->rule_count++;
	if (!rule_init(&policy->rules[index], kind, reading->line))
		reading->failure = -ENOMEM;
	reading->marks[index] = (struct section_marks){.line = reading->line};
	reading->rule = index;
	read_name(reading, line, head, policy->rules[index].name);
	policy_value_defaults(reading);
}

/* [gateway], [log] and [triage] */
static void begin_single(struct reading *reading, const char *line, const struct head *head)
{
	const char *kind = policy_section_name(reading->section);
	struct section_marks *marks = reading_marks(reading);
	char hint[HINT_MAX];

	if (head->name_len > 0) {
		snprintf(hint, sizeof(hint), "write [%s]", kind);
		reading_error(reading, spot_at(reading, head->name, head->name_len), hint,
			      "[%s] takes no name", kind);
	}
	if (marks->line) {
		snprintf(hint, sizeof(hint), "the first is in line %u: move these keys there", marks->line);
		reading_error(reading, spot_at(reading, head->kind - 1, head->kind_len + 2), hint,
			      "a second [%s] section", kind);
	}
	*marks = (struct section_marks){.line = reading->line};
}

void policy_head_read(struct reading *reading, const char *line, size_t len)
{
	struct head head;

	split_head(reading, line, len, &head);
	reading->any_section = true;
	reading->section = section_of(line + head.kind, head.kind_len);
	if (reading->section == POLICY_SECTIONS)
		reading->section = unknown_section(reading, line, &head);
	if (reading->section == POLICY_SECTIONS)
		return;
	if (policy_section_is_named(reading->section))
		begin_rule(reading, line, &head);
	else
		begin_single(reading, line, &head);
}
