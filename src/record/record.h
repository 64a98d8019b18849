/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a decision to the fact that goes into a block record. Made in one place, so that the daemon and replay record
 * the same of the same packet; apart from event/, which knows nothing of engines and policies.
 */
#ifndef OP25B_RECORD_RECORD_H
#define OP25B_RECORD_RECORD_H

#include "engine/engine.h"
#include "event/event.h"

/* Blocked, or let through only because it is monitored, for a reason that counts against the subscriber. */
bool record_is_due(const struct decision *decision);

/*
 * Writes all that packet and decision show to *ret; time, interface and packet number are the caller's to add. The
 * names in it are the policy's and the engine's and live as long as these.
 */
void record_fill(const struct policy *policy, const struct packet *packet, const struct decision *decision,
		 struct event_fact *ret);

/* What a fact says of a subscriber (any address of his) whom the kernel blocks by itself; the caller adds time and number. */
void record_fill_source(const struct policy *policy, const struct addr *subscriber,
			const struct decision *decision, struct event_fact *ret);

#endif
