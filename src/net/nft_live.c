/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_live.h"

#include "ruleset/groups.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

/* nft's numbers for types and byte orders, which it reads back from a set (its include/datatype.h). */
enum {
	TYPE_NUMBER = 4,
	TYPE_IP4 = 7,
	TYPE_IP6 = 8,
	TYPE_MARK = 19,
	ORDER_HOST = 1,
	ORDER_BIG = 2,
	UDATA_ROOM = 96
};

/* nft's numbers for expressions, and what it keeps of `numgen` (its include/expression.h, src/numgen.c). */
enum { EXPR_VERDICT = 1, EXPR_NUMGEN = 23, NUMGEN_TYPE = 0, NUMGEN_MODULUS = 1, NUMGEN_OFFSET = 2 };

enum { FLAGS_LEARNED = NFT_SET_EVAL | NFT_SET_TIMEOUT, MS = 1000 };

struct layout {
	uint32_t flags, key_type, key_len, size;
	uint64_t timeout_ms;
	bool verdicts, counts;
};

static struct layout layout_of(const struct ruleset_live *live)
{
	bool ip4 = live->family == ADDR_IP4;

	if (live->kind == RULESET_LIVE_LEARNED)
		return (struct layout){.flags = FLAGS_LEARNED,
				       .key_type = ip4 ? TYPE_IP4 : TYPE_IP6,
				       .key_len = ip4 ? 4 : 16,
				       .size = live->size,
				       .timeout_ms = (uint64_t)live->timeout_s * MS,
				       .counts = true};
	return (struct layout){.flags = NFT_SET_MAP,
			       .key_type = live->kind == RULESET_LIVE_MARKS ? TYPE_MARK : TYPE_NUMBER,
			       .key_len = 4,
			       .size = live->size,
			       .verdicts = true};
}

/* `typeof numgen inc mod 16 : verdict`: nft has no other name for a number without a meaning. */
static void put_type_of(struct nftnl_udata_buf *buffer)
{
	struct nftnl_udata *type = nftnl_udata_nest_start(buffer, NFTNL_UDATA_SET_KEY_TYPEOF), *data;

	nftnl_udata_put_u32(buffer, NFTNL_UDATA_SET_TYPEOF_EXPR, EXPR_NUMGEN);
	data = nftnl_udata_nest_start(buffer, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_put_u32(buffer, NUMGEN_TYPE, 0);
	nftnl_udata_put_u32(buffer, NUMGEN_MODULUS, RULESET_SHARDS);
	nftnl_udata_put_u32(buffer, NUMGEN_OFFSET, 0);
	nftnl_udata_nest_end(buffer, data);
	nftnl_udata_nest_end(buffer, type);
	type = nftnl_udata_nest_start(buffer, NFTNL_UDATA_SET_DATA_TYPEOF);
	nftnl_udata_put_u32(buffer, NFTNL_UDATA_SET_TYPEOF_EXPR, EXPR_VERDICT);
	data = nftnl_udata_nest_start(buffer, NFTNL_UDATA_SET_TYPEOF_DATA);
	nftnl_udata_nest_end(buffer, data);
	nftnl_udata_nest_end(buffer, type);
}

/* How nft is to show it. A comfort: failing is no failure. */
static void put_user_data(struct nlmsghdr *message, uint32_t byte_order, bool number)
{
	struct nftnl_udata_buf *buffer = nftnl_udata_buf_alloc(UDATA_ROOM);

	if (!buffer)
		return;
	nftnl_udata_put_u32(buffer, NFTNL_UDATA_SET_KEYBYTEORDER, byte_order);
	if (number)
		put_type_of(buffer);
	mnl_attr_put(message, NFTA_SET_USERDATA, nftnl_udata_buf_len(buffer), nftnl_udata_buf_data(buffer));
	nftnl_udata_buf_free(buffer);
}

static void put_counter(struct nlmsghdr *message)
{
	struct nlattr *expr = mnl_attr_nest_start(message, NFTA_SET_EXPR), *data;

	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, expr);
}

static void put_size(struct nlmsghdr *message, uint32_t size)
{
	struct nlattr *description = mnl_attr_nest_start(message, NFTA_SET_DESC);

	mnl_attr_put_u32(message, NFTA_SET_DESC_SIZE, htonl(size));
	mnl_attr_nest_end(message, description);
}

void nft_put_live(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset_live *live,
		  uint32_t id)
{
	const struct nft_note note = {.what = "set", .name = live->name};
	struct layout layout = layout_of(live);
	struct nlmsghdr *message = nft_batch_message(batch, nft, NFT_MSG_NEWSET, NLM_F_CREATE, &note);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, live->name);
	mnl_attr_put_u32(message, NFTA_SET_FLAGS, htonl(layout.flags));
	mnl_attr_put_u32(message, NFTA_SET_KEY_TYPE, htonl(layout.key_type));
	mnl_attr_put_u32(message, NFTA_SET_KEY_LEN, htonl(layout.key_len));
	mnl_attr_put_u32(message, NFTA_SET_ID, htonl(id));
	if (layout.verdicts)
		mnl_attr_put_u32(message, NFTA_SET_DATA_TYPE, htonl(NFT_DATA_VERDICT));
	if (live->kind != RULESET_LIVE_LEARNED || layout.size != RULESET_ROOM_UNSAID)
		put_size(message, layout.size);
	if (layout.timeout_ms > 0)
		mnl_attr_put_u64(message, NFTA_SET_TIMEOUT, htobe64(layout.timeout_ms));
	if (layout.counts)
		put_counter(message);
	put_user_data(message, layout.verdicts ? ORDER_HOST : ORDER_BIG, layout.key_type == TYPE_NUMBER);
	nft_batch_finish(batch, message);
}

static int see_expression(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	if (name && strcmp(name, "counter") == 0)
		*(bool *)data = true;
	return 0;
}

static struct layout read_layout(const struct nftnl_set *set)
{
	struct layout layout = {
		.flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS),
		.key_type = nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE),
		.key_len = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN),
	};

	if (nftnl_set_is_set(set, NFTNL_SET_DESC_SIZE))
		layout.size = nftnl_set_get_u32(set, NFTNL_SET_DESC_SIZE);
	if (nftnl_set_is_set(set, NFTNL_SET_TIMEOUT))
		layout.timeout_ms = nftnl_set_get_u64(set, NFTNL_SET_TIMEOUT);
	layout.verdicts = (layout.flags & NFT_SET_MAP) &&
			  nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE) == NFT_DATA_VERDICT;
	(void)nftnl_set_expr_foreach(set, see_expression, &layout.counts);
	return layout;
}

bool nft_set_is_live(const struct nftnl_set *set)
{
	uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
	const char *name = nftnl_set_get_str(set, NFTNL_SET_NAME);

	if (!name || !learned_is_name(name))
		return false;
	return (flags & NFT_SET_EVAL) || read_layout(set).verdicts;
}

static const char *key_text(const struct layout *layout)
{
	switch (layout->key_type) {
	case TYPE_IP4:
		return "IPv4 addresses";
	case TYPE_IP6:
		return "IPv6 addresses";
	case TYPE_MARK:
		return "marks";
	case TYPE_NUMBER:
		return "numbers";
	default:
		return "other keys";
	}
}

/* Flags as far as they are not said by the rest. */
static void write_layout(char out[NFT_LAYOUT_MAX], const struct layout *layout)
{
	snprintf(out, NFT_LAYOUT_MAX, "%s%s%s, %u at most, each for %llu ms, type %u of %u bytes, flags %#x",
		 key_text(layout), layout->counts ? " with counters" : "",
		 layout->verdicts ? " to verdicts" : "", layout->size, (unsigned long long)layout->timeout_ms,
		 layout->key_type, layout->key_len, layout->flags);
}

void nft_live_layout(char out[NFT_LAYOUT_MAX], const struct ruleset_live *live)
{
	struct layout layout = layout_of(live);

	write_layout(out, &layout);
}

void nft_set_layout(char out[NFT_LAYOUT_MAX], const struct nftnl_set *set)
{
	struct layout layout = read_layout(set);

	write_layout(out, &layout);
}
