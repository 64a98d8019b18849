/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a ruleset into the kernel: one netlink transaction, all or nothing. Only the table `inet op25b` is touched,
 * and of it no base chain that stays is deleted, because that drops every packet waiting in any queue of the
 * namespace (kernel net/netfilter/nfnetlink_queue.c, nfqnl_nf_hook_drop).
 */
#ifndef OP25B_NET_NFT_H
#define OP25B_NET_NFT_H

#include "ruleset/model.h"

enum { NFT_ERROR_MAX = 240 };

/* How packets get to the daemon. */
enum nft_queue_form {
	NFT_QUEUE_EXPRESSION, /* nf_tables' own queue expression */
	NFT_QUEUE_XT_TARGET, /* the xtables target NFQUEUE, where the kernel was built without the expression */
};

struct nft_report {
	enum nft_queue_form queue;
	bool table_was_there;
	size_t counters, sets, elements, chains, rules; /* of the ruleset now loaded */
	size_t bytes;                                   /* of the transaction */
	char error[NFT_ERROR_MAX]; /* what was refused, in words without the errno's own; "" on success */
};

/*
 * Makes the ruleset the table's whole content; counters that stay keep their values. Nothing is changed on failure.
 * Returns 0 with *report filled; -EPERM without CAP_NET_ADMIN; -EOPNOTSUPP when the kernel can queue in neither way;
 * another -errno with the thing refused named in report->error.
 */
int nft_apply(const struct ruleset *ruleset, struct nft_report *report);

/* Deletes the table. 0 also when it was not there (report->table_was_there tells); -errno as above. */
int nft_delete(struct nft_report *report);

#endif
