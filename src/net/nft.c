/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft.h"

#include "net/nft_batch.h"
#include "net/nft_clear.h"
#include "net/nft_elements.h"
#include "net/nft_live.h"
#include "net/nft_plan.h"
#include "net/nft_rule.h"
#include "net/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

/* Somebody else may change rulesets at the same time; after so many tries the caller hears of it. */
enum { TRIES_MAX = 8 };

#define CHAIN_TYPE "filter"

struct apply {
	const struct ruleset *ruleset;
	const struct nft_known *known;
	struct nft_socket *nft;
	struct nft_table table;
	struct nft_plan plan;
	struct nft_batch batch;
	struct nft_forms forms;
	size_t learned_anew;
};

static const struct ruleset_chain *wanted_chain(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		if (strcmp(ruleset->chains[i].name, name) == 0)
			return &ruleset->chains[i];
	}
	return NULL;
}

static uint32_t hook_of(const struct ruleset *ruleset, const struct ruleset_chain *chain)
{
	return chain->early || ruleset->family == POLICY_FAMILY_BRIDGE ? NF_INET_PRE_ROUTING
								       : NF_INET_FORWARD;
}

/* A chain that is hooked otherwise cannot be changed into the one that is wanted. */
static bool chain_stays(const void *context, const struct nft_object *chain)
{
	const struct ruleset_chain *wanted = wanted_chain(context, chain->name);

	if (!wanted || wanted->base != (chain->type == 1))
		return false;
	return !wanted->base ||
	       (chain->hook == hook_of(context, wanted) && chain->priority == wanted->priority &&
		strcmp(chain->hook_type, CHAIN_TYPE) == 0);
}

static bool counter_stays(const void *context, const struct nft_object *object)
{
	const struct ruleset *ruleset = context;

	for (size_t i = 0; i < ruleset->counter_count; i++) {
		if (object->type == NFT_OBJECT_COUNTER &&
		    strcmp(ruleset->counters[i].name, object->name) == 0)
			return true;
	}
	return false;
}

static const struct ruleset_live *wanted_live(const struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->live_count; i++) {
		if (strcmp(ruleset->live[i].name, name) == 0)
			return &ruleset->live[i];
	}
	return NULL;
}

static bool live_stays(const struct ruleset *ruleset, const struct nft_object *set)
{
	const struct ruleset_live *wanted = set->live ? wanted_live(ruleset, set->name) : NULL;
	char layout[NFT_LAYOUT_MAX];

	if (!wanted)
		return false;
	nft_live_layout(layout, wanted);
	return strcmp(layout, set->layout) == 0;
}

static bool set_stays(const void *context, const struct nft_object *set)
{
	const struct apply *apply = context;

	return nft_plan_keeps(&apply->plan, set) || live_stays(apply->ruleset, set);
}

static void put_live_sets(struct apply *apply)
{
	apply->learned_anew = 0;
	for (size_t i = 0; i < apply->ruleset->live_count; i++) {
		const struct ruleset_live *live = &apply->ruleset->live[i];
		const struct nft_object *there = nft_find_object(&apply->table.sets, live->name);

		if (there && live_stays(apply->ruleset, there))
			continue;
		apply->learned_anew += there != NULL;
		nft_put_live(&apply->batch, apply->nft, live, (uint32_t)(apply->plan.count + i) + 1);
	}
}

static void put_chain(struct apply *apply, const struct ruleset_chain *chain)
{
	const struct nft_note note = {.what = "chain", .name = chain->name};
	struct nlmsghdr *message =
		nft_batch_message(&apply->batch, apply->nft, NFT_MSG_NEWCHAIN, NLM_F_CREATE, &note);
	struct nlattr *hook;

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain->name);
	if (chain->base) {
		hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(hook_of(apply->ruleset, chain)));
		mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY, htonl((uint32_t)chain->priority));
		mnl_attr_nest_end(message, hook);
		mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
		mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, CHAIN_TYPE);
	}
	nft_batch_finish(&apply->batch, message);
}

static void put_sets(struct apply *apply)
{
	for (size_t i = 0; i < apply->plan.count; i++) {
		const struct nft_planned_set *planned = &apply->plan.sets[i];

		if (planned->stays)
			nft_plan_put_difference(&apply->batch, apply->nft, planned);
		else
			nft_put_set(&apply->batch, apply->nft, planned->wanted, (uint32_t)i + 1,
				    apply->plan.mark);
	}
}

static void put_content(struct apply *apply)
{
	const struct ruleset *ruleset = apply->ruleset;

	for (size_t i = 0; i < ruleset->counter_count; i++)
		nft_put_object(&apply->batch, apply->nft, NFT_MSG_NEWOBJ, ruleset->counters[i].name,
			       NFT_OBJECT_COUNTER);
	put_sets(apply);
	put_live_sets(apply);
	for (size_t i = 0; i < ruleset->chain_count; i++)
		put_chain(apply, &ruleset->chains[i]);
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++)
			nft_put_rule(&apply->batch, apply->nft, ruleset, &ruleset->chains[i], j + 1,
				     apply->forms);
	}
}

/* Had somebody come between reading the table and the transaction, that would have been refused. */
static void note_plan(const struct apply *apply, struct nft_report *report)
{
	report->whole = report->refused[0] ? NFT_WHOLE_REFUSED : apply->plan.whole;
	report->whole_sets = apply->plan.whole_sets;
	report->removed = apply->plan.removed;
	report->added = apply->plan.added;
	report->learned_anew = apply->learned_anew;
	report->mark = apply->plan.mark;
	report->generation = nft_generation_next(apply->table.generation);
	report->error[0] = '\0';
}

static void put_other_removal(struct apply *apply)
{
	uint8_t family = apply->batch.family;

	apply->batch.family = nft_other_family(family);
	nft_put_removal(&apply->batch, apply->nft);
	apply->batch.family = family;
}

static int apply_once(struct apply *apply, struct nft_report *report)
{
	const struct nft_stays stays = {chain_stays, counter_stays, apply->ruleset, set_stays, apply};
	uint8_t family = nft_family(apply->ruleset->family);
	int r = nft_table_read(apply->nft, family, &apply->table);

	if (r == 0)
		r = nft_table_find(apply->nft, nft_other_family(family), &report->other_removed);
	if (r < 0) {
		snprintf(report->error, sizeof(report->error), "reading the table");
		return r;
	}
	report->table_was_there = apply->table.there;
	r = nft_plan_make(apply->known, &apply->table, apply->ruleset->sets, apply->ruleset->set_count,
			  &apply->plan);
	if (r < 0)
		return r;
	r = nft_batch_begin(&apply->batch, apply->nft, family, apply->table.generation);
	if (r < 0)
		return r;
	if (report->other_removed)
		put_other_removal(apply);
	nft_put_table(&apply->batch, apply->nft, 0);
	if (apply->table.there)
		nft_put_clearing(&apply->batch, apply->nft, &apply->table, &stays);
	put_content(apply);
	r = nft_batch_end(&apply->batch, apply->nft, true);
	if (r < 0)
		return r;
	report->bytes = apply->batch.len;
	r = nft_batch_send(&apply->batch, apply->nft, report->error);
	if (r == -ENOBUFS)
		r = nft_table_find_out(&apply->table, apply->plan.mark);
	if (r == 0)
		note_plan(apply, report);
	return r;
}

/* That an element is not as it was known to be, or that a set has no more room. */
static bool refutes(int r)
{
	return r == -EEXIST || r == -ENOENT || r == -ENOTEMPTY || r == -ENFILE;
}

/* What a later try ends with does not tell what became of one whose answer was lost. */
static int apply_until_quiet(struct apply *apply, struct nft_report *report)
{
	bool unclear = false;
	int r = -EAGAIN;

	for (int i = 0; i < TRIES_MAX; i++) {
		bool different;

		/* What an earlier try has not read must not be taken for an answer to this one. */
		nft_socket_close(apply->nft);
		r = nft_socket_open(apply->nft);
		if (r == 0)
			r = apply_once(apply, report);
		different = apply->plan.whole == NFT_WHOLE_NOT;
		nft_plan_free(&apply->plan);
		nft_table_free(&apply->table);
		nft_batch_free(&apply->batch);
		if (r < 0 && different && refutes(r)) {
			memcpy(report->refused, report->error, sizeof(report->refused));
			apply->known = NULL;
		} else if (!nft_try_again(r)) {
			break;
		} else if (r == -ENOBUFS) {
			unclear = true;
			apply->known = NULL;
		}
	}
	return r < 0 && unclear ? -ENOBUFS : r;
}

/* A ruleset with nothing but this rule, sent without its end: the kernel tries it and changes nothing. */
static int try_statement(struct nft_socket *nft, enum policy_family family, enum ruleset_statement_kind kind,
			 struct nft_forms forms, char error[NFT_ERROR_MAX])
{
	struct ruleset_rule rule = {.statements = {{.kind = kind, .value = ADDR_NONE}}, .statement_count = 1};
	struct ruleset_chain chain = {.name = "try_one", .rules = &rule, .rule_count = 1};
	struct ruleset ruleset = {.family = family,
				  .chains = &chain,
				  .chain_count = 1,
				  .queue = {.first = 0, .count = 1, .bypass = true}};
	struct apply apply = {.ruleset = &ruleset, .nft = nft, .forms = forms};
	int r = nft_batch_begin(&apply.batch, nft, nft_family(family), 0);

	if (r == 0) {
		nft_put_table(&apply.batch, nft, 0);
		put_content(&apply);
		r = nft_batch_end(&apply.batch, nft, false);
	}
	if (r == 0)
		r = nft_batch_send(&apply.batch, nft, error);
	nft_batch_free(&apply.batch);
	return r;
}

static bool is_unknown(int r)
{
	return r == -ENOENT || r == -EOPNOTSUPP;
}

/* Without reject what is to be answered is still dropped. In the family inet every kernel has it. */
static int choose_answer(struct nft_socket *nft, enum policy_family family, const struct nft_forms *in_use,
			 struct nft_forms *forms, char error[NFT_ERROR_MAX])
{
	int r;

	forms->answer = NFT_ANSWER_REJECT;
	if (family != POLICY_FAMILY_BRIDGE || (in_use && in_use->answer == NFT_ANSWER_REJECT))
		return 0;
	r = try_statement(nft, family, RULESET_DO_REJECT_ICMP, *forms, error);
	if (!is_unknown(r))
		return r;
	forms->answer = NFT_ANSWER_NONE;
	return 0;
}

/* What is in use (NULL: not known) need not be tried, only what would be better. */
static int choose_forms(struct nft_socket *nft, enum policy_family family, const struct nft_forms *in_use,
			struct nft_forms *forms, char error[NFT_ERROR_MAX])
{
	int r = choose_answer(nft, family, in_use, forms, error);

	if (r < 0)
		return r;
	forms->queue = NFT_QUEUE_EXPRESSION;
	if (in_use && in_use->queue == NFT_QUEUE_EXPRESSION)
		return 0;
	r = try_statement(nft, family, RULESET_DO_QUEUE, *forms, error);
	if (!is_unknown(r))
		return r;
	if (family == POLICY_FAMILY_BRIDGE) {
		snprintf(error, NFT_ERROR_MAX,
			 "queueing in the bridge family, which takes the nft queue expression");
		return -EOPNOTSUPP;
	}
	forms->queue = NFT_QUEUE_XT_TARGET;
	if (in_use)
		return 0;
	r = try_statement(nft, family, RULESET_DO_QUEUE, *forms, error);
	if (!is_unknown(r))
		return r;
	snprintf(error, NFT_ERROR_MAX,
		 "queueing: neither the nft queue expression nor the xt NFQUEUE target is there");
	return -EOPNOTSUPP;
}

int nft_choose_forms(enum policy_family family, struct nft_forms *ret, char error[NFT_ERROR_MAX])
{
	struct nft_socket nft = {0};
	int r = nft_socket_open(&nft);

	if (r < 0) {
		snprintf(error, NFT_ERROR_MAX, "opening netlink");
		return r;
	}
	r = choose_forms(&nft, family, NULL, ret, error);
	nft_socket_close(&nft);
	return r;
}

static void count_content(const struct ruleset *ruleset, struct nft_report *report)
{
	report->counters = ruleset->counter_count;
	report->sets = ruleset->set_count + ruleset->live_count;
	report->elements = ruleset_element_count(ruleset);
	report->chains = ruleset->chain_count;
	report->rules = ruleset_rule_count(ruleset);
}

/* Each try takes the kernel some milliseconds: a transaction that is called off waits for all processors. */
static int choose_forms_to_apply(struct apply *apply, struct nft_report *report)
{
	enum policy_family family = apply->ruleset->family;
	int r = nft_table_read(apply->nft, nft_family(family), &apply->table);
	bool holds = r == 0 && nft_plan_holds(apply->known, &apply->table);

	nft_table_free(&apply->table);
	return choose_forms(apply->nft, family, holds ? &apply->known->forms : NULL, &report->forms,
			    report->error);
}

int nft_apply(const struct ruleset *ruleset, const struct nft_known *known, struct nft_report *report)
{
	struct nft_socket nft = {0};
	struct apply apply = {.ruleset = ruleset, .known = known, .nft = &nft};
	int r;

	*report = (struct nft_report){.error = "opening netlink"};
	r = nft_socket_open(&nft);
	if (r < 0)
		return r;
	r = choose_forms_to_apply(&apply, report);
	if (r == 0) {
		apply.forms = report->forms;
		r = apply_until_quiet(&apply, report);
	}
	nft_socket_close(&nft);
	if (r == 0)
		count_content(ruleset, report);
	return r;
}

/* Those of both families that are there, in one transaction. */
static int delete_tables(struct nft_socket *nft, struct nft_report *report)
{
	static const uint8_t families[] = {NFPROTO_INET, NFPROTO_BRIDGE};
	struct nft_batch batch = {0};
	bool there[2] = {false, false};
	int r = nft_batch_begin(&batch, nft, NFPROTO_INET, 0);

	for (size_t i = 0; i < 2 && r == 0; i++) {
		r = nft_table_find(nft, families[i], &there[i]);
		batch.family = families[i];
		if (r == 0 && there[i])
			nft_put_removal(&batch, nft);
	}
	/* Where the answer of an earlier try was lost, they may be gone. */
	report->table_was_there |= there[0] || there[1];
	if (r == 0 && (there[0] || there[1]))
		r = nft_batch_end(&batch, nft, true);
	if (r == 0 && (there[0] || there[1]))
		r = nft_batch_send(&batch, nft, report->error);
	nft_batch_free(&batch);
	return r;
}

int nft_delete(struct nft_report *report)
{
	struct nft_socket nft = {0};
	bool unclear = false;
	int r = -ENOENT;

	*report = (struct nft_report){.error = "opening netlink"};
	/* Somebody else may delete it between the look and the deed. */
	for (int i = 0; i < TRIES_MAX && (r == -ENOENT || nft_try_again(r)); i++) {
		r = nft_socket_open(&nft);
		if (r == 0)
			r = delete_tables(&nft, report);
		nft_socket_close(&nft);
		unclear |= r == -ENOBUFS;
	}
	if (r == 0)
		report->error[0] = '\0';
	return r < 0 && unclear ? -ENOBUFS : r;
}
