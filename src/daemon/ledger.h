/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's account of its packets. Only the worker writes; the main thread takes snapshots in which
 *   received = accepted + dropped + failed_open + in_flight
 * holds at every moment, because a snapshot never shows half of an entry.
 */
#ifndef OP25B_DAEMON_LEDGER_H
#define OP25B_DAEMON_LEDGER_H

#include "daemon/latency.h"
#include "engine/engine.h"
#include "event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_slot {
	LEDGER_RECEIVED,
	LEDGER_ACCEPTED,
	LEDGER_DROPPED,     /* also those answered with a reset or ICMP */
	LEDGER_FAILED_OPEN, /* let through unjudged, because the policy says fail = open */
	LEDGER_IN_FLIGHT,   /* received, not answered yet */

	LEDGER_LEARNED,  /* of those dropped, the ones that the kernel counts: their sources are learned */
	LEDGER_UNJUDGED, /* packets whose message held no bytes of them: dropped, or failed open */
	LEDGER_BATCHES,  /* reads that gave packets */
	LEDGER_OVERRUNS, /* as struct queue_counters has them; likewise below */
	LEDGER_LOST_IDS,
	LEDGER_NOT_PARSED,
	LEDGER_VERDICT_ERRORS,
	LEDGER_SEND_RETRIES,
	LEDGER_ORPHANED, /* of those dropped or failed open: a daemon that died had read them, and not judged them */

	LEDGER_DECISIONS, /* [verdict][reason] */
	LEDGER_MONITORED =
		LEDGER_DECISIONS + (int)VERDICTS * (int)REASONS, /* [reason]: accepted, would be blocked */
	LEDGER_UNATTRIBUTED =
		LEDGER_MONITORED + (int)REASONS, /* [reason]: no room on the way; in an overflow record */
	LEDGER_LATENCY = LEDGER_UNATTRIBUTED + (int)REASONS,  /* [latency_bucket()]: packets answered */
	LEDGER_LATENCY_NS = LEDGER_LATENCY + LATENCY_BUCKETS, /* the sum of what they took */
	LEDGER_DUE, /* [monitored][event reason]: given to the records, as facts */
	LEDGER_SLOTS = LEDGER_DUE + 2 * (int)EVENT_REASONS_MAX,
};

struct ledger_counts {
	uint64_t values[LEDGER_SLOTS];
};

struct ledger;

/* NULL without memory. */
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* The same in memory of the caller's: ledger_bytes() of it, aligned to 64. All zeroes are an empty account. */
size_t ledger_bytes(void);
struct ledger *ledger_at(void *memory);
/*
 * Puts an account in order whose writer was killed at any place, so that it balances and nothing is in flight.
 * counted_holds: what was counted in private stands, though not published yet; else what was published last.
 */
void ledger_settle(struct ledger *ledger, bool counted_holds);
/* Adds everything of another account, which is empty then. Neither has a writer. */
void ledger_absorb(struct ledger *ledger, struct ledger *other);
/* Worker: what it has counted so far. */
uint64_t ledger_counted(const struct ledger *ledger, unsigned slot);

/* Worker: counts in private; ledger_publish() shows everything counted since as one entry. */
void ledger_add(struct ledger *ledger, unsigned slot, uint64_t n);
void ledger_subtract(struct ledger *ledger, unsigned slot, uint64_t n);
void ledger_set(struct ledger *ledger, unsigned slot, uint64_t value);
void ledger_publish(struct ledger *ledger);

/* Any thread: adds the account to *counts, so that calling it for each worker gives the gateway's. */
void ledger_collect(const struct ledger *ledger, struct ledger_counts *counts);

static inline unsigned ledger_decision(enum verdict verdict, enum reason reason)
{
	return (unsigned)LEDGER_DECISIONS + (unsigned)verdict * (unsigned)REASONS + (unsigned)reason;
}

/* reason: an event's, of which the engine's are the first. */
static inline unsigned ledger_due(bool monitored, unsigned reason)
{
	return (unsigned)LEDGER_DUE + (monitored ? (unsigned)EVENT_REASONS_MAX : 0) + reason;
}

#endif
