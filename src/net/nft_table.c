/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_table.h"

#include "base/vec.h"
#include "net/nft_elements.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nft_out_of_memory(void)
{
	errno = ENOMEM;
	return MNL_CB_ERROR;
}

bool nft_is_ours(const char *table)
{
	return table && strcmp(table, RULESET_TABLE) == 0;
}

static struct nft_object *add_object(struct nft_objects *objects, const char *name)
{
	struct nft_object *object;

	if (!VEC_RESERVE(objects->items, objects->capacity, objects->count + 1))
		return NULL;
	object = &objects->items[objects->count++];
	*object = (struct nft_object){0};
	snprintf(object->name, sizeof(object->name), "%s", name);
	return object;
}

static int see_generation_number(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		*(uint32_t *)data = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static int see_generation(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), see_generation_number, data);
}

static int see_table(const struct nlmsghdr *message, void *data)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nft_table *kept = data;

	if (!table)
		return nft_out_of_memory();
	if (nftnl_table_nlmsg_parse(message, table) == 0 &&
	    nft_is_ours(nftnl_table_get_str(table, NFTNL_TABLE_NAME))) {
		kept->there = true;
		kept->asleep = (nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_DORMANT) != 0;
	}
	nftnl_table_free(table);
	return MNL_CB_OK;
}

static bool keep_chain(struct nft_table *table, const struct nftnl_chain *chain)
{
	const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	struct nft_object *object = add_object(&table->chains, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));

	if (!object)
		return false;
	if (nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) {
		object->type = 1;
		object->hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
		object->priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
		object->policy = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY);
		snprintf(object->hook_type, sizeof(object->hook_type), "%s", type ? type : "");
	}
	return true;
}

static int see_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	bool kept = true;

	if (!chain)
		return nft_out_of_memory();
	if (nftnl_chain_nlmsg_parse(message, chain) == 0 &&
	    nft_is_ours(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)))
		kept = keep_chain(data, chain);
	nftnl_chain_free(chain);
	return kept ? MNL_CB_OK : nft_out_of_memory();
}

static bool keep_set(struct nft_table *table, const struct nftnl_set *set)
{
	struct nft_object *object = add_object(&table->sets, nftnl_set_get_str(set, NFTNL_SET_NAME));

	if (!object)
		return false;
	object->mark = nft_set_mark(set);
	object->exact = (nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_INTERVAL) == 0;
	object->live = nft_set_is_live(set);
	if (object->live)
		nft_set_layout(object->layout, set);
	return true;
}

/* Anonymous sets belong to a rule, and go with it. */
static int see_set(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	bool kept = true;

	if (!set)
		return nft_out_of_memory();
	if (nftnl_set_nlmsg_parse(message, set) == 0 &&
	    nft_is_ours(nftnl_set_get_str(set, NFTNL_SET_TABLE)) &&
	    (nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS) == 0)
		kept = keep_set(data, set);
	nftnl_set_free(set);
	return kept ? MNL_CB_OK : nft_out_of_memory();
}

static int see_object(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *object = nftnl_obj_alloc();
	struct nft_object *kept = NULL;
	bool ours;

	if (!object)
		return nft_out_of_memory();
	ours = nftnl_obj_nlmsg_parse(message, object) == 0 &&
	       nft_is_ours(nftnl_obj_get_str(object, NFTNL_OBJ_TABLE));
	if (ours)
		kept = add_object(&((struct nft_table *)data)->objects,
				  nftnl_obj_get_str(object, NFTNL_OBJ_NAME));
	if (kept)
		kept->type = nftnl_obj_get_u32(object, NFTNL_OBJ_TYPE);
	nftnl_obj_free(object);
	return !ours || kept ? MNL_CB_OK : nft_out_of_memory();
}

static int dump(struct nft_socket *nft, uint16_t type, mnl_cb_t callback, struct nft_table *table)
{
	char buffer[256];
	struct nlmsghdr *request = nftnl_nlmsg_build_hdr(buffer, type, table->family, NLM_F_DUMP, 0);

	return nft_socket_request(nft, request, callback, table);
}

int nft_generation_read(struct nft_socket *nft, uint32_t *ret)
{
	char buffer[256];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETGEN, NFPROTO_UNSPEC, NLM_F_ACK, 0);

	return nft_socket_request(nft, request, see_generation, ret);
}

uint8_t nft_other_family(uint8_t family)
{
	return family == NFPROTO_BRIDGE ? NFPROTO_INET : NFPROTO_BRIDGE;
}

uint32_t nft_generation_next(uint32_t generation)
{
	return generation == UINT32_MAX ? 1 : generation + 1;
}

static bool bears_mark(const struct nft_table *table, uint64_t mark)
{
	for (size_t i = 0; i < table->sets.count; i++) {
		if (table->sets.items[i].mark == mark)
			return true;
	}
	return false;
}

int nft_table_find_out(const struct nft_table *before, uint64_t mark)
{
	struct nft_socket nft = {0};
	struct nft_table now = {0};
	bool found;
	int r;

	if (mark == 0 || bears_mark(before, mark))
		return -ENOBUFS;
	r = nft_socket_open(&nft);
	if (r == 0)
		r = nft_table_read(&nft, before->family, &now);
	found = bears_mark(&now, mark);
	nft_table_free(&now);
	nft_socket_close(&nft);
	if (r < 0)
		return -ENOBUFS;
	return found ? 0 : -EAGAIN;
}

int nft_table_find_asleep(struct nft_socket *nft, uint8_t family, bool *ret, bool *ret_asleep)
{
	struct nft_table table = {.family = family};
	int r = dump(nft, NFT_MSG_GETTABLE, see_table, &table);

	if (r < 0)
		return r;
	*ret = table.there;
	*ret_asleep = table.asleep;
	return 0;
}

int nft_table_find(struct nft_socket *nft, uint8_t family, bool *ret)
{
	bool asleep;

	return nft_table_find_asleep(nft, family, ret, &asleep);
}

int nft_table_read(struct nft_socket *nft, uint8_t family, struct nft_table *table)
{
	int r;

	*table = (struct nft_table){.family = family};
	r = nft_generation_read(nft, &table->generation);
	if (r == 0)
		r = dump(nft, NFT_MSG_GETTABLE, see_table, table);
	if (r < 0 || !table->there)
		return r;
	r = dump(nft, NFT_MSG_GETCHAIN, see_chain, table);
	if (r == 0)
		r = dump(nft, NFT_MSG_GETSET, see_set, table);
	if (r == 0)
		r = dump(nft, NFT_MSG_GETOBJ, see_object, table);
	return r;
}

const struct nft_object *nft_find_object(const struct nft_objects *objects, const char *name)
{
	for (size_t i = 0; i < objects->count; i++) {
		if (strcmp(objects->items[i].name, name) == 0)
			return &objects->items[i];
	}
	return NULL;
}

void nft_table_free(struct nft_table *table)
{
	free(table->chains.items);
	free(table->sets.items);
	free(table->objects.items);
	*table = (struct nft_table){0};
}
