/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "ruleset/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_MAX = 240 };

static void explain_command(const struct verify_finding *finding, char out[COMMAND_MAX])
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], at[MOMENT_TEXT_MAX];

	addr_format(&finding->packet.src, src);
	addr_format(&finding->packet.dst, dst);
	moment_format(finding->at_s, 0, at);
	snprintf(out, COMMAND_MAX, "op25bctl explain %s %s --iface %s --at %s", src, dst,
		 finding->packet.interface, at);
}

static const char *counter_name(const struct ruleset *ruleset, int32_t counter)
{
	return counter < 0 ? "no counter" : ruleset->counters[counter].name;
}

static void print_finding(const struct ruleset *ruleset, const struct verify_finding *finding)
{
	char text[VERIFY_CASE_TEXT_MAX], command[COMMAND_MAX], at[MOMENT_TEXT_MAX];

	if (!finding->packet.form) {
		printf("%s: %s\n", verify_kind_text(finding->kind),
		       finding->kind == VERIFY_LOGGING ? "a rule that logs or limits does more than that"
						       : "the ruleset's is not the policy's");
		return;
	}
	verify_case_text(&finding->packet, text);
	moment_format(finding->at_s, 0, at);
	explain_command(finding, command);
	printf("%s: %s\n", verify_kind_text(finding->kind), text);
	printf("  the kernel: %s (%s), %s\n", finding->queued ? "asks the daemon" : "decides alone",
	       counter_name(ruleset, finding->counter), verify_end_text(finding->end));
	printf("  the policy at %s: %s, enforced %s: %s%s%s\n", at, verdict_name(finding->expected.verdict),
	       verdict_name(finding->expected.would), reason_name(finding->expected.reason),
	       finding->expected.rule_name[0] ? " " : "", finding->expected.rule_name);
	printf("  %" PRIu64 " packet%s like this; ask: %s\n", finding->count, finding->count == 1 ? "" : "s",
	       command);
}

static bool is_sampled(const struct verify_report *report)
{
	return report->pairs_seen < report->pairs;
}

static void print_limits(const struct verify_report *report)
{
	for (int i = 0; i < VERIFY_LIMITS; i++) {
		if (report->tolerated[i] > 0)
			printf("  known limit %s, %" PRIu64 " packets: %s\n", verify_limits[i].name,
			       report->tolerated[i], verify_limits[i].meaning);
	}
}

static void print_report(const struct rules_options *options, const struct ruleset *ruleset,
			 const struct verify_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		print_finding(ruleset, &report->findings[i]);
	printf("%s: %" PRIu64 " classes of packets, %" PRIu64 " disagreements\n", options->policy,
	       report->packets, report->disagreements);
	printf("  %" PRIu64 " source and %" PRIu64 " destination classes of %" PRIu64
	       " address ranges, %" PRIu64 " interfaces, %" PRIu64 " forms, %" PRIu64 " dates%s\n",
	       report->source_classes, report->target_classes, report->ranges, report->interfaces,
	       report->forms, report->dates,
	       report->dates_walked ? " (each packet at those that change its decision)" : "");
	printf("  settled by the kernel %" PRIu64 ", queued %" PRIu64 "\n", report->settled, report->queued);
	print_limits(report);
	if (is_sampled(report))
		printf("  SAMPLED: %" PRIu64 " of %" PRIu64
		       " pairs of source and destination were looked at\n",
		       report->pairs_seen, report->pairs);
}

static json_t *json_moment(int64_t s)
{
	char text[MOMENT_TEXT_MAX];

	moment_format(s, 0, text);
	return json_string(text);
}

static json_t *json_finding(const struct ruleset *ruleset, const struct verify_finding *finding)
{
	char text[VERIFY_CASE_TEXT_MAX], command[COMMAND_MAX];

	if (!finding->packet.form)
		return json_pack("{ss}", "kind", verify_kind_text(finding->kind));
	verify_case_text(&finding->packet, text);
	explain_command(finding, command);
	return json_pack("{ss ss sb ss ss so ss ss ss ss sI ss}", "kind", verify_kind_text(finding->kind),
			 "packet", text, "queued", finding->queued, "counter",
			 counter_name(ruleset, finding->counter), "kernel", verify_end_text(finding->end),
			 "at", json_moment(finding->at_s), "verdict", verdict_name(finding->expected.verdict),
			 "would", verdict_name(finding->expected.would), "reason",
			 reason_name(finding->expected.reason), "rule", finding->expected.rule_name, "count",
			 (json_int_t)finding->count, "explain", command);
}

static json_t *json_report(const struct rules_options *options, const struct ruleset *ruleset,
			   const struct verify_report *report)
{
	json_t *findings = json_array(), *limits = json_object();

	for (size_t i = 0; i < report->finding_count; i++)
		json_array_append_new(findings, json_finding(ruleset, &report->findings[i]));
	for (int i = 1; i < VERIFY_LIMITS; i++)
		json_object_set_new(limits, verify_limits[i].name,
				    json_integer((json_int_t)report->tolerated[i]));
	return json_pack("{ss sI sI sI sI sI sI sI sI sI sI sI sI sb sb so so}", "policy", options->policy,
			 "classes", (json_int_t)report->packets, "disagreements",
			 (json_int_t)report->disagreements, "source_classes",
			 (json_int_t)report->source_classes, "destination_classes",
			 (json_int_t)report->target_classes, "address_ranges", (json_int_t)report->ranges,
			 "interfaces", (json_int_t)report->interfaces, "forms", (json_int_t)report->forms,
			 "dates", (json_int_t)report->dates, "settled", (json_int_t)report->settled, "queued",
			 (json_int_t)report->queued, "pairs", (json_int_t)report->pairs, "pairs_seen",
			 (json_int_t)report->pairs_seen, "sampled", is_sampled(report), "dates_walked",
			 report->dates_walked, "known_limits", limits, "findings", findings);
}

/* ---- the list of all classes ---- */

static void write_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

/* What can be sent: no history, no mark, and addresses that a router forwards. */
static void list_case(void *context, const struct verify_seen *seen)
{
	const struct verify_case *packet = &seen->packet;
	const struct ruleset *ruleset = context;
	uint8_t bytes[VERIFY_FORM_BYTES];
	char hex[2 * VERIFY_FORM_BYTES + 1], src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	json_t *object;

	if (packet->mark != 0 || !packet->routable)
		return;
	write_hex(bytes, verify_case_bytes(packet, bytes), hex);
	addr_format(&packet->src, src);
	addr_format(&packet->dst, dst);
	object = json_pack("{ss ss ss ss ss sb sb ss sb ss ss ss}", "src", src, "dst", dst, "interface",
			   packet->interface, "form", packet->form->words, "conntrack",
			   verify_ct_text(packet->ct_state), "reply", packet->ct_reply, "fragment",
			   packet->form->fragment, "bytes", hex, "queued", seen->queued, "counter",
			   seen->counter < 0 ? "" : ruleset->counters[seen->counter].name, "end",
			   verify_end_text(seen->end), "reason", reason_name(seen->expected.reason));
	if (object)
		json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int print_result(const struct rules_options *options, const struct ruleset *ruleset,
			const struct verify_report *report)
{
	int code = report->disagreements > 0 ? EXIT_CODE_DIFFERS : EXIT_CODE_OK;

	if (code == EXIT_CODE_OK && is_sampled(report))
		code = EXIT_CODE_SAMPLED;
	if (options->list)
		return rules_flushed(code);
	if (options->json)
		return rules_print_json(json_report(options, ruleset, report), code);
	print_report(options, ruleset, report);
	return rules_flushed(code);
}

static int verify_engine(const struct rules_options *options, const struct policy *policy,
			 const struct engine *engine)
{
	struct verify_options wanted = {.now_s = options->now_s, .at_only = options->at_given};
	struct verify_report report = {0};
	struct ruleset *ruleset = NULL;
	int r = ruleset_build(policy, &ruleset), code = EXIT_CODE_SYSTEM;

	wanted.each_context = ruleset;
	wanted.each = options->list ? list_case : NULL;
	if (r == 0)
		r = verify_run(policy, ruleset, engine, &wanted, &report);
	if (r == 0)
		code = print_result(options, ruleset, &report);
	else
		fprintf(stderr, "op25b-rules: verifying: %s\n", strerror(-r));
	verify_report_free(&report);
	ruleset_free(ruleset);
	return code;
}

int rules_verify(const struct rules_options *options)
{
	struct policy *policy = NULL;
	struct engine *engine = NULL;
	struct diag_list diags = {0};
	int code = rules_read_policy(options, &diags, false, &policy), r;

	diag_list_free(&diags);
	if (code != EXIT_CODE_OK)
		return code;
	r = engine_build(policy, &engine);
	if (r == 0) {
		code = verify_engine(options, policy, engine);
	} else {
		fprintf(stderr, "op25b-rules: making the engine: %s\n", strerror(-r));
		code = r == -E2BIG ? EXIT_CODE_POLICY : EXIT_CODE_SYSTEM;
	}
	engine_free(engine);
	policy_free(policy);
	return code;
}
