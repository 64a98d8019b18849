/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel for single addresses of sets that are too large to be read: the bounds of all that an apply has
 * changed in them, and of some ranges all over them; and how many ranges they hold, where the kernel tells.
 */
#ifndef OP25B_NET_NFT_ASK_H
#define OP25B_NET_NFT_ASK_H

#include "net/nft.h"

enum { NFT_ASK_TEXT_MAX = 200 };

struct nft_asked {
	size_t sets, addresses;
	bool same;
	char wrong[NFT_ASK_TEXT_MAX]; /* the first thing that is not as it should be; "" if none */
};

/*
 * now: what should be there. before (NULL: nothing): what was there before the change. Only sets that nft_read() would
 * not read are asked about. 0 with *ret, or -errno.
 */
int nft_ask(enum policy_family family, const struct nft_known *now, const struct nft_known *before,
	    struct nft_asked *ret);

#endif
