/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread, one queue, its own ledger and ring, and a pointer to the world it judges by. Workers share
 * nothing with each other; what the main thread wants of them it writes into the hub and wakes them.
 */
#ifndef OP25B_DAEMON_WORKER_H
#define OP25B_DAEMON_WORKER_H

#include "daemon/batch.h"
#include "daemon/ledger.h"
#include "daemon/ring.h"
#include "daemon/world.h"
#include "net/queue.h"

#include <stdatomic.h>
#include <stdbool.h>

/* So long a stop may take to answer what waits; units allow the daemon several times that (TimeoutStopSec). */
enum { WORKER_STOP_S = 5 };

/* How workers end. */
enum hub_end {
	HUB_CLOSE, /* let nothing more in, answer what waits */
	HUB_KEEP,  /* answer what waits, while more may come: somebody holds the queue, and will read it */
	HUB_LEAVE, /* answer what is read, and leave the rest to who reads next */
};

/* Where the main thread and its workers meet. */
struct hub {
	_Atomic(const struct world *) world; /* what to judge by from the next batch on */
	int64_t stop_until_ns;  /* steady clock, written before stop: what is unanswered then stays so */
	_Atomic uint64_t learn; /* hub_learn(): which generation of learned sources to give */
	enum hub_end end;       /* written before stop, too */
	atomic_bool stop;       /* end */
	atomic_bool facts_told; /* facts_fd has been written since the rings were last emptied */
	int facts_fd;           /* eventfd: some ring has facts */
};

/* A generation (0, 1, or -1: none) and the number of this telling, which workers acknowledge; all zeroes: none yet. */
static inline uint64_t hub_learn(uint32_t number, int generation)
{
	return (uint64_t)number << 2 | (uint64_t)(generation + 1);
}

static inline uint32_t hub_learn_number(uint64_t learn)
{
	return (uint32_t)(learn >> 2);
}

static inline int hub_learn_generation(uint64_t learn)
{
	return (int)(learn & 3) - 1;
}

/* Asks the workers to end, each of which is to be woken for it. */
void hub_stop(struct hub *hub, enum hub_end end);
/* After worker_join() of all of them, before they are started again. */
void hub_resume(struct hub *hub);

struct worker;

/* hub stays the caller's and must outlive the worker. 0 with *ret the caller's (worker_free), or -errno. */
int worker_new(struct hub *hub, struct worker **ret);
/* Counts there, and writes down there what it has in its hands; both stay the caller's, and outlive the worker. */
int worker_new_at(struct hub *hub, struct ledger *ledger, struct batch *batch, struct worker **ret);
/* After worker_join(), or before worker_start(). NULL is fine. */
void worker_free(struct worker *worker);

/* The queue stays the caller's and must outlive the thread. 0 or -errno. */
int worker_start(struct worker *worker, struct queue *queue);
/* Has the worker look into the hub soon. */
void worker_wake(struct worker *worker);
/* True once the thread is at its end, which hub_stop() causes: it judges nothing more. */
bool worker_ended(const struct worker *worker);
/* Waits for the thread's end. */
void worker_join(struct worker *worker);

/* The generation of the world that the worker judges by; facts of older ones are in its ring already. */
uint64_t worker_generation(const struct worker *worker);
/*
 * The number of the last telling (hub.learn) that it follows: every packet that it marked by an earlier one is answered.
 */
uint32_t worker_acknowledged(const struct worker *worker);
/* Grows whenever the worker goes through its loop: once a second at least. */
uint64_t worker_beats(const struct worker *worker);
/* The last error of its queue as a negative errno, 0: none. */
int worker_error(const struct worker *worker);
const struct ledger *worker_ledger(const struct worker *worker);
struct ring *worker_ring(struct worker *worker);

#endif
