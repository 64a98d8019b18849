/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which of its group's shards the kernel keeps a learned source: nft's `jhash ip saddr mod 16 seed 0x25b`, once more. */
#ifndef OP25B_RULESET_SHARD_H
#define OP25B_RULESET_SHARD_H

#include "ruleset/model.h"

/*
 * The shard, 0 to RULESET_SHARDS - 1, of the source's first len bits (all 32 of an IPv4 source), as a little-endian kernel
 * finds it (net/netfilter/nft_hash.c, include/linux/jhash.h: Bob Jenkins, "lookup3", 2006).
 */
unsigned ruleset_shard_of(const struct addr *source, unsigned len);

#endif
