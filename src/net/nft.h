/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a ruleset into the kernel: one netlink transaction, all or nothing. Only the table op25b of the families inet
 * and bridge is touched, and no base chain that stays is deleted, because that drops every packet waiting in any queue
 * of the namespace (kernel net/netfilter/nfnetlink_queue.c, nfqnl_nf_hook_drop).
 */
#ifndef OP25B_NET_NFT_H
#define OP25B_NET_NFT_H

#include "net/nft_known.h"
#include "ruleset/model.h"

enum { NFT_ERROR_MAX = 240 };

/* Why sets were sent whole, and not what differs in them. */
enum nft_whole {
	NFT_WHOLE_NOT,     /* they were not */
	NFT_WHOLE_NEW,     /* there was no table */
	NFT_WHOLE_UNKNOWN, /* what the last apply left is not known */
	NFT_WHOLE_CHANGED, /* somebody has changed rulesets since */
	NFT_WHOLE_REFUSED, /* the kernel did not take what differs: report->refused */
};

struct nft_report {
	struct nft_forms forms;
	bool table_was_there;
	bool other_removed; /* a table of the other family was there, and has gone */
	size_t counters, sets, elements, chains, rules; /* of the ruleset now loaded */
	size_t bytes;                                   /* of the transaction */
	enum nft_whole whole;
	size_t whole_sets; /* sets that were sent whole: new ones, and those of which half and more is new */
	size_t removed, added; /* ranges of the others */
	size_t learned_anew; /* of those that op25bd fills: made anew in another layout, so that what stood in them is lost */
	uint64_t mark; /* with the generation, what nft_known.h needs to know of the sets now loaded */
	uint32_t generation;
	char refused[NFT_ERROR_MAX]; /* with NFT_WHOLE_REFUSED: what was refused at first */
	char error[NFT_ERROR_MAX];   /* what was refused, in words without the errno's own; "" on success */
};

/*
 * Makes the ruleset the table's whole content; counters that stay keep their values. Nothing is changed on failure, but
 * perhaps with -ENOBUFS.
 * Where `known` (NULL: nothing) holds what is in the kernel's sets, only what differs in them is sent; should the kernel
 * refuse that, all of it.
 * Returns 0 with *report filled; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP when the kernel can queue in neither way;
 * -ENOBUFS when the kernel's answers were lost, and whether the ruleset was taken could not be found out; another -errno
 * with the thing refused named in report->error.
 */
int nft_apply(const struct ruleset *ruleset, const struct nft_known *known, struct nft_report *report);

/*
 * Which forms this kernel takes; nothing is changed, and nothing that waits in a queue is lost. 0, -EPERM, -EOPNOTSUPP
 * when it can queue in neither way, or another -errno, with what was tried in error.
 */
int nft_choose_forms(enum policy_family family, struct nft_forms *ret, char error[NFT_ERROR_MAX]);

/* Deletes the table, of either family. 0 also when it was not there (report->table_was_there tells); -errno as above. */
int nft_delete(struct nft_report *report);

#endif
