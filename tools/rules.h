/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of op25b-rules: its options, and what every command needs. */
#ifndef OP25B_TOOLS_RULES_H
#define OP25B_TOOLS_RULES_H

#include "base/diag.h"
#include "policy/policy.h"
#include "ruleset/model.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct rules_options {
	const char *policy;
	const char *output; /* NULL: standard output */
	int64_t now_s;
	bool json;
	bool strict;
	bool at_given; /* now_s is --at's */
	bool list;     /* verify: every class, one JSON object a line */
};

/* code, or EXIT_CODE_SYSTEM when standard output could not be written. */
int rules_flushed(int code);
/* Prints and frees the object (NULL: memory ran out); code or EXIT_CODE_SYSTEM. rules_flushed() has the last word. */
int rules_print_json(json_t *object, int code);
/* An exit code, and with EXIT_CODE_OK the policy (policy_free). The findings are printed to stderr unless `quiet`. */
int rules_read_policy(const struct rules_options *options, struct diag_list *diags, bool quiet,
		      struct policy **ret);
/* An exit code, and with EXIT_CODE_OK the policy's ruleset (ruleset_free). */
int rules_load_ruleset(const struct rules_options *options, struct ruleset **ret);

/* Each runs a command and returns its exit code. */
int rules_check(const struct rules_options *options);
int rules_apply(const struct rules_options *options);
int rules_delete(const struct rules_options *options);
int rules_verify(const struct rules_options *options);

#endif
