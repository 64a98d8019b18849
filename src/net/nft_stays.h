/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an apply would delete sets of learned sources, so that the daemon can read them out before. */
#ifndef OP25B_NET_NFT_STAYS_H
#define OP25B_NET_NFT_STAYS_H

#include "ruleset/model.h"

/*
 * ruleset NULL: all will be deleted. 0 with *ret false when the kernel has a set that op25bd fills and the ruleset does
 * not have in the same layout; or -errno, with *ret untouched.
 */
int nft_learned_stays(const struct ruleset *ruleset, bool *ret);

#endif
