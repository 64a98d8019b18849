/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/out.h"

#include <inttypes.h>
#include <string.h>

int replay_report_add(struct replay_report *report, const struct replay_packet *judged)
{
	const struct packet *packet = judged->packet;
	const struct decision *decision = judged->decision;
	bool tcp25 = packet_is_port25(packet);
	bool syn25 = tcp25 && packet->has_flags && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	report->packets++;
	report->ip4 += packet->family == ADDR_IP4;
	report->ip6 += packet->family == ADDR_IP6;
	report->tcp25 += tcp25;
	report->syn25 += syn25;
	report->monitored += decision->verdict == VERDICT_ACCEPT && decision->would != VERDICT_ACCEPT;
	report->verdicts[decision->verdict]++;
	report->reasons[decision->reason]++;
	return tcp25 ? replay_sources_add(&report->sources, &packet->src, syn25) : 0;
}

static void print_sources(const struct replay_sources *sources, FILE *out)
{
	if (sources->count == 0)
		return;
	fprintf(out, "\n%-40s %12s %12s\n", "source of TCP port 25", "packets", "SYN");
	for (size_t i = 0; i < sources->count; i++) {
		char text[ADDR_TEXT_MAX];

		addr_format(&sources->places[i].addr, text);
		fprintf(out, "%-40s %12" PRIu64 " %12" PRIu64 "\n", text, sources->places[i].tcp25,
			sources->places[i].syn25);
	}
}

void replay_report_print(struct replay_report *report, FILE *out)
{
	fprintf(out, "%-20s %12" PRIu64 "\n", "packets", report->packets);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "IPv4", report->ip4);
	fprintf(out, "  %-18s %12" PRIu64 "\n", "IPv6", report->ip6);
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
	fputs("\"sources\": [", out);
	for (size_t i = 0; i < sources->count; i++) {
		char text[ADDR_TEXT_MAX];

		addr_format(&sources->places[i].addr, text);
		new_line(indent + 1, i == 0 ? "" : ",", out);
		fprintf(out, "{\"address\": \"%s\", \"tcp25\": %" PRIu64 ", \"syn25\": %" PRIu64 "}", text,
			sources->places[i].tcp25, sources->places[i].syn25);
	}
	if (sources->count > 0)
		new_line(indent, "", out);
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
		{"packets", report->packets}, {"ip4", report->ip4},     {"ip6", report->ip6},
		{"tcp25", report->tcp25},     {"syn25", report->syn25},
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
