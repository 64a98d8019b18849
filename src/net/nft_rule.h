/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: a rule of the model as nf_tables expressions. */
#ifndef OP25B_NET_NFT_RULE_H
#define OP25B_NET_NFT_RULE_H

#include "net/nft_batch.h"

/*
 * Adds the rule, number from 1 in its chain, to the batch. It may become several: the xtables target takes no queue
 * number from a register, so there each worker gets a rule of its own.
 */
void nft_put_rule(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset *ruleset,
		  const struct ruleset_chain *chain, size_t number, enum nft_queue_form form);

struct nftnl_rule;

/* Adds the xtables target NFQUEUE to a rule. False without memory. */
bool nft_rule_add_queue_target(struct nftnl_rule *rule, uint16_t number, bool bypass);

#endif
