/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets that a worker has in its hands, written where they outlive it: from this the next process knows, however
 * this one ended, which packets were judged, how, and up to which id every packet has its verdict.
 */
#ifndef OP25B_DAEMON_BATCH_H
#define OP25B_DAEMON_BATCH_H

#include "net/queue.h"

#include <stdatomic.h>

enum batch_phase {
	BATCH_DONE,   /* everything up to done_id is answered, and counted */
	BATCH_TAKEN,  /* packets are read, and counted as in flight; judging them has begun at most */
	BATCH_JUDGED, /* verdicts are whole, and counted in private; the kernel may have got them */
};

/* All zeroes: nothing was ever read of a queue that was bound anew. */
struct batch {
	_Atomic uint32_t phase;
	uint32_t done_id; /* ids of a queue begin at 1 */
	uint32_t count;   /* of verdicts */
	uint16_t queue;   /* number */
	struct queue_verdict verdicts[QUEUE_BATCH_MAX];
};

/* A thread that is killed has written what stands before in the program, if the compiler leaves it there. */
static inline void batch_enter(struct batch *batch, enum batch_phase phase)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&batch->phase, phase, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
}

/* The last id that has a verdict, or gets one of those that are known. */
static inline uint32_t batch_last_id(const struct batch *batch)
{
	if (atomic_load_explicit(&batch->phase, memory_order_acquire) == BATCH_JUDGED && batch->count > 0)
		return batch->verdicts[batch->count - 1].id;
	return batch->done_id;
}

#endif
