/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DATES_SHOWN = 8 };

/* A date of the policy that has not come yet. */
struct date_ahead {
	struct moment moment;
	const struct policy_rule *rule;
	const char *key;
};

struct dates_ahead {
	struct date_ahead first[DATES_SHOWN];
	size_t count; /* of all, also those not kept */
};

static void see_date(struct dates_ahead *dates, int64_t now_s, const struct policy_rule *rule,
		     const char *key, bool given, struct moment moment)
{
	size_t kept = dates->count < DATES_SHOWN ? dates->count : DATES_SHOWN, at = kept;

	if (!given || moment.s <= now_s)
		return;
	dates->count++;
	while (at > 0 && dates->first[at - 1].moment.s > moment.s)
		at--;
	if (at == DATES_SHOWN)
		return;
	if (kept == DATES_SHOWN)
		kept--;
	memmove(&dates->first[at + 1], &dates->first[at], (kept - at) * sizeof(dates->first[0]));
	dates->first[at] = (struct date_ahead){moment, rule, key};
}

static void find_dates(const struct policy *policy, int64_t now_s, struct dates_ahead *dates)
{
	*dates = (struct dates_ahead){0};
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		see_date(dates, now_s, rule, "monitor_from", rule->has_monitor_from, rule->monitor_from);
		see_date(dates, now_s, rule, "enforce_from", rule->has_enforce_from, rule->enforce_from);
		see_date(dates, now_s, rule, "subscribers_until", rule->has_subscribers_until,
			 rule->subscribers_until);
		see_date(dates, now_s, rule, "from", rule->has_from, rule->from);
		see_date(dates, now_s, rule, "until", rule->has_until, rule->until);
	}
}

static size_t count_rules(const struct policy *policy, enum policy_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		count += policy->rules[i].kind == kind;
	return count;
}

static void print_dates(const struct dates_ahead *dates)
{
	char text[MOMENT_TEXT_MAX];

	if (dates->count == 0)
		puts("  no dates ahead");
	for (size_t i = 0; i < dates->count && i < DATES_SHOWN; i++) {
		const struct date_ahead *date = &dates->first[i];

		moment_format(date->moment.s, date->moment.offset_s, text);
		printf("  %s  [%s %s] %s\n", text, policy_kind_name(date->rule->kind), date->rule->name,
		       date->key);
	}
	if (dates->count > DATES_SHOWN)
		printf("  and %zu after these\n", dates->count - DATES_SHOWN);
}

static void print_summary(const struct rules_options *options, const struct policy *policy,
			  const struct diag_list *diags)
{
	const struct policy_gateway *gateway = &policy->gateway;
	struct dates_ahead dates;

	find_dates(policy, options->now_s, &dates);
	printf("%s: %zu warning%s, no errors\n", options->policy, diags->warnings,
	       diags->warnings == 1 ? "" : "s");
	printf("  mode %s, fail %s, unlisted %s, established %s, queue %u, workers %u, conntrack %s\n",
	       policy_mode_name(gateway->mode), policy_fail_name(gateway->fail),
	       policy_unlisted_name(gateway->unlisted), policy_established_name(gateway->established),
	       gateway->queue, gateway->workers, gateway->conntrack ? "yes" : "no");
	for (int kind = 0; kind < POLICY_KINDS; kind++)
		printf("%s%zu %s", kind ? ", " : "  sections: ", count_rules(policy, (enum policy_kind)kind),
		       policy_kind_name((enum policy_kind)kind));
	printf("\n  prefixes: %zu IPv4, %zu IPv6, from %zu file%s\n", policy->ip4_count, policy->ip6_count,
	       policy->source_count, policy->source_count == 1 ? "" : "s");
	printf("  digest: %s\n", policy->digest);
	print_dates(&dates);
}

static json_t *json_text(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();

	return string ? string : json_string("(not UTF-8)");
}

static json_t *json_findings(const struct diag_list *diags)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		json_array_append_new(array,
				      json_pack("{ss so sI sI so so so}", "severity",
						d->severity == DIAG_ERROR ? "error" : "warning", "file",
						json_text(d->file), "line", (json_int_t)d->line, "column",
						(json_int_t)d->column, "message", json_text(d->message),
						"hint", json_text(d->hint), "text", json_text(d->text)));
	}
	return array;
}

static json_t *json_dates(const struct policy *policy, int64_t now_s)
{
	json_t *array = json_array();
	struct dates_ahead dates;
	char text[MOMENT_TEXT_MAX];

	find_dates(policy, now_s, &dates);
	for (size_t i = 0; i < dates.count && i < DATES_SHOWN; i++) {
		const struct date_ahead *date = &dates.first[i];

		moment_format(date->moment.s, date->moment.offset_s, text);
		json_array_append_new(array, json_pack("{ss ss ss ss}", "date", text, "section",
						       policy_kind_name(date->rule->kind), "name",
						       date->rule->name, "key", date->key));
	}
	return array;
}

static json_t *json_summary(const struct policy *policy, int64_t now_s)
{
	const struct policy_gateway *gateway = &policy->gateway;
	json_t *sections = json_object();

	for (int kind = 0; kind < POLICY_KINDS; kind++)
		json_object_set_new(sections, policy_kind_name((enum policy_kind)kind),
				    json_integer((json_int_t)count_rules(policy, (enum policy_kind)kind)));
	return json_pack("{ss ss ss ss ss si si sb so sI sI sI so}", "digest", policy->digest, "mode",
			 policy_mode_name(gateway->mode), "fail", policy_fail_name(gateway->fail), "unlisted",
			 policy_unlisted_name(gateway->unlisted), "established",
			 policy_established_name(gateway->established), "queue", (int)gateway->queue,
			 "workers", (int)gateway->workers, "conntrack", (int)gateway->conntrack, "sections",
			 sections, "prefixes_ip4", (json_int_t)policy->ip4_count, "prefixes_ip6",
			 (json_int_t)policy->ip6_count, "files", (json_int_t)policy->source_count,
			 "dates_ahead", json_dates(policy, now_s));
}

/* Reads the policy and compiles it as op25bd will: what is too much for the tables is seen here, not at the start. */
static int load(const struct rules_options *options, struct diag_list *diags, struct policy **ret)
{
	struct engine *engine = NULL;
	int code = rules_read_policy(options, diags, true, ret), r;

	if (code == EXIT_CODE_OK && (r = engine_build_or_tell(*ret, diags, &engine)) < 0) {
		code = r == -EBADMSG ? EXIT_CODE_POLICY : EXIT_CODE_SYSTEM;
		if (code == EXIT_CODE_SYSTEM)
			fprintf(stderr, "op25b-rules: %s: %s\n", options->policy, strerror(-r));
		policy_free(*ret);
		*ret = NULL;
	}
	engine_free(engine);
	if (!options->json)
		diag_print(diags, stderr);
	return code;
}

int rules_check(const struct rules_options *options)
{
	struct policy *policy = NULL;
	struct diag_list diags = {0};
	int code;

	if (options->kernel)
		return rules_check_kernel(options);
	code = load(options, &diags, &policy);
	if (code == EXIT_CODE_OK && options->strict && diags.warnings > 0)
		code = EXIT_CODE_DIFFERS;
	if (options->json)
		code = rules_print_json(
			json_pack("{ss sI sI so so}", "policy", options->policy, "errors",
				  (json_int_t)diags.errors, "warnings", (json_int_t)diags.warnings,
				  "findings", json_findings(&diags), "summary",
				  policy ? json_summary(policy, options->now_s) : json_null()),
			code);
	else if (policy)
		print_summary(options, policy, &diags);
	else if (diags.errors > 0)
		printf("%s: %zu error%s, %zu warning%s\n", options->policy, diags.errors,
		       diags.errors == 1 ? "" : "s", diags.warnings, diags.warnings == 1 ? "" : "s");
	policy_free(policy);
	diag_list_free(&diags);
	return rules_flushed(code);
}
