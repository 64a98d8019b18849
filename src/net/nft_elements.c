/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_elements.h"

#include <arpa/inet.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* nft's numbers for types and byte orders, which it reads back from a set (its include/datatype.h). */
enum { NFT_TYPE_IPADDR = 7, NFT_TYPE_IP6ADDR = 8, NFT_BYTEORDER_BIG = 2, NFT_UDATA_ROOM = 64 };

/* A nested attribute's length is 16 bits; each element takes at most 40 bytes. */
enum { ELEMENTS_BYTES_MAX = UINT16_MAX - 128 };

/* Shorter sets are filled in no time in either form, and operators may add ranges to them. */
enum { EXACT_WORTH = 65536 };

/* Among what nft keeps beside a set; nft lets pass what it does not know. */
enum { UDATA_MARK = 0x62 };

/* What nft keeps beside a set, so that `nft list` shows it as nft would have made it, and our mark. Comforts: failing is
 * no failure, because a set without the mark is made anew the next time. */
static void put_user_data(struct nlmsghdr *message, uint64_t mark, bool exact)
{
	struct nftnl_udata_buf *buffer = nftnl_udata_buf_alloc(NFT_UDATA_ROOM);

	if (!buffer)
		return;
	nftnl_udata_put_u32(buffer, NFTNL_UDATA_SET_KEYBYTEORDER, NFT_BYTEORDER_BIG);
	if (!exact)
		nftnl_udata_put_u32(buffer, NFTNL_UDATA_SET_MERGE_ELEMENTS, 1);
	nftnl_udata_put(buffer, UDATA_MARK, sizeof(mark), &mark);
	mnl_attr_put(message, NFTA_SET_USERDATA, nftnl_udata_buf_len(buffer), nftnl_udata_buf_data(buffer));
	nftnl_udata_buf_free(buffer);
}

static int see_user_data(const struct nftnl_udata *attr, void *data)
{
	if (nftnl_udata_type(attr) == UDATA_MARK && nftnl_udata_len(attr) == sizeof(uint64_t))
		memcpy(data, nftnl_udata_get(attr), sizeof(uint64_t));
	return 0;
}

uint64_t nft_set_mark(const struct nftnl_set *set)
{
	uint32_t len = 0;
	const void *bytes = nftnl_set_get_data(set, NFTNL_SET_USERDATA, &len);
	uint64_t mark = 0;

	if (bytes)
		(void)nftnl_udata_parse(bytes, len, see_user_data, &mark);
	return mark;
}

struct nft_set_form nft_set_form_for(const struct ruleset_set *set)
{
	if (set->count < EXACT_WORTH || set->count > UINT32_MAX / 2 || !ruleset_set_is_exact(set))
		return (struct nft_set_form){.exact = false};
	return (struct nft_set_form){.exact = true, .room = (uint32_t)(set->count + set->count / 2)};
}

/* With a room the kernel takes a hash that it need not grow while it is filled. */
static void put_room(struct nlmsghdr *message, uint32_t room)
{
	struct nlattr *description = mnl_attr_nest_start(message, NFTA_SET_DESC);

	mnl_attr_put_u32(message, NFTA_SET_DESC_SIZE, htonl(room));
	mnl_attr_nest_end(message, description);
}

static void put_set_head(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_set *set,
			 uint32_t id, uint64_t mark)
{
	const struct nft_note note = {.what = "set", .name = set->name};
	struct nft_set_form form = nft_set_form_for(set);
	bool ip4 = set->family == ADDR_IP4;
	struct nlmsghdr *message = nft_batch_message(batch, nft, NFT_MSG_NEWSET, NLM_F_CREATE, &note);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, set->name);
	mnl_attr_put_u32(message, NFTA_SET_FLAGS, htonl(form.exact ? 0 : NFT_SET_INTERVAL));
	mnl_attr_put_u32(message, NFTA_SET_KEY_TYPE, htonl(ip4 ? NFT_TYPE_IPADDR : NFT_TYPE_IP6ADDR));
	mnl_attr_put_u32(message, NFTA_SET_KEY_LEN, htonl(ip4 ? 4 : 16));
	mnl_attr_put_u32(message, NFTA_SET_ID, htonl(id));
	if (form.exact)
		put_room(message, form.room);
	put_user_data(message, mark, form.exact);
	nft_batch_finish(batch, message);
}

void nft_put_element(struct nlmsghdr *message, const struct addr *addr, bool end)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	uint8_t bytes[16];

	mnl_attr_put(message, NFTA_DATA_VALUE, addr_to_bytes(addr, bytes), bytes);
	mnl_attr_nest_end(message, key);
	if (end)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(message, element);
}

bool nft_range_end(const struct ruleset_set *set, size_t at, struct addr *ret)
{
	if (set->family == ADDR_IP4) {
		*ret = addr_ip4(set->ip4[at].last + 1);
		return set->ip4[at].last != UINT32_MAX;
	}
	*ret = addr_ip6(set->ip6[at].last_hi + (set->ip6[at].last_lo == UINT64_MAX),
			set->ip6[at].last_lo + 1);
	return set->ip6[at].last_hi != UINT64_MAX || set->ip6[at].last_lo != UINT64_MAX;
}

static struct addr range_begin(const struct ruleset_set *set, size_t at)
{
	return set->family == ADDR_IP4 ? addr_ip4(set->ip4[at].first)
				       : addr_ip6(set->ip6[at].first_hi, set->ip6[at].first_lo);
}

/* As many ranges from `at` on as one message holds; returns where the next one begins. */
static size_t put_some(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *name,
		       const struct ruleset_set *set, size_t at, bool exact)
{
	const struct nft_note note = {.what = "elements of set", .name = name};
	uint16_t flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nlmsghdr *message = nft_batch_message(batch, nft, type, flags, &note);
	struct nlattr *list;
	uint32_t begin;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	begin = message->nlmsg_len;
	for (; at < set->count && message->nlmsg_len - begin < ELEMENTS_BYTES_MAX; at++) {
		struct addr first = range_begin(set, at), end;

		nft_put_element(message, &first, false);
		if (!exact && nft_range_end(set, at, &end))
			nft_put_element(message, &end, true);
	}
	mnl_attr_nest_end(message, list);
	nft_batch_finish(batch, message);
	return at;
}

void nft_put_elements(struct nft_batch *batch, struct nft_socket *nft, uint16_t type, const char *name,
		      const struct ruleset_set *ranges, bool exact)
{
	for (size_t at = 0; at < ranges->count;)
		at = put_some(batch, nft, type, name, ranges, at, exact);
}

void nft_put_set(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_set *set, uint32_t id,
		 uint64_t mark)
{
	put_set_head(batch, nft, set, id, mark);
	nft_put_elements(batch, nft, NFT_MSG_NEWSETELEM, set->name, set, nft_set_form_for(set).exact);
}
