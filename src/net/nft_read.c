/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_read.h"

#include "net/nft_live.h"
#include "net/nft_read_parts.h"
#include "net/nft_rule.h"
#include "net/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

enum { TRIES_MAX = 8 };

int nft_read_dump(struct nft_socket *nft, uint16_t type, uint16_t table_attr, mnl_cb_t callback,
		  struct ruleset_image *image)
{
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, type, nft_family(image->family), NLM_F_DUMP, 0);

	mnl_attr_put_strz(request, table_attr, RULESET_TABLE);
	return nft_socket_request(nft, request, callback, image);
}

/* The numbers are the same in both families. */
static const char *hook_word(uint32_t hook)
{
	switch (hook) {
	case NF_INET_PRE_ROUTING:
		return ruleset_hook_name(POLICY_FAMILY_BRIDGE, false);
	case NF_INET_FORWARD:
		return ruleset_hook_name(POLICY_FAMILY_INET, false);
	default:
		return "other";
	}
}

static void hook_text(struct image_chain *chain, const char *type, const char *hook, int32_t priority,
		      uint32_t policy)
{
	snprintf(chain->hook, sizeof(chain->hook), "type %s hook %s priority %d policy %s", type, hook,
		 priority, policy == NF_ACCEPT ? "accept" : "drop");
}

/* A rule that libnftnl does not understand is none of ours, and its text like no other. */
static int see_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct image_chain *chain = NULL;
	const char *name;
	bool read, kept = true;

	if (!rule)
		return nft_out_of_memory();
	read = nftnl_rule_nlmsg_parse(message, rule) == 0;
	name = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	if (name && nft_is_ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE)))
		chain = image_find_chain(data, name);
	if (chain)
		kept = image_add_rule(chain, read ? nft_rule_text(rule) : strdup("(not understood)"));
	nftnl_rule_free(rule);
	return kept ? MNL_CB_OK : nft_out_of_memory();
}

static int take_chains(const struct nft_table *table, struct ruleset_image *image)
{
	for (size_t i = 0; i < table->chains.count; i++) {
		const struct nft_object *chain = &table->chains.items[i];
		struct image_chain *kept = image_add_chain(image, chain->name);

		if (!kept)
			return -ENOMEM;
		if (chain->type == 1)
			hook_text(kept, chain->hook_type, hook_word(chain->hook), chain->priority,
				  chain->policy);
	}
	return 0;
}

static int take_objects(const struct nft_table *table, struct ruleset_image *image)
{
	for (size_t i = 0; i < table->objects.count; i++) {
		const struct nft_object *object = &table->objects.items[i];
		const char *what = object->type == NFT_OBJECT_COUNTER ? "counter" : "other object";

		if (!image_add_thing(image, what, object->name))
			return -ENOMEM;
	}
	return 0;
}

static int take_table(struct nft_socket *nft, const struct nft_table *table, struct ruleset_image *image)
{
	int r = nft_table_find(nft, nft_other_family(table->family), &image->other);

	image->there = table->there;
	image->asleep = table->asleep;
	if (r == 0)
		r = take_chains(table, image);
	return r < 0 ? r : take_objects(table, image);
}

/* The parts are read one after the other; only if nothing changed meanwhile do they belong together. */
static int read_once(struct nft_socket *nft, struct nft_read_limits limits, struct ruleset_image *image)
{
	struct nft_table table;
	uint32_t after = 0;
	int r = nft_table_read(nft, nft_family(image->family), &table);

	if (limits.known && limits.known->generation != table.generation)
		limits.known = NULL;
	if (r == 0)
		r = take_table(nft, &table, image);
	if (r == 0 && table.there)
		r = nft_read_dump(nft, NFT_MSG_GETRULE, NFTA_RULE_TABLE, see_rule, image);
	if (r == 0 && table.there)
		r = nft_read_sets(nft, &limits, image);
	if (r == 0)
		r = nft_generation_read(nft, &after);
	if (r == 0 && after != table.generation)
		r = -EINTR;
	nft_table_free(&table);
	return r;
}

int nft_read(enum policy_family family, size_t elements_max, const struct nft_known *known,
	     struct ruleset_image *ret)
{
	struct nft_socket nft = {0};
	int r = -EINTR;

	*ret = (struct ruleset_image){.family = family};
	for (int i = 0; i < TRIES_MAX && (r == -EINTR || r == -ENOENT); i++) {
		image_clear(ret);
		ret->family = family;
		r = nft_socket_open(&nft);
		if (r == 0)
			r = read_once(&nft, (struct nft_read_limits){elements_max, known}, ret);
		nft_socket_close(&nft);
	}
	return r;
}

static int expect_rule(void *context, struct nftnl_rule *rule)
{
	return image_add_rule(context, nft_rule_text(rule)) ? 0 : -ENOMEM;
}

static int expect_chain(const struct ruleset *ruleset, const struct ruleset_chain *chain,
			struct nft_forms forms, struct ruleset_image *image)
{
	struct image_chain *kept = image_add_chain(image, chain->name);
	int r = kept ? 0 : -ENOMEM;

	if (kept && chain->base)
		hook_text(kept, "filter", ruleset_hook_name(ruleset->family, chain->early), chain->priority,
			  NF_ACCEPT);
	for (size_t i = 0; i < chain->rule_count && r == 0; i++)
		r = nft_rule_each(ruleset, chain, i + 1, forms, expect_rule, kept);
	return r;
}

static int expect_set(const struct ruleset_set *set, struct ruleset_image *image)
{
	struct image_set *kept = image_add_set(image, set->name, set->family);

	if (!kept)
		return -ENOMEM;
	nft_set_type_of(kept->type, sizeof(kept->type), set);
	kept->space = *set;
	kept->borrowed = true;
	return 0;
}

static int expect_live(const struct ruleset_live *live, struct ruleset_image *image)
{
	struct image_set *kept = image_add_set(image, live->name, ADDR_NONE);

	if (!kept)
		return -ENOMEM;
	kept->live = true;
	nft_live_layout(kept->type, live);
	return 0;
}

int nft_expect(const struct ruleset *ruleset, struct nft_forms forms, struct ruleset_image *ret)
{
	int r = 0;

	*ret = (struct ruleset_image){.family = ruleset->family, .there = true};
	for (size_t i = 0; i < ruleset->set_count && r == 0; i++)
		r = expect_set(&ruleset->sets[i], ret);
	for (size_t i = 0; i < ruleset->live_count && r == 0; i++)
		r = expect_live(&ruleset->live[i], ret);
	for (size_t i = 0; i < ruleset->chain_count && r == 0; i++)
		r = expect_chain(ruleset, &ruleset->chains[i], forms, ret);
	for (size_t i = 0; i < ruleset->counter_count && r == 0; i++)
		r = image_add_thing(ret, "counter", ruleset->counters[i].name) ? 0 : -ENOMEM;
	return r;
}
