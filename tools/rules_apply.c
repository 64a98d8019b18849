/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"
#include "rules_daemon.h"
#include "net/rules_pending.h"
#include "rules_state.h"

#include "base/exitcode.h"
#include "net/nft_ask.h"
#include "net/nft_read.h"
#include "net/rules_note.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What was applied, and what had been before. */
struct applied {
	const struct ruleset *ruleset;
	struct nft_known before;
	struct nft_report report;
	struct pending pending;
};

static const char *whole_text(enum nft_whole whole)
{
	static const char *const texts[] = {
		[NFT_WHOLE_NOT] = "",
		[NFT_WHOLE_NEW] = "there was no table",
		[NFT_WHOLE_UNKNOWN] = "what was loaded is not known from an earlier apply",
		[NFT_WHOLE_CHANGED] = "somebody has changed rulesets since the last apply",
		[NFT_WHOLE_REFUSED] = "the kernel refused the difference",
	};

	return texts[whole];
}

int rules_refused(const struct nft_report *report, int r)
{
	if (r == -EPERM)
		fputs("op25b-rules: not allowed: changing rulesets needs CAP_NET_ADMIN\n", stderr);
	else if (r == -ENOBUFS)
		fputs("op25b-rules: the kernel's answers were lost, and whether the rules were changed is not known; op25b-rules status tells\n",
		      stderr);
	else
		fprintf(stderr, "op25b-rules: the kernel refused %s: %s; nothing was changed\n",
			report->error, strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static json_t *json_sent(const struct nft_report *report)
{
	if (report->whole == NFT_WHOLE_NOT)
		return json_pack("{ss sI sI sI}", "what", "difference", "added", (json_int_t)report->added,
				 "removed", (json_int_t)report->removed, "whole_sets",
				 (json_int_t)report->whole_sets);
	return json_pack("{ss ss ss}", "what", "whole", "because", whole_text(report->whole), "refused",
			 report->refused);
}

/* Takes the array over. */
static json_t *json_applied(const struct applied *applied, const char *read_back_word, json_t *foreign)
{
	const struct nft_report *report = &applied->report;
	const struct ruleset *ruleset = applied->ruleset;

	return json_pack("{sb ss ss sb sb sb si si sI sI sI sI sI sI so ss so so}", "applied", 1, "family",
			 policy_family_name(ruleset->family), "queue_form",
			 report->forms.queue == NFT_QUEUE_XT_TARGET ? "xt-nfqueue" : "nft-queue", "answers",
			 report->forms.answer == NFT_ANSWER_REJECT, "replaced", (int)report->table_was_there,
			 "other_family_removed", (int)report->other_removed, "queue",
			 (int)ruleset->queue.first, "queues", (int)ruleset->queue.count, "chains",
			 (json_int_t)report->chains, "rules", (json_int_t)report->rules, "sets",
			 (json_int_t)report->sets, "learned_sets_anew", (json_int_t)report->learned_anew,
			 "elements", (json_int_t)report->elements, "counters", (json_int_t)report->counters,
			 "sent", json_sent(report), "read_back", read_back_word, "before_ours", foreign,
			 "pending", rules_json_pending(&applied->pending));
}

static void print_sent(const struct nft_report *report)
{
	if (report->whole == NFT_WHOLE_NOT)
		printf("only the difference was sent: %zu ranges came, %zu went, %zu sets were sent whole\n",
		       report->added, report->removed, report->whole_sets);
	else if (report->whole == NFT_WHOLE_REFUSED)
		printf("all sets were sent, because the kernel refused the difference: %s\n",
		       report->refused);
	else if (report->whole != NFT_WHOLE_NEW)
		printf("all sets were sent, because %s\n", whole_text(report->whole));
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
	print_sent(report);
	if (queue->count == 1)
		printf("packets go to queue %u ", queue->first);
	else
		printf("packets go to queues %u to %u ", queue->first, queue->first + queue->count - 1);
	if (report->forms.queue == NFT_QUEUE_XT_TARGET)
		puts("using the xt NFQUEUE target, because this kernel has no nft queue expression");
	else
		puts("using the nft queue expression");
	if (report->learned_anew > 0)
		printf("%zu sets that op25bd fills had another layout, and are empty now: what they had counted is lost\n",
		       report->learned_anew);
	if (report->forms.answer == NFT_ANSWER_NONE)
		puts("action reset and icmp drop without an answer, because this kernel has no reject for bridges");
	if (queue->bypass)
		puts("without op25bd they pass (fail = open)");
	else
		puts("without op25bd they are dropped (fail = closed)");
}

/* What was found: how much of the table was read, or else asked for. */
struct read_back {
	size_t unread, kept;
	struct nft_asked asked;
};

static int tell_difference(const struct change_list *changes, size_t unread)
{
	if (changes->count == unread)
		return 0;
	fputs("op25b-rules: what was loaded reads back otherwise; the kernel's rules would have to change:\n",
	      stderr);
	rules_print_changes(changes, stderr);
	return 1;
}

/* Large sets cannot be read in a useful time; what was changed in them can be asked for. */
static int ask_large_sets(const struct applied *applied, const struct nft_known *now, struct nft_asked *asked)
{
	bool different = applied->report.whole == NFT_WHOLE_NOT;
	int r = nft_ask(applied->ruleset->family, now, different ? &applied->before : NULL, asked);

	if (r < 0 || asked->same)
		return r;
	fprintf(stderr, "op25b-rules: what was loaded reads back otherwise: %s\n", asked->wrong);
	return 1;
}

/* Reads the table back and compares. 0, 1 when it differs, or -errno. */
static int read_back(const struct applied *applied, struct read_back *ret)
{
	const struct nft_known now = state_after(applied->ruleset, &applied->report);
	struct ruleset_image wanted = {0}, live = {0};
	struct change_list changes = {0};
	int r = nft_expect(applied->ruleset, applied->report.forms, &wanted);

	if (r == 0)
		r = nft_read(applied->ruleset->family, NFT_LARGE_SET, &now, &live);
	if (r == 0)
		r = compare_images(&live, &wanted, &changes);
	for (size_t i = 0; i < changes.count; i++)
		ret->unread += changes.items[i].kind == CHANGE_SET_UNREAD;
	for (size_t i = 0; i < live.set_count; i++)
		ret->kept += live.sets[i].kept;
	if (r == 0)
		r = tell_difference(&changes, ret->unread);
	change_list_clear(&changes);
	image_clear(&wanted);
	image_clear(&live);
	return r != 0 || ret->kept == 0 ? r : ask_large_sets(applied, &now, &ret->asked);
}

/* An exit code, and in *ret a word for scripts. */
static int judge_read_back(const struct applied *applied, struct read_back *found, const char **ret)
{
	int r = read_back(applied, found);

	*ret = found->unread > 0 || found->kept > 0 ? "partly" : "same";
	if (r == 0)
		return EXIT_CODE_OK;
	*ret = "differs";
	if (r > 0)
		return EXIT_CODE_DIFFERS;
	*ret = "failed";
	fprintf(stderr, "op25b-rules: the rules were loaded; reading them back: %s\n", strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static void print_read_back(const struct read_back *found)
{
	if (found->unread > 0)
		puts("read back and the same, but for large sets (op25b-rules status --full compares these, too)");
	else if (found->kept > 0)
		printf("read back, and the same; of large sets %zu addresses were asked for (op25b-rules status --full reads all)\n",
		       found->asked.addresses);
	else
		puts("read back, and the same");
}

static int tell_applied(const struct rules_options *options, const struct applied *applied)
{
	struct read_back found = {0};
	char text[PENDING_TEXT_MAX];
	const char *word;
	int code = judge_read_back(applied, &found, &word);
	json_t *foreign = rules_tell_foreign(options, applied->ruleset);

	/* What is not as it should be must not be built on. */
	if (code == EXIT_CODE_DIFFERS)
		state_forget();
	if (options->json)
		return rules_flushed(rules_print_json(json_applied(applied, word, foreign), code));
	json_decref(foreign);
	print_applied(applied->ruleset, &applied->report);
	if (code == EXIT_CODE_OK)
		print_read_back(&found);
	if (applied->pending.state == PENDING_WAITING) {
		rules_pending_text(&applied->pending, text, sizeof(text));
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

static void note_deed(enum rules_deed deed)
{
	int r = rules_note_write(deed);

	if (r < 0)
		fprintf(stderr,
			"op25b-rules: warning: a running op25bd may take this for somebody else's doing: no note "
			"in " OP25B_RUN_DIRECTORY ": %s\n",
			strerror(-r));
}

/* The daemon is asked under the lock: who is refused that leaves offload as it was. */
static int apply_now(const struct rules_options *options, struct applied *applied)
{
	struct nft_known now;
	int code = lock_rules(), r;

	if (code >= 0)
		return code;
	rules_daemon_drain(options, applied->ruleset);
	rules_daemon_follow(options, &applied->before);
	r = nft_apply(applied->ruleset, &applied->before, &applied->report);
	if (r < 0)
		return rules_refused(&applied->report, r);
	now = state_after(applied->ruleset, &applied->report);
	state_write(&now);
	note_deed(RULES_APPLIED);
	pending_forget();
	return -1;
}

static int apply_kept(const struct rules_options *options, struct applied *applied)
{
	rules_daemon_drain(options, applied->ruleset);
	rules_daemon_follow(options, &applied->before);
	return rules_apply_kept(applied->ruleset, &applied->before, options->confirm_within_s,
				&applied->report, &applied->pending);
}

int rules_apply(const struct rules_options *options)
{
	struct applied applied = {.pending.state = PENDING_NONE};
	struct ruleset *ruleset = NULL;
	int code = rules_load_ruleset(options, &ruleset);

	if (code != EXIT_CODE_OK)
		return code;
	applied.ruleset = ruleset;
	if (!options->whole)
		state_read(&applied.before);
	if (options->confirm_within_s > 0)
		code = apply_kept(options, &applied);
	else
		code = apply_now(options, &applied);
	if (code < 0)
		code = tell_applied(options, &applied);
	nft_known_clear(&applied.before);
	ruleset_free(ruleset);
	return code;
}

int rules_delete(const struct rules_options *options)
{
	struct nft_report report;
	int code = lock_rules(), r;

	if (code >= 0)
		return code;
	rules_daemon_drain(options, NULL);
	r = nft_delete(&report);
	if (r < 0)
		return rules_refused(&report, r);
	state_forget();
	note_deed(RULES_DELETED);
	if (options->json)
		return rules_flushed(rules_print_json(
			json_pack("{sb}", "deleted", (int)report.table_was_there), EXIT_CODE_OK));
	puts(report.table_was_there ? "deleted table " RULESET_TABLE : "there was no table " RULESET_TABLE);
	return rules_flushed(EXIT_CODE_OK);
}
