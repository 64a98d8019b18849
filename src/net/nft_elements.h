/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: a set and its elements as messages. */
#ifndef OP25B_NET_NFT_ELEMENTS_H
#define OP25B_NET_NFT_ELEMENTS_H

#include "net/nft_batch.h"

/* Adds the set (id: any number, once a transaction) and all its elements to the batch. */
void nft_put_set(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_set *set, uint32_t id);

#endif
