/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy says of a subscriber: his pools, and the exemptions that are about him. */
#include "log_show.h"

#include "log_text.h"
#include "log_time.h"

#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static bool touches(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

/* Whether a source prefix of the rule is about the subscriber. */
static bool is_about(const struct policy *policy, size_t rule, const struct prefix *subscriber)
{
	for (size_t i = 0; subscriber->addr.family == ADDR_IP4 && i < policy->ip4_count; i++) {
		const struct policy_prefix4 *entry = &policy->ip4[i];
		struct prefix prefix = {addr_ip4(entry->addr), entry->len};

		if (entry->rule == rule && entry->role == POLICY_ROLE_SOURCE && touches(&prefix, subscriber))
			return true;
	}
	for (size_t i = 0; subscriber->addr.family == ADDR_IP6 && i < policy->ip6_count; i++) {
		const struct policy_prefix6 *entry = &policy->ip6[i];
		struct prefix prefix = {addr_ip6(entry->hi, entry->lo), entry->len};

		if (entry->rule == rule && entry->role == POLICY_ROLE_SOURCE && touches(&prefix, subscriber))
			return true;
	}
	return false;
}

static const char *state_of(const struct policy_rule *rule, int64_t now_s)
{
	if (rule->has_from && now_s < rule->from.s)
		return "not yet";
	return rule->has_until && now_s >= rule->until.s ? "expired" : "in force";
}

static void print_line(const struct log_context *context, const struct policy_rule *rule, const char *state)
{
	const struct {
		const char *name, *text;
	} parts[] = {{", ticket ", rule->ticket}, {", owner ", rule->owner}, {": ", rule->reason}};
	char until[LOG_TIME_TEXT_MAX] = "", *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	fprintf(out, "%s, %s", rule->name, state);
	if (rule->has_until) {
		log_time_format(rule->until.s * LOG_US_PER_S, context->utc, until);
		fprintf(out, ", until %s", until);
	}
	if (!rule->to_any)
		fputs(", towards some destinations only", out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].text[0])
			fprintf(out, "%s%s", parts[i].name, parts[i].text);
	if (fclose(out) == 0) {
		log_show_label(context, "exemption");
		log_show_line(context, "%s", text);
	}
	free(text);
}

static void print_member(const struct log_context *context, const struct policy_rule *rule, const char *state)
{
	char until[LOG_TIME_TEXT_MAX];

	fputs("{\"name\":", stdout);
	log_text_json(stdout, rule->name);
	printf(",\"state\":\"%s\",\"until\":", state);
	if (rule->has_until) {
		log_time_format_exact(rule->until.s * LOG_US_PER_S, context->utc, until);
		log_text_json(stdout, until);
	} else {
		fputs("null", stdout);
	}
	printf(",\"to_any\":%s,\"ticket\":", rule->to_any ? "true" : "false");
	log_text_json(stdout, rule->ticket);
	fputs(",\"owner\":", stdout);
	log_text_json(stdout, rule->owner);
	fputs(",\"reason\":", stdout);
	log_text_json(stdout, rule->reason);
	putchar('}');
}

/* ---- pools ---- */

static bool is_about_kind(const struct policy *policy, size_t rule, enum policy_kind kind,
			  const struct prefix *subscriber)
{
	return policy->rules[rule].kind == kind && is_about(policy, rule, subscriber);
}

void log_show_policy_pools(const struct log_context *context, const struct prefix *subscriber)
{
	const struct policy *policy = context->policy;
	size_t count = 0;

	if (context->output != LOG_TABLE)
		fputs(",\"policy_pools\":[", stdout);
	for (size_t i = 0; policy && i < policy->rule_count; i++) {
		if (!is_about_kind(policy, i, POLICY_POOL, subscriber))
			continue;
		if (context->output != LOG_TABLE) {
			fputs(count > 0 ? "," : "", stdout);
			log_text_json(stdout, policy->rules[i].name);
		} else if (log_show_label(context, count > 0 ? "" : "pool")) {
			log_show_line(context, "%s", policy->rules[i].name);
		}
		count++;
	}
	if (context->output != LOG_TABLE)
		putchar(']');
}

bool log_show_policy_knows(const struct log_context *context, struct prefix *subscriber)
{
	const struct policy *policy = context->policy;
	bool known = false;

	for (size_t i = 0; policy && i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (is_about_kind(policy, i, POLICY_EXEMPT, subscriber))
			known = true;
		if (!is_about_kind(policy, i, POLICY_POOL, subscriber))
			continue;
		known = true;
		if (subscriber->addr.family == ADDR_IP6 && subscriber->len > rule->delegated_prefix_length)
			*subscriber =
				(struct prefix){addr_mask(&subscriber->addr, rule->delegated_prefix_length),
						rule->delegated_prefix_length};
	}
	return known;
}

/* ---- exemptions ---- */

void log_show_exemptions(const struct log_context *context, const struct prefix *subscriber)
{
	const struct policy *policy = context->policy;
	size_t count = 0;

	if (context->output != LOG_TABLE)
		fputs(",\"exemptions\":[", stdout);
	for (size_t i = 0; policy && i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		const char *state;

		if (!is_about_kind(policy, i, POLICY_EXEMPT, subscriber))
			continue;
		state = state_of(rule, context->now_us / LOG_US_PER_S);
		if (context->output == LOG_TABLE) {
			print_line(context, rule, state);
			continue;
		}
		fputs(count++ ? "," : "", stdout);
		print_member(context, rule, state);
	}
	if (context->output != LOG_TABLE)
		putchar(']');
}
