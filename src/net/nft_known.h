/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the last apply left in the kernel's sets, so that the next one need send only what differs: reading a large set
 * back takes the kernel longer than filling it anew. It holds while two things are as they were: the kernel's count of
 * changes to any ruleset of the namespace (the generation, NFTA_GEN_ID), and the mark, a random number that every set
 * bears since it was made. A count can come round again in another namespace or after a start; with the mark it cannot
 * be taken for this one.
 */
#ifndef OP25B_NET_NFT_KNOWN_H
#define OP25B_NET_NFT_KNOWN_H

#include "net/nft_forms.h"
#include "ruleset/model.h"

struct nft_known {
	uint64_t mark;
	uint32_t generation;            /* 0: nothing is known */
	struct nft_forms forms;         /* of the rules loaded */
	const struct ruleset_set *sets; /* all of the table */
	size_t set_count;
	void *file;              /* in which the ranges stand, */
	struct ruleset_set *own; /* and the sets; both NULL: borrowed */
};

/* Kernel elements (a range is two), from which on reading them takes a second and more. */
enum { NFT_LARGE_SET = 100000 };

/* Whether reading the set back would take long, alone or with all that is known: then it is not read while it is known. */
bool nft_known_is_large(const struct nft_known *known, const struct ruleset_set *set);

/* NULL when there is no such set. */
const struct ruleset_set *nft_known_find(const struct nft_known *known, const char *name, uint8_t family);

/*
 * As a file: its length and a checksum stand in it, and it is for this machine only. Reading: 0 with *ret the caller's
 * (nft_known_clear), -EBADMSG for a file that is damaged or of another version, or another -errno, and *ret is
 * untouched. Writing: 0 or -errno.
 */
int nft_known_read(int fd, struct nft_known *ret);
int nft_known_write(int fd, const struct nft_known *known);
void nft_known_clear(struct nft_known *known);

#endif
