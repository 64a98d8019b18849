/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/words.h"

const char *const ruleset_tcp_flag_names[RULESET_TCP_FLAGS] = {"fin", "syn", "rst", "psh",
							       "ack", "urg", "ecn", "cwr"};

const struct ruleset_ct_name ruleset_ct_names[RULESET_CT_STATES] = {
	{RULESET_CT_ESTABLISHED, "established"}, {RULESET_CT_RELATED, "related"},     {RULESET_CT_NEW, "new"},
	{RULESET_CT_INVALID, "invalid"},         {RULESET_CT_UNTRACKED, "untracked"},
};

const char *ruleset_set_type(const struct ruleset_set *set)
{
	return set->family == ADDR_IP4 ? "ipv4_addr" : "ipv6_addr";
}

void ruleset_element_ends(const struct ruleset_set *set, size_t at, struct addr *ret_first,
			  struct addr *ret_last)
{
	if (set->family == ADDR_IP4) {
		*ret_first = addr_ip4(set->ip4[at].first);
		*ret_last = addr_ip4(set->ip4[at].last);
	} else {
		*ret_first = addr_ip6(set->ip6[at].first_hi, set->ip6[at].first_lo);
		*ret_last = addr_ip6(set->ip6[at].last_hi, set->ip6[at].last_lo);
	}
}

int ruleset_prefix_length(const struct addr *first, const struct addr *last)
{
	uint64_t hi = first->hi ^ last->hi, lo = first->lo ^ last->lo;
	unsigned bits = addr_bits(first->family);
	unsigned hosts =
		hi ? 128 - (unsigned)__builtin_clzll(hi) : (lo ? 64 - (unsigned)__builtin_clzll(lo) : 0);
	struct prefix prefix = {.addr = *first, .len = (uint8_t)(bits - hosts)};
	struct addr end = prefix_last(&prefix);

	if (prefix_has_host_bits(&prefix) || !addr_equal(&end, last))
		return -1;
	return (int)(bits - hosts);
}
