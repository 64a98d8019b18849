/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole policy shows: missing keys, dates in the wrong order, interfaces that contradict each other,
 * and policies that would block inbound mail. Prefixes against each other: sweep.c. */
#include "policy/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_MAX = 320 };

#define YEAR_S (INT64_C(366) * 86400) /* "a year ahead" is right in leap years too */

static const struct policy_key *key_of(enum policy_section section, const char *name)
{
	return policy_key_find(section, name, strlen(name));
}

/* The value's place, when the key stands there. */
static struct spot spot_of(struct reading *reading, size_t rule, const char *key)
{
	enum policy_section section =
		(enum policy_section)(POLICY_SECTION_POOL + reading->policy->rules[rule].kind);

	return spot_of_key(reading, &reading->marks[rule], key_of(section, key));
}

static uint32_t line_of(struct reading *reading, size_t rule, const char *key)
{
	return spot_of(reading, rule, key).line;
}

static bool key_stands(const struct section_marks *marks, enum policy_section section, const char *key)
{
	size_t count;

	return marks->key_lines[key_of(section, key) - policy_section_keys(section, &count)] != 0;
}

static void tell_missing_key(struct reading *reading, const struct section_marks *marks,
			     const struct policy_key *key, const char *head)
{
	char hint[HINT_MAX];
	size_t at = 0;

	if (key->type == POLICY_TYPE_CHOICE)
		at = (size_t)snprintf(hint, sizeof(hint), "write %s = %s or %s = %s: ", key->name,
				      key->words[0], key->name, key->words[1]);
	if (at < sizeof(hint))
		snprintf(hint + at, sizeof(hint) - at, "%s", key->help);
	reading_error(reading, spot_of_head(reading, marks->line), hint, "%s needs the key \"%s\"", head,
		      key->name);
}

static void check_required(struct reading *reading, const struct section_marks *marks,
			   enum policy_section section, const char *head)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(section, &count);

	for (size_t i = 0; i < count; i++) {
		if (keys[i].required && marks->key_lines[i] == 0)
			tell_missing_key(reading, marks, &keys[i], head);
	}
}

/* Pools, exemptions, insides and destination groups say of whom or where. */
static void check_has_prefixes(struct reading *reading, size_t rule, enum policy_section section,
			       const char *head)
{
	const struct section_marks *marks = &reading->marks[rule];

	if (!key_of(section, "prefix"))
		return;
	if (!key_stands(marks, section, "prefix") && !key_stands(marks, section, "file"))
		reading_error(
			reading, spot_of_head(reading, marks->line),
			"write prefix = 192.0.2.0/24, or file = LIST; prefix = none if it is empty on purpose",
			"%s has no prefix", head);
	if (marks->none_line && marks->prefixes > 0)
		reading_error(reading, spot_of_line(reading, 0, marks->none_line),
			      "remove this line, or the prefixes", "\"none\" in a section that has prefixes");
}

static void check_keys(struct reading *reading)
{
	char head[POLICY_NAME_MAX + 32];

	if (reading->gateway.line == 0)
		reading_error(reading, (struct spot){0},
			      "begin with [gateway], mode = monitor and fail = open",
			      "the section [gateway] is missing");
	else
		check_required(reading, &reading->gateway, POLICY_SECTION_GATEWAY, "[gateway]");
	for (size_t i = 0; i < reading->policy->rule_count; i++) {
		const struct policy_rule *rule = &reading->policy->rules[i];
		enum policy_section section = (enum policy_section)(POLICY_SECTION_POOL + rule->kind);

		snprintf(head, sizeof(head), "[%s%s%s]", policy_kind_name(rule->kind),
			 rule->name[0] ? " " : "", rule->name);
		check_required(reading, &reading->marks[i], section, head);
		check_has_prefixes(reading, i, section, head);
	}
}

static void check_queues(struct reading *reading)
{
	const struct policy_gateway *gateway = &reading->policy->gateway;
	const struct policy_key *queue = key_of(POLICY_SECTION_GATEWAY, "queue");
	char hint[HINT_MAX];

	if ((unsigned)gateway->queue + gateway->workers - 1 <= UINT16_MAX)
		return;
	snprintf(hint, sizeof(hint), "with %u workers, \"queue\" is at most %u", gateway->workers,
		 UINT16_MAX + 1U - gateway->workers);
	reading_error(reading, spot_of_key(reading, &reading->gateway, queue), hint,
		      "the workers' queues %u to %u reach beyond 65535", gateway->queue,
		      (unsigned)gateway->queue + gateway->workers - 1);
}

static void check_pool_dates(struct reading *reading, size_t index)
{
	const struct policy_rule *rule = &reading->policy->rules[index];
	char hint[HINT_MAX];

	if (!rule->has_monitor_from || !rule->has_enforce_from || rule->monitor_from.s < rule->enforce_from.s)
		return;
	snprintf(hint, sizeof(hint), "monitor_from (line %u) must be the earlier one, or be left out",
		 line_of(reading, index, "monitor_from"));
	reading_error(reading, spot_of(reading, index, "enforce_from"), hint,
		      "enforcement begins before monitoring, or with it");
}

static void check_until(struct reading *reading, size_t index)
{
	const struct policy_rule *rule = &reading->policy->rules[index];
	struct spot spot = spot_of(reading, index, "until");
	char text[MOMENT_TEXT_MAX];

	moment_format(rule->until.s, rule->until.offset_s, text);
	if (!rule->has_until)
		reading_warning(reading, spot, "write until = DATE, so that somebody looks at it again",
				"[exempt %s] has no end", rule->name);
	else if (rule->until.s <= reading->now_s)
		reading_warning(reading, spot, "remove the section, or renew the date",
				"[exempt %s] has expired: it exempts nobody since %s", rule->name, text);
	else if (rule->until.s - YEAR_S > reading->now_s)
		reading_warning(reading, spot, "exemptions that are renewed every year are not forgotten",
				"[exempt %s] ends more than a year ahead", rule->name);
}

static void check_exemption(struct reading *reading, size_t index)
{
	const struct policy_rule *rule = &reading->policy->rules[index];
	const struct section_marks *marks = &reading->marks[index];
	char hint[HINT_MAX];

	if (rule->has_from && rule->has_until && rule->from.s >= rule->until.s) {
		snprintf(hint, sizeof(hint), "\"from\" (line %u) must be the earlier one",
			 line_of(reading, index, "from"));
		reading_error(reading, spot_of(reading, index, "until"), hint,
			      "the exemption ends before it begins, or at that very second");
	} else if (rule->has_until || !key_stands(marks, POLICY_SECTION_EXEMPT, "until")) {
		check_until(reading, index);
	}
	if (marks->to_any_line && !rule->to_any)
		reading_error(reading, spot_of_line(reading, 0, marks->to_any_line),
			      "remove \"any\", or the others", "\"any\" beside other destinations");
}

static bool pattern_covers(const char *outer, const char *inner)
{
	size_t len = strlen(outer);

	if (strcmp(outer, inner) == 0)
		return true;
	return len > 0 && outer[len - 1] == '*' && strncmp(outer, inner, len - 1) == 0;
}

/* The upstream pattern that takes all of this one, or NULL. */
static const char *upstream_cover(const struct policy *policy, const char *pattern)
{
	const struct policy_interfaces *upstream = &policy->gateway.upstream_interfaces;

	for (size_t i = 0; i < upstream->count; i++) {
		if (pattern_covers(upstream->names[i], pattern))
			return upstream->names[i];
	}
	return NULL;
}

/* The place of one name in a list that may go on over several lines of its section. */
static struct spot spot_of_interface(struct reading *reading, const struct section_marks *marks,
				     const struct policy_key *key, const char *name)
{
	struct spot first = spot_of_key(reading, marks, key);
	uint32_t line = first.line;

	for (; line != 0 && line <= reading->line; line++) {
		size_t len, at = 0, word, word_len;
		const char *text = reading_line(reading, 0, line, &len);
		size_t begin = text_skip_blanks(text, 0, len);
		struct spot spot;

		if (line > marks->line && begin < len && text[begin] == '[')
			break;
		if (len - begin < strlen(key->name) ||
		    memcmp(text + begin, key->name, strlen(key->name)) != 0)
			continue;
		spot = spot_of_line(reading, 0, line);
		while (text_next_word(text + spot.column - 1, spot.width, &at, &word, &word_len)) {
			if (word_len == strlen(name) &&
			    memcmp(text + spot.column - 1 + word, name, word_len) == 0)
				return (struct spot){0, line, spot.column + (uint32_t)word,
						     (uint32_t)word_len};
		}
	}
	return first;
}

/* Where one of the upstream patterns takes a part of a subscriber-side pattern. */
static void check_overlaps(struct reading *reading, struct spot spot, const char *name)
{
	const struct policy_interfaces *upstream = &reading->policy->gateway.upstream_interfaces;

	for (size_t i = 0; i < upstream->count; i++) {
		if (ifpattern_overlap(upstream->names[i], name))
			reading_warning(
				reading, spot, "if that is meant, nothing needs to be done",
				"\"%s\" overlaps the upstream pattern \"%s\": what both match counts as upstream",
				name, upstream->names[i]);
	}
}

static void check_side(struct reading *reading, const char *name)
{
	struct spot spot = spot_of_interface(reading, &reading->gateway,
					     key_of(POLICY_SECTION_GATEWAY, "subscriber_interfaces"), name);
	const char *cover = upstream_cover(reading->policy, name);

	if (cover && strcmp(cover, name) == 0)
		reading_error(reading, spot,
			      "an interface leads to one side: remove it from one of the two lists",
			      "\"%s\" is among subscriber_interfaces and upstream_interfaces", name);
	else if (cover)
		reading_error(reading, spot, "name the upstream interfaces more narrowly",
			      "\"%s\" is never judged: the upstream pattern \"%s\" takes all of it", name,
			      cover);
	else
		check_overlaps(reading, spot, name);
}

static void check_rule_interfaces(struct reading *reading, size_t index)
{
	const struct policy_rule *rule = &reading->policy->rules[index];
	enum policy_section section = (enum policy_section)(POLICY_SECTION_POOL + rule->kind);

	for (size_t i = 0; i < rule->interfaces.count; i++) {
		const char *name = rule->interfaces.names[i];
		const char *cover = upstream_cover(reading->policy, name);
		struct spot spot = spot_of_interface(reading, &reading->marks[index],
						     key_of(section, "interface"), name);

		if (!cover)
			check_overlaps(reading, spot, name);
		else
			reading_error(
				reading, spot,
				"mail that arrives upstream is inbound and never judged: name the subscriber side's interface",
				"\"%s\" is an upstream interface (\"%s\"), where nothing of [%s %s] could ever arrive",
				name, cover, policy_kind_name(rule->kind), rule->name);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The engine has one bit a pattern. */
static void check_pattern_count(struct reading *reading)
{
	const struct policy *policy = reading->policy;
	const char **names = NULL;
	size_t count = 0, distinct = 0;
	char hint[HINT_MAX];

	for (size_t i = 0; i < policy->rule_count; i++)
		count += policy->rules[i].interfaces.count;
	names = calloc(count + 1, sizeof(*names));
	if (!names) {
		reading->failure = -ENOMEM;
		return;
	}
	count = 0;
	for (size_t i = 0; i < policy->rule_count; i++) {
		for (size_t k = 0; k < policy->rules[i].interfaces.count; k++)
			names[count++] = policy->rules[i].interfaces.names[k];
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		distinct += i == 0 || strcmp(names[i - 1], names[i]) != 0;
	free(names);
	if (distinct <= POLICY_PATTERNS_MAX)
		return;
	snprintf(hint, sizeof(hint), "at most %d can be told apart; write patterns like ppp* in their place",
		 POLICY_PATTERNS_MAX);
	reading_error(reading, (struct spot){0}, hint, "pools and relays name %zu different interfaces",
		      distinct);
}

static void check_interfaces(struct reading *reading)
{
	const struct policy *policy = reading->policy;

	for (size_t i = 0; i < policy->gateway.subscriber_interfaces.count; i++)
		check_side(reading, policy->gateway.subscriber_interfaces.names[i]);
	for (size_t i = 0; i < policy->rule_count; i++)
		check_rule_interfaces(reading, i);
	check_pattern_count(reading);
}

static bool key_is_bad(const struct section_marks *marks, enum policy_section section, const char *key)
{
	size_t count;

	return marks->bad_keys >> (key_of(section, key) - policy_section_keys(section, &count)) & 1;
}

/* Interfaces are named, or would be, had there not been an error of which was told already. */
static bool direction_is_named(const struct reading *reading)
{
	const struct section_marks *marks = &reading->gateway;

	return policy_has_direction(reading->policy) || marks->line == 0 ||
	       key_is_bad(marks, POLICY_SECTION_GATEWAY, "unlisted") ||
	       key_stands(marks, POLICY_SECTION_GATEWAY, "subscriber_interfaces") ||
	       key_stands(marks, POLICY_SECTION_GATEWAY, "upstream_interfaces");
}

/* Without interfaces every packet counts as coming from the subscriber side, inbound mail too. */
static void check_inbound(struct reading *reading)
{
	const struct policy_gateway *gateway = &reading->policy->gateway;
	const struct policy_key *unlisted = key_of(POLICY_SECTION_GATEWAY, "unlisted");
	bool written = key_stands(&reading->gateway, POLICY_SECTION_GATEWAY, "unlisted");

	if (direction_is_named(reading) || gateway->unlisted == POLICY_UNLISTED_ACCEPT)
		return;
	if (gateway->unlisted == POLICY_UNLISTED_DROP)
		reading_error(
			reading, spot_of_key(reading, &reading->gateway, unlisted),
			"name upstream_interfaces (or subscriber_interfaces), or write unlisted = accept",
			"this policy would block inbound mail: unlisted is \"drop\"%s, and no interfaces say which side mail comes from",
			written ? "" : " by default");
	else
		reading_warning(
			reading, spot_of_key(reading, &reading->gateway, unlisted),
			"name upstream_interfaces (or subscriber_interfaces)",
			"inbound mail would be recorded as unlisted: no interfaces say which side mail comes from");
}

/* The first rule whose enforcement has begun, or rule_count. */
static size_t first_enforced(const struct reading *reading)
{
	const struct policy *policy = reading->policy;
	size_t i = 0;

	for (; i < policy->rule_count; i++) {
		if (policy->rules[i].has_enforce_from && policy->rules[i].enforce_from.s <= reading->now_s)
			break;
	}
	return i;
}

static void check_mode(struct reading *reading)
{
	const struct policy *policy = reading->policy;
	size_t first = first_enforced(reading);
	const struct policy_key *mode = key_of(POLICY_SECTION_GATEWAY, "mode");
	char text[MOMENT_TEXT_MAX];

	if (reading->gateway.line == 0 || !key_stands(&reading->gateway, POLICY_SECTION_GATEWAY, "mode") ||
	    policy->gateway.mode != POLICY_MODE_MONITOR || first == policy->rule_count)
		return;
	moment_format(policy->rules[first].enforce_from.s, policy->rules[first].enforce_from.offset_s, text);
	reading_warning(reading, spot_of_key(reading, &reading->gateway, mode),
			"to block, write mode = enforce",
			"nothing is blocked in monitor mode, although [%s %s] says enforce_from = %s",
			policy_kind_name(policy->rules[first].kind), policy->rules[first].name, text);
}

/* offload, offload_seconds and window have no error of their own: nothing is said twice. */
static bool offload_is_read(const struct reading *reading)
{
	return !key_is_bad(&reading->gateway, POLICY_SECTION_GATEWAY, "offload") &&
	       !key_is_bad(&reading->gateway, POLICY_SECTION_GATEWAY, "offload_seconds") &&
	       !key_is_bad(&reading->log, POLICY_SECTION_LOG, "window");
}

/* What the kernel counted must be collected before the window ends whose summary tells of it. */
static void check_offload(struct reading *reading)
{
	const struct policy_gateway *gateway = &reading->policy->gateway;
	uint32_t window_s = reading->policy->log.window_s;
	bool written = key_stands(&reading->gateway, POLICY_SECTION_GATEWAY, "offload_seconds");
	const struct policy_key *key =
		key_of(POLICY_SECTION_GATEWAY, written ? "offload_seconds" : "offload");
	char hint[HINT_MAX];

	if (!gateway->offload || !offload_is_read(reading) || gateway->offload_s <= window_s / 2)
		return;
	if (window_s < 2)
		snprintf(hint, sizeof(hint), "write window = %u or more in [log]", 2 * gateway->offload_s);
	else
		snprintf(hint, sizeof(hint),
			 "write offload_seconds = %u or less, or window = %u or more in [log]", window_s / 2,
			 2 * gateway->offload_s);
	reading_error(
		reading, spot_of_key(reading, &reading->gateway, key), hint,
		"offload_seconds is %u%s, more than half of window (%u): counts would come too late for their summary",
		gateway->offload_s, written ? "" : " by default", window_s);
}

/* Bots are asked for first, so a threshold of others that reaches theirs says what never holds. */
static void check_triage_key(struct reading *reading, const char *name, uint32_t destinations)
{
	const struct section_marks *marks = &reading->triage;
	uint32_t bot = reading->policy->triage.bot_destinations;
	bool written = key_stands(marks, POLICY_SECTION_TRIAGE, name);
	char hint[HINT_MAX];

	if (destinations < bot || key_is_bad(marks, POLICY_SECTION_TRIAGE, name) ||
	    key_is_bad(marks, POLICY_SECTION_TRIAGE, "bot_destinations"))
		return;
	snprintf(hint, sizeof(hint), "write %s = %u or less, or bot_destinations = %u or more", name, bot - 1,
		 destinations + 1);
	reading_warning(reading,
			spot_of_key(reading, marks,
				    key_of(POLICY_SECTION_TRIAGE, written ? name : "bot_destinations")),
			hint, "whoever has %u destinations or more is a bot, although %s is %u%s", bot, name,
			destinations, written ? "" : " by default");
}

bool policy_has_direction(const struct policy *policy)
{
	return policy->gateway.subscriber_interfaces.count > 0 ||
	       policy->gateway.upstream_interfaces.count > 0;
}

void policy_check(struct reading *reading)
{
	check_keys(reading);
	policy_resolve_names(reading);
	check_queues(reading);
	for (size_t i = 0; i < reading->policy->rule_count; i++) {
		if (reading->policy->rules[i].kind == POLICY_POOL)
			check_pool_dates(reading, i);
		else if (reading->policy->rules[i].kind == POLICY_EXEMPT)
			check_exemption(reading, i);
	}
	check_interfaces(reading);
	check_inbound(reading);
	check_mode(reading);
	check_offload(reading);
	check_triage_key(reading, "client_destinations", reading->policy->triage.client_destinations);
	check_triage_key(reading, "server_destinations", reading->policy->triage.server_destinations);
}
