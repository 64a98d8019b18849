/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the process: the ledgers, the batches in the workers' hands, and how far the records tell of them. It is
 * written as it happens, in memory that is handed on as a descriptor; so it is true also after a kill, and from it the next
 * process goes on counting, and tells what the one before had counted and not told.
 *
 * A layout that this build does not have is refused: the form of it is checked by its sizes, the meaning by a number that
 * is raised by hand.
 */
#ifndef OP25B_DAEMON_HANDOVER_STATE_H
#define OP25B_DAEMON_HANDOVER_STATE_H

#include "daemon/batch.h"
#include "daemon/ledger.h"
#include "event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HANDOVER_VERSION = 2, /* raised when a value means something else, or a reason another number */
};

/* What the records have told so far. */
struct handover_told {
	uint64_t next_seq;
	uint64_t records, overflowed;
	struct event_told told;
};

/* How the record file stood before lines went out of which the outcome is not noted yet. */
struct handover_intent {
	uint32_t pending; /* bool */
	uint32_t slot;    /* of told[]: what is told when they are out */
	uint64_t device, inode;
	uint64_t size, bytes;
};

struct handover_state;

/* Bytes of the whole. */
size_t handover_state_bytes(void);
/* memory: handover_state_bytes() of zeroes, aligned to a page, the caller's. */
struct handover_state *handover_state_begin(void *memory);
/* What another process has left there: NULL when it is of another layout. */
struct handover_state *handover_state_take(void *memory, size_t bytes);

/* i < POLICY_WORKERS_MAX */
struct ledger *handover_state_ledger(struct handover_state *state, size_t i);
struct batch *handover_state_batch(struct handover_state *state, size_t i);

/*
 * Puts the ledgers in order after the process before, and joins those from worker_count up to the first one. Call it when the
 * batches are done with.
 */
void handover_state_settle(struct handover_state *state, size_t worker_count);
/* The sum of the ledgers. */
void handover_state_collect(struct handover_state *state, struct ledger_counts *ret);

/* Processes that have used it, this one included. */
uint64_t handover_state_lives(const struct handover_state *state);

/* Around writing lines: what will be told when they are out; then whether they are. All of it is one step for a kill. */
void handover_state_telling(struct handover_state *state, const struct handover_told *told,
			    const struct handover_intent *intent);
void handover_state_was_told(struct handover_state *state);
/* What is told for certain. */
const struct handover_told *handover_state_told(const struct handover_state *state);
/* Lines of which the outcome is not known, NULL: none. Then handover_state_was_told(), or _not_told(). */
const struct handover_intent *handover_state_intent(const struct handover_state *state);
/* The lines did not get out: they are told later, under new numbers. */
void handover_state_not_told(struct handover_state *state);

/*
 * What the kernel has counted by itself, as it is read there. A set that was read stands still until it is emptied: what was in
 * it is due from when it was read, and who comes next does not read it again. Each call is one step for a kill. sets are
 * numbered within their generation as net/learned.h has it.
 */
struct handover_unplaced {
	uint64_t full, stale; /* as the kernel's counters stood when they were read last */
};
void handover_state_set_read(struct handover_state *state, unsigned generation, unsigned set,
			     const uint64_t packets[EVENT_REASONS_MAX]);
bool handover_state_set_is_read(const struct handover_state *state, unsigned generation, unsigned set);
/* From first to before end, before the kernel fills them again. */
void handover_state_emptied(struct handover_state *state, unsigned generation, unsigned first, unsigned end);
/* These came to no set. */
void handover_state_unplaced(struct handover_state *state, unsigned reason, uint64_t packets,
			     const struct handover_unplaced *now);
/* How the counters stood when they were read last; false: nobody has read them. */
bool handover_state_unplaced_before(const struct handover_state *state, struct handover_unplaced *ret);
/* All of them, for status. */
uint64_t handover_state_offloaded_sum(const struct handover_state *state);

/*
 * What is counted and not told, as facts of many packets, each given to take. digest: of the policy in force, borrowed. Returns
 * how many packets that is.
 */
uint64_t handover_state_tell_rest(struct handover_state *state, int64_t wall_ns, const char *digest,
				  void (*take)(void *context, const struct event_fact *fact), void *context);

#endif
