/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"
#include "rules_pending.h"

#include "base/exitcode.h"
#include "net/nft_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Larger sets would take apply longer to read back than to load: the kernel's time grows with the square. */
enum { READ_BACK_ELEMENTS_MAX = 100000 };

int rules_refused(const struct nft_report *report, int r)
{
	if (r == -EPERM)
		fputs("op25b-rules: not allowed: changing rulesets needs CAP_NET_ADMIN\n", stderr);
	else
		fprintf(stderr, "op25b-rules: the kernel refused %s: %s; nothing was changed\n",
			report->error, strerror(-r));
	return EXIT_CODE_SYSTEM;
}

/* Takes the array over. */
static json_t *json_applied(const struct ruleset *ruleset, const struct nft_report *report,
			    const char *read_back_word, json_t *foreign, const struct pending *pending)
{
	return json_pack("{sb ss ss sb sb sb si si sI sI sI sI sI ss so so}", "applied", 1, "family",
			 policy_family_name(ruleset->family), "queue_form",
			 report->forms.queue == NFT_QUEUE_XT_TARGET ? "xt-nfqueue" : "nft-queue", "answers",
			 report->forms.answer == NFT_ANSWER_REJECT, "replaced", (int)report->table_was_there,
			 "other_family_removed", (int)report->other_removed, "queue",
			 (int)ruleset->queue.first, "queues", (int)ruleset->queue.count, "chains",
			 (json_int_t)report->chains, "rules", (json_int_t)report->rules, "sets",
			 (json_int_t)report->sets, "elements", (json_int_t)report->elements, "counters",
			 (json_int_t)report->counters, "read_back", read_back_word, "before_ours", foreign,
			 "pending", rules_json_pending(pending));
}

static void print_applied(const struct ruleset *ruleset, const struct nft_report *report)
{
	const struct ruleset_queue *queue = &ruleset->queue;

	bool bridge = ruleset->family == POLICY_FAMILY_BRIDGE;

	printf("%s table %s " RULESET_TABLE ": %zu rules in %zu chains, %zu elements in %zu sets\n",
	       report->table_was_there ? "replaced" : "made", policy_family_name(ruleset->family),
	       report->rules, report->chains, report->elements, report->sets);
	if (report->other_removed)
		printf("removed table %s " RULESET_TABLE
		       " of the family before; packets that waited in a queue were lost\n",
		       policy_family_name(bridge ? POLICY_FAMILY_INET : POLICY_FAMILY_BRIDGE));
	if (queue->count == 1)
		printf("packets go to queue %u ", queue->first);
	else
		printf("packets go to queues %u to %u ", queue->first, queue->first + queue->count - 1);
	if (report->forms.queue == NFT_QUEUE_XT_TARGET)
		puts("using the xt NFQUEUE target, because this kernel has no nft queue expression");
	else
		puts("using the nft queue expression");
	if (report->forms.answer == NFT_ANSWER_NONE)
		puts("action reset and icmp drop without an answer, because this kernel has no reject for bridges");
	if (queue->bypass)
		puts("without op25bd they pass (fail = open)");
	else
		puts("without op25bd they are dropped (fail = closed)");
}

/* Reads the table back and compares. 0, 1 when it differs, or -errno; *partly when a set was too large. */
static int read_back(const struct ruleset *ruleset, struct nft_forms forms, bool *partly)
{
	struct ruleset_image wanted = {0}, live = {0};
	struct change_list changes = {0};
	size_t unread = 0;
	int r = nft_expect(ruleset, forms, &wanted);

	if (r == 0)
		r = nft_read(ruleset->family, READ_BACK_ELEMENTS_MAX, &live);
	if (r == 0)
		r = compare_images(&live, &wanted, &changes);
	for (size_t i = 0; i < changes.count; i++)
		unread += changes.items[i].kind == CHANGE_SET_UNREAD;
	*partly = unread > 0;
	if (r == 0 && changes.count > unread) {
		fputs("op25b-rules: what was loaded reads back otherwise; the kernel's rules would have to change:\n",
		      stderr);
		rules_print_changes(&changes, stderr);
		r = 1;
	}
	change_list_clear(&changes);
	image_clear(&wanted);
	image_clear(&live);
	return r;
}

/* An exit code, and in *ret a word for scripts. */
static int judge_read_back(const struct ruleset *ruleset, struct nft_forms forms, const char **ret)
{
	bool partly;
	int r = read_back(ruleset, forms, &partly);

	*ret = partly ? "partly" : "same";
	if (r == 0)
		return EXIT_CODE_OK;
	*ret = "differs";
	if (r > 0)
		return EXIT_CODE_DIFFERS;
	*ret = "failed";
	fprintf(stderr, "op25b-rules: the rules were loaded; reading them back: %s\n", strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static int tell_applied(const struct rules_options *options, const struct ruleset *ruleset,
			const struct nft_report *report, const struct pending *pending)
{
	char text[PENDING_TEXT_MAX];
	const char *word;
	int code = judge_read_back(ruleset, report->forms, &word);
	json_t *foreign = rules_tell_foreign(options, ruleset);

	if (options->json)
		return rules_flushed(
			rules_print_json(json_applied(ruleset, report, word, foreign, pending), code));
	json_decref(foreign);
	print_applied(ruleset, report);
	if (strcmp(word, "partly") == 0)
		puts("read back and the same, but for large sets (op25b-rules status compares these, too)");
	else if (code == EXIT_CODE_OK)
		puts("read back, and the same");
	if (pending->state == PENDING_WAITING) {
		rules_pending_text(pending, text, sizeof(text));
		puts(text);
	}
	return rules_flushed(code);
}

int rules_refuse_busy(void)
{
	fputs("op25b-rules: another op25b-rules is changing the rules; nothing was changed\n", stderr);
	return EXIT_CODE_SYSTEM;
}

int rules_refuse_pending(const struct pending *pending)
{
	char text[PENDING_TEXT_MAX];

	rules_pending_text(pending, text, sizeof(text));
	fprintf(stderr, "op25b-rules: an earlier apply is %s; nothing was changed\n", text);
	return EXIT_CODE_SYSTEM;
}

/* -1 to go on, with the lock until the program ends; else an exit code. No lock must not keep a router without rules. */
static int lock_rules(void)
{
	struct pending pending = {.state = PENDING_NONE};
	int r = rules_lock();

	if (r == -EWOULDBLOCK)
		return rules_refuse_busy();
	if (r < 0)
		fprintf(stderr,
			"op25b-rules: warning: going on without a lock in " OP25B_RUN_DIRECTORY ": %s\n",
			strerror(-r));
	(void)pending_read(&pending);
	return pending.state == PENDING_WAITING ? rules_refuse_pending(&pending) : -1;
}

static int apply_now(const struct ruleset *ruleset, struct nft_report *report)
{
	int code = lock_rules(), r;

	if (code >= 0)
		return code;
	r = nft_apply(ruleset, report);
	if (r < 0)
		return rules_refused(report, r);
	pending_forget();
	return -1;
}

int rules_apply(const struct rules_options *options)
{
	struct pending pending = {.state = PENDING_NONE};
	struct ruleset *ruleset = NULL;
	struct nft_report report;
	int code = rules_load_ruleset(options, &ruleset);

	if (code != EXIT_CODE_OK)
		return code;
	if (options->confirm_within_s > 0)
		code = rules_apply_kept(ruleset, options->confirm_within_s, &report, &pending);
	else
		code = apply_now(ruleset, &report);
	if (code < 0)
		code = tell_applied(options, ruleset, &report, &pending);
	ruleset_free(ruleset);
	return code;
}

int rules_delete(const struct rules_options *options)
{
	struct nft_report report;
	int code = lock_rules(), r;

	if (code >= 0)
		return code;
	r = nft_delete(&report);
	if (r < 0)
		return rules_refused(&report, r);
	if (options->json)
		return rules_flushed(rules_print_json(
			json_pack("{sb}", "deleted", (int)report.table_was_there), EXIT_CODE_OK));
	puts(report.table_was_there ? "deleted table " RULESET_TABLE : "there was no table " RULESET_TABLE);
	return rules_flushed(EXIT_CODE_OK);
}
