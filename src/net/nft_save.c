/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_save.h"

#include "base/vec.h"
#include "net/nft_batch.h"
#include "net/nft_clear.h"
#include "net/nft_elements.h"
#include "net/nft_plan.h"
#include "net/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 8, ATTRIBUTES_MAX = 31 };

/* Messages as the kernel sent them, one behind the other. */
struct messages {
	uint8_t *data;
	size_t len, capacity;
};

enum part { PART_TABLE, PART_OBJECTS, PART_CHAINS, PART_SETS, PART_ELEMENTS, PART_RULES, PARTS };

/* The table of one family. */
struct saved_table {
	struct nft_table table;
	struct messages parts[PARTS];
	const struct nft_known *known; /* holds all elements, and none are in parts; else NULL */
	bool anonymous, flowtable;     /* what cannot be put back */
};

static const uint8_t families[] = {NFPROTO_INET, NFPROTO_BRIDGE};
enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

struct nft_saved {
	struct saved_table tables[FAMILIES];
};

#define BIT(attribute) (UINT32_C(1) << (attribute))

/* How each part is asked for and made, and which attributes are for the making; the others the kernel only tells. */
static const struct {
	uint16_t get, new, flags;
	uint32_t attributes;
	const char *what;
} parts[PARTS] = {
	[PART_TABLE] = {NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, NLM_F_CREATE,
			BIT(NFTA_TABLE_NAME) | BIT(NFTA_TABLE_FLAGS), "the saved table"},
	[PART_OBJECTS] = {NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, NLM_F_CREATE,
			  BIT(NFTA_OBJ_TABLE) | BIT(NFTA_OBJ_NAME) | BIT(NFTA_OBJ_TYPE) | BIT(NFTA_OBJ_DATA),
			  "a saved object"},
	[PART_CHAINS] = {NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
			 BIT(NFTA_CHAIN_TABLE) | BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_HOOK) |
				 BIT(NFTA_CHAIN_POLICY) | BIT(NFTA_CHAIN_TYPE),
			 "a saved chain"},
	[PART_SETS] = {NFT_MSG_GETSET, NFT_MSG_NEWSET, NLM_F_CREATE,
		       BIT(NFTA_SET_TABLE) | BIT(NFTA_SET_NAME) | BIT(NFTA_SET_FLAGS) |
			       BIT(NFTA_SET_KEY_TYPE) | BIT(NFTA_SET_KEY_LEN) | BIT(NFTA_SET_DATA_TYPE) |
			       BIT(NFTA_SET_DATA_LEN) | BIT(NFTA_SET_POLICY) | BIT(NFTA_SET_DESC) |
			       BIT(NFTA_SET_TIMEOUT) | BIT(NFTA_SET_GC_INTERVAL) | BIT(NFTA_SET_USERDATA) |
			       BIT(NFTA_SET_OBJ_TYPE) | BIT(NFTA_SET_EXPR) | BIT(NFTA_SET_EXPRESSIONS),
		       "a saved set"},
	[PART_ELEMENTS] = {NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
			   BIT(NFTA_SET_ELEM_LIST_TABLE) | BIT(NFTA_SET_ELEM_LIST_SET) |
				   BIT(NFTA_SET_ELEM_LIST_ELEMENTS),
			   "saved elements"},
	[PART_RULES] = {NFT_MSG_GETRULE, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
			BIT(NFTA_RULE_TABLE) | BIT(NFTA_RULE_CHAIN) | BIT(NFTA_RULE_EXPRESSIONS) |
				BIT(NFTA_RULE_COMPAT) | BIT(NFTA_RULE_USERDATA),
			"a saved rule"},
};

/* The attributes of one message, by type. */
struct attributes {
	const struct nlattr *of[ATTRIBUTES_MAX + 1];
};

static int see_attribute(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) <= ATTRIBUTES_MAX)
		((struct attributes *)data)->of[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* In every part the table's name is attribute 1. */
static bool is_ours(const struct nlmsghdr *message, struct attributes *attributes)
{
	*attributes = (struct attributes){0};
	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), see_attribute, attributes) < 0)
		return false;
	return attributes->of[NFTA_CHAIN_TABLE] &&
	       strcmp(mnl_attr_get_str(attributes->of[NFTA_CHAIN_TABLE]), RULESET_TABLE) == 0;
}

static int keep(const struct nlmsghdr *message, void *data)
{
	size_t room = NLMSG_ALIGN(message->nlmsg_len);
	struct messages *messages = data;
	struct attributes attributes;

	if (!is_ours(message, &attributes))
		return MNL_CB_OK;
	if (!VEC_RESERVE(messages->data, messages->capacity, messages->len + room)) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	memcpy(messages->data + messages->len, message, message->nlmsg_len);
	messages->len += room;
	return MNL_CB_OK;
}

static const struct nlmsghdr *message_at(const struct messages *messages, size_t at)
{
	return at < messages->len ? (const struct nlmsghdr *)(const void *)(messages->data + at) : NULL;
}

static size_t next_message(const struct nlmsghdr *message, size_t at)
{
	return at + NLMSG_ALIGN(message->nlmsg_len);
}

static int dump(struct nft_socket *nft, struct saved_table *saved, enum part part, const char *set)
{
	char buffer[1024];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, parts[part].get, saved->table.family, NLM_F_DUMP, 0);

	if (part != PART_TABLE)
		mnl_attr_put_strz(request, NFTA_CHAIN_TABLE, RULESET_TABLE);
	if (set)
		mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set);
	return nft_socket_request(nft, request, keep, &saved->parts[part]);
}

static int see_flowtable(const struct nlmsghdr *message, void *data)
{
	struct attributes attributes;

	if (is_ours(message, &attributes))
		((struct saved_table *)data)->flowtable = true;
	return MNL_CB_OK;
}

/* A kernel without flowtables refuses to tell of them. */
static void look_for_flowtables(struct nft_socket *nft, struct saved_table *saved)
{
	char buffer[256];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETFLOWTABLE, saved->table.family, NLM_F_DUMP, 0);

	(void)nft_socket_request(nft, request, see_flowtable, saved);
}

/* What op25bd fills is not put back, but left alone: it counts on meanwhile. */
static bool is_live(const struct saved_table *saved, const struct attributes *attributes)
{
	const struct nft_object *set =
		nft_find_object(&saved->table.sets, mnl_attr_get_str(attributes->of[NFTA_SET_NAME]));

	return set && set->live;
}

static int save_elements(struct nft_socket *nft, struct saved_table *saved)
{
	const struct messages *sets = &saved->parts[PART_SETS];
	const struct nlmsghdr *message;
	struct attributes attributes;
	int r = 0;

	for (size_t at = 0; (message = message_at(sets, at)) && r == 0; at = next_message(message, at)) {
		if (!is_ours(message, &attributes) || !attributes.of[NFTA_SET_NAME])
			continue;
		if (attributes.of[NFTA_SET_FLAGS] &&
		    (ntohl(mnl_attr_get_u32(attributes.of[NFTA_SET_FLAGS])) & NFT_SET_ANONYMOUS))
			saved->anonymous = true;
		if (!saved->known && !is_live(saved, &attributes))
			r = dump(nft, saved, PART_ELEMENTS, mnl_attr_get_str(attributes.of[NFTA_SET_NAME]));
	}
	return r;
}

static void saved_clear(struct nft_saved *saved)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		for (int part = 0; part < PARTS; part++)
			free(saved->tables[i].parts[part].data);
		nft_table_free(&saved->tables[i].table);
	}
	*saved = (struct nft_saved){0};
}

/* Every set of the table is known, and bears the mark. */
static bool is_known(const struct nft_known *known, const struct nft_table *table)
{
	size_t count = 0;

	if (!known || known->mark == 0 || known->generation != table->generation)
		return false;
	for (size_t i = 0; i < table->sets.count; i++) {
		const struct nft_object *set = &table->sets.items[i];

		if (set->live)
			continue;
		count++;
		if (set->mark != known->mark || (!nft_known_find(known, set->name, ADDR_IP4) &&
						 !nft_known_find(known, set->name, ADDR_IP6)))
			return false;
	}
	return count == known->set_count;
}

static int save_table(struct nft_socket *nft, uint8_t family, const struct nft_known *known,
		      struct saved_table *saved)
{
	static const enum part simple[] = {PART_TABLE, PART_OBJECTS, PART_CHAINS, PART_SETS, PART_RULES};
	int r = nft_table_read(nft, family, &saved->table);

	if (r < 0 || !saved->table.there)
		return r;
	saved->known = is_known(known, &saved->table) ? known : NULL;
	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]) && r == 0; i++)
		r = dump(nft, saved, simple[i], NULL);
	if (r == 0)
		r = save_elements(nft, saved);
	if (r < 0)
		return r;
	look_for_flowtables(nft, saved);
	return 0;
}

/* Only if nothing changed from the first look to the last do the parts belong together. */
static int save_once(struct nft_socket *nft, const struct nft_known *known, struct nft_saved *saved)
{
	struct nft_table after;
	int r = 0;

	for (size_t i = 0; i < FAMILIES && r == 0; i++)
		r = save_table(nft, families[i], known, &saved->tables[i]);
	if (r < 0)
		return r;
	r = nft_table_read(nft, NFPROTO_INET, &after);
	if (r == 0 && after.generation != saved->tables[0].table.generation)
		r = -EINTR;
	nft_table_free(&after);
	return r;
}

static int refuse_strange(const struct nft_saved *saved, struct nft_report *report)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		const struct saved_table *table = &saved->tables[i];

		if (!table->anonymous && !table->flowtable)
			continue;
		snprintf(report->error, sizeof(report->error),
			 "the present table holds %s, which could not be put back",
			 table->flowtable ? "a flowtable" : "rules with unnamed sets");
		return -EOPNOTSUPP;
	}
	return 0;
}

int nft_save(const struct nft_known *known, struct nft_saved **ret, struct nft_report *report)
{
	struct nft_saved *saved = calloc(1, sizeof(*saved));
	struct nft_socket nft = {0};
	int r = saved ? -EINTR : -ENOMEM;

	*report = (struct nft_report){.error = "reading the present rules"};
	for (int i = 0; i < TRIES_MAX && (r == -EINTR || r == -ENOENT); i++) {
		saved_clear(saved);
		r = nft_socket_open(&nft);
		if (r == 0)
			r = save_once(&nft, known, saved);
		nft_socket_close(&nft);
	}
	if (r == 0)
		r = refuse_strange(saved, report);
	if (r < 0) {
		nft_saved_free(saved);
		return r;
	}
	*ret = saved;
	return 0;
}

void nft_saved_free(struct nft_saved *saved)
{
	if (saved)
		saved_clear(saved);
	free(saved);
}

static bool chain_stays(const void *context, const struct nft_object *chain)
{
	const struct saved_table *saved = context;
	const struct nft_object *wanted = nft_find_object(&saved->table.chains, chain->name);

	return wanted && wanted->type == chain->type && wanted->hook == chain->hook &&
	       wanted->priority == chain->priority && strcmp(wanted->hook_type, chain->hook_type) == 0;
}

static bool object_stays(const void *context, const struct nft_object *object)
{
	const struct saved_table *saved = context;
	const struct nft_object *wanted = nft_find_object(&saved->table.objects, object->name);

	return wanted && wanted->type == object->type;
}

static bool live_stays(const struct saved_table *saved, const struct nft_object *set)
{
	const struct nft_object *wanted = nft_find_object(&saved->table.sets, set->name);

	return set->live && wanted && wanted->live && strcmp(wanted->layout, set->layout) == 0;
}

/* A table on its way back. */
struct back {
	const struct saved_table *saved;
	const struct nft_table *now;
	const struct nft_plan *plan;
};

static bool set_stays(const void *context, const struct nft_object *set)
{
	const struct back *back = context;

	return nft_plan_keeps(back->plan, set) || live_stays(back->saved, set);
}

static void put_saved(struct nft_batch *batch, struct nft_socket *nft, enum part part,
		      const struct nlmsghdr *saved, uint32_t number)
{
	const struct nft_note note = {.what = parts[part].what, .name = ""};
	struct nlmsghdr *message = nft_batch_message(batch, nft, parts[part].new, parts[part].flags, &note);
	struct attributes attributes;

	if (!is_ours(saved, &attributes))
		return;
	for (uint32_t i = 1; i <= ATTRIBUTES_MAX; i++) {
		const struct nlattr *attr = attributes.of[i];

		if (attr && (parts[part].attributes & BIT(i)))
			mnl_attr_put(message, attr->nla_type, mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	}
	if (part == PART_SETS)
		mnl_attr_put_u32(message, NFTA_SET_ID, htonl(number));
	nft_batch_finish(batch, message);
}

/* The set that is known under the name in the message; NULL if none is. */
static const struct nft_planned_set *planned_for(const struct nft_plan *plan, const struct nlmsghdr *message)
{
	struct attributes attributes;

	for (size_t i = 0; is_ours(message, &attributes) && i < plan->count; i++) {
		if (attributes.of[NFTA_SET_NAME] &&
		    strcmp(mnl_attr_get_str(attributes.of[NFTA_SET_NAME]), plan->sets[i].wanted->name) == 0)
			return &plan->sets[i];
	}
	return NULL;
}

/* The set of this name that is there at present, or NULL. */
static const struct nft_object *find_there(const struct nft_table *now, const struct nlmsghdr *message)
{
	struct attributes attributes;

	if (!is_ours(message, &attributes) || !attributes.of[NFTA_SET_NAME])
		return NULL;
	return nft_find_object(&now->sets, mnl_attr_get_str(attributes.of[NFTA_SET_NAME]));
}

/* Those that stay are told what differs; the others come with what is known to have been in them. */
static void put_sets(struct nft_batch *batch, struct nft_socket *nft, const struct back *back)
{
	const struct saved_table *saved = back->saved;
	const struct messages *messages = &saved->parts[PART_SETS];
	const struct nlmsghdr *message;
	uint32_t number = 0;

	for (size_t at = 0; (message = message_at(messages, at)); at = next_message(message, at)) {
		const struct nft_planned_set *planned = planned_for(back->plan, message);
		const struct nft_object *there = find_there(back->now, message);

		if (there && live_stays(saved, there))
			continue;
		if (planned && planned->stays) {
			nft_plan_put_difference(batch, nft, planned);
			continue;
		}
		put_saved(batch, nft, PART_SETS, message, ++number);
		if (planned)
			nft_put_elements(batch, nft, NFT_MSG_NEWSETELEM, planned->wanted->name,
					 planned->wanted,
					 nft_find_object(&saved->table.sets, planned->wanted->name)->exact);
	}
}

static void put_part(struct nft_batch *batch, struct nft_socket *nft, const struct saved_table *saved,
		     enum part part)
{
	const struct messages *messages = &saved->parts[part];
	const struct nlmsghdr *message;
	uint32_t number = 0;

	for (size_t at = 0; (message = message_at(messages, at)); at = next_message(message, at))
		put_saved(batch, nft, part, message, ++number);
}

/* To put a table to sleep and wake it in one transaction is refused by the kernel. */
static uint32_t table_flags(const struct saved_table *saved)
{
	const struct nlmsghdr *message = message_at(&saved->parts[PART_TABLE], 0);
	struct attributes attributes;

	if (!message || !is_ours(message, &attributes) || !attributes.of[NFTA_TABLE_FLAGS])
		return 0;
	return ntohl(mnl_attr_get_u32(attributes.of[NFTA_TABLE_FLAGS])) & NFT_TABLE_F_DORMANT;
}

/* What is there can only be told what differs when it bears the mark that was saved with the sets. */
static int plan_return(const struct saved_table *saved, const struct nft_known *now,
		       const struct nft_table *table, struct nft_plan *plan)
{
	const struct nft_known *known = saved->known;

	if (now && (!known || now->mark != known->mark))
		now = NULL;
	return nft_plan_make(now, table, known ? known->sets : NULL, known ? known->set_count : 0, plan);
}

/* now must outlive the batch. */
static void put_table_back(struct nft_batch *batch, struct nft_socket *nft, const struct saved_table *saved,
			   const struct nft_table *now, const struct nft_plan *plan)
{
	const struct back back = {saved, now, plan};
	const struct nft_stays stays = {chain_stays, object_stays, saved, set_stays, &back};

	batch->family = now->family;
	if (!saved->table.there) {
		if (now->there)
			nft_put_removal(batch, nft);
		return;
	}
	nft_put_table(batch, nft, table_flags(saved));
	if (now->there)
		nft_put_clearing(batch, nft, now, &stays);
	for (int part = PART_OBJECTS; part < PARTS; part++) {
		if (part == PART_SETS)
			put_sets(batch, nft, &back);
		else
			put_part(batch, nft, saved, (enum part)part);
	}
}

/* 0 if the sets bore none. */
static uint64_t saved_mark(const struct nft_table *table)
{
	for (size_t i = 0; i < table->sets.count; i++) {
		if (table->sets.items[i].mark != 0)
			return table->sets.items[i].mark;
	}
	return 0;
}

/* That everything put back is known, and was. */
static void note_return(const struct nft_saved *saved, uint32_t generation, struct nft_report *report)
{
	report->generation = 0;
	for (size_t i = 0; i < FAMILIES; i++) {
		const struct saved_table *table = &saved->tables[i];

		if (!table->table.there)
			continue;
		report->generation = table->known ? nft_generation_next(generation) : 0;
		report->mark = table->known ? table->known->mark : 0;
		if (!table->known)
			return;
	}
}

static size_t count_anew(const struct saved_table *saved, const struct nft_table *now)
{
	size_t count = 0;

	for (size_t i = 0; saved->table.there && i < now->sets.count; i++) {
		const struct nft_object *set = &now->sets.items[i];

		count += set->live && nft_find_object(&saved->table.sets, set->name) &&
			 !live_stays(saved, set);
	}
	return count;
}

static int restore_once(struct nft_socket *nft, const struct nft_saved *saved, const struct nft_known *now,
			struct nft_report *report)
{
	struct nft_batch batch = {0};
	struct nft_table tables[FAMILIES] = {0};
	struct nft_plan plans[FAMILIES] = {0};
	int r = 0;

	for (size_t i = 0; i < FAMILIES && r == 0; i++)
		r = nft_table_read(nft, families[i], &tables[i]);
	for (size_t i = 0; i < FAMILIES && r == 0; i++)
		r = plan_return(&saved->tables[i], now, &tables[i], &plans[i]);
	if (r == 0)
		r = nft_batch_begin(&batch, nft, NFPROTO_INET, tables[0].generation);
	if (r == 0) {
		for (size_t i = 0; i < FAMILIES; i++)
			put_table_back(&batch, nft, &saved->tables[i], &tables[i], &plans[i]);
		r = nft_batch_end(&batch, nft, true);
	}
	if (r == 0)
		r = nft_batch_send(&batch, nft, report->error);
	for (size_t i = 0; i < FAMILIES && r == -ENOBUFS; i++)
		r = nft_table_find_out(&tables[i], saved_mark(&saved->tables[i].table));
	if (r == 0)
		note_return(saved, tables[0].generation, report);
	nft_batch_free(&batch);
	report->learned_anew = 0;
	for (size_t i = 0; i < FAMILIES; i++) {
		report->learned_anew += count_anew(&saved->tables[i], &tables[i]);
		nft_plan_free(&plans[i]);
		nft_table_free(&tables[i]);
	}
	return r;
}

static bool nothing_saved(const struct nft_saved *saved)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		if (saved->tables[i].table.there)
			return false;
	}
	return true;
}

/* A difference that is refused leaves the whole to be tried. */
int nft_restore(const struct nft_saved *saved, const struct nft_known *now, struct nft_report *report)
{
	struct nft_socket nft = {0};
	bool unclear = false;
	int r = -EINTR;

	if (nothing_saved(saved))
		return nft_delete(report);
	*report = (struct nft_report){.error = "opening netlink"};
	for (int i = 0; i < TRIES_MAX; i++) {
		r = nft_socket_open(&nft);
		if (r == 0)
			r = restore_once(&nft, saved, now, report);
		nft_socket_close(&nft);
		unclear |= r == -ENOBUFS;
		if (r == 0 || (!nft_try_again(r) && !now))
			break;
		if (r == -ENOBUFS || !nft_try_again(r))
			now = NULL;
	}
	return r < 0 && unclear ? -ENOBUFS : r;
}
