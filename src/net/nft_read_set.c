/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_read_parts.h"

#include "base/vec.h"
#include "net/nft_elements.h"
#include "net/nft_live.h"
#include "net/nft_table.h"
#include "ruleset/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* nft's numbers for the types of a set's key (its include/datatype.h). */
enum { TYPE_IP4 = 7, TYPE_IP6 = 8 };

/* One element of the kernel's: a range's first address, or the first one behind a range. */
struct bound {
	struct addr addr;
	bool end;
};

struct bounds {
	struct bound *items;
	size_t count, capacity, max;
	bool strange; /* some element is no address */
};

void nft_set_type(char *out, size_t size, uint32_t key_type, uint32_t key_len, uint32_t flags)
{
	const char *what = key_type == TYPE_IP4 && key_len == 4    ? "IPv4 addresses"
			   : key_type == TYPE_IP6 && key_len == 16 ? "IPv6 addresses"
								   : NULL;

	if (what && flags == NFT_SET_INTERVAL)
		snprintf(out, size, "ranges of %s", what);
	else if (what && (flags & ~(uint32_t)NFT_SET_CONSTANT) == 0)
		snprintf(out, size, "%s", what);
	else
		snprintf(out, size, "type %u of %u bytes, flags %#x", key_type, key_len, flags);
}

void nft_set_type_of(char *out, size_t size, const struct ruleset_set *set)
{
	bool ip4 = set->family == ADDR_IP4;

	nft_set_type(out, size, ip4 ? TYPE_IP4 : TYPE_IP6, ip4 ? 4 : 16, NFT_SET_INTERVAL);
}

static bool keep_live(struct ruleset_image *image, const struct nftnl_set *set)
{
	struct image_set *kept = image_add_set(image, nftnl_set_get_str(set, NFTNL_SET_NAME), ADDR_NONE);

	if (!kept)
		return false;
	kept->live = true;
	nft_set_layout(kept->type, set);
	return true;
}

static bool keep_set(struct ruleset_image *image, const struct nftnl_set *set)
{
	uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS), key_len;
	const char *name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	struct image_set *kept;

	if (flags & NFT_SET_ANONYMOUS)
		return true; /* it belongs to a rule */
	if (nft_set_is_live(set))
		return keep_live(image, set);
	if (flags & (NFT_SET_MAP | NFT_SET_OBJECT))
		return image_add_thing(image, "map", name) != NULL;
	key_len = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN);
	kept = image_add_set(image, name, key_len == 4 ? ADDR_IP4 : ADDR_IP6);
	if (!kept)
		return false;
	kept->unread = key_len != 4 && key_len != 16;
	kept->mark = nft_set_mark(set);
	kept->exact = (flags & NFT_SET_INTERVAL) == 0;
	/* One that bears a mark is ours: in which form we made it is no difference. */
	if (kept->mark != 0 && flags == 0)
		flags = NFT_SET_INTERVAL;
	nft_set_type(kept->type, sizeof(kept->type), nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE), key_len,
		     flags);
	return true;
}

static int see_set(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();
	bool kept = true;

	if (!set)
		return nft_out_of_memory();
	if (nftnl_set_nlmsg_parse(message, set) == 0 && nft_is_ours(nftnl_set_get_str(set, NFTNL_SET_TABLE)))
		kept = keep_set(data, set);
	nftnl_set_free(set);
	return kept ? MNL_CB_OK : nft_out_of_memory();
}

static int see_key(const struct nlattr *value, void *data)
{
	struct bound *bound = data;

	if (mnl_attr_get_type(value) != NFTA_DATA_VALUE)
		return MNL_CB_OK;
	if (mnl_attr_get_payload_len(value) == 4)
		bound->addr = addr_from_bytes4(mnl_attr_get_payload(value));
	else if (mnl_attr_get_payload_len(value) == 16)
		bound->addr = addr_from_bytes16(mnl_attr_get_payload(value));
	return MNL_CB_OK;
}

static int see_part(const struct nlattr *attr, void *data)
{
	struct bound *bound = data;

	if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_KEY)
		return mnl_attr_parse_nested(attr, see_key, bound);
	if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_FLAGS)
		bound->end = (ntohl(mnl_attr_get_u32(attr)) & NFT_SET_ELEM_INTERVAL_END) != 0;
	return MNL_CB_OK;
}

static int see_element(const struct nlattr *element, void *data)
{
	struct bounds *bounds = data;
	struct bound bound = {.end = false};

	(void)mnl_attr_parse_nested(element, see_part, &bound);
	if (bound.addr.family == ADDR_NONE) {
		bounds->strange = true;
		return MNL_CB_OK;
	}
	if (bounds->count == bounds->max) {
		errno = E2BIG;
		return MNL_CB_ERROR;
	}
	if (!VEC_RESERVE(bounds->items, bounds->capacity, bounds->count + 1))
		return nft_out_of_memory();
	bounds->items[bounds->count++] = bound;
	return MNL_CB_OK;
}

static int see_list(const struct nlattr *list, void *data)
{
	if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(list, see_element, data);
}

static int see_elements(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), see_list, data);
}

/* Where one range ends and the next begins, the end comes first. */
static int compare_bounds(const void *a_, const void *b_)
{
	const struct bound *a = a_, *b = b_;
	int order = addr_compare(&a->addr, &b->addr);

	return order != 0 ? order : (int)b->end - (int)a->end;
}

static struct addr last_address(uint8_t family)
{
	return family == ADDR_IP4 ? addr_ip4(UINT32_MAX) : addr_ip6(UINT64_MAX, UINT64_MAX);
}

static struct addr address_before(struct addr addr)
{
	addr.hi -= addr.lo == 0;
	addr.lo--;
	return addr;
}

/* An end without a beginning is what nft puts at the lowest address of its sets; a beginning without an end goes on to
 * the last address. */
static int pair_bounds(struct bounds *bounds, bool interval, struct ruleset_set *space)
{
	int r = 0;

	if (bounds->count > 0)
		qsort(bounds->items, bounds->count, sizeof(*bounds->items), compare_bounds);
	for (size_t i = 0; i < bounds->count && r == 0; i++) {
		struct space_range range = {bounds->items[i].addr, bounds->items[i].addr};

		if (bounds->items[i].end)
			continue;
		if (interval && i + 1 < bounds->count)
			range.last = address_before(bounds->items[i + 1].addr);
		else if (interval)
			range.last = last_address(space->family);
		r = space_append(space, &range);
	}
	return r;
}

static int dump_elements(struct nft_socket *nft, uint8_t family, const char *name, struct bounds *bounds)
{
	char buffer[1024];
	struct nlmsghdr *request = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, family, NLM_F_DUMP, 0);

	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, name);
	return nft_socket_request(nft, request, see_elements, bounds);
}

static int read_set(uint8_t family, size_t elements_max, struct image_set *set)
{
	/* A socket of its own: what is left of a dump given up would be taken for the next answer. */
	struct nft_socket nft = {0};
	struct bounds bounds = {.max = elements_max};
	int r = nft_socket_open(&nft);

	if (r < 0)
		return r;
	r = dump_elements(&nft, family, set->name, &bounds);
	if (r == -E2BIG || (r == 0 && bounds.strange)) {
		set->unread = true;
		r = 0;
	} else if (r == 0) {
		r = pair_bounds(&bounds, !set->exact, &set->space);
	}
	free(bounds.items);
	nft_socket_close(&nft);
	return r;
}

/* False when the set must be read. */
static bool take_known(const struct nft_read_limits *limits, struct image_set *set)
{
	const struct nft_known *known = limits->known;
	const struct ruleset_set *held = known ? nft_known_find(known, set->name, set->space.family) : NULL;

	if (!held || known->mark == 0 || set->mark != known->mark || !nft_known_is_large(known, held))
		return false;
	set->space = *held;
	set->borrowed = set->kept = true;
	return true;
}

int nft_read_sets(struct nft_socket *nft, const struct nft_read_limits *limits, struct ruleset_image *image)
{
	int r = nft_read_dump(nft, NFT_MSG_GETSET, NFTA_SET_TABLE, see_set, image);

	for (size_t i = 0; i < image->set_count && r == 0; i++) {
		if (!image->sets[i].unread && !image->sets[i].live && !take_known(limits, &image->sets[i]))
			r = read_set(nft_family(image->family), limits->elements_max, &image->sets[i]);
	}
	return r;
}
