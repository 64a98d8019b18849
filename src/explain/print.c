/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/explain.h"

#include "base/out.h"

#include <inttypes.h>
#include <string.h>

static const char *end_text(const struct packet *packet, const struct addr *addr, uint16_t port, char out[64])
{
	char text[ADDR_TEXT_MAX];

	if (packet->family == ADDR_NONE)
		return "-";
	addr_format(addr, text);
	if (!packet->has_ports)
		snprintf(out, 64, "%s", text);
	else
		snprintf(out, 64, addr->family == ADDR_IP6 ? "[%s]:%u" : "%s:%u", text, port);
	return out;
}

static void print_answer(const struct decision *decision, FILE *out)
{
	fprintf(out, "%s", verdict_name(decision->verdict));
	if (decision->would != decision->verdict)
		fprintf(out, " (%s)", verdict_name(decision->would));
	fprintf(out, ", %s", reason_name(decision->reason));
	if (decision->rule_name[0])
		fprintf(out, ", rule %s", decision->rule_name);
}

void explain_print(const struct explanation *explanation, int32_t offset_s, FILE *out)
{
	const struct explain_question *question = &explanation->question;
	const struct packet *packet = &question->packet;
	char src[64], dst[64], date[MOMENT_TEXT_MAX];

	moment_format(question->context.now_s, offset_s, date);
	fprintf(out, "%s > %s%s%s at %s\n", end_text(packet, &packet->src, packet->sport, src),
		end_text(packet, &packet->dst, packet->dport, dst), question->interface ? " on " : "",
		question->interface ? question->interface : "", date);
	print_answer(&explanation->decision, out);
	fprintf(out, "\n  %s\n\n", engine_reasons[explanation->decision.reason].meaning);
	for (size_t i = 0; i < explanation->step_count; i++)
		fprintf(out, "%s %-20s %s\n", explanation->steps[i].decides ? "->" : "  ",
			explanation->steps[i].name, explanation->steps[i].text);
	fputc('\n', out);
	if (explanation->change_count == 0)
		fputs("no date changes this answer\n", out);
	for (size_t i = 0; i < explanation->change_count; i++) {
		moment_format(explanation->changes[i].at_s, offset_s, date);
		fprintf(out, "from %s: ", date);
		print_answer(&explanation->changes[i].decision, out);
		fputc('\n', out);
	}
}

/* ---- JSON ---- */

static void put(FILE *out, const char *name, const char *text)
{
	fprintf(out, "\"%s\": ", name);
	if (text)
		out_json_string_to(out, text, strlen(text));
	else
		fputs("null", out);
}

static void put_date(FILE *out, const char *name, int64_t s, int32_t offset_s)
{
	char date[MOMENT_TEXT_MAX];

	if (s != MOMENT_NEVER)
		moment_format(s, offset_s, date);
	put(out, name, s == MOMENT_NEVER ? NULL : date);
}

static void put_answer(FILE *out, const struct decision *decision)
{
	put(out, "verdict", verdict_name(decision->verdict));
	fputs(", ", out);
	put(out, "would", verdict_name(decision->would));
	fputs(", ", out);
	put(out, "reason", reason_name(decision->reason));
}

static void put_rule(FILE *out, const struct policy *policy, int32_t at)
{
	const struct policy_rule *rule = at >= 0 ? &policy->rules[at] : NULL;

	fputs("\"rule\": ", out);
	if (!rule) {
		fputs("null", out);
		return;
	}
	fputc('{', out);
	put(out, "kind", policy_kind_name(rule->kind));
	fputs(", ", out);
	put(out, "name", rule->name);
	fputs(", ", out);
	put(out, "file", policy->sources[0]);
	fprintf(out, ", \"line\": %" PRIu32, rule->line);
	if (rule->ticket && rule->ticket[0]) {
		fputs(", ", out);
		put(out, "ticket", rule->ticket);
	}
	fputc('}', out);
}

static void put_question(FILE *out, const struct explain_question *question, int32_t offset_s)
{
	const struct packet *packet = &question->packet;
	char text[64];

	fputs("{\n\t", out);
	put(out, "src", end_text(packet, &packet->src, packet->sport, text));
	fputs(",\n\t", out);
	put(out, "dst", end_text(packet, &packet->dst, packet->dport, text));
	fputs(",\n\t", out);
	put(out, "iface", question->interface);
	fputs(",\n\t", out);
	put_date(out, "at", question->context.now_s, offset_s);
	fputs(",\n\t", out);
}

static void put_steps(FILE *out, const struct explanation *explanation)
{
	fputs(",\n\t\"steps\": [", out);
	for (size_t i = 0; i < explanation->step_count; i++) {
		const struct explain_step *step = &explanation->steps[i];

		fputs(i ? ",\n\t\t{" : "\n\t\t{", out);
		put(out, "question", step->name);
		fprintf(out, ", \"decides\": %s, ", step->decides ? "true" : "false");
		put_rule(out, explanation->policy, step->rule);
		fputs(", ", out);
		put(out, "text", step->text);
		fputc('}', out);
	}
	fputs("\n\t]", out);
}

void explain_print_json(const struct explanation *explanation, int32_t offset_s, FILE *out)
{
	const struct decision *decision = &explanation->decision;

	put_question(out, &explanation->question, offset_s);
	put_answer(out, decision);
	fputs(",\n\t", out);
	put(out, "meaning", engine_reasons[decision->reason].meaning);
	fputs(",\n\t", out);
	put_rule(out, explanation->policy, decision->rule);
	put_steps(out, explanation);
	fputs(",\n\t\"changes\": [", out);
	for (size_t i = 0; i < explanation->change_count; i++) {
		fputs(i ? ",\n\t\t{" : "\n\t\t{", out);
		put_date(out, "at", explanation->changes[i].at_s, offset_s);
		fputs(", ", out);
		put_answer(out, &explanation->changes[i].decision);
		fputs(", ", out);
		put_rule(out, explanation->policy, explanation->changes[i].decision.rule);
		fputc('}', out);
	}
	fputs(explanation->change_count ? "\n\t],\n\t" : "],\n\t", out);
	put(out, "digest", explanation->policy->digest);
	fputs("\n}\n", out);
}
