/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/moment.h"
#include "base/out.h"

#include <inttypes.h>
#include <string.h>

enum { FLAGS_TEXT_MAX = 9, END_TEXT_MAX = ADDR_TEXT_MAX + 10, LINE_MAX_BYTES = 8192 };

/* One letter a flag, "." for none set, "-" where the packet does not show them. */
static void format_flags(const struct packet *packet, char out[FLAGS_TEXT_MAX])
{
	static const char letters[] = "FSRPAUEC"; /* from the lowest bit on */
	size_t n = 0;

	if (packet->has_flags) {
		for (unsigned bit = 0; bit < 8; bit++) {
			if (packet->tcp_flags >> bit & 1)
				out[n++] = letters[bit];
		}
	}
	if (n == 0)
		out[n++] = packet->has_flags ? '.' : '-';
	out[n] = '\0';
}

/* "192.0.2.1:25", "[2001:db8::1]:25", without the port where the packet shows none, "-" where it shows no address. */
static void format_end(const struct packet *packet, const struct addr *addr, uint16_t port,
		       char out[END_TEXT_MAX])
{
	char text[ADDR_TEXT_MAX];

	if (packet->family == ADDR_NONE) {
		snprintf(out, END_TEXT_MAX, "-");
		return;
	}
	addr_format(addr, text);
	if (!packet->has_ports)
		snprintf(out, END_TEXT_MAX, "%s", text);
	else
		snprintf(out, END_TEXT_MAX, addr->family == ADDR_IP6 ? "[%s]:%u" : "%s:%u", text, port);
}

void replay_list_print(const struct replay_packet *judged, bool with_file, FILE *out)
{
	const struct packet *packet = judged->packet;
	const struct decision *decision = judged->decision;
	char time[MOMENT_TEXT_MAX], flags[FLAGS_TEXT_MAX], src[END_TEXT_MAX], dst[END_TEXT_MAX];
	bool monitored = decision->verdict != decision->would;

	moment_format_eve(judged->time_ns, 0, time);
	format_flags(packet, flags);
	format_end(packet, &packet->src, packet->sport, src);
	format_end(packet, &packet->dst, packet->dport, dst);
	if (with_file)
		fprintf(out, "%s: ", judged->file);
	fprintf(out, "%" PRIu64 " %s %s > %s %s %s%s%s%s %s %s\n", judged->number, time, src, dst, flags,
		verdict_name(decision->verdict), monitored ? "(" : "",
		monitored ? verdict_name(decision->would) : "", monitored ? ")" : "",
		reason_name(decision->reason), decision->rule_name[0] ? decision->rule_name : "-");
}

static void put_text(struct out *out, const char *name, const char *text)
{
	out_text(out, name);
	out_json_string(out, text, strlen(text));
}

static void put_number(struct out *out, const char *name, uint64_t number)
{
	out_text(out, name);
	out_u64(out, number);
}

static void put_ends(struct out *out, const struct packet *packet)
{
	char text[ADDR_TEXT_MAX];

	if (packet->family == ADDR_NONE)
		return;
	addr_format(&packet->src, text);
	put_text(out, ",\"src_ip\":", text);
	if (packet->has_ports)
		put_number(out, ",\"src_port\":", packet->sport);
	addr_format(&packet->dst, text);
	put_text(out, ",\"dest_ip\":", text);
	if (packet->has_ports)
		put_number(out, ",\"dest_port\":", packet->dport);
}

void replay_list_print_json(const struct replay_packet *judged, FILE *file)
{
	const struct decision *decision = judged->decision;
	char memory[LINE_MAX_BYTES], text[MOMENT_TEXT_MAX], flags[FLAGS_TEXT_MAX];
	struct out out = out_over(memory, sizeof(memory));

	out_text(&out, "{\"file\":");
	out_json_string(&out, judged->file, strnlen(judged->file, 1024));
	put_number(&out, ",\"number\":", judged->number);
	moment_format_eve(judged->time_ns, 0, text);
	put_text(&out, ",\"time\":", text);
	put_ends(&out, judged->packet);
	format_flags(judged->packet, flags);
	put_text(&out, ",\"flags\":", flags);
	put_text(&out, ",\"verdict\":", verdict_name(decision->verdict));
	put_text(&out, ",\"would\":", verdict_name(decision->would));
	put_text(&out, ",\"reason\":", reason_name(decision->reason));
	put_text(&out, ",\"rule\":", decision->rule_name);
	out_text(&out, "}\n");
	fwrite(memory, 1, out_len(&out), file);
}
