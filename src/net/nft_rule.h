/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: a rule of the model as nf_tables expressions. */
#ifndef OP25B_NET_NFT_RULE_H
#define OP25B_NET_NFT_RULE_H

#include "net/nft_batch.h"

struct nftnl_rule;

/*
 * Hands the rule, number from 1 in its chain, to `see` as the kernel is to get it. It may become several: the xtables
 * target takes no queue number from a register, so there each worker gets a rule of its own. Stops when `see` returns
 * other than 0, and returns that; -ENOMEM.
 */
typedef int (*nft_rule_fn)(void *context, struct nftnl_rule *rule);
int nft_rule_each(const struct ruleset *ruleset, const struct ruleset_chain *chain, size_t number,
		  struct nft_forms forms, nft_rule_fn see, void *context);

/* Adds the rule, or the several it becomes, to the batch. */
void nft_put_rule(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset *ruleset,
		  const struct ruleset_chain *chain, size_t number, struct nft_forms forms);

/* Adds the xtables target NFQUEUE to a rule. False without memory. */
bool nft_rule_add_queue_target(struct nftnl_rule *rule, uint16_t number, bool bypass);

#endif
