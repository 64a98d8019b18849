/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_foreign.h"

#include "base/vec.h"
#include "net/nft_batch.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 8, NAME_MAX_BYTES = 256 };

struct chain {
	uint32_t family; /* NFPROTO_* */
	char table[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
	bool base, seen;
	uint32_t hook;
	int32_t priority;
	unsigned acts; /* of its own rules and policy */
};

/* Chain from leads to the chain of that name in its table. */
struct jump {
	size_t from;
	char to[NAME_MAX_BYTES];
};

struct survey {
	struct chain *chains;
	size_t chain_count, chain_capacity;
	struct jump *jumps;
	size_t jump_count, jump_capacity;
	size_t at; /* the chain whose rule is being read */
	bool failed;
};

static int out_of_memory(void)
{
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

static bool keep_chain(struct survey *survey, const struct nftnl_chain *from)
{
	struct chain *chain;

	if (!VEC_RESERVE(survey->chains, survey->chain_capacity, survey->chain_count + 1))
		return false;
	chain = &survey->chains[survey->chain_count++];
	*chain = (struct chain){.family = nftnl_chain_get_u32(from, NFTNL_CHAIN_FAMILY)};
	snprintf(chain->table, sizeof(chain->table), "%s", nftnl_chain_get_str(from, NFTNL_CHAIN_TABLE));
	snprintf(chain->name, sizeof(chain->name), "%s", nftnl_chain_get_str(from, NFTNL_CHAIN_NAME));
	chain->base = nftnl_chain_is_set(from, NFTNL_CHAIN_HOOKNUM);
	if (!chain->base)
		return true;
	chain->hook = nftnl_chain_get_u32(from, NFTNL_CHAIN_HOOKNUM);
	chain->priority = nftnl_chain_get_s32(from, NFTNL_CHAIN_PRIO);
	if (nftnl_chain_get_u32(from, NFTNL_CHAIN_POLICY) == NF_DROP)
		chain->acts = NFT_FOREIGN_DROPS;
	return true;
}

static int see_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	bool kept = true;

	if (!chain)
		return out_of_memory();
	if (nftnl_chain_nlmsg_parse(message, chain) == 0)
		kept = keep_chain(data, chain);
	nftnl_chain_free(chain);
	return kept ? MNL_CB_OK : out_of_memory();
}

static void see_verdict(struct survey *survey, const struct nftnl_expr *expr)
{
	uint32_t verdict;
	const char *to;

	if (!nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_VERDICT))
		return;
	verdict = nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT);
	to = nftnl_expr_get_str(expr, NFTNL_EXPR_IMM_CHAIN);
	if (verdict == NF_DROP)
		survey->chains[survey->at].acts |= NFT_FOREIGN_DROPS;
	if (!to)
		return;
	if (!VEC_RESERVE(survey->jumps, survey->jump_capacity, survey->jump_count + 1)) {
		survey->failed = true;
		return;
	}
	survey->jumps[survey->jump_count].from = survey->at;
	snprintf(survey->jumps[survey->jump_count++].to, NAME_MAX_BYTES, "%s", to);
}

static int see_expression(struct nftnl_expr *expr, void *data)
{
	struct survey *survey = data;
	struct chain *chain = &survey->chains[survey->at];
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	const char *target;

	if (!name)
		return 0;
	if (strcmp(name, "immediate") == 0) {
		see_verdict(survey, expr);
	} else if (strcmp(name, "reject") == 0) {
		chain->acts |= NFT_FOREIGN_DROPS;
	} else if (strcmp(name, "queue") == 0) {
		chain->acts |= NFT_FOREIGN_QUEUES;
	} else if (strcmp(name, "flow_offload") == 0) {
		chain->acts |= NFT_FOREIGN_OFFLOADS;
	} else if (strcmp(name, "lookup") == 0) {
		if (nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG) &&
		    nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT)
			chain->acts |= NFT_FOREIGN_MAPS;
	} else if (strcmp(name, "target") == 0) {
		target = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
		if (target && strcmp(target, "NFQUEUE") == 0)
			chain->acts |= NFT_FOREIGN_QUEUES;
		if (target && (strcmp(target, "REJECT") == 0 || strcmp(target, "DROP") == 0))
			chain->acts |= NFT_FOREIGN_DROPS;
	}
	return 0;
}

static bool find_chain(struct survey *survey, uint32_t family, const char *table, const char *name)
{
	for (survey->at = 0; survey->at < survey->chain_count; survey->at++) {
		const struct chain *chain = &survey->chains[survey->at];

		if (chain->family == family && strcmp(chain->name, name) == 0 &&
		    strcmp(chain->table, table) == 0)
			return true;
	}
	return false;
}

static int see_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct survey *survey = data;

	if (!rule)
		return out_of_memory();
	/* What libnftnl does not understand to the end may still have shown some of its expressions. */
	(void)nftnl_rule_nlmsg_parse(message, rule);
	if (nftnl_rule_is_set(rule, NFTNL_RULE_TABLE) && nftnl_rule_is_set(rule, NFTNL_RULE_CHAIN) &&
	    find_chain(survey, nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY),
		       nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
		       nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN)))
		nftnl_expr_foreach(rule, see_expression, survey);
	nftnl_rule_free(rule);
	return survey->failed ? out_of_memory() : MNL_CB_OK;
}

static int dump(struct nft_socket *nft, uint16_t type, mnl_cb_t callback, struct survey *survey)
{
	char buffer[256];
	struct nlmsghdr *request = nftnl_nlmsg_build_hdr(buffer, type, NFPROTO_UNSPEC, NLM_F_DUMP, 0);

	return nft_socket_request(nft, request, callback, survey);
}

static void survey_clear(struct survey *survey)
{
	free(survey->chains);
	free(survey->jumps);
	*survey = (struct survey){0};
}

static int take_survey(struct survey *survey)
{
	struct nft_socket nft = {0};
	int r = -EINTR;

	for (int i = 0; i < TRIES_MAX && r == -EINTR; i++) {
		survey_clear(survey);
		r = nft_socket_open(&nft);
		if (r == 0)
			r = dump(&nft, NFT_MSG_GETCHAIN, see_chain, survey);
		if (r == 0)
			r = dump(&nft, NFT_MSG_GETRULE, see_rule, survey);
		nft_socket_close(&nft);
	}
	return r;
}

/* What a chain and all it leads to do. The kernel allows no circles, and 16 jumps at most. */
static unsigned acts_of(struct survey *survey, size_t at)
{
	unsigned acts = survey->chains[at].acts;

	if (survey->chains[at].seen)
		return 0;
	survey->chains[at].seen = true;
	for (size_t i = 0; i < survey->jump_count; i++) {
		const struct chain *chain = &survey->chains[at];

		if (survey->jumps[i].from == at &&
		    find_chain(survey, chain->family, chain->table, survey->jumps[i].to))
			acts |= acts_of(survey, survey->at);
	}
	return acts;
}

static bool is_ours(const struct chain *chain)
{
	return (chain->family == NFPROTO_INET || chain->family == NFPROTO_BRIDGE) &&
	       strcmp(chain->table, RULESET_TABLE) == 0;
}

static const char *family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	default:
		return NULL;
	}
}

/* NULL when the chain is not on the way to ours. What a bridge forwards meets the bridge's own hooks alone. */
static const char *hook_name(enum policy_family family, const struct chain *chain)
{
	bool bridge = family == POLICY_FAMILY_BRIDGE;

	if (!chain->base || is_ours(chain) || !family_name(chain->family))
		return NULL;
	if (chain->family == NFPROTO_NETDEV)
		return chain->hook == NF_NETDEV_INGRESS ? "ingress" : NULL;
	if (chain->family == NFPROTO_INET && chain->hook == NF_INET_INGRESS)
		return "ingress";
	if (bridge != (chain->family == NFPROTO_BRIDGE))
		return NULL;
	return chain->hook == (bridge ? NF_INET_PRE_ROUTING : NF_INET_FORWARD)
		       ? ruleset_hook_name(family, false)
		       : NULL;
}

static bool look_at(struct survey *survey, size_t at, enum policy_family family, int32_t priority,
		    struct nft_foreign *ret)
{
	const struct chain *chain = &survey->chains[at];
	const char *hook = hook_name(family, chain);

	if (!hook)
		return false;
	for (size_t i = 0; i < survey->chain_count; i++)
		survey->chains[i].seen = false;
	*ret = (struct nft_foreign){.priority = chain->priority, .acts = acts_of(survey, at)};
	if (strcmp(hook, "ingress") != 0) {
		if (chain->priority > priority)
			ret->acts &= NFT_FOREIGN_OFFLOADS;
		ret->same_priority = chain->priority == priority;
	}
	snprintf(ret->family, sizeof(ret->family), "%s", family_name(chain->family));
	snprintf(ret->table, sizeof(ret->table), "%s", chain->table);
	snprintf(ret->chain, sizeof(ret->chain), "%s", chain->name);
	snprintf(ret->hook, sizeof(ret->hook), "%s", hook);
	return ret->acts != 0;
}

int nft_find_foreign(enum policy_family family, int32_t priority, struct nft_foreign **ret, size_t *ret_count)
{
	struct survey survey = {0};
	struct nft_foreign *found = NULL, one;
	size_t count = 0, capacity = 0;
	int r = take_survey(&survey);

	for (size_t i = 0; i < survey.chain_count && r == 0; i++) {
		if (!look_at(&survey, i, family, priority, &one))
			continue;
		if (VEC_RESERVE(found, capacity, count + 1))
			found[count++] = one;
		else
			r = -ENOMEM;
	}
	survey_clear(&survey);
	if (r < 0) {
		free(found);
		return r;
	}
	*ret = found;
	*ret_count = count;
	return 0;
}
