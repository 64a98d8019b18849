/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to net/: sets of learned sources and the maps that switch them. Their content is the daemon's and the rules':
 * an apply makes them empty when they are not there in the same layout, and leaves them alone else.
 */
#ifndef OP25B_NET_NFT_LIVE_H
#define OP25B_NET_NFT_LIVE_H

#include "net/nft_batch.h"

struct nftnl_set;

enum { NFT_LAYOUT_MAX = 160 };

/* Adds an empty one to the batch. id: any number, once a transaction. */
void nft_put_live(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_live *live,
		  uint32_t id);

/* Whether a set of the kernel's has the form of one: filled by rules, or a verdict map. */
bool nft_set_is_live(const struct nftnl_set *set);

/* All that matters for going on with the content, in words, the same for the policy's and the kernel's. */
void nft_live_layout(char out[NFT_LAYOUT_MAX], const struct ruleset_live *live);
void nft_set_layout(char out[NFT_LAYOUT_MAX], const struct nftnl_set *set);

#endif
