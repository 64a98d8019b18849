/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What offload adds to rules. */
#include "net/nft_expr.h"

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>

enum { TCP_DOFF_OFFSET = 12, TCP_DOFF_MASK = 0xf0, TCP_URGENT_OFFSET = 18 };

static void match_doff(struct nft_encode *e, const struct ruleset_match *match)
{
	uint8_t mask = TCP_DOFF_MASK;

	nft_expr_need_tcp(e);
	nft_expr_payload(e, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_DOFF_OFFSET, 1, NFT_REG_1);
	nft_expr_mask(e, NFT_REG_1, &mask, sizeof(mask));
	nft_expr_cmp8(e, match->op, match->value << 4);
}

static void match_urgent(struct nft_encode *e, const struct ruleset_match *match)
{
	nft_expr_need_tcp(e);
	nft_expr_payload(e, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_URGENT_OFFSET, 2, NFT_REG_1);
	nft_expr_cmp16(e, match->op, match->value);
}

static void look_up(struct nft_encode *e, const struct ruleset_live *live, bool map)
{
	struct nftnl_expr *expr = nft_expr_add(e, "lookup");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, live->name) < 0)
		e->failed = true;
	if (map)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
}

static void match_learned(struct nft_encode *e, const struct ruleset_match *match)
{
	const struct ruleset_live *live = &e->ruleset->live[match->set];

	nft_expr_source(e, live->family, match->value, NFT_REG_1);
	look_up(e, live, false);
}

static void find_shard(struct nft_encode *e, uint8_t family, unsigned len)
{
	nft_expr_hash(e, &(struct nft_hash){.family = family, .len = len, .modulus = RULESET_SHARDS});
}

void nft_learned_match(struct nft_encode *e, const struct ruleset_match *match)
{
	switch (match->kind) {
	case RULESET_MATCH_TCP_DOFF:
		match_doff(e, match);
		break;
	case RULESET_MATCH_TCP_URGENT:
		match_urgent(e, match);
		break;
	case RULESET_MATCH_LEARNED:
		match_learned(e, match);
		break;
	case RULESET_MATCH_SHARD:
		find_shard(e, match->family, match->mask);
		nft_expr_cmp(e, match->op, &match->value, sizeof(match->value));
		break;
	default:
		break;
	}
}

/* The kernel always tells the time that an element stays, 0 for what the set says. */
static void learn(struct nft_encode *e, const struct ruleset_live *live, unsigned len)
{
	struct nftnl_expr *expr;

	nft_expr_source(e, live->family, len, NFT_REG_1);
	expr = nft_expr_add(e, "dynset");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_DYNSET_TIMEOUT, 0);
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_DYNSET_SET_NAME, live->name) < 0)
		e->failed = true;
}

void nft_learned_statement(struct nft_encode *e, const struct ruleset_statement *statement)
{
	const struct ruleset_live *live = &e->ruleset->live[statement->target];

	switch (statement->kind) {
	case RULESET_DO_TURN_SHARD:
		find_shard(e, statement->family, statement->value);
		look_up(e, live, true);
		break;
	case RULESET_DO_TURN_MARK:
		nft_expr_meta(e, NFT_META_MARK);
		look_up(e, live, true);
		break;
	case RULESET_DO_LEARN:
		learn(e, live, statement->value);
		break;
	default:
		break;
	}
}
