/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a ruleset into the kernel: one netlink transaction, all or nothing. Only the table op25b of the families inet
 * and bridge is touched, and no base chain that stays is deleted, because that drops every packet waiting in any queue
 * of the namespace (kernel net/netfilter/nfnetlink_queue.c, nfqnl_nf_hook_drop).
 */
#ifndef OP25B_NET_NFT_H
#define OP25B_NET_NFT_H

#include "ruleset/model.h"

enum { NFT_ERROR_MAX = 240 };

/* How packets get to the daemon. */
enum nft_queue_form {
	NFT_QUEUE_EXPRESSION, /* nf_tables' own queue expression */
	/* The xtables target NFQUEUE, where the kernel was built without the expression. No kernel takes it in the bridge
	 * family. */
	NFT_QUEUE_XT_TARGET,
};

/* What becomes of packets that the daemon wants answered. */
enum nft_answer_form {
	NFT_ANSWER_REJECT, /* a TCP reset or ICMP */
	NFT_ANSWER_NONE,   /* silence: the kernel was built without reject in the bridge family */
};

/* What a rule becomes depends on what the kernel was built with. */
struct nft_forms {
	enum nft_queue_form queue;
	enum nft_answer_form answer;
};

struct nft_report {
	struct nft_forms forms;
	bool table_was_there;
	bool other_removed; /* a table of the other family was there, and has gone */
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

/*
 * Which forms this kernel takes. 0, -EPERM, -EOPNOTSUPP when it can queue in neither way, or another -errno, with what
 * was tried in error.
 */
int nft_choose_forms(enum policy_family family, struct nft_forms *ret, char error[NFT_ERROR_MAX]);

/* Deletes the table, of either family. 0 also when it was not there (report->table_was_there tells); -errno as above. */
int nft_delete(struct nft_report *report);

#endif
