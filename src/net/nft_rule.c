/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_rule.h"

#include "net/nft_expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

enum {
	TCP_SPORT_OFFSET = 0,
	TCP_DPORT_OFFSET = 2,
	TCP_FLAGS_OFFSET = 13,
	IP4_FRAG_OFFSET = 6,
	IP6_FRAGMENT_HEADER = 44,
	IP6_FRAGMENT_FIELD = 2, /* offset of "fragment offset" in that header */
	ANY_WORKER = -1,
};

static void match_interface(struct nft_encode *e, const struct ruleset_match *match)
{
	char name[IF_NAME_MAX] = {0};
	size_t len = strlen(match->interface);

	nft_expr_meta(e, NFT_META_IIFNAME);
	memcpy(name, match->interface, len);
	/* A pattern compares what stands before its '*'; a name compares with its zeros. */
	if (len > 0 && name[len - 1] == '*')
		nft_expr_cmp(e, match->op, name, (uint32_t)len - 1);
	else
		nft_expr_cmp(e, match->op, name, sizeof(name));
}

static void match_address(struct nft_encode *e, const struct ruleset_match *match)
{
	const struct ruleset_set *set = &e->ruleset->sets[match->set];
	struct nftnl_expr *expr;

	nft_expr_need_family(e, set->family);
	nft_expr_address(e, set->family, match->kind == RULESET_MATCH_SADDR, NFT_REG_1);
	expr = nft_expr_add(e, "lookup");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set->name) < 0)
		e->failed = true;
	if (match->op == RULESET_NE)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

/* As nft does it: whole bytes are compared alone. */
static void match_within(struct nft_encode *e, const struct ruleset_match *match)
{
	const struct prefix *prefix = &match->prefix;
	struct addr all =
		prefix->addr.family == ADDR_IP4 ? addr_ip4(UINT32_MAX) : addr_ip6(UINT64_MAX, UINT64_MAX);
	struct addr mask = addr_mask(&all, prefix->len);
	bool source = match->kind == RULESET_MATCH_SADDR_WITHIN, whole = prefix->len % 8 == 0;
	uint8_t bytes[16], mask_bytes[16];
	uint32_t len = (uint32_t)addr_to_bytes(&prefix->addr, bytes);

	addr_to_bytes(&mask, mask_bytes);
	nft_expr_need_family(e, prefix->addr.family);
	if (whole)
		len = prefix->len / 8;
	nft_expr_bytes(e, prefix->addr.family, source, len, NFT_REG_1);
	if (!whole)
		nft_expr_mask(e, NFT_REG_1, mask_bytes, len);
	nft_expr_cmp(e, match->op, bytes, len);
}

static void match_tcp_flags(struct nft_encode *e, const struct ruleset_match *match)
{
	uint8_t mask = (uint8_t)match->mask;

	nft_expr_need_tcp(e);
	nft_expr_payload(e, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, NFT_REG_1);
	nft_expr_mask(e, NFT_REG_1, &mask, sizeof(mask));
	nft_expr_cmp8(e, match->op, match->value);
}

static void match_fragment4(struct nft_encode *e, const struct ruleset_match *match)
{
	uint16_t mask = htons((uint16_t)match->mask);

	nft_expr_need_family(e, ADDR_IP4);
	nft_expr_payload(e, NFT_PAYLOAD_NETWORK_HEADER, IP4_FRAG_OFFSET, 2, NFT_REG_1);
	nft_expr_mask(e, NFT_REG_1, &mask, sizeof(mask));
	nft_expr_cmp16(e, match->op, match->value);
}

static void match_fragment6(struct nft_encode *e, const struct ruleset_match *match)
{
	bool presence = match->kind == RULESET_MATCH_FRAG6;
	uint16_t mask =
		htons(0xfff8); /* the offset's 13 bits, above two reserved ones and "more fragments" */
	struct nftnl_expr *expr;

	nft_expr_need_family(e, ADDR_IP6);
	expr = nft_expr_add(e, "exthdr");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_DREG, NFT_REG_1);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, IP6_FRAGMENT_HEADER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, presence ? 0 : IP6_FRAGMENT_FIELD);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_LEN, presence ? 1 : 2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
	if (presence) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
		nft_expr_cmp8(e, RULESET_EQ, match->op == RULESET_EQ);
		return;
	}
	nft_expr_mask(e, NFT_REG_1, &mask, sizeof(mask));
	nft_expr_cmp16(e, match->op, match->value << 3);
}

static void add_ct(struct nft_encode *e, uint32_t key)
{
	struct nftnl_expr *expr = nft_expr_add(e, "ct");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

/* The kernel holds states and marks in its own byte order. */
static void match_ct_state(struct nft_encode *e, const struct ruleset_match *match)
{
	uint32_t zero = 0;

	add_ct(e, NFT_CT_STATE);
	nft_expr_mask(e, NFT_REG_1, &match->value, sizeof(match->value));
	nft_expr_cmp(e, RULESET_NE, &zero, sizeof(zero));
}

static void match_mark(struct nft_encode *e, const struct ruleset_match *match)
{
	nft_expr_meta(e, NFT_META_MARK);
	if (match->mask != UINT32_MAX)
		nft_expr_mask(e, NFT_REG_1, &match->mask, sizeof(match->mask));
	nft_expr_cmp(e, match->op, &match->value, sizeof(match->value));
}

static void match_ct_reply(struct nft_encode *e, const struct ruleset_match *match)
{
	add_ct(e, NFT_CT_DIRECTION);
	nft_expr_cmp8(e, match->op, 1);
}

static void match_protocol(struct nft_encode *e, const struct ruleset_match *match)
{
	nft_expr_meta(e, NFT_META_L4PROTO);
	nft_expr_cmp8(e, match->op, match->value);
}

static void match_tcp_port(struct nft_encode *e, const struct ruleset_match *match)
{
	bool source = match->kind == RULESET_MATCH_TCP_SPORT;

	nft_expr_need_tcp(e);
	nft_expr_payload(e, NFT_PAYLOAD_TRANSPORT_HEADER, source ? TCP_SPORT_OFFSET : TCP_DPORT_OFFSET, 2,
			 NFT_REG_1);
	nft_expr_cmp16(e, match->op, match->value);
}

static void match_family(struct nft_encode *e, const struct ruleset_match *match)
{
	nft_expr_need_family(e, match->value);
}

static void (*const match_putters[])(struct nft_encode *e, const struct ruleset_match *match) = {
	[RULESET_MATCH_IIFNAME] = match_interface,      [RULESET_MATCH_NFPROTO] = match_family,
	[RULESET_MATCH_L4PROTO] = match_protocol,       [RULESET_MATCH_TCP_SPORT] = match_tcp_port,
	[RULESET_MATCH_TCP_DPORT] = match_tcp_port,     [RULESET_MATCH_TCP_FLAGS] = match_tcp_flags,
	[RULESET_MATCH_SADDR] = match_address,          [RULESET_MATCH_DADDR] = match_address,
	[RULESET_MATCH_SADDR_WITHIN] = match_within,    [RULESET_MATCH_DADDR_WITHIN] = match_within,
	[RULESET_MATCH_FRAG4] = match_fragment4,        [RULESET_MATCH_FRAG6] = match_fragment6,
	[RULESET_MATCH_FRAG6_OFFSET] = match_fragment6, [RULESET_MATCH_CT_STATE] = match_ct_state,
	[RULESET_MATCH_CT_REPLY] = match_ct_reply,      [RULESET_MATCH_MARK] = match_mark,
	[RULESET_MATCH_TCP_DOFF] = nft_learned_match,   [RULESET_MATCH_TCP_URGENT] = nft_learned_match,
	[RULESET_MATCH_LEARNED] = nft_learned_match,    [RULESET_MATCH_SHARD] = nft_learned_match,
};

_Static_assert(sizeof(match_putters) / sizeof(match_putters[0]) == RULESET_MATCH_KINDS, "one for each kind");

static void put_verdict(struct nft_encode *e, uint32_t verdict, const char *chain)
{
	struct nftnl_expr *expr = nft_expr_add(e, "immediate");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain && nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, chain) < 0)
		e->failed = true;
}

static void put_count(struct nft_encode *e, const char *counter)
{
	struct nftnl_expr *expr = nft_expr_add(e, "objref");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_OBJREF_IMM_NAME, counter) < 0)
		e->failed = true;
}

static void put_set_mark(struct nft_encode *e, uint32_t mark)
{
	struct nftnl_expr *expr = nft_expr_add(e, "immediate");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	if (nftnl_expr_set(expr, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark)) < 0)
		e->failed = true;
	expr = nft_expr_add(e, "meta");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void put_reject(struct nft_encode *e, uint32_t type, uint8_t code)
{
	struct nftnl_expr *expr;

	if (e->forms.answer == NFT_ANSWER_NONE) {
		put_verdict(e, NF_DROP, NULL);
		return;
	}
	expr = nft_expr_add(e, "reject");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, code);
}

static void put_limit(struct nft_encode *e, uint32_t per_second, uint32_t burst)
{
	struct nftnl_expr *expr = nft_expr_add(e, "limit");

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, per_second);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

static void put_log(struct nft_encode *e, const char *prefix)
{
	struct nftnl_expr *expr = nft_expr_add(e, "log");

	if (!expr)
		return;
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, prefix) < 0)
		e->failed = true;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOG_LEVEL, NFT_LOGLEVEL_WARNING);
}

/* Leaves the worker's queue number in register 1. */
static void put_hash(struct nft_encode *e, uint8_t family)
{
	const struct ruleset_queue *queue = &e->ruleset->queue;

	nft_expr_hash(e, &(struct nft_hash){.family = family,
					    .len = family == ADDR_IP4 ? 32 : queue->ip6_len,
					    .modulus = queue->count,
					    .offset = queue->first});
}

static void put_queue_expression(struct nft_encode *e, bool hashed)
{
	const struct ruleset_queue *queue = &e->ruleset->queue;
	struct nftnl_expr *expr = nft_expr_add(e, "queue");

	if (!expr)
		return;
	if (hashed) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_QUEUE_SREG_QNUM, NFT_REG_1);
	} else {
		nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, queue->first);
		nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, 1);
	}
	if (queue->bypass)
		nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
}

static void put_queue(struct nft_encode *e, uint8_t family)
{
	uint32_t number = e->ruleset->queue.first + (e->worker == ANY_WORKER ? 0U : (uint32_t)e->worker);

	if (family != ADDR_NONE)
		put_hash(e, family);
	if (e->forms.queue == NFT_QUEUE_EXPRESSION) {
		put_queue_expression(e, family != ADDR_NONE);
		return;
	}
	if (family != ADDR_NONE)
		nft_expr_cmp(e, RULESET_EQ, &number, sizeof(number));
	if (e->failed || !nft_rule_add_queue_target(e->rule, (uint16_t)number, e->ruleset->queue.bypass))
		e->failed = true;
}

static void put_statement(struct nft_encode *e, const struct ruleset_statement *statement)
{
	switch (statement->kind) {
	case RULESET_DO_COUNT:
		put_count(e, e->ruleset->counters[statement->target].name);
		break;
	case RULESET_DO_SET_MARK:
		put_set_mark(e, statement->value);
		break;
	case RULESET_DO_LIMIT:
		put_limit(e, statement->value, statement->target);
		break;
	case RULESET_DO_LOG:
		put_log(e, statement->text);
		break;
	case RULESET_DO_ACCEPT:
	case RULESET_DO_DROP:
		put_verdict(e, statement->kind == RULESET_DO_DROP ? NF_DROP : NF_ACCEPT, NULL);
		break;
	case RULESET_DO_JUMP:
		put_verdict(e, (uint32_t)NFT_JUMP, e->ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_GOTO:
		put_verdict(e, (uint32_t)NFT_GOTO, e->ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_RETURN:
		put_verdict(e, (uint32_t)NFT_RETURN, NULL);
		break;
	case RULESET_DO_QUEUE:
		put_queue(e, (uint8_t)statement->value);
		break;
	case RULESET_DO_REJECT_RESET:
		put_reject(e, NFT_REJECT_TCP_RST, 0);
		break;
	case RULESET_DO_REJECT_ICMP:
		put_reject(e, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
		break;
	default:
		nft_learned_statement(e, statement);
		break;
	}
}

/* A comment that cannot be kept is no reason to refuse a rule. */
static void put_comment(struct nftnl_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *buffer;

	if (comment[0] == '\0')
		return;
	buffer = nftnl_udata_buf_alloc(2 * RULESET_COMMENT_MAX);
	if (!buffer)
		return;
	if (nftnl_udata_put_strz(buffer, NFTNL_UDATA_RULE_COMMENT, comment))
		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(buffer),
				    nftnl_udata_buf_len(buffer));
	nftnl_udata_buf_free(buffer);
}

static int see_one(struct nft_encode *e, const struct ruleset_chain *chain, size_t number, nft_rule_fn see,
		   void *context)
{
	const struct ruleset_rule *rule = &chain->rules[number - 1];
	int r = -ENOMEM;

	e->rule = nftnl_rule_alloc();
	if (!e->rule)
		return -ENOMEM;
	nftnl_rule_set_str(e->rule, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_set_str(e->rule, NFTNL_RULE_CHAIN, chain->name);
	for (size_t i = 0; i < rule->match_count; i++)
		match_putters[rule->matches[i].kind](e, &rule->matches[i]);
	for (size_t i = 0; i < rule->statement_count; i++)
		put_statement(e, &rule->statements[i]);
	put_comment(e->rule, rule->comment);
	if (!e->failed)
		r = see(context, e->rule);
	nftnl_rule_free(e->rule);
	return r;
}

static bool queues_by_hash(const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->statement_count; i++) {
		if (rule->statements[i].kind == RULESET_DO_QUEUE && rule->statements[i].value != ADDR_NONE)
			return true;
	}
	return false;
}

int nft_rule_each(const struct ruleset *ruleset, const struct ruleset_chain *chain, size_t number,
		  struct nft_forms forms, nft_rule_fn see, void *context)
{
	bool each = forms.queue == NFT_QUEUE_XT_TARGET && queues_by_hash(&chain->rules[number - 1]);
	int r = 0;

	for (int worker = 0; worker < (each ? ruleset->queue.count : 1) && r == 0; worker++) {
		struct nft_encode e = {
			.ruleset = ruleset, .forms = forms, .worker = each ? worker : ANY_WORKER};

		r = see_one(&e, chain, number, see, context);
	}
	return r;
}

struct put {
	struct nft_batch *batch;
	struct nft_socket *nft;
	const struct nft_note note;
};

static int put_one(void *context, struct nftnl_rule *rule)
{
	struct put *put = context;
	struct nlmsghdr *message = nft_batch_message(put->batch, put->nft, NFT_MSG_NEWRULE,
						     NLM_F_CREATE | NLM_F_APPEND, &put->note);

	nftnl_rule_nlmsg_build_payload(message, rule);
	nft_batch_finish(put->batch, message);
	return 0;
}

void nft_put_rule(struct nft_batch *batch, struct nft_socket *nft, const struct ruleset *ruleset,
		  const struct ruleset_chain *chain, size_t number, struct nft_forms forms)
{
	struct put put = {batch, nft, {.what = "rule of chain", .name = chain->name, .number = number}};

	if (nft_rule_each(ruleset, chain, number, forms, put_one, &put) < 0)
		batch->failed = true;
}
