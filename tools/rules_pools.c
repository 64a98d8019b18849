/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "ruleset/pools.h"
#include "ruleset/space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int print_prefix(void *context, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	return puts(text) < 0 ? -EIO : 0;
}

static int keep_prefix(void *context, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	return json_array_append_new(context, json_string(text)) < 0 ? -ENOMEM : 0;
}

static bool takes_family(const struct rules_options *options, uint8_t family)
{
	return family == ADDR_IP4 ? !options->only_ip6 : !options->only_ip4;
}

static json_t *json_pools(const struct rules_options *options, const struct policy *policy,
			  const struct ruleset_set *ip4, const struct ruleset_set *ip6)
{
	json_t *first = json_array(), *second = json_array();
	char at[MOMENT_TEXT_MAX];
	int r = 0;

	moment_format(options->now_s, options->now_offset_s, at);
	if (takes_family(options, ADDR_IP4))
		r = space_prefixes(ip4, keep_prefix, first);
	if (r == 0 && takes_family(options, ADDR_IP6))
		r = space_prefixes(ip6, keep_prefix, second);
	if (r < 0) {
		json_decref(first);
		json_decref(second);
		return NULL;
	}
	return json_pack("{ss ss ss ss sb so so}", "digest", policy->digest, "at", at, "mode",
			 policy_mode_name(policy->gateway.mode), "pools", options->all ? "all" : "enforced",
			 "without_exempt", (int)options->without_exempt, "ip4", first, "ip6", second);
}

static int print_pools(const struct rules_options *options, const struct policy *policy,
		       const struct ruleset_set *ip4, const struct ruleset_set *ip6)
{
	if (options->json)
		return rules_flushed(rules_print_json(json_pools(options, policy, ip4, ip6), EXIT_CODE_OK));
	if (policy->gateway.mode == POLICY_MODE_MONITOR && !options->all)
		fputs("op25b-rules: mode = monitor: no pool is enforced; --all lists them\n", stderr);
	if (takes_family(options, ADDR_IP4))
		(void)space_prefixes(ip4, print_prefix, NULL);
	if (takes_family(options, ADDR_IP6))
		(void)space_prefixes(ip6, print_prefix, NULL);
	return rules_flushed(EXIT_CODE_OK);
}

int rules_pools(const struct rules_options *options)
{
	const struct pools_options wanted = {
		.at_s = options->now_s, .all = options->all, .without_exempt = options->without_exempt};
	struct ruleset_set ip4, ip6;
	struct policy *policy = NULL;
	int code = rules_load_policy(options, &policy), r;

	if (code != EXIT_CODE_OK)
		return code;
	r = pools_collect(policy, &wanted, &ip4, &ip6);
	if (r < 0) {
		fprintf(stderr, "op25b-rules: making the list: %s\n", strerror(-r));
		code = EXIT_CODE_SYSTEM;
	} else {
		code = print_pools(options, policy, &ip4, &ip6);
	}
	space_clear(&ip4);
	space_clear(&ip6);
	policy_free(policy);
	return code;
}
