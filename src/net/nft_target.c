/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_rule.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdlib.h>

/* xtables keeps a target's data in its own alignment. */
union xt_queue_info {
	struct xt_NFQ_info_v3 info;
	_Alignas(struct _xt_align) uint8_t bytes[XT_ALIGN(sizeof(struct xt_NFQ_info_v3))];
};

bool nft_rule_add_queue_target(struct nftnl_rule *rule, uint16_t number, bool bypass)
{
	union xt_queue_info *data = calloc(1, sizeof(*data));
	struct nftnl_expr *expr = data ? nftnl_expr_alloc("target") : NULL;

	if (!expr) {
		free(data);
		return false;
	}
	nftnl_rule_add_expr(rule, expr);
	data->info.queuenum = number;
	data->info.queues_total = 1;
	data->info.flags = bypass ? NFQ_FLAG_BYPASS : 0;
	nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, 3);
	/* The expression takes the memory over. */
	nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, data, sizeof(*data));
	return true;
}
