/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/learned.h"

#include "net/learned_kernel.h"
#include "net/nft_table.h"
#include "ruleset/marks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/membarrier.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	TRIES_MAX = 8,                /* of a transaction, each time that somebody else's came between */
	QUIET_WITHOUT_NS = 200000000, /* where the kernel cannot be asked to wait */
};

int learned_open(enum policy_family family, struct learned_kernel **ret)
{
	struct learned_kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return -ENOMEM;
	kernel->family = nft_family(family);
	*ret = kernel;
	return 0;
}

void learned_close(struct learned_kernel *kernel)
{
	if (!kernel)
		return;
	free(kernel->elements);
	free(kernel);
}

/* The two kinds of sets that a group has, by their names. */
struct place {
	unsigned generation, group, shard;
	uint8_t family; /* enum addr_family */
};

/* Calls one for every set of the generation; stops at the first that is not 0. */
static int each_set(const struct learn_groups *groups, unsigned generation,
		    int (*one)(void *context, const struct place *place), void *context)
{
	struct place place = {.generation = generation};
	int r = 0;

	for (place.group = 0; place.group < groups->count; place.group++) {
		for (place.shard = 0; place.shard < LEARN_SHARDS; place.shard++) {
			place.family = ADDR_IP4;
			r = one(context, &place);
			place.family = ADDR_IP6;
			if (r == 0)
				r = one(context, &place);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

static int find_set(struct learned_kernel *kernel, const char *name)
{
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSET, kernel->family, NLM_F_ACK, 0);

	mnl_attr_put_strz(request, NFTA_SET_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(request, NFTA_SET_NAME, name);
	return nft_socket_request(&kernel->nft, request, NULL, NULL);
}

static int check_set(void *context, const struct place *place)
{
	char name[RULESET_NAME_MAX];

	learned_shard_name(name, place->generation, place->group, place->shard, place->family);
	return find_set(context, name);
}

static int check_all(struct learned_kernel *kernel, const struct learn_groups *groups)
{
	char name[RULESET_NAME_MAX];
	int r = find_set(kernel, LEARN_TURN_MAP);

	for (unsigned group = 0; group < groups->count && r == 0; group++) {
		learned_turn_name(name, group, ADDR_IP4);
		r = find_set(kernel, name);
		learned_turn_name(name, group, ADDR_IP6);
		if (r == 0)
			r = find_set(kernel, name);
	}
	for (unsigned generation = 0; generation < LEARNED_GENERATIONS && r == 0; generation++)
		r = each_set(groups, generation, check_set, kernel);
	return r;
}

int learned_check(struct learned_kernel *kernel, const struct learn_groups *groups)
{
	int r = nft_socket_open(&kernel->nft);

	if (r < 0)
		return r;
	r = check_all(kernel, groups);
	nft_socket_close(&kernel->nft);
	return r;
}

/* A transaction that is begun again when somebody else's came between. */
struct change {
	struct learned_kernel *kernel;
	const struct learn_groups *groups;
	int generation;
	unsigned first, end; /* sets to be emptied */
	struct nft_batch batch;
};

static void put_all_removed(struct change *change, const char *name)
{
	const struct nft_note note = {.what = "elements of set", .name = name};
	struct nlmsghdr *message =
		nft_batch_message(&change->batch, &change->kernel->nft, NFT_MSG_DELSETELEM, 0, &note);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	nft_batch_finish(&change->batch, message);
}

/* Key: host byte order, as the kernel's hashes and marks are. */
static void put_verdict(struct nlmsghdr *message, uint32_t key, int32_t code, const char *chain)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM), *nest, *verdict;

	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	mnl_attr_put(message, NFTA_DATA_VALUE, sizeof(key), &key);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
	verdict = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl((uint32_t)code));
	mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(message, verdict);
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, element);
}

static struct nlmsghdr *begin_elements(struct change *change, const char *name, struct nlattr **ret_list)
{
	const struct nft_note note = {.what = "elements of set", .name = name};
	struct nlmsghdr *message = nft_batch_message(&change->batch, &change->kernel->nft, NFT_MSG_NEWSETELEM,
						     NLM_F_CREATE | NLM_F_EXCL, &note);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	*ret_list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	return message;
}

static void end_elements(struct change *change, struct nlmsghdr *message, struct nlattr *list)
{
	mnl_attr_nest_end(message, list);
	nft_batch_finish(&change->batch, message);
}

static void put_look_up(struct change *change, unsigned group, uint8_t family)
{
	char name[RULESET_NAME_MAX], chain[RULESET_NAME_MAX];
	struct nlmsghdr *message;
	struct nlattr *list;

	learned_turn_name(name, group, family);
	put_all_removed(change, name);
	if (change->generation == LEARNED_NONE)
		return;
	message = begin_elements(change, name, &list);
	for (unsigned shard = 0; shard < LEARN_SHARDS; shard++) {
		learned_shard_name(chain, (unsigned)change->generation, group, shard, family);
		put_verdict(message, shard, NFT_JUMP, chain);
	}
	end_elements(change, message, list);
}

static void put_learning(struct change *change)
{
	char chain[RULESET_NAME_MAX];
	struct nlmsghdr *message;
	struct nlattr *list;

	put_all_removed(change, LEARN_TURN_MAP);
	if (change->generation == LEARNED_NONE || change->groups->count == 0)
		return;
	message = begin_elements(change, LEARN_TURN_MAP, &list);
	for (unsigned group = 0; group < change->groups->count; group++) {
		learn_group_name(chain, (unsigned)change->generation, group);
		put_verdict(message, MARK_LEARN | group << 1 | (unsigned)change->generation, NFT_GOTO, chain);
	}
	end_elements(change, message, list);
}

static void put_switch(struct change *change)
{
	for (unsigned group = 0; group < change->groups->count; group++) {
		put_look_up(change, group, ADDR_IP4);
		put_look_up(change, group, ADDR_IP6);
	}
	put_learning(change);
}

static void put_flush(struct change *change)
{
	char name[RULESET_NAME_MAX];

	for (unsigned set = change->first; set < change->end; set++) {
		unsigned rest = set % LEARNED_SETS_PER_GROUP;

		learned_shard_name(name, (unsigned)change->generation, set / LEARNED_SETS_PER_GROUP,
				   rest % LEARN_SHARDS, rest < LEARN_SHARDS ? ADDR_IP4 : ADDR_IP6);
		put_all_removed(change, name);
	}
}

static void note_own_change(struct learned_kernel *kernel, uint32_t before)
{
	uint32_t after;

	if (nft_generation_read(&kernel->nft, &after) < 0) {
		kernel->changed = false;
		return;
	}
	/* A transaction that finds nothing to change is not counted. */
	if (after == before)
		return;
	if (!kernel->changed || kernel->last_id != before)
		kernel->first_id = before;
	kernel->last_id = nft_generation_next(before);
	kernel->changed = true;
}

/* On the condition that the rulesets are as they were just now, so that it is known which change was ours. */
static int try_change(struct change *change, void (*put)(struct change *change))
{
	struct learned_kernel *kernel = change->kernel;
	char error[NFT_ERROR_MAX];
	uint32_t before;
	int r = nft_generation_read(&kernel->nft, &before);

	if (r < 0)
		return r;
	r = nft_batch_begin(&change->batch, &kernel->nft, kernel->family, before);
	if (r == 0) {
		put(change);
		r = nft_batch_end(&change->batch, &kernel->nft, true);
	}
	if (r == 0)
		r = nft_batch_send(&change->batch, &kernel->nft, error);
	nft_batch_free(&change->batch);
	if (r == 0)
		note_own_change(kernel, before);
	return r;
}

static int make_change(struct change *change, void (*put)(struct change *change))
{
	struct nft_socket *nft = &change->kernel->nft;
	int r = nft_socket_open(nft);

	if (r < 0)
		return r;
	r = -ERESTART;
	for (int i = 0; i < TRIES_MAX && r == -ERESTART; i++)
		r = try_change(change, put);
	nft_socket_close(nft);
	return r;
}

int learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation)
{
	struct change change = {.kernel = kernel, .groups = groups, .generation = generation};

	return make_change(&change, put_switch);
}

int learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end)
{
	struct change change = {.kernel = kernel, .generation = (int)generation, .first = first, .end = end};

	return make_change(&change, put_flush);
}

/* kernel/sched/membarrier.c: the global command is synchronize_rcu(), which waits for everything that handles a packet. */
void learned_quiet(void)
{
	const struct timespec pause = {.tv_nsec = QUIET_WITHOUT_NS};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		nanosleep(&pause, NULL);
}

bool learned_generation_ids(const struct learned_kernel *kernel, uint32_t *first, uint32_t *last)
{
	if (!kernel->changed)
		return false;
	*first = kernel->first_id;
	*last = kernel->last_id;
	return true;
}
