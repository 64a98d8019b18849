/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: which sets of the table stay and are told only what differs, and which are made anew. */
#ifndef OP25B_NET_NFT_PLAN_H
#define OP25B_NET_NFT_PLAN_H

#include "net/nft_known.h"
#include "net/nft_table.h"
#include "ruleset/difference.h"

struct nft_planned_set {
	const struct ruleset_set *wanted;
	bool stays;
	bool exact;                   /* the form of one that stays */
	struct difference difference; /* of one that stays */
};

struct nft_plan {
	uint64_t mark; /* of the sets to be made */
	struct nft_planned_set *sets;
	size_t count;
	size_t whole_sets;     /* that do not stay */
	size_t removed, added; /* ranges, of the sets that stay */
	enum nft_whole whole;  /* why no set stays */
};

/*
 * known may be NULL. The sets must outlive the plan. 0 or -ENOMEM; free with nft_plan_free() in any case.
 */
int nft_plan_make(const struct nft_known *known, const struct nft_table *table,
		  const struct ruleset_set *sets, size_t count, struct nft_plan *ret);
/* Whether what is known (which may be NULL) is what the table holds now. */
bool nft_plan_holds(const struct nft_known *known, const struct nft_table *table);
void nft_plan_free(struct nft_plan *plan);

/* Whether the plan leaves this set of the table where it is. plan: a struct nft_plan, or NULL. */
bool nft_plan_keeps(const void *plan, const struct nft_object *set);

/* Adds to the batch what brings a set that stays to its wanted content. */
void nft_plan_put_difference(struct nft_batch *batch, struct nft_socket *nft,
			     const struct nft_planned_set *planned);

#endif
