/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/learned.h"

#include "base/vec.h"
#include "net/learned_kernel.h"
#include "net/nft_table.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { READS_MAX = 4 }; /* of a set that does not stand still */

/* An attribute within an attribute: type, and what is inside. */
static const struct nlattr *find_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = mnl_attr_get_payload(nest);
	const uint8_t *end = (const uint8_t *)attr + mnl_attr_get_payload_len(nest);

	for (; mnl_attr_ok(attr, (int)(end - (const uint8_t *)attr)); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static bool read_key(const struct nlattr *element, struct addr *ret)
{
	const struct nlattr *key = find_nested(element, NFTA_SET_ELEM_KEY);
	const struct nlattr *value = key ? find_nested(key, NFTA_DATA_VALUE) : NULL;

	if (value && mnl_attr_get_payload_len(value) == 4)
		*ret = addr_from_bytes4(mnl_attr_get_payload(value));
	else if (value && mnl_attr_get_payload_len(value) == 16)
		*ret = addr_from_bytes16(mnl_attr_get_payload(value));
	else
		return false;
	return true;
}

static bool read_counter(const struct nlattr *element, uint64_t *ret)
{
	const struct nlattr *expression = find_nested(element, NFTA_SET_ELEM_EXPR);
	const struct nlattr *data = expression ? find_nested(expression, NFTA_EXPR_DATA) : NULL;
	const struct nlattr *packets = data ? find_nested(data, NFTA_COUNTER_PACKETS) : NULL;

	if (!packets || mnl_attr_get_payload_len(packets) != sizeof(uint64_t))
		return false;
	*ret = be64toh(mnl_attr_get_u64(packets));
	return true;
}

static int see_element(const struct nlattr *attr, void *data)
{
	struct learned_kernel *kernel = data;
	struct learned_element element = {.packets = 0};

	if (!read_key(attr, &element.addr) || !read_counter(attr, &element.packets)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (!VEC_RESERVE(kernel->elements, kernel->capacity, kernel->count + 1))
		return nft_out_of_memory();
	kernel->elements[kernel->count++] = element;
	return MNL_CB_OK;
}

static int see_list(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS
		       ? mnl_attr_parse_nested(attr, see_element, data)
		       : MNL_CB_OK;
}

static int see_elements(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), see_list, data);
}

static int by_address(const void *a, const void *b)
{
	const struct learned_element *left = a, *right = b;

	return addr_compare(&left->addr, &right->addr);
}

static bool some_come_twice(const struct learned_kernel *kernel)
{
	for (size_t i = 1; i < kernel->count; i++) {
		if (addr_equal(&kernel->elements[i - 1].addr, &kernel->elements[i].addr))
			return true;
	}
	return false;
}

static int request(struct learned_kernel *kernel, struct nlmsghdr *message, mnl_cb_t see, void *data)
{
	int r = nft_socket_open(&kernel->nft);

	if (r < 0)
		return r;
	r = nft_socket_request(&kernel->nft, message, see, data);
	nft_socket_close(&kernel->nft);
	return r;
}

/* -EAGAIN when the kernel's table was resized meanwhile, -EINTR when somebody changed a ruleset. */
static int read_once(struct learned_kernel *kernel, const char *name)
{
	char buffer[512];
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, kernel->family, NLM_F_DUMP, 0);
	int r;

	kernel->count = 0;
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	r = request(kernel, message, see_elements, kernel);
	if (r < 0)
		return r;
	if (kernel->count > 1)
		qsort(kernel->elements, kernel->count, sizeof(*kernel->elements), by_address);
	return some_come_twice(kernel) ? -EAGAIN : 0;
}

int learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
		 uint8_t family, learned_element_fn element, void *context)
{
	char name[RULESET_NAME_MAX];
	int r = -EAGAIN;

	learned_shard_name(name, generation, group, shard, family);
	for (int i = 0; i < READS_MAX && (r == -EAGAIN || r == -EINTR); i++)
		r = read_once(kernel, name);
	if (r < 0)
		return r == -EINTR ? -EAGAIN : r;
	for (size_t i = 0; i < kernel->count; i++)
		element(context, &kernel->elements[i].addr, kernel->elements[i].packets);
	return 0;
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

static int read_named_counter(struct learned_kernel *kernel, const char *name, uint64_t *ret)
{
	char buffer[512];
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETOBJ, kernel->family, NLM_F_ACK, 0);

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return request(kernel, message, see_counter, ret);
}

int learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale)
{
	uint64_t counted_full = 0, counted_stale = 0;
	int r = read_named_counter(kernel, LEARNED_STALE_COUNTER, &counted_stale);

	if (r == 0)
		r = read_named_counter(kernel, LEARNED_FULL_COUNTER, &counted_full);
	/* A ruleset without offload has no sets that could be full, and still counts what it drops. */
	if (r < 0 && (r != -ENOENT || counted_stale == 0))
		return r;
	*full = counted_full;
	*stale = counted_stale;
	return 0;
}

struct layout {
	bool there;
	uint64_t digest;
};

static int see_comment(const struct nftnl_udata *attr, void *data)
{
	struct layout *layout = data;
	const char *text = nftnl_udata_get(attr), *digits;
	size_t len = nftnl_udata_len(attr);

	if (nftnl_udata_type(attr) != NFTNL_UDATA_RULE_COMMENT || len == 0 || text[len - 1] != '\0')
		return 0;
	digits = strstr(text, LEARNED_LAYOUT);
	if (!digits)
		return 0;
	layout->digest = strtoull(digits + strlen(LEARNED_LAYOUT), NULL, 16);
	layout->there = true;
	return 0;
}

static int see_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const char *chain;
	const void *bytes;
	uint32_t len = 0;

	if (!rule)
		return nft_out_of_memory();
	/* Older kernels answer with the rules of all tables and chains. */
	if (nftnl_rule_nlmsg_parse(message, rule) == 0 &&
	    nft_is_ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE))) {
		chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
		bytes = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &len);
		if (bytes && chain && strcmp(chain, LEARN_CHAIN) == 0)
			(void)nftnl_udata_parse(bytes, len, see_comment, data);
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

int learned_layout(struct learned_kernel *kernel, uint64_t *ret)
{
	struct layout layout = {.there = false};
	char buffer[512];
	struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, kernel->family, NLM_F_DUMP, 0);
	int r;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, LEARN_CHAIN);
	r = request(kernel, message, see_rule, &layout);
	if (r == 0 && !layout.there)
		r = -ENOENT;
	if (r == 0)
		*ret = layout.digest;
	return r;
}
