/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table, of both families, as it is, kept to be put back: whatever is in it, also what no policy of ours would say. Kept as
 * the kernel told it, because that is what the kernel takes.
 */
#ifndef OP25B_NET_NFT_SAVE_H
#define OP25B_NET_NFT_SAVE_H

#include "net/nft.h"
#include "net/nft_known.h"

struct nft_saved;

/*
 * Keeps the tables, or that there are none. Where `known` (NULL: nothing) holds, the sets' elements are not read but taken
 * from there, and it must outlive what is saved.
 * 0 with *ret the caller's (nft_saved_free); -EOPNOTSUPP when it holds what cannot be put back (report->error names
 * it); another -errno. *ret is untouched on failure.
 */
int nft_save(const struct nft_known *known, struct nft_saved **ret, struct nft_report *report);

/*
 * Puts them back in one transaction; base chains that stay are not deleted, and counters that are there go on. now (NULL:
 * nothing): what the sets hold at present; where that is known and what was saved is, too, only what differs is sent.
 * 0, or -errno with report->error, and nothing is changed (-ENOBUFS: that is not known). report->mark and generation, the
 * latter 0 when what is there now is not known, go with the sets of the `known` that was given to nft_save().
 */
int nft_restore(const struct nft_saved *saved, const struct nft_known *now, struct nft_report *report);

/* NULL is allowed. */
void nft_saved_free(struct nft_saved *saved);

#endif
