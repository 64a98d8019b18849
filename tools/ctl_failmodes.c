/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What each case of the daemon's answer means, in the order shown. */
static const struct {
	const char *name, *meaning;
} cases[] = {
	{"no-daemon", "no daemon"},       {"queue-full", "queue full"},       {"buffer-full", "socket full"},
	{"killed", "killed, what waits"}, {"stalled", "daemon stands still"},
};

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_case(const char *title, const char *meaning, const json_t *row)
{
	const char *fate = text(row, "fate"), *then = text(row, "then");
	char words[48];

	if (strcmp(fate, then) == 0)
		snprintf(words, sizeof(words), "%s", fate);
	else
		snprintf(words, sizeof(words), "%s, then %s", fate, then);
	printf("%-10s %-20s %-20s (%s)\n", title, meaning, words, text(row, "because"));
}

static void print_unjudged(const char *what, const json_t *side)
{
	int64_t packets = number(side, "packets");
	int64_t periods = number(side, "periods");

	if (periods > 0)
		printf("%-10s %s unjudged: %" PRId64 " packets in %" PRId64 " periods\n", "", what, packets,
		       periods);
}

static void print_rules(const json_t *rules)
{
	if (json_is_object(rules))
		printf("%-10s %s; changed by others %" PRId64 " times, loaded again %" PRId64
		       ", failed %" PRId64 "%s\n",
		       "rules", text(rules, "state"), number(rules, "changed_by_others"),
		       number(rules, "repairs"), number(rules, "failures"),
		       json_is_true(json_object_get(rules, "repair")) ? "" : " (repair = no)");
}

void ctl_print_fail_modes(const json_t *modes, const json_t *rules)
{
	const json_t *rows = json_object_get(modes, "cases");
	const json_t *unjudged = json_object_get(modes, "unjudged");
	const json_t *warnings = json_object_get(modes, "warnings");

	if (!json_is_object(modes))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		print_case(i == 0 ? "fail modes" : "", cases[i].meaning,
			   json_object_get(rows, cases[i].name));
	print_rules(rules);
	for (size_t i = 0; i < json_array_size(warnings); i++)
		printf("%-10s WARNING: %s\n", "", json_string_value(json_array_get(warnings, i)));
	print_unjudged("passed", json_object_get(unjudged, "passed"));
	print_unjudged("dropped", json_object_get(unjudged, "dropped"));
}

void ctl_print_missing(const json_t *interfaces)
{
	for (size_t i = 0; i < json_array_size(interfaces); i++)
		printf("%-10s WARNING: %s, which the policy names, is not there\n",
		       i == 0 ? "interfaces" : "", json_string_value(json_array_get(interfaces, i)));
}
