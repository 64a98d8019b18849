/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/exitcode.h"
#include "net/nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int kernel_refused(const struct nft_report *report, int r)
{
	if (r == -EPERM)
		fputs("op25b-rules: not allowed: changing rulesets needs CAP_NET_ADMIN\n", stderr);
	else
		fprintf(stderr, "op25b-rules: the kernel refused %s: %s; nothing was changed\n",
			report->error, strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static json_t *json_applied(const struct ruleset *ruleset, const struct nft_report *report)
{
	return json_pack("{sb ss sb si si sI sI sI sI sI}", "applied", 1, "queue_form",
			 report->queue == NFT_QUEUE_XT_TARGET ? "xt-nfqueue" : "nft-queue", "replaced",
			 (int)report->table_was_there, "queue", (int)ruleset->queue.first, "queues",
			 (int)ruleset->queue.count, "chains", (json_int_t)report->chains, "rules",
			 (json_int_t)report->rules, "sets", (json_int_t)report->sets, "elements",
			 (json_int_t)report->elements, "counters", (json_int_t)report->counters);
}

static void print_applied(const struct ruleset *ruleset, const struct nft_report *report)
{
	const struct ruleset_queue *queue = &ruleset->queue;

	printf("%s table inet " RULESET_TABLE ": %zu rules in %zu chains, %zu elements in %zu sets\n",
	       report->table_was_there ? "replaced" : "made", report->rules, report->chains, report->elements,
	       report->sets);
	if (queue->count == 1)
		printf("packets go to queue %u ", queue->first);
	else
		printf("packets go to queues %u to %u ", queue->first, queue->first + queue->count - 1);
	if (report->queue == NFT_QUEUE_XT_TARGET)
		puts("using the xt NFQUEUE target, because this kernel has no nft queue expression");
	else
		puts("using the nft queue expression");
	if (queue->bypass)
		puts("without op25bd they pass (fail = open)");
	else
		puts("without op25bd they are dropped (fail = closed)");
}

int rules_apply(const struct rules_options *options)
{
	struct ruleset *ruleset = NULL;
	struct nft_report report;
	int code = rules_load_ruleset(options, &ruleset), r;

	if (code != EXIT_CODE_OK)
		return code;
	r = nft_apply(ruleset, &report);
	if (r < 0)
		code = kernel_refused(&report, r);
	else if (options->json)
		code = rules_print_json(json_applied(ruleset, &report), code);
	else
		print_applied(ruleset, &report);
	ruleset_free(ruleset);
	return rules_flushed(code);
}

int rules_delete(const struct rules_options *options)
{
	struct nft_report report;
	int r = nft_delete(&report);

	if (r < 0)
		return kernel_refused(&report, r);
	if (options->json)
		return rules_flushed(rules_print_json(
			json_pack("{sb}", "deleted", (int)report.table_was_there), EXIT_CODE_OK));
	puts(report.table_was_there ? "deleted table inet " RULESET_TABLE
				    : "there was no table inet " RULESET_TABLE);
	return rules_flushed(EXIT_CODE_OK);
}
