/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a batch of queued packets to their verdicts: parse, decide, count, and hand the blocked ones on for the
 * records. Takes time as an argument and does no I/O of its own, so tests feed it packets no kernel has seen.
 */
#ifndef OP25B_DAEMON_JUDGE_H
#define OP25B_DAEMON_JUDGE_H

#include "daemon/ifcache.h"
#include "daemon/learner.h"
#include "daemon/ledger.h"
#include "daemon/ring.h"
#include "daemon/world.h"
#include "net/queue.h"

struct judge;

/* The three stay the caller's and must outlive the judge. NULL without memory. */
struct judge *judge_new(struct ledger *ledger, struct ring *ring, struct ifcache *interfaces);
void judge_free(struct judge *judge);
/* Hands on what had no room in the ring. True when nothing waits any more; until then the last world must stay. */
bool judge_settle(struct judge *judge);

/*
 * From now on who is blocked again and again is marked for this generation (0 or 1) of learned sources, as learner (the
 * caller's) says; NULL: nobody is, as at first.
 */
void judge_learn(struct judge *judge, struct learner *learner, unsigned generation);

/*
 * Writes one verdict for each of count <= QUEUE_BATCH_MAX packets, in their order. Counts into the ledger without
 * publishing: the caller moves the packets out of LEDGER_IN_FLIGHT once they are answered, and publishes both as one.
 * Returns how many facts went into the ring.
 */
size_t judge_batch(struct judge *judge, const struct world *world, const struct queue_packet *packets,
		   size_t count, int64_t wall_ns, int64_t steady_ns, struct queue_verdict *verdicts);

/*
 * Counts packets that a daemon read and died with, and that were then answered by the policy's fail mode: as dropped or failed
 * open, and in a fact of many. The caller counts them as received, and publishes.
 */
void judge_orphans(struct judge *judge, const struct world *world, uint64_t count, int64_t wall_ns);

#endif
