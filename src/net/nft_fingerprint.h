/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One number for all that the kernel's table holds, so that a change by somebody else is found without keeping a copy: chains,
 * rules, counters' names, sets and what is in them. Left out are values of counters, what the daemon and the rules themselves fill,
 * and the content of large sets, whose reading takes too long; of those the mark counts, which an apply gives them.
 */
#ifndef OP25B_NET_NFT_FINGERPRINT_H
#define OP25B_NET_NFT_FINGERPRINT_H

#include "ruleset/model.h"

struct nft_fingerprint {
	bool there;          /* the table exists, and is awake */
	uint64_t value;      /* 0 without a table */
	uint32_t generation; /* of all rulesets of the namespace when it was read */
};

enum { NFT_FINGERPRINT_ELEMENTS = 20000 }; /* sets of more are not read */

/* 0 with *ret; -EINTR when others change rulesets all the time; another -errno. *ret is untouched on failure. */
int nft_fingerprint_read(enum policy_family family, struct nft_fingerprint *ret);

#endif
