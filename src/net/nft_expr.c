/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_expr.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

enum { IP4_SADDR_OFFSET = 12, IP4_DADDR_OFFSET = 16, IP6_SADDR_OFFSET = 8, IP6_DADDR_OFFSET = 24 };

struct nftnl_expr *nft_expr_add(struct nft_encode *e, const char *name)
{
	struct nftnl_expr *expr = e->failed ? NULL : nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(e->rule, expr);
	else
		e->failed = true;
	return expr;
}

void nft_expr_meta(struct nft_encode *e, uint32_t key)
{
	struct nftnl_expr *expr = nft_expr_add(e, "meta");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static uint32_t cmp_op(enum ruleset_op op)
{
	static const uint32_t ops[] = {[RULESET_EQ] = NFT_CMP_EQ,
				       [RULESET_NE] = NFT_CMP_NEQ,
				       [RULESET_LT] = NFT_CMP_LT,
				       [RULESET_GT] = NFT_CMP_GT};

	return ops[op];
}

void nft_expr_cmp(struct nft_encode *e, enum ruleset_op op, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = nft_expr_add(e, "cmp");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, cmp_op(op));
	if (nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, len) < 0)
		e->failed = true;
}

void nft_expr_cmp8(struct nft_encode *e, enum ruleset_op op, uint32_t value)
{
	uint8_t byte = (uint8_t)value;

	nft_expr_cmp(e, op, &byte, sizeof(byte));
}

void nft_expr_cmp16(struct nft_encode *e, enum ruleset_op op, uint32_t value)
{
	uint16_t wire = htons((uint16_t)value);

	nft_expr_cmp(e, op, &wire, sizeof(wire));
}

void nft_expr_mask(struct nft_encode *e, uint32_t reg, const void *mask, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *expr = nft_expr_add(e, "bitwise");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, len);
	if (nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, mask, len) < 0 ||
	    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, zero, len) < 0)
		e->failed = true;
}

void nft_expr_payload(struct nft_encode *e, uint32_t base, uint32_t offset, uint32_t len, uint32_t reg)
{
	struct nftnl_expr *expr = nft_expr_add(e, "payload");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
}

void nft_expr_need_family(struct nft_encode *e, uint32_t family)
{
	if (e->family)
		return;
	e->family = true;
	if (e->ruleset->family == POLICY_FAMILY_BRIDGE) {
		nft_expr_meta(e, NFT_META_PROTOCOL);
		nft_expr_cmp16(e, RULESET_EQ, family == ADDR_IP4 ? ETH_P_IP : ETH_P_IPV6);
		return;
	}
	nft_expr_meta(e, NFT_META_NFPROTO);
	nft_expr_cmp8(e, RULESET_EQ, family == ADDR_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

void nft_expr_need_tcp(struct nft_encode *e)
{
	if (e->tcp)
		return;
	e->tcp = true;
	nft_expr_meta(e, NFT_META_L4PROTO);
	nft_expr_cmp8(e, RULESET_EQ, IPPROTO_TCP);
}

void nft_expr_bytes(struct nft_encode *e, uint8_t family, bool source, uint32_t len, uint32_t reg)
{
	if (family == ADDR_IP4)
		nft_expr_payload(e, NFT_PAYLOAD_NETWORK_HEADER, source ? IP4_SADDR_OFFSET : IP4_DADDR_OFFSET,
				 len, reg);
	else
		nft_expr_payload(e, NFT_PAYLOAD_NETWORK_HEADER, source ? IP6_SADDR_OFFSET : IP6_DADDR_OFFSET,
				 len, reg);
}

void nft_expr_address(struct nft_encode *e, uint8_t family, bool source, uint32_t reg)
{
	nft_expr_bytes(e, family, source, addr_bits(family) / 8, reg);
}

void nft_expr_source(struct nft_encode *e, uint8_t family, unsigned len, uint32_t reg)
{
	struct addr all = addr_ip6(UINT64_MAX, UINT64_MAX);
	struct addr mask = addr_mask(&all, len);
	uint8_t bytes[16];

	nft_expr_need_family(e, family);
	nft_expr_address(e, family, true, reg);
	addr_to_bytes(&mask, bytes);
	if (family == ADDR_IP6 && len < 128)
		nft_expr_mask(e, reg, bytes, sizeof(bytes));
}

void nft_expr_hash(struct nft_encode *e, const struct nft_hash *hash)
{
	struct nftnl_expr *expr;

	nft_expr_source(e, hash->family, hash->len, NFT_REG_2);
	expr = nft_expr_add(e, "hash");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SREG, NFT_REG_2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_LEN, hash->family == ADDR_IP4 ? 4 : 16);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, hash->modulus);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SEED, RULESET_HASH_SEED);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_OFFSET, hash->offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
}
