/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: making room in the table for other content, without deleting a base chain that stays. */
#ifndef OP25B_NET_NFT_CLEAR_H
#define OP25B_NET_NFT_CLEAR_H

#include "net/nft_batch.h"
#include "net/nft_table.h"

/* What of the old content the new one goes on with. */
struct nft_stays {
	bool (*chain)(const void *context, const struct nft_object *chain);
	bool (*object)(const void *context, const struct nft_object *object);
	const void *context;
	bool (*set)(const void *set_context, const struct nft_object *set); /* NULL: no set */
	const void *set_context;
};

/* Removes the table of the batch's family, with all that is in it. */
void nft_put_removal(struct nft_batch *batch, struct nft_socket *nft);

/* Flags 0 also wakes a table that somebody put to sleep. */
void nft_put_table(struct nft_batch *batch, struct nft_socket *nft, uint32_t flags);

/* type: NFT_MSG_NEWOBJ or NFT_MSG_DELOBJ. kind: NFT_OBJECT_*. The name is borrowed until the batch is freed. */
void nft_put_object(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *name,
		    uint32_t kind);

/* The table must outlive the batch. */
void nft_put_clearing(struct nft_batch *batch, struct nft_socket *nft, const struct nft_table *table,
		      const struct nft_stays *stays);

#endif
