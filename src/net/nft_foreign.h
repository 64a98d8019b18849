/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other people's rules that packets meet before ours: what is dropped, queued or offloaded there never comes to op25b.
 * Only to be told of: nothing of theirs is touched.
 */
#ifndef OP25B_NET_NFT_FOREIGN_H
#define OP25B_NET_NFT_FOREIGN_H

#include "net/nft.h"

enum nft_foreign_act {
	NFT_FOREIGN_DROPS = 1, /* reject included */
	NFT_FOREIGN_QUEUES = 2,
	NFT_FOREIGN_OFFLOADS = 4, /* into a flowtable: open connections then pass by the forward hook */
	NFT_FOREIGN_MAPS = 8,     /* a verdict map, which may hold anything */
};

/* A base chain that does any of it, itself or in a chain that it leads to. */
struct nft_foreign {
	char family[8];
	char table[256], chain[256];
	char hook[12]; /* "forward", in a bridge "prerouting", or "ingress" */
	int32_t priority;
	bool same_priority; /* who was there first decides */
	unsigned acts;      /* enum nft_foreign_act */
};

/*
 * Base chains at ingress, and where ours of this family are hooked with a priority before or equal to `priority`; such
 * as offload at any.
 * 0 with *ret, *ret_count the caller's to free; -errno, and both are untouched.
 */
int nft_find_foreign(enum policy_family family, int32_t priority, struct nft_foreign **ret,
		     size_t *ret_count);

#endif
