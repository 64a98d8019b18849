/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_rule QUEUE TOTAL [bypass] [every]: a table `inet op25b-test` that queues forwarded SYNs to port 25 (with
 * "every": all TCP to port 25) through the xt NFQUEUE target, which every kernel has. Tests of the daemon use it, so
 * that they do not depend on the ruleset that op25b-rules loads. Loading it again fails; delete the table first.
 */
#include <netinet/in.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INET = 1 /* NFPROTO_INET */, BATCH_BYTES = 65536 };

static const char table_name[] = "op25b-test";
static uint32_t sequence;

static struct nlmsghdr *begin(struct mnl_nlmsg_batch *batch, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, INET,
				     (uint16_t)(flags | NLM_F_ACK), sequence++);
}

static void add_table(struct mnl_nlmsg_batch *batch)
{
	struct nftnl_table *table = nftnl_table_alloc();

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, table_name);
	nftnl_table_nlmsg_build_payload(begin(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL), table);
	nftnl_table_free(table);
	mnl_nlmsg_batch_next(batch);
}

static void add_chain(struct mnl_nlmsg_batch *batch)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table_name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, "judge");
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_nlmsg_build_payload(begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
	nftnl_chain_free(chain);
	mnl_nlmsg_batch_next(batch);
}

static void add_compare(struct nftnl_rule *rule, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("cmp");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, len);
	nftnl_rule_add_expr(rule, expr);
}

static void add_load(struct nftnl_rule *rule, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("payload");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_rule_add_expr(rule, expr);
}

static void match_protocol(struct nftnl_rule *rule)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("meta");
	const uint8_t tcp = IPPROTO_TCP;

	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nftnl_rule_add_expr(rule, expr);
	add_compare(rule, NFT_CMP_EQ, &tcp, sizeof(tcp));
}

static void match_syn(struct nftnl_rule *rule)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("bitwise");
	const uint8_t mask = 0x17, none = 0, syn = 0x02;

	add_load(rule, 13, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, 1);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, &mask, 1);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, &none, 1);
	nftnl_rule_add_expr(rule, expr);
	add_compare(rule, NFT_CMP_EQ, &syn, sizeof(syn));
}

static void add_target(struct nftnl_rule *rule, uint16_t queue, uint16_t total, bool bypass)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info = calloc(1, 8); /* XT_ALIGN of its size */

	if (!info)
		exit(1);
	info->queuenum = queue;
	info->queues_total = total;
	info->flags = bypass ? NFQ_FLAG_BYPASS : 0;
	nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, info, 8); /* takes info over */
	nftnl_rule_add_expr(rule, expr);
}

static void add_rule(struct mnl_nlmsg_batch *batch, uint16_t queue, uint16_t total, bool bypass, bool every)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const uint16_t port = htons(25);

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table_name);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, "judge");
	match_protocol(rule);
	add_load(rule, 2, 2);
	add_compare(rule, NFT_CMP_EQ, &port, sizeof(port));
	if (!every)
		match_syn(rule);
	nftnl_rule_add_expr(rule, nftnl_expr_alloc("counter"));
	add_target(rule, queue, total, bypass);
	nftnl_rule_nlmsg_build_payload(begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), rule);
	nftnl_rule_free(rule);
	mnl_nlmsg_batch_next(batch);
}

/* Reads the answers to sequence numbers up to the last. */
static int read_answers(struct mnl_socket *nl, uint32_t last)
{
	char buffer[8192];
	uint32_t seen = 0;
	int r = 0;

	while (seen < last) {
		ssize_t n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)n;

		if (n <= 0)
			return -errno;
		for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);

			if (header->nlmsg_type == NLMSG_ERROR && error->error && !r)
				r = error->error;
			if (header->nlmsg_seq > seen)
				seen = header->nlmsg_seq;
		}
		if (r)
			return r;
	}
	return r;
}

int main(int argc, char **argv)
{
	static char memory[BATCH_BYTES];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(memory, BATCH_BYTES / 2);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	bool bypass = false, every = false;
	int r;

	if (argc < 3 || !batch || !nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return 2;
	for (int i = 3; i < argc; i++) {
		bypass |= strcmp(argv[i], "bypass") == 0;
		every |= strcmp(argv[i], "every") == 0;
	}
	sequence = 1;
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), sequence++);
	mnl_nlmsg_batch_next(batch);
	add_table(batch);
	add_chain(batch);
	add_rule(batch, (uint16_t)strtoul(argv[1], NULL, 10), (uint16_t)strtoul(argv[2], NULL, 10), bypass,
		 every);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), sequence++);
	mnl_nlmsg_batch_next(batch);
	if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0) {
		perror("queue_rule: send");
		return 1;
	}
	r = read_answers(nl, sequence - 2);
	if (r)
		fprintf(stderr, "queue_rule: %s\n", strerror(-r));
	mnl_nlmsg_batch_stop(batch);
	mnl_socket_close(nl);
	return r ? 1 : 0;
}
