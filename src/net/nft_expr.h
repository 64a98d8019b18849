/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: a rule under construction, and the expressions that more than one kind of match or statement needs. */
#ifndef OP25B_NET_NFT_EXPR_H
#define OP25B_NET_NFT_EXPR_H

#include "net/nft.h"

struct nftnl_rule;
struct nftnl_expr;

/* One kernel rule. */
struct nft_encode {
	const struct ruleset *ruleset;
	struct nftnl_rule *rule;
	struct nft_forms forms;
	int worker;  /* the xtables target: whose rule this is */
	bool tcp;    /* the rule has asked for TCP already */
	bool family; /* likewise for the family */
	bool failed; /* memory has run out */
};

/* NULL, and failed, without memory; libnftnl's setters must not see it then. */
struct nftnl_expr *nft_expr_add(struct nft_encode *e, const char *name);

/* Each loads into register 1, or compares what is there. */
void nft_expr_meta(struct nft_encode *e, uint32_t key);
void nft_expr_cmp(struct nft_encode *e, enum ruleset_op op, const void *data, uint32_t len);
void nft_expr_cmp8(struct nft_encode *e, enum ruleset_op op, uint32_t value);
void nft_expr_cmp16(struct nft_encode *e, enum ruleset_op op, uint32_t value); /* host byte order */

void nft_expr_mask(struct nft_encode *e, uint32_t reg, const void *mask, uint32_t len);
void nft_expr_payload(struct nft_encode *e, uint32_t base, uint32_t offset, uint32_t len, uint32_t reg);
/* The first len bytes of an address; all of it. */
void nft_expr_bytes(struct nft_encode *e, uint8_t family, bool source, uint32_t len, uint32_t reg);
void nft_expr_address(struct nft_encode *e, uint8_t family, bool source, uint32_t reg);
/* The first len bits of an IPv6 source; all of an IPv4 one. Asks for the family. */
void nft_expr_source(struct nft_encode *e, uint8_t family, unsigned len, uint32_t reg);

/* Fields of a header mean nothing in a packet that has another: so each is asked for first, once a rule. */
void nft_expr_need_family(struct nft_encode *e, uint32_t family);
void nft_expr_need_tcp(struct nft_encode *e);

/* A hash of the first len bits of the source, modulo `modulus` and with `offset` added, into register 1. */
struct nft_hash {
	uint8_t family;
	unsigned len;
	uint32_t modulus, offset;
};

void nft_expr_hash(struct nft_encode *e, const struct nft_hash *hash);

/* RULESET_MATCH_TCP_DOFF and the kinds behind it, and the statements of offload behind RULESET_DO_DROP. */
void nft_learned_match(struct nft_encode *e, const struct ruleset_match *match);
void nft_learned_statement(struct nft_encode *e, const struct ruleset_statement *statement);

#endif
