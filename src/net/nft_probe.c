/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_probe.h"

#include "net/nft_batch.h"
#include "net/nft_rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <pthread.h>
#include <sched.h>

#define PROBE_TABLE "op25b_probe"
#define PROBE_CHAIN "try"
#define PROBE_SET   "set"

enum { IP6_ADDRESS_TYPE = 8 };

struct
try {
	struct nft_batch batch;
	struct nft_socket *nft;
	struct nftnl_rule *rule;
	bool failed;
};

static struct nlmsghdr *begin(struct try *try, uint16_t type)
{
	static const struct nft_note note = {.what = "probe", .name = ""};

	return nft_batch_message(&try->batch, try->nft, type, NLM_F_CREATE, &note);
}

/* The chain is not hooked: taking back a hook, even one only tried, drops all packets that wait in any queue. */
static void put_frame(struct try *try)
{
	struct nlmsghdr *message = begin(try, NFT_MSG_NEWTABLE);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, PROBE_TABLE);
	nft_batch_finish(&try->batch, message);
	message = begin(try, NFT_MSG_NEWCHAIN);
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, PROBE_TABLE);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, PROBE_CHAIN);
	nft_batch_finish(&try->batch, message);
}

static void put_set(struct try *try, uint32_t flags, uint32_t size)
{
	struct nlmsghdr *message = begin(try, NFT_MSG_NEWSET);
	struct nlattr *desc;

	mnl_attr_put_strz(message, NFTA_SET_TABLE, PROBE_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_NAME, PROBE_SET);
	mnl_attr_put_u32(message, NFTA_SET_FLAGS, htonl(flags));
	mnl_attr_put_u32(message, NFTA_SET_KEY_TYPE, htonl(IP6_ADDRESS_TYPE));
	mnl_attr_put_u32(message, NFTA_SET_KEY_LEN, htonl(16));
	mnl_attr_put_u32(message, NFTA_SET_ID, htonl(1));
	if (size > 0) {
		desc = mnl_attr_nest_start(message, NFTA_SET_DESC);
		mnl_attr_put_u32(message, NFTA_SET_DESC_SIZE, htonl(size));
		mnl_attr_nest_end(message, desc);
	}
	nft_batch_finish(&try->batch, message);
}

static struct nftnl_expr *add(struct try *try, const char *name)
{
	struct nftnl_expr *expr = try->failed ? NULL : nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(try->rule, expr);
	else
		try->failed = true;
	return expr;
}

static void load_source(struct try *try)
{
	struct nftnl_expr *expr = add(try, "payload");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, 8);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, 16);
}

static void try_interval_set(struct try *try)
{
	put_set(try, NFT_SET_INTERVAL, 0);
}

static void try_counter(struct try *try)
{
	struct nlmsghdr *message = begin(try, NFT_MSG_NEWOBJ);
	struct nlattr *data;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, PROBE_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, "count");
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_nest_end(message, data);
	nft_batch_finish(&try->batch, message);
}

static void try_queue_expression(struct try *try)
{
	struct nftnl_expr *expr = add(try, "queue");

	if (!expr)
		return;
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, 0);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, 1);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
}

static void try_queue_target(struct try *try)
{
	if (!nft_rule_add_queue_target(try->rule, 0, true))
		try->failed = true;
}

static void try_hash(struct try *try)
{
	struct nftnl_expr *expr;

	load_source(try);
	expr = add(try, "hash");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SREG, NFT_REG_2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_LEN, 16);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, 4);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_SEED, RULESET_HASH_SEED);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
}

static void try_ct(struct try *try)
{
	static const uint32_t keys[] = {NFT_CT_STATE, NFT_CT_DIRECTION};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct nftnl_expr *expr = add(try, "ct");

		if (!expr)
			return;
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, keys[i]);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	}
}

static void try_exthdr(struct try *try)
{
	struct nftnl_expr *expr = add(try, "exthdr");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_DREG, NFT_REG_1);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, IPPROTO_FRAGMENT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}

static void try_reject(struct try *try)
{
	struct nftnl_expr *expr = add(try, "reject");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
}

static void try_fib(struct try *try)
{
	struct nftnl_expr *expr = add(try, "fib");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_OIF);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
}

static void try_dynamic_set(struct try *try)
{
	struct nftnl_expr *expr, *counter = nftnl_expr_alloc("counter");

	put_set(try, NFT_SET_EVAL, 1024);
	load_source(try);
	expr = add(try, "dynset");
	if (!expr || !counter) {
		if (counter)
			nftnl_expr_free(counter);
		try->failed = true;
		return;
	}
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_2);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_SET_ID, 1);
	if (nftnl_expr_set_str(expr, NFTNL_EXPR_DYNSET_SET_NAME, PROBE_SET) < 0)
		try->failed = true;
	nftnl_expr_add_expr(expr, NFTNL_EXPR_DYNSET_EXPR, counter);
}

static void try_log(struct try *try)
{
	struct nftnl_expr *expr = add(try, "limit");

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, 1);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	expr = add(try, "log");
	if (expr && nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, "op25b") < 0)
		try->failed = true;
}

static void try_bare(struct try *try)
{
}

static const struct row {
	struct nft_ability ability;
	void (*put)(struct try *try);
	uint8_t family;
} rows[] = {
	{{"interval-sets", "interval sets", "the lists of relays, inside and exempt", true, 0, false},
	 try_interval_set,
	 NFPROTO_INET},
	{{"counters", "named counters", "counting by reason", true, 0, false}, try_counter, NFPROTO_INET},
	{{"ipv6-fragments", "IPv6 extension headers", "finding fragments", true, 0, false},
	 try_exthdr,
	 NFPROTO_INET},
	{{"reject", "reject", "action reset and icmp", true, 0, false}, try_reject, NFPROTO_INET},
	{{"nft-queue", "the nft queue expression", "handing packets to op25bd", false, 0, false},
	 try_queue_expression,
	 NFPROTO_INET},
	{{"xt-nfqueue", "the xt NFQUEUE target", "the same, where the queue expression is missing", false, 0,
	  false},
	 try_queue_target,
	 NFPROTO_INET},
	{{"hash", "jhash", "workers = 2 and more", false, 0, false}, try_hash, NFPROTO_INET},
	{{"conntrack", "ct state and direction", "conntrack = yes", false, 0, false}, try_ct, NFPROTO_INET},
	{{"log", "limit and log", "[log] kernel = yes", false, 0, false}, try_log, NFPROTO_INET},
	{{"fib", "fib look-ups", NULL, false, 0, false}, try_fib, NFPROTO_INET},
	{{"dynamic-sets", "dynamic sets with counters", NULL, false, 0, false},
	 try_dynamic_set,
	 NFPROTO_INET},
	{{"bridge", "the bridge family", "family = bridge", false, 0, false}, try_bare, NFPROTO_BRIDGE},
	{{"bridge-queue", "the nft queue expression in the bridge family", "family = bridge", false, 0,
	  false},
	 try_queue_expression,
	 NFPROTO_BRIDGE},
	{{"bridge-reject", "reject in the bridge family",
	  "action reset and icmp with family = bridge; without it they drop", false, 0, false},
	 try_reject,
	 NFPROTO_BRIDGE},
	{{"bridge-conntrack", "ct state and direction in the bridge family",
	  "conntrack = yes with family = bridge", false, 0, false},
	 try_ct,
	 NFPROTO_BRIDGE},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == NFT_ABILITIES, "one row for each ability");

static void put_rule(struct try *try)
{
	struct nlmsghdr *message = begin(try, NFT_MSG_NEWRULE);

	nftnl_rule_set_str(try->rule, NFTNL_RULE_TABLE, PROBE_TABLE);
	nftnl_rule_set_str(try->rule, NFTNL_RULE_CHAIN, PROBE_CHAIN);
	nftnl_rule_nlmsg_build_payload(message, try->rule);
	nft_batch_finish(&try->batch, message);
}

static int try_row(struct nft_socket *nft, const struct row *row)
{
	struct try try = {.nft = nft, .rule = nftnl_rule_alloc()};
	char error[NFT_ERROR_MAX];
	int r = try.rule ? nft_batch_begin(&try.batch, nft, row->family, 0) : -ENOMEM;

	if (r == 0) {
		put_frame(&try);
		row->put(&try);
		put_rule(&try);
		r = nft_batch_end(&try.batch, nft, false);
	}
	if (r == 0)
		r = try.failed ? -ENOMEM : nft_batch_send(&try.batch, nft, error);
	nft_batch_free(&try.batch);
	if (try.rule)
		nftnl_rule_free(try.rule);
	return r;
}

struct opening {
	struct nft_socket *nft;
	int error;
};

/* A socket stays in the namespace that it was made in, and keeps it alive; the thread alone goes there. */
static void *open_in_new_namespace(void *data)
{
	struct opening *opening = data;

	opening->error = unshare(CLONE_NEWNET) == 0 ? nft_socket_open(opening->nft) : -errno;
	return NULL;
}

/* The first ct expression of a namespace hooks connection tracking in, the end of the last takes it out: see put_frame(). */
static bool takes_hooks(const struct row *row)
{
	return row->put == try_ct;
}

/* A socket in an empty network namespace of its own, where hooks are nobody's. */
static int open_apart(struct nft_socket *nft)
{
	struct opening opening = {.nft = nft};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, open_in_new_namespace, &opening);

	if (r != 0)
		return -r;
	(void)pthread_join(thread, NULL);
	return opening.error;
}

/* 0, or what ends the probing. */
static int ask(struct nft_socket *nft, const struct row *row, struct nft_ability *ret)
{
	const bool hooks = takes_hooks(row);
	struct nft_socket apart = {0};
	int r = hooks ? open_apart(&apart) : 0;

	*ret = row->ability;
	ret->unknown = r < 0;
	ret->error = r < 0 ? r : try_row(hooks ? &apart : nft, row);
	nft_socket_close(&apart);
	return !ret->unknown && (ret->error == -EPERM || ret->error == -ENOMEM) ? ret->error : 0;
}

static bool has(const struct nft_abilities *abilities, uint8_t family, void (*put)(struct try *try))
{
	for (size_t i = 0; i < NFT_ABILITIES; i++) {
		if (rows[i].put == put && rows[i].family == family)
			return abilities->items[i].error == 0;
	}
	return false;
}

int nft_probe(struct nft_abilities *ret)
{
	struct nft_socket nft = {0};
	int r = nft_socket_open(&nft);

	if (r < 0)
		return r;
	*ret = (struct nft_abilities){.complete = true};
	for (size_t i = 0; i < NFT_ABILITIES && r == 0; i++) {
		r = ask(&nft, &rows[i], &ret->items[i]);
		ret->complete &= !ret->items[i].needed || ret->items[i].error == 0;
	}
	nft_socket_close(&nft);
	ret->queue =
		has(ret, NFPROTO_INET, try_queue_expression) ? NFT_QUEUE_EXPRESSION : NFT_QUEUE_XT_TARGET;
	ret->can_queue =
		has(ret, NFPROTO_INET, try_queue_expression) || has(ret, NFPROTO_INET, try_queue_target);
	ret->bridge = has(ret, NFPROTO_BRIDGE, try_queue_expression);
	ret->complete &= ret->can_queue;
	return r;
}
