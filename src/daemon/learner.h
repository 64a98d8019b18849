/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which subscribers send so much that the kernel should drop them by itself: a worker counts their blocked packets
 * here. A bounded table, because a flood forges its sources: a place is found by a keyed hash, so nobody can aim at
 * one, and where all places are taken the weakest loses a packet for each new one, so that what sends most stays. A
 * worker's own; no lock, no clock.
 */
#ifndef OP25B_DAEMON_LEARNER_H
#define OP25B_DAEMON_LEARNER_H

#include "base/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>

/* Of 16 bytes; memory is touched only where something is counted. Eight share a bucket: of 100,000 offenders one or two find
 * theirs full, and each of these would cost a wake-up a packet. */
enum { LEARNER_ENTRIES = 1 << 19 };

struct learner;

/* entries: a power of two, 8 at least. 0 with *ret the caller's (learner_free), -EINVAL, -ENOMEM. */
int learner_new(size_t entries, const struct siphash_key *key, struct learner **ret);
void learner_free(struct learner *learner);

/*
 * A new generation, in which so many packets (1 at least) of one subscriber make him known. Who became known in the
 * one before is known from his first packet on; anything older is forgotten.
 */
void learner_begin(struct learner *learner, uint32_t packets);
/* Counts a packet of subscriber, whose host bits are cleared. True when he is known: let the kernel learn him. */
bool learner_count(struct learner *learner, const struct addr *subscriber);

#endif
