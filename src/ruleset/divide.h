/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large sets divided into parts, each of its own prefix. Kernels of 6.18 walk all of an interval set for every transaction that
 * changes anything in it (nft_rbtree_commit), and all of them take the longer for an element the more there are: with
 * parts one changed prefix costs what its part costs, not what a million do.
 *
 * A set S becomes its parts S_0a2_11 (what lies within 10.32.0.0/11) and what is left in S itself, and each rule that
 * looks S up becomes one rule a part, that asks for the prefix first, and itself. S stays there for what operators add
 * to it. Where parts begin and end depends on nothing but how many ranges lie within a prefix: so a prefix that comes or
 * goes leaves all parts but its own as they are.
 */
#ifndef OP25B_RULESET_DIVIDE_H
#define OP25B_RULESET_DIVIDE_H

#include "ruleset/model.h"

/* Ranges: a set of more is divided. tests/bench/bench_rules measures what it is worth. */
enum { DIVIDE_PART_MAX = 65536 };

/*
 * Divides each set of more than part_max ranges into parts of at most so many; of more, where there would be too many
 * parts for the rules that look them up. Left whole are sets of single addresses alone, which the kernel can hold
 * as a hash, and sets that are looked up in a way that cannot be divided. What the ruleset does with a packet stays the same.
 * 0 or -ENOMEM, and then the ruleset is good for ruleset_free() only.
 */
int ruleset_divide(struct ruleset *ruleset, size_t part_max);

/* The name of the set that a set of this name is a part of, in out; false when it is none. */
bool divide_whole_name(const char *part, char out[RULESET_NAME_MAX]);

#endif
