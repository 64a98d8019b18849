/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same packets at each date of a span: a calendar of how many subscribers are blocked. */
#include "replay_diff.h"

#include "base/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Every date of either policy within the span, the steps, and both ends. */
bool diff_dates_find(const struct diff_options *options, const struct engine *before,
		     const struct engine *after, struct diff_dates *ret)
{
	int64_t at_s = options->from.s, step_s = options->from.s;

	ret->count = 0;
	while (ret->count < DIFF_DATES_MAX) {
		int64_t next_s = sooner(engine_next_date(before, at_s), engine_next_date(after, at_s));

		ret->s[ret->count++] = at_s;
		if (at_s == options->to.s)
			return true;
		while (options->step_s > 0 && step_s <= at_s)
			step_s += options->step_s;
		if (options->step_s > 0)
			next_s = sooner(next_s, step_s);
		at_s = sooner(next_s, options->to.s);
	}
	return false;
}

void diff_sweep_packet(const struct diff_dates *dates, const struct engine *engine,
		       const struct packet *packet, struct engine_interface interface, uint64_t *bits)
{
	struct engine_context context = {.interface = interface};

	for (size_t i = 0; i < dates->count;) {
		struct decision decision;

		context.now_s = dates->s[i];
		decision = decide(engine, packet, &context);
		/* The answer stays until its next change, and is not asked for again before. */
		do {
			if (decision.verdict != VERDICT_ACCEPT)
				bits[i / 64] |= UINT64_C(1) << i % 64;
			i++;
		} while (i < dates->count && dates->s[i] < decision.next_change_s);
	}
}

struct counts {
	uint64_t before, after, blocked, allowed;
};

static struct counts count_date(const struct diff_rows *rows, size_t at)
{
	struct counts counts = {0};

	for (size_t i = 0; i < rows->count; i++) {
		const uint64_t *bits = rows->places[i].blocked;
		bool before = bits[at / 64] >> at % 64 & 1,
		     after = bits[rows->words + at / 64] >> at % 64 & 1;

		counts.before += before;
		counts.after += after;
		counts.blocked += after && !before;
		counts.allowed += before && !after;
	}
	return counts;
}

/* ---- which rules' dates they are ---- */

static void tell_rule(const char *which, const struct policy_rule *rule, int64_t s, char *out, size_t size)
{
	const struct {
		bool given;
		int64_t s;
		const char *key;
	} dates[] = {
		{rule->has_monitor_from, rule->monitor_from.s, "monitor_from"},
		{rule->has_enforce_from, rule->enforce_from.s, "enforce_from"},
		{rule->has_subscribers_until, rule->subscribers_until.s, "subscribers_until"},
		{rule->has_from, rule->from.s, "from"},
		{rule->has_until, rule->until.s, "until"},
	};

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		size_t used = strlen(out);

		if (dates[i].given && dates[i].s == s)
			snprintf(out + used, size - used, "%s%s: %s %s %s", used ? "; " : "", which,
				 policy_kind_name(rule->kind), rule->name, dates[i].key);
	}
}

static void tell_rules(const struct policy *before, const struct policy *after, int64_t s, char *out,
		       size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < before->rule_count; i++)
		tell_rule("old", &before->rules[i], s, out, size);
	for (size_t i = 0; i < after->rule_count; i++)
		tell_rule("new", &after->rules[i], s, out, size);
}

/* ---- printing ---- */

static void print_date(enum diff_output output, const char *date, const struct counts *counts,
		       const char *why, bool first, FILE *out)
{
	if (output == DIFF_JSON) {
		fprintf(out,
			"%s\t\t{\"date\": \"%s\", \"old\": %" PRIu64 ", \"new\": %" PRIu64
			", \"newly-blocked\": %" PRIu64 ", \"newly-allowed\": %" PRIu64 ", \"dates\": ",
			first ? "" : ",\n", date, counts->before, counts->after, counts->blocked,
			counts->allowed);
		out_json_string_to(out, why, strlen(why));
		fputc('}', out);
		return;
	}
	if (output == DIFF_TABLE)
		fprintf(out, "%-26s %10" PRIu64 " %10" PRIu64 " %14" PRIu64 " %14" PRIu64 "%s%s\n", date,
			counts->before, counts->after, counts->blocked, counts->allowed, why[0] ? "  " : "",
			why);
	else
		fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",\"%s\"\n", date,
			counts->before, counts->after, counts->blocked, counts->allowed, why);
}

static void print_head(enum diff_output output, FILE *out)
{
	if (output == DIFF_TABLE)
		fprintf(out, "%-26s %10s %10s %14s %14s\n", "blocked subscribers", "old", "new",
			"newly blocked", "newly allowed");
	else
		fputs(output == DIFF_CSV ? "date,old,new,newly_blocked,newly_allowed,dates\n"
					 : "{\n\t\"dates\": [\n",
		      out);
}

bool diff_sweep_print(const struct diff_options *options, const struct diff_dates *dates,
		      const struct diff_rows *rows, const struct policy *before, const struct policy *after,
		      FILE *out)
{
	bool blocked = false;

	print_head(options->output, out);
	for (size_t i = 0; i < dates->count; i++) {
		struct counts counts = count_date(rows, i);
		char date[MOMENT_TEXT_MAX], why[1024];

		moment_format(dates->s[i], options->from.offset_s, date);
		tell_rules(before, after, dates->s[i], why, sizeof(why));
		print_date(options->output, date, &counts, why, i == 0, out);
		blocked = blocked || counts.blocked > 0;
	}
	if (options->output == DIFF_JSON)
		fputs("\n\t]\n}\n", out);
	return blocked;
}
