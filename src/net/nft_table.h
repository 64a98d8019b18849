/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: what the kernel's table holds now, as far as replacing it needs to know. */
#ifndef OP25B_NET_NFT_TABLE_H
#define OP25B_NET_NFT_TABLE_H

#include "net/nft_live.h"

enum { NFT_NAME_MAX = 256 }; /* the kernel's NFT_NAME_MAXLEN */

struct nft_object {
	char name[NFT_NAME_MAX];
	uint32_t type; /* of an object (NFT_OBJECT_*); chains: 1 for a base chain */
	uint32_t hook; /* of a base chain, with its priority, its type's name, and its policy (NF_*) */
	int32_t priority;
	uint32_t policy;
	char hook_type[16];
	uint64_t mark;               /* of a set: nft_known.h; 0: it bears none */
	bool exact;                  /* a set of single addresses, not of ranges */
	bool live;                   /* of a set: net/nft_live.h, */
	char layout[NFT_LAYOUT_MAX]; /* and its form */
};

struct nft_objects {
	struct nft_object *items;
	size_t count, capacity;
};

struct nft_table {
	uint8_t family; /* NFPROTO_* */
	bool there;
	bool asleep;         /* its flag "dormant": no packet meets it */
	uint32_t generation; /* of all rulesets of the namespace, when this was read */
	struct nft_objects chains, sets, objects;
};

/* For callbacks of netlink: whether a table's name (NULL: none) is ours, and the answer when memory has run out. */
bool nft_is_ours(const char *table);
int nft_out_of_memory(void);

/* The other one of inet and bridge. */
uint8_t nft_other_family(uint8_t family);
/* Which generation all rulesets of the namespace are of, host byte order. 0 or -errno. */
int nft_generation_read(struct nft_socket *nft, uint32_t *ret);
/* The one that the kernel makes of it with a transaction: one on, and never 0. */
uint32_t nft_generation_next(uint32_t generation);
/* Reads the one of the family. 0 or -errno (-EINTR: it changed meanwhile, try again); free with nft_table_free() in any case. */
int nft_table_read(struct nft_socket *nft, uint8_t family, struct nft_table *table);
/* Only whether it is there. 0 or -errno. */
int nft_table_find(struct nft_socket *nft, uint8_t family, bool *ret);
/* And whether it is dormant. */
int nft_table_find_asleep(struct nft_socket *nft, uint8_t family, bool *ret, bool *ret_asleep);
/*
 * What became of a transaction that was to give the table sets with this mark, when nft_batch_send() cannot tell: 0 when it was
 * taken, -EAGAIN when it was not, -ENOBUFS when that remains unknown, as it does when the mark was there before.
 */
int nft_table_find_out(const struct nft_table *before, uint64_t mark);
void nft_table_free(struct nft_table *table);
/* NULL when there is none of this name. */
const struct nft_object *nft_find_object(const struct nft_objects *objects, const char *name);

#endif
