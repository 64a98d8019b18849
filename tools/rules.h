/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of op25b-rules: its options, and what every command needs. */
#ifndef OP25B_TOOLS_RULES_H
#define OP25B_TOOLS_RULES_H

#include "net/rules_pending.h"

#include "base/diag.h"
#include "net/nft.h"
#include "policy/policy.h"
#include "ruleset/compare.h"
#include "ruleset/model.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct rules_options {
	const char *policy;
	const char *output; /* NULL: standard output */
	int64_t now_s;
	int32_t now_offset_s; /* of the clock that --at was written in */
	bool json;
	bool strict;
	bool at_given;             /* now_s is --at's */
	bool whole;                /* apply: send everything */
	bool full;                 /* status, diff: read everything */
	bool list;                 /* verify: every class, one JSON object a line */
	uint32_t confirm_within_s; /* apply; 0: no confirmation is waited for */
	bool kernel;               /* check: the kernel, not the policy */
	bool all;                  /* pools: not only the enforced ones */
	bool only_ip4, only_ip6;   /* pools */
	bool without_exempt;       /* pools */
};

/* code, or EXIT_CODE_SYSTEM when standard output could not be written. */
int rules_flushed(int code);
/* Prints and frees the object (NULL: memory ran out); code or EXIT_CODE_SYSTEM. rules_flushed() has the last word. */
int rules_print_json(json_t *object, int code);
/* An exit code, and with EXIT_CODE_OK the policy (policy_free). The findings are printed to stderr unless `quiet`. */
int rules_read_policy(const struct rules_options *options, struct diag_list *diags, bool quiet,
		      struct policy **ret);
/* The same, with the findings printed to stderr and forgotten. */
int rules_load_policy(const struct rules_options *options, struct policy **ret);
/* An exit code, and with EXIT_CODE_OK the policy's ruleset (ruleset_free). */
int rules_load_ruleset(const struct rules_options *options, struct ruleset **ret);

/* What distinguishes two rulesets: one or more lines each, or a JSON array. */
void rules_print_changes(const struct change_list *changes, FILE *out);
json_t *rules_json_changes(const struct change_list *changes);

/* Warns of other tables' chains that come before ours (with --json it is silent), and returns them; the caller's. */
json_t *rules_tell_foreign(const struct rules_options *options, const struct ruleset *ruleset);

enum { PENDING_TEXT_MAX = 160 };

/* What every command that changes rules says when it cannot; each returns the exit code. */
int rules_refused(const struct nft_report *report, int r);
int rules_refuse_busy(void);
int rules_refuse_pending(const struct pending *pending);

/* "waiting for op25b-rules confirm until ..." */
void rules_pending_text(const struct pending *pending, char *out, size_t size);
json_t *rules_json_pending(const struct pending *pending);

/*
 * Applies in a process of its own that puts the present rules back unless it hears rules_confirm() in time. -1 when
 * the rules are loaded, with *report and *pending; else an exit code, and all is said.
 */
int rules_apply_kept(const struct ruleset *ruleset, const struct nft_known *known, uint32_t within_s,
		     struct nft_report *report, struct pending *pending);

/* Each runs a command and returns its exit code. */
int rules_check(const struct rules_options *options);
int rules_apply(const struct rules_options *options);
int rules_check_kernel(const struct rules_options *options);
int rules_status(const struct rules_options *options);
int rules_diff(const struct rules_options *options);
int rules_pools(const struct rules_options *options);
int rules_confirm(const struct rules_options *options);
int rules_delete(const struct rules_options *options);
int rules_verify(const struct rules_options *options);

#endif
