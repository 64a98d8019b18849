/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's table says of packets that nobody takes from a queue, read back from its rules: what is loaded counts, not what
 * a policy says. And how many packets these rules have met, because a packet that a full queue lets pass is counted nowhere else.
 */
#ifndef OP25B_NET_NFT_QUEUEING_H
#define OP25B_NET_NFT_QUEUEING_H

#include "net/nft_forms.h"
#include "ruleset/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nft_queueing {
	bool there;          /* the table of the family exists */
	bool asleep;         /* and is dormant: no packet meets it */
	uint32_t generation; /* of all rulesets of the namespace, when this was read */
	size_t rules,
		bypassing; /* rules that queue; of these, such as let packets pass when nobody holds the queue */
	enum nft_queue_form form; /* of the last of them */
	uint16_t first, last;     /* the least and the greatest queue that a rule names; without a rule 0 */
};

/* Counts a rule of a table into *queueing; rules that do not queue change nothing. Pure. */
struct nftnl_rule;
void nft_queueing_add(struct nft_queueing *queueing, const struct nftnl_rule *rule);

/* 0 with *ret, also where there is no table; -EPERM without CAP_NET_ADMIN, -EINTR while others change rulesets, or another -errno:
 * then *ret is untouched. */
int nft_queueing_read(enum policy_family family, struct nft_queueing *ret);

/* How many packets the rules have sent to a queue since the table was made. 0; -ENOENT without the table or its counter; -errno. */
int nft_queueing_count(enum policy_family family, uint64_t *ret);

/* Only of which generation all rulesets of the namespace are: it grows by one with each change of anybody's. 0 or -errno. */
int nft_queueing_generation(uint32_t *ret);

#endif
