/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply_overlap POLICY AT: applies the policy's ruleset, but with range number AT of the longest IPv4 set reaching into the
 * next one, as no policy can have it. The kernel refuses that one element of many. Prints what was said of it.
 */
#include "net/nft.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ruleset_set *longest_set(const struct ruleset *ruleset)
{
	struct ruleset_set *longest = NULL;

	for (size_t i = 0; i < ruleset->set_count; i++) {
		struct ruleset_set *set = &ruleset->sets[i];

		if (set->family == ADDR_IP4 && (!longest || set->count > longest->count))
			longest = set;
	}
	return longest;
}

int main(int argc, char **argv)
{
	size_t at = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct policy *policy = NULL;
	struct ruleset *ruleset = NULL;
	struct ruleset_set *set;
	struct nft_report report;
	int r;

	if (argc != 3 || policy_read_file(argv[1], 0, NULL, &policy) < 0 ||
	    ruleset_build(policy, &ruleset) < 0)
		return 2;
	set = longest_set(ruleset);
	if (!set || at + 1 >= set->count)
		return 2;
	set->ip4[at].last = set->ip4[at + 1].first;
	r = nft_apply(ruleset, NULL, &report);
	printf("%s: %s\n", report.error, strerror(-r));
	ruleset_free(ruleset);
	policy_free(policy);
	return r < 0;
}
