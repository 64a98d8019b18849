/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_clear.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

void nft_put_table(struct nft_batch *batch, struct nft_socket *nft, uint32_t flags)
{
	const struct nft_note note = {.what = "table", .name = RULESET_TABLE};
	struct nlmsghdr *message = nft_batch_message(batch, nft, NFT_MSG_NEWTABLE, NLM_F_CREATE, &note);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, RULESET_TABLE);
	mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, htonl(flags));
	nft_batch_finish(batch, message);
}

void nft_put_removal(struct nft_batch *batch, struct nft_socket *nft)
{
	static const struct nft_note note = {.what = "removing table", .name = RULESET_TABLE};
	struct nlmsghdr *message = nft_batch_message(batch, nft, NFT_MSG_DELTABLE, 0, &note);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, RULESET_TABLE);
	nft_batch_finish(batch, message);
}

void nft_put_object(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *name,
		    uint32_t kind)
{
	const struct nft_note note = {.what = "counter", .name = name};
	struct nlmsghdr *message =
		nft_batch_message(batch, nft, type, type == NFT_MSG_NEWOBJ ? NLM_F_CREATE : 0, &note);
	struct nlattr *data;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(kind));
	if (type == NFT_MSG_NEWOBJ) {
		data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
		mnl_attr_nest_end(message, data);
	}
	nft_batch_finish(batch, message);
}

static void put_removal(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *what,
			const char *name)
{
	const struct nft_note note = {.what = what, .name = name};
	struct nlmsghdr *message = nft_batch_message(batch, nft, type, 0, &note);

	/* The table is the same attribute in all kinds of removal used here. */
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, RULESET_TABLE);
	if (type == NFT_MSG_DELCHAIN)
		mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	else if (type == NFT_MSG_DELSET)
		mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	nft_batch_finish(batch, message);
}

/*
 * Rules first, then what they referred to. Sets whose content is not known go whole and come anew: that is how a set
 * whose type has changed is replaced, and it spares the kernel the search among elements that are on their way out.
 */
void nft_put_clearing(struct nft_batch *batch, struct nft_socket *nft, const struct nft_table *table,
		      const struct nft_stays *stays)
{
	put_removal(batch, nft, NFT_MSG_DELRULE, "the rules of table", RULESET_TABLE);
	for (size_t i = 0; i < table->sets.count; i++) {
		if (!stays->set || !stays->set(stays->set_context, &table->sets.items[i]))
			put_removal(batch, nft, NFT_MSG_DELSET, "the old set", table->sets.items[i].name);
	}
	for (size_t i = 0; i < table->chains.count; i++) {
		if (!stays->chain(stays->context, &table->chains.items[i]))
			put_removal(batch, nft, NFT_MSG_DELCHAIN, "the old chain",
				    table->chains.items[i].name);
	}
	for (size_t i = 0; i < table->objects.count; i++) {
		const struct nft_object *object = &table->objects.items[i];

		if (!stays->object(stays->context, object))
			nft_put_object(batch, nft, NFT_MSG_DELOBJ, object->name, object->type);
	}
}
