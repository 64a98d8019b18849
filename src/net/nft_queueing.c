/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_queueing.h"

#include "net/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <string.h>

enum { TRIES_MAX = 4, TARGET_REVISION_BYPASS = 2 };

/* One rule that queues. */
struct queue_use {
	bool found, bypass;
	enum nft_queue_form form;
	uint32_t first, count;
	uint32_t hash_offset, hash_modulus; /* of a hash that stands before it in the rule */
};

static void see_expression(struct queue_use *use, const struct nftnl_expr *expr)
{
	use->found = true;
	use->form = NFT_QUEUE_EXPRESSION;
	use->bypass = nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS;
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_QUEUE_SREG_QNUM) &&
	    nftnl_expr_get_u32(expr, NFTNL_EXPR_QUEUE_SREG_QNUM) != 0) {
		use->first = use->hash_offset;
		use->count = use->hash_modulus;
		return;
	}
	use->first = nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_NUM);
	use->count = nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_TOTAL);
}

/* Of revision 2 the third number is a truth value, of revision 3 a set of flags; bypass is the same bit. */
static void see_target(struct queue_use *use, const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
	uint32_t revision = nftnl_expr_get_u32(expr, NFTNL_EXPR_TG_REV), len = 0;
	const void *bytes = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);
	struct xt_NFQ_info_v3 info = {0};

	if (!name || strcmp(name, "NFQUEUE") != 0 || !bytes)
		return;
	memcpy(&info, bytes, len < sizeof(info) ? len : sizeof(info));
	use->found = true;
	use->form = NFT_QUEUE_XT_TARGET;
	use->first = info.queuenum;
	use->count = revision == 0 ? 1 : info.queues_total;
	use->bypass = revision >= TARGET_REVISION_BYPASS && (info.flags & NFQ_FLAG_BYPASS);
}

static int see_expressions(struct nftnl_expr *expr, void *data)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	struct queue_use *use = data;

	if (!name)
		return 0;
	if (strcmp(name, "hash") == 0) {
		use->hash_offset = nftnl_expr_get_u32(expr, NFTNL_EXPR_HASH_OFFSET);
		use->hash_modulus = nftnl_expr_get_u32(expr, NFTNL_EXPR_HASH_MODULUS);
	} else if (strcmp(name, "queue") == 0) {
		see_expression(use, expr);
	} else if (strcmp(name, "target") == 0) {
		see_target(use, expr);
	}
	return 0;
}

void nft_queueing_add(struct nft_queueing *queueing, const struct nftnl_rule *rule)
{
	struct queue_use use = {0};
	uint32_t last;

	nftnl_expr_foreach((struct nftnl_rule *)(uintptr_t)rule, see_expressions, &use);
	if (!use.found)
		return;
	last = use.first + (use.count > 0 ? use.count - 1 : 0);
	if (queueing->rules == 0 || use.first < queueing->first)
		queueing->first = (uint16_t)use.first;
	if (last > queueing->last)
		queueing->last = (uint16_t)(last > UINT16_MAX ? UINT16_MAX : last);
	queueing->rules++;
	queueing->bypassing += use.bypass;
	queueing->form = use.form;
}

static int see_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return nft_out_of_memory();
	if (nftnl_rule_nlmsg_parse(message, rule) == 0 &&
	    nft_is_ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)))
		nft_queueing_add(data, rule);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static int read_rules(struct nft_socket *nft, uint8_t family, struct nft_queueing *queueing)
{
	char buffer[512];
	struct nlmsghdr *request = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, family, NLM_F_DUMP, 0);

	mnl_attr_put_strz(request, NFTA_RULE_TABLE, RULESET_TABLE);
	return nft_socket_request(nft, request, see_rule, queueing);
}

static int read_once(struct nft_socket *nft, uint8_t family, struct nft_queueing *ret)
{
	struct nft_queueing queueing = {0};
	uint32_t after = 0;
	int r = nft_generation_read(nft, &queueing.generation);

	if (r == 0)
		r = nft_table_find_asleep(nft, family, &queueing.there, &queueing.asleep);
	if (r == 0 && queueing.there)
		r = read_rules(nft, family, &queueing);
	if (r == 0)
		r = nft_generation_read(nft, &after);
	if (r == 0 && after != queueing.generation)
		r = -EINTR;
	if (r == 0)
		*ret = queueing;
	return r;
}

int nft_queueing_read(enum policy_family family, struct nft_queueing *ret)
{
	struct nft_socket nft = {0};
	int r = -EINTR;

	/* -ENOENT: the table went between two looks. */
	for (int i = 0; i < TRIES_MAX && (r == -EINTR || r == -ENOENT); i++) {
		r = nft_socket_open(&nft);
		if (r == 0)
			r = read_once(&nft, nft_family(family), ret);
		nft_socket_close(&nft);
	}
	return r;
}

static int see_counter(const struct nlmsghdr *message, void *data)
{
	struct nftnl_obj *object = nftnl_obj_alloc();

	if (!object)
		return nft_out_of_memory();
	if (nftnl_obj_nlmsg_parse(message, object) == 0)
		*(uint64_t *)data = nftnl_obj_get_u64(object, NFTNL_OBJ_CTR_PKTS);
	nftnl_obj_free(object);
	return MNL_CB_OK;
}

int nft_queueing_count(enum policy_family family, uint64_t *ret)
{
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETOBJ, nft_family(family), NLM_F_ACK, 0);
	struct nft_socket nft = {0};
	uint64_t count = 0;
	int r = nft_socket_open(&nft);

	mnl_attr_put_strz(request, NFTA_OBJ_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(request, NFTA_OBJ_NAME, RULESET_QUEUED_COUNTER);
	mnl_attr_put_u32(request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	if (r == 0)
		r = nft_socket_request(&nft, request, see_counter, &count);
	nft_socket_close(&nft);
	if (r == 0)
		*ret = count;
	return r;
}

int nft_queueing_generation(uint32_t *ret)
{
	struct nft_socket nft = {0};
	int r = nft_socket_open(&nft);

	if (r == 0)
		r = nft_generation_read(&nft, ret);
	nft_socket_close(&nft);
	return r;
}
