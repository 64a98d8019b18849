/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/out.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct replay_report replay_report_empty(void)
{
	struct replay_report report = {0};

	/* Whoever made the capture chose its addresses. Without a random key the table is only easier to slow down. */
	if (getrandom(&report.sources.key, sizeof(report.sources.key), GRND_NONBLOCK) < 0)
		report.sources.key.k0 = (uint64_t)time(NULL);
	return report;
}

static void count_decisions(struct replay_report *report, const struct decision *decision, uint64_t packets)
{
	if (decision->verdict == VERDICT_ACCEPT && decision->would != VERDICT_ACCEPT)
		report->monitored += packets;
	report->verdicts[decision->verdict] += packets;
	report->reasons[decision->reason] += packets;
}

static void count(struct replay_report *report, const struct packet *packet, const struct decision *decision)
{
	report->packets++;
	report->ip4 += packet->family == ADDR_IP4;
	report->ip6 += packet->family == ADDR_IP6;
	count_decisions(report, decision, 1);
}

int replay_report_add_many(struct replay_report *report, const struct packet *packets,
			   const struct decision *decisions, size_t n)
{
	const struct packet *mail[REPLAY_REPORT_MANY];
	size_t mails = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		count(report, &packets[i], &decisions[i]);
		if (packet_is_port25(&packets[i]))
			mail[mails++] = &packets[i];
	}
	r = replay_sources_reserve(&report->sources, mails);
	if (r < 0)
		return r;
	for (size_t i = 0; i < mails; i++) {
		bool syn = mail[i]->has_flags && replay_is_syn(mail[i]->tcp_flags);

		report->tcp25++;
		report->syn25 += syn;
		replay_sources_add_reserved(&report->sources, &mail[i]->src, syn);
	}
	return 0;
}

void replay_report_add_lot4(struct replay_report *report, const struct packet_lot4 *lot,
			    const struct replay_mail *mail)
{
	report->packets += lot->count;
	report->ip4 += lot->count;
	report->tcp25 += lot->mails;
	report->syn25 += mail->syns;
	replay_sources_add_mail(&report->sources, lot, mail);
}

void replay_report_add_answers(struct replay_report *report, const struct engine_answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		count_decisions(report, &answers->decisions[i], answers->packets[i]);
}

int replay_report_merge(struct replay_report *report, const struct replay_report *part)
{
	report->packets += part->packets;
	report->ip4 += part->ip4;
	report->ip6 += part->ip6;
	report->unknown_links += part->unknown_links;
	report->tcp25 += part->tcp25;
	report->syn25 += part->syn25;
	report->monitored += part->monitored;
	for (unsigned i = 0; i < VERDICTS; i++)
		report->verdicts[i] += part->verdicts[i];
	for (unsigned i = 0; i < REASONS; i++)
		report->reasons[i] += part->reasons[i];
	return replay_sources_merge(&report->sources, &part->sources);
}

/* ---- sources: the one long list, whose lines are made by hand and go out many at a time ---- */

enum { SOURCE_LINE_MAX = 256, SOURCES_MEMORY = 64 * 1024, INDENT_MAX = 16 };

static void put_left(struct out *out, const char *text, size_t len, size_t width)
{
	out_bytes(out, text, len);
	for (; len < width; len++)
		out_char(out, ' ');
}

static void put_right(struct out *out, uint64_t value, size_t width)
{
	char digits[24];
	struct out number = out_over(digits, sizeof(digits));

	out_u64(&number, value);
	for (size_t len = out_len(&number); len < width; len++)
		out_char(out, ' ');
	out_bytes(out, digits, out_len(&number));
}

static void put_source(struct out *out, const struct replay_source *source)
{
	char text[ADDR_TEXT_MAX];

	put_left(out, text, addr_format(&source->addr, text), 40);
	out_char(out, ' ');
	put_right(out, source->tcp25, 12);
	out_char(out, ' ');
	put_right(out, source->syn25, 12);
	out_char(out, '\n');
}

static void put_json_source(struct out *out, const struct replay_source *source)
{
	char text[ADDR_TEXT_MAX];

	out_text(out, "{\"address\": \"");
	out_bytes(out, text, addr_format(&source->addr, text));
	out_text(out, "\", \"tcp25\": ");
	out_u64(out, source->tcp25);
	out_text(out, ", \"syn25\": ");
	out_u64(out, source->syn25);
	out_char(out, '}');
}

/* before: stands in front of each but the first. */
static void print_each(const struct replay_sources *sources, const char *before,
		       void (*put)(struct out *, const struct replay_source *), FILE *file)
{
	char memory[SOURCES_MEMORY];
	struct out out = out_over(memory, sizeof(memory));

	for (size_t i = 0; i < sources->count; i++) {
		struct replay_source source = replay_sources_get(sources, i);

		if (i > 0)
			out_text(&out, before);
		put(&out, &source);
		if (sizeof(memory) - out_len(&out) < SOURCE_LINE_MAX) {
			fwrite(memory, 1, out_len(&out), file);
			out = out_over(memory, sizeof(memory));
		}
	}
	fwrite(memory, 1, out_len(&out), file);
}

static void print_sources(const struct replay_sources *sources, FILE *out)
{
	if (sources->count == 0)
		return;
	fprintf(out, "\n%-40s %12s %12s\n", "source of TCP port 25", "packets", "SYN");
	print_each(sources, "", put_source, out);
}

void replay_report_print(struct replay_report *report, FILE *out)
{
	fprintf(out, "%-20s %12" PRIu64 "\n", "packets", report->packets);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "IPv4", report->ip4);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "IPv6", report->ip6);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "neither", report->packets - report->ip4 - report->ip6);
	if (report->unknown_links > 0)
		fprintf(out, "  %-18s %12" PRIu64 "\n", "  link type unknown", report->unknown_links);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "to TCP port 25", report->tcp25);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "  of these SYN", report->syn25);
	fprintf(out, "\n%-20s %12s\n", "verdict", "packets");
	for (unsigned i = 0; i < VERDICTS; i++)
		fprintf(out, "%-20s %12" PRIu64 "\n", verdict_name(i), report->verdicts[i]);
	if (report->monitored > 0)
		fprintf(out, "%-20s %12" PRIu64 "\n", "only monitored", report->monitored);
	fprintf(out, "\n%-20s %12s\n", "reason", "packets");
	for (unsigned i = 0; i < REASONS; i++) {
		if (report->reasons[i] > 0)
			fprintf(out, "%-20s %12" PRIu64 "\n", reason_name(i), report->reasons[i]);
	}
	replay_sources_sort(&report->sources);
	print_sources(&report->sources, out);
}

static void new_line(int indent, const char *before, FILE *out)
{
	fprintf(out, "%s\n", before);
	for (int i = 0; i < indent; i++)
		fputc('\t', out);
}

static void print_json_sources(const struct replay_sources *sources, int indent, FILE *out)
{
	char before[INDENT_MAX + 3] = ",\n";

	memset(before + 2, '\t', (size_t)(indent < INDENT_MAX ? indent + 1 : INDENT_MAX));
	fputs("\"sources\": [", out);
	if (sources->count > 0) {
		fputs(before + 1, out);
		print_each(sources, before, put_json_source, out);
		new_line(indent, "", out);
	}
	fputc(']', out);
}

static void print_json_counts(const struct replay_report *report, int indent, FILE *out)
{
	const char *separator = "";

	fputs("\"verdicts\": {", out);
	for (unsigned i = 0; i < VERDICTS; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", verdict_name(i), report->verdicts[i]);
	new_line(indent, "},", out);
	fputs("\"reasons\": {", out);
	for (unsigned i = 0; i < REASONS; i++) {
		if (report->reasons[i] == 0)
			continue;
		fprintf(out, "%s\"%s\": %" PRIu64, separator, reason_name(i), report->reasons[i]);
		separator = ", ";
	}
	new_line(indent, "},", out);
}

void replay_report_print_json(struct replay_report *report, int indent, FILE *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"packets", report->packets},
		{"ip4", report->ip4},
		{"ip6", report->ip6},
		{"other", report->packets - report->ip4 - report->ip6},
		{"unknown_link", report->unknown_links},
		{"tcp25", report->tcp25},
		{"syn25", report->syn25},
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fprintf(out, "\"%s\": %" PRIu64, counts[i].name, counts[i].value);
		new_line(indent, ",", out);
	}
	print_json_counts(report, indent, out);
	replay_sources_sort(&report->sources);
	print_json_sources(&report->sources, indent, out);
}

void replay_report_free(struct replay_report *report)
{
	replay_sources_free(&report->sources);
}
