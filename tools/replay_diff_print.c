/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_diff.h"

#include "base/out.h"

#include <inttypes.h>
#include <string.h>

/* In the order of printing: the gravest first. */
static const struct {
	enum diff_change change;
	const char *name, *words;
} changes[] = {
	{DIFF_NEWLY_BLOCKED, "newly-blocked", "newly blocked"},
	{DIFF_NEWLY_ALLOWED, "newly-allowed", "newly allowed"},
	{DIFF_OTHER_VERDICT, "other-verdict", "blocked with another verdict"},
	{DIFF_OTHER_REASON, "other-reason", "same verdict, another reason"},
	{DIFF_SAME, "unchanged", "unchanged"},
};
enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };

struct totals {
	uint64_t subscribers[DIFF_CHANGES], packets[DIFF_CHANGES];
};

static struct totals sum_up(const struct diff_rows *rows)
{
	struct totals totals = {0};

	for (size_t i = 0; i < rows->count; i++) {
		totals.subscribers[rows->places[i].change]++;
		for (unsigned change = 0; change < DIFF_CHANGES; change++)
			totals.packets[change] += rows->places[i].packets[change];
	}
	return totals;
}

static const char *who(const struct diff_row *row, char out[PREFIX_TEXT_MAX])
{
	if (row->subscriber.addr.family == ADDR_NONE)
		return "unknown";
	subscriber_format(&row->subscriber, out);
	return out;
}

/* ---- for people ---- */

static void print_answer(const struct decision *decision, FILE *out)
{
	fprintf(out, "%s %s", verdict_name(decision->verdict), reason_name(decision->reason));
	if (decision->rule_name[0])
		fprintf(out, " (%s)", decision->rule_name);
}

static void print_table_rows(const struct diff_rows *rows, enum diff_change change, const char *words,
			     FILE *out)
{
	char text[PREFIX_TEXT_MAX];

	fprintf(out, "\n%s:\n", words);
	for (size_t i = 0; i < rows->count; i++) {
		const struct diff_row *row = &rows->places[i];

		if (row->change != change)
			continue;
		fprintf(out, "  %-40s %10" PRIu64 "  ", who(row, text), row->packets[change]);
		print_answer(&row->before, out);
		fputs(" -> ", out);
		print_answer(&row->after, out);
		fputc('\n', out);
	}
}

static void print_table(const struct diff_rows *rows, const struct totals *totals, FILE *out)
{
	fprintf(out, "%-30s %12s %12s\n", "", "subscribers", "packets");
	for (size_t i = 0; i < CHANGES; i++)
		fprintf(out, "%-30s %12" PRIu64 " %12" PRIu64 "\n", changes[i].words,
			totals->subscribers[changes[i].change], totals->packets[changes[i].change]);
	for (size_t i = 0; i < CHANGES; i++)
		if (changes[i].change != DIFF_SAME && totals->subscribers[changes[i].change] > 0)
			print_table_rows(rows, changes[i].change, changes[i].words, out);
}

/* ---- for programs ---- */

static const char *name_of(enum diff_change change)
{
	size_t i = 0;

	while (changes[i].change != change)
		i++;
	return changes[i].name;
}

/* RFC 4180 section 2. */
static void csv_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void csv_answer(FILE *out, const struct decision *decision)
{
	fprintf(out, ",%s,%s,", verdict_name(decision->verdict), reason_name(decision->reason));
	csv_text(out, decision->rule_name);
}

static void print_csv(const struct diff_rows *rows, FILE *out)
{
	char text[PREFIX_TEXT_MAX];

	fputs("subscriber,change,packets,old_verdict,old_reason,old_rule,new_verdict,new_reason,new_rule\n",
	      out);
	for (size_t i = 0; i < rows->count; i++) {
		const struct diff_row *row = &rows->places[i];

		if (row->change == DIFF_SAME)
			continue;
		fprintf(out, "%s,%s,%" PRIu64, who(row, text), name_of(row->change),
			row->packets[row->change]);
		csv_answer(out, &row->before);
		csv_answer(out, &row->after);
		fputc('\n', out);
	}
}

static void json_answer(FILE *out, const char *name, const struct decision *decision)
{
	fprintf(out, ", \"%s\": {\"verdict\": \"%s\", \"reason\": \"%s\", \"rule\": ", name,
		verdict_name(decision->verdict), reason_name(decision->reason));
	out_json_string_to(out, decision->rule_name, strlen(decision->rule_name));
	fputc('}', out);
}

static void print_json(const struct diff_rows *rows, const struct totals *totals, FILE *out)
{
	const char *separator = "\n\t\t";
	char text[PREFIX_TEXT_MAX];

	fputs("{\n", out);
	for (size_t i = 0; i < CHANGES; i++)
		fprintf(out, "\t\"%s\": {\"subscribers\": %" PRIu64 ", \"packets\": %" PRIu64 "},\n",
			changes[i].name, totals->subscribers[changes[i].change],
			totals->packets[changes[i].change]);
	fputs("\t\"subscribers\": [", out);
	for (size_t i = 0; i < rows->count; i++) {
		const struct diff_row *row = &rows->places[i];

		if (row->change == DIFF_SAME)
			continue;
		fprintf(out, "%s{\"subscriber\": \"%s\", \"change\": \"%s\", \"packets\": %" PRIu64,
			separator, who(row, text), name_of(row->change), row->packets[row->change]);
		json_answer(out, "old", &row->before);
		json_answer(out, "new", &row->after);
		fputc('}', out);
		separator = ",\n\t\t";
	}
	fputs("\n\t]\n}\n", out);
}

bool diff_print(const struct diff_rows *rows, enum diff_output output, FILE *out)
{
	struct totals totals = sum_up(rows);

	switch (output) {
	case DIFF_TABLE:
		print_table(rows, &totals, out);
		break;
	case DIFF_JSON:
		print_json(rows, &totals, out);
		break;
	case DIFF_CSV:
		print_csv(rows, out);
		break;
	}
	return totals.subscribers[DIFF_NEWLY_BLOCKED] > 0;
}
