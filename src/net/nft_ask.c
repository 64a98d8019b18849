/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_ask.h"

#include "net/nft_batch.h"
#include "net/nft_elements.h"
#include "net/nft_read.h"
#include "ruleset/difference.h"
#include "ruleset/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

enum {
	CHANGES_MAX = 4096, /* ranges; beyond, a sample must do */
	SAMPLE = 64,
	SET_COUNT = 20, /* NFTA_SET_COUNT, which Debian 12's headers do not know yet */
};

struct asking {
	struct nft_socket nft;
	uint8_t family; /* NFPROTO_* */
	const struct ruleset_set *set;
	bool exact;     /* it holds single addresses, no ranges */
	size_t sampled; /* ranges of all sets that are asked about */
	struct nft_asked *asked;
};

/* What the kernel tells of a set. */
struct told {
	int64_t count; /* -1: it does not tell */
	uint32_t flags;
};

/* One element that the kernel has found. */
struct found {
	struct addr addr;
	bool there;
};

static int see_value(const struct nlattr *attr, void *data)
{
	struct found *found = data;

	if (mnl_attr_get_type(attr) != NFTA_DATA_VALUE)
		return MNL_CB_OK;
	if (mnl_attr_get_payload_len(attr) == 4)
		found->addr = addr_from_bytes4(mnl_attr_get_payload(attr));
	else if (mnl_attr_get_payload_len(attr) == 16)
		found->addr = addr_from_bytes16(mnl_attr_get_payload(attr));
	found->there = true;
	return MNL_CB_OK;
}

static int see_key(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == NFTA_SET_ELEM_KEY ? mnl_attr_parse_nested(attr, see_value, data)
							    : MNL_CB_OK;
}

static int see_element(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, see_key, data);
}

static int see_list(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS
		       ? mnl_attr_parse_nested(attr, see_element, data)
		       : MNL_CB_OK;
}

static int see_answer(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), see_list, data);
}

/* The bound of the range around the address: its first address, or with `end` the first one behind it. */
static int ask_bound(struct asking *asking, const struct addr *addr, bool end, struct found *ret)
{
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, asking->family, NLM_F_ACK, 0);
	struct nlattr *list;
	int r;

	*ret = (struct found){.there = false};
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, asking->set->name);
	list = mnl_attr_nest_start(request, NFTA_SET_ELEM_LIST_ELEMENTS);
	nft_put_element(request, addr, end);
	mnl_attr_nest_end(request, list);
	asking->asked->addresses++;
	r = nft_socket_request(&asking->nft, request, see_answer, ret);
	return r == -ENOENT ? 0 : r;
}

static void tell_wrong(struct asking *asking, const struct addr *addr, bool wanted)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	snprintf(asking->asked->wrong, sizeof(asking->asked->wrong), "set %s: %s is %s", asking->set->name,
		 text, wanted ? "not in it, or in another range" : "in it");
	asking->asked->same = false;
}

/* Where in the set the range stands that holds the address; its count when none does. */
static size_t find_range(const struct ruleset_set *set, const struct addr *addr)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct space_range range = space_range_at(set, middle);

		if (addr_compare(&range.first, addr) > 0)
			high = middle;
		else if (addr_compare(&range.last, addr) < 0)
			low = middle + 1;
		else
			return middle;
	}
	return set->count;
}

static int ask_address(struct asking *asking, const struct addr *addr)
{
	const struct ruleset_set *set = asking->set;
	size_t at = find_range(set, addr);
	bool wanted = at < set->count, same;
	struct found begin, end = {.there = false};
	struct addr behind;
	int r = ask_bound(asking, addr, false, &begin);

	if (r == 0 && wanted && !asking->exact && nft_range_end(set, at, &behind))
		r = ask_bound(asking, addr, true, &end);
	if (r < 0)
		return r;
	same = begin.there == wanted;
	if (same && wanted) {
		struct addr first = space_range_at(set, at).first;
		bool has_end = !asking->exact && nft_range_end(set, at, &behind);

		same = addr_equal(&begin.addr, &first) &&
		       (!has_end || (end.there && addr_equal(&end.addr, &behind)));
	}
	if (!same)
		tell_wrong(asking, addr, wanted);
	return 0;
}

static int ask_range(struct asking *asking, const struct ruleset_set *ranges, size_t at)
{
	struct space_range range = space_range_at(ranges, at);
	int r = ask_address(asking, &range.first);

	return r < 0 || !asking->asked->same ? r : ask_address(asking, &range.last);
}

static int ask_ranges(struct asking *asking, const struct ruleset_set *ranges)
{
	int r = 0;

	for (size_t at = 0; at < ranges->count && r == 0 && asking->asked->same; at++)
		r = ask_range(asking, ranges, at);
	return r;
}

static int ask_sample(struct asking *asking)
{
	size_t step = asking->sampled / SAMPLE + 1;
	int r = 0;

	for (size_t at = 0; at < asking->set->count && r == 0 && asking->asked->same; at += step)
		r = ask_range(asking, asking->set, at);
	return r;
}

static int ask_changes(struct asking *asking, const struct nft_known *before)
{
	const struct ruleset_set *held =
		before ? nft_known_find(before, asking->set->name, asking->set->family) : NULL;
	struct difference difference;
	int r;

	if (!held)
		return 0;
	r = difference_make(held, asking->set, CHANGES_MAX, &difference);
	if (r == 0)
		r = ask_ranges(asking, &difference.removed);
	if (r == 0)
		r = ask_ranges(asking, &difference.added);
	difference_clear(&difference);
	return r == -E2BIG ? 0 : r;
}

static int see_told(const struct nlattr *attr, void *data)
{
	struct told *told = data;

	if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == SET_COUNT)
		told->count = ntohl(mnl_attr_get_u32(attr));
	else if (mnl_attr_get_type(attr) == NFTA_SET_FLAGS)
		told->flags = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static int see_set(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), see_told, data);
}

/* Learns the set's form, too. A range is two elements, but for one without an end, and the kernel tells half of them. */
static int ask_count(struct asking *asking)
{
	const struct ruleset_set *set = asking->set;
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSET, asking->family, NLM_F_ACK, 0);
	int64_t wanted = (int64_t)set->count;
	struct told told = {.count = -1};
	struct addr behind;
	bool open = set->count > 0 && !nft_range_end(set, set->count - 1, &behind);
	int r;

	mnl_attr_put_strz(request, NFTA_SET_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(request, NFTA_SET_NAME, set->name);
	r = nft_socket_request(&asking->nft, request, see_set, &told);
	asking->exact = (told.flags & NFT_SET_INTERVAL) == 0;
	if (r < 0 || told.count < 0 || told.count == wanted || (open && told.count == wanted - 1))
		return r;
	snprintf(asking->asked->wrong, sizeof(asking->asked->wrong),
		 "set %s: the kernel counts %lld ranges, not %lld", set->name, (long long)told.count,
		 (long long)wanted);
	asking->asked->same = false;
	return 0;
}

static int ask_set(struct asking *asking, const struct nft_known *before)
{
	int r = ask_count(asking);

	asking->asked->sets++;
	if (r == 0 && asking->asked->same)
		r = ask_changes(asking, before);
	if (r == 0 && asking->asked->same)
		r = ask_sample(asking);
	return r;
}

int nft_ask(enum policy_family family, const struct nft_known *now, const struct nft_known *before,
	    struct nft_asked *ret)
{
	struct asking asking = {.family = nft_family(family), .asked = ret};
	int r = nft_socket_open(&asking.nft);

	*ret = (struct nft_asked){.same = true};
	for (size_t i = 0; i < now->set_count; i++)
		asking.sampled += nft_known_is_large(now, &now->sets[i]) ? now->sets[i].count : 0;
	for (size_t i = 0; i < now->set_count && r == 0 && ret->same; i++) {
		asking.set = &now->sets[i];
		if (nft_known_is_large(now, asking.set))
			r = ask_set(&asking, before);
	}
	nft_socket_close(&asking.nft);
	return r;
}
