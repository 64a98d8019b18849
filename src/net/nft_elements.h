/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: a set and its elements as messages. */
#ifndef OP25B_NET_NFT_ELEMENTS_H
#define OP25B_NET_NFT_ELEMENTS_H

#include "net/nft_batch.h"

struct nftnl_set;

/*
 * A long set of single addresses alone is made as a hash of addresses, not of ranges: the kernel fills it several times
 * faster. It takes no ranges then, and `room` addresses at most.
 */
struct nft_set_form {
	bool exact;
	uint32_t room; /* of an exact one that is to be made */
};

/* The form to make the set in. */
struct nft_set_form nft_set_form_for(const struct ruleset_set *set);

/* Adds the set (id: any number, once a transaction), which then bears the mark, and all its elements to the batch. */
void nft_put_set(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_set *set, uint32_t id,
		 uint64_t mark);
/* Adds (type NFT_MSG_NEWSETELEM) or removes (NFT_MSG_DELSETELEM) the ranges of `ranges` in the set of this name. The kernel
 * refuses to add what is there, and to remove what is not. */
void nft_put_elements(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *name,
		      const struct ruleset_set *ranges, bool exact);

/* One element of a list: a range's first address or, with `end`, the first one behind it. */
void nft_put_element(struct nlmsghdr *message, const struct addr *addr, bool end);

/* The mark that the set bears, 0 if none. */
uint64_t nft_set_mark(const struct nftnl_set *set);

/* The address behind the range; false when the range reaches the last one there is. */
bool nft_range_end(const struct ruleset_set *set, size_t at, struct addr *ret);

#endif
