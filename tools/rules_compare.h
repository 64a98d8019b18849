/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's table against the policy's: op25b-rules shows what differs, op25bctl doctor whether anything does. */
#ifndef OP25B_TOOLS_RULES_COMPARE_H
#define OP25B_TOOLS_RULES_COMPARE_H

#include "net/nft_known.h"
#include "rules.h"
#include "ruleset/compare.h"
#include "ruleset/image.h"

/* Both sides of a comparison: the change texts are theirs. A zeroed one is empty. */
struct rules_sides {
	struct nft_known known;
	struct ruleset_image live, wanted;
	struct change_list changes;
};

/*
 * Of the options it takes policy (whose daemon is asked) and full. 0 or -errno, -EPERM without CAP_NET_ADMIN; give back
 * with rules_sides_clear() in any case. The ruleset must live as long.
 */
int rules_compare(const struct rules_options *options, const struct ruleset *ruleset,
		  struct rules_sides *sides);
void rules_sides_clear(struct rules_sides *sides);
/* Large sets were not read. */
bool rules_some_kept(const struct rules_sides *sides);

#endif
