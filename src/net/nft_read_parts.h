/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: the parts of reading a table. */
#ifndef OP25B_NET_NFT_READ_PARTS_H
#define OP25B_NET_NFT_READ_PARTS_H

#include "net/nft_batch.h"
#include "net/nft_read.h"

struct nftnl_rule;

/* A dump of the kind `type` of our table of the family (NFPROTO_*) alone. 0 or -errno (-EINTR: it changed meanwhile). */
int nft_read_dump(struct nft_socket *nft, uint16_t type, uint16_t table_attr, mnl_cb_t callback,
		  struct ruleset_image *image);

/* The canonical text of a rule's expressions, to be freed. NULL without memory. */
char *nft_rule_text(struct nftnl_rule *rule);

/* What a set looks up, in words; the same for the policy's sets and the kernel's. */
void nft_set_type(char *out, size_t size, uint32_t key_type, uint32_t key_len, uint32_t flags);
void nft_set_type_of(char *out, size_t size, const struct ruleset_set *set);

struct nft_read_limits {
	size_t elements_max;
	const struct nft_known *known; /* NULL, or it holds */
};

/* Reads all sets of the table with their elements. 0 or -errno. */
int nft_read_sets(struct nft_socket *nft, const struct nft_read_limits *limits, struct ruleset_image *image);

#endif
