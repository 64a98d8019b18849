/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * divided POLICY PART_MAX text|json|apply: the policy's ruleset with sets divided into parts of so few ranges as no real policy
 * has them: printed, or applied and read back. Says how it was read back when that is not as it should be.
 */
#include "net/nft_read.h"
#include "policy/policy.h"
#include "ruleset/compare.h"
#include "ruleset/divide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_back(const struct ruleset *ruleset, struct nft_forms forms)
{
	struct ruleset_image wanted = {0}, live = {0};
	struct change_list changes = {0};
	int r = nft_expect(ruleset, forms, &wanted);

	if (r == 0)
		r = nft_read(ruleset->family, NFT_LARGE_SET, NULL, &live);
	if (r == 0)
		r = compare_images(&live, &wanted, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		printf("%s %s\n", change_name(changes.items[i].kind), changes.items[i].name);
		r = -1;
	}
	change_list_clear(&changes);
	image_clear(&wanted);
	image_clear(&live);
	return r;
}

static int apply(const struct ruleset *ruleset)
{
	struct nft_report report;
	int r = nft_apply(ruleset, NULL, &report);

	if (r < 0)
		printf("%s: %s\n", report.error, strerror(-r));
	return r < 0 ? r : read_back(ruleset, report.forms);
}

int main(int argc, char **argv)
{
	struct policy *policy = NULL;
	struct ruleset *ruleset = NULL;
	size_t part_max = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	int r = -1;

	if (part_max == 0 || policy_read_file(argv[1], 0, NULL, &policy) < 0 ||
	    ruleset_build(policy, &ruleset) < 0 || ruleset_divide(ruleset, part_max) < 0)
		return 2;
	if (strcmp(argv[3], "text") == 0)
		r = ruleset_print(ruleset, stdout);
	else if (strcmp(argv[3], "json") == 0)
		r = ruleset_print_json(ruleset, stdout);
	else if (strcmp(argv[3], "apply") == 0)
		r = apply(ruleset);
	ruleset_free(ruleset);
	policy_free(policy);
	return r < 0;
}
