/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ledger.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/*
 * A sequence lock over atomics: odd while an entry is being written. Release stores of the values keep them behind
 * the odd number, acquire loads keep them before the second look at it, so no fence is needed.
 */
struct ledger {
	_Alignas(64) _Atomic uint64_t sequence;
	_Atomic uint64_t shown[LEDGER_SLOTS];
	_Alignas(64) uint64_t counted[LEDGER_SLOTS];
	bool changed[LEDGER_SLOTS];
	uint16_t changes[LEDGER_SLOTS];
	size_t change_count;
};

struct ledger *ledger_new(void)
{
	struct ledger *ledger = aligned_alloc(64, sizeof(*ledger));

	if (ledger)
		*ledger = (struct ledger){0};
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger);
}

size_t ledger_bytes(void)
{
	return sizeof(struct ledger);
}

struct ledger *ledger_at(void *memory)
{
	return memory;
}

/* Shows everything anew, with no entry half written. */
static void show_all(struct ledger *ledger)
{
	for (unsigned slot = 0; slot < LEDGER_SLOTS; slot++) {
		atomic_store_explicit(&ledger->shown[slot], ledger->counted[slot], memory_order_relaxed);
		ledger->changed[slot] = false;
	}
	ledger->change_count = 0;
	atomic_store_explicit(&ledger->sequence, 0, memory_order_release);
}

void ledger_settle(struct ledger *ledger, bool counted_holds)
{
	uint64_t *counted = ledger->counted;

	for (unsigned slot = 0; !counted_holds && slot < LEDGER_SLOTS; slot++)
		counted[slot] = atomic_load_explicit(&ledger->shown[slot], memory_order_relaxed);
	counted[LEDGER_IN_FLIGHT] = 0;
	counted[LEDGER_RECEIVED] =
		counted[LEDGER_ACCEPTED] + counted[LEDGER_DROPPED] + counted[LEDGER_FAILED_OPEN];
	show_all(ledger);
}

void ledger_absorb(struct ledger *ledger, struct ledger *other)
{
	for (unsigned slot = 0; slot < LEDGER_SLOTS; slot++) {
		ledger->counted[slot] += other->counted[slot];
		other->counted[slot] = 0;
	}
	show_all(ledger);
	show_all(other);
}

uint64_t ledger_counted(const struct ledger *ledger, unsigned slot)
{
	return ledger->counted[slot];
}

void ledger_set(struct ledger *ledger, unsigned slot, uint64_t value)
{
	if (ledger->counted[slot] == value)
		return;
	ledger->counted[slot] = value;
	if (!ledger->changed[slot]) {
		ledger->changed[slot] = true;
		ledger->changes[ledger->change_count++] = (uint16_t)slot;
	}
}

void ledger_add(struct ledger *ledger, unsigned slot, uint64_t n)
{
	ledger_set(ledger, slot, ledger->counted[slot] + n);
}

void ledger_subtract(struct ledger *ledger, unsigned slot, uint64_t n)
{
	ledger_set(ledger, slot, ledger->counted[slot] - n);
}

void ledger_publish(struct ledger *ledger)
{
	uint64_t sequence = atomic_load_explicit(&ledger->sequence, memory_order_relaxed);

	if (ledger->change_count == 0)
		return;
	atomic_store_explicit(&ledger->sequence, sequence + 1, memory_order_relaxed);
	for (size_t i = 0; i < ledger->change_count; i++) {
		unsigned slot = ledger->changes[i];

		atomic_store_explicit(&ledger->shown[slot], ledger->counted[slot], memory_order_release);
		ledger->changed[slot] = false;
	}
	ledger->change_count = 0;
	atomic_store_explicit(&ledger->sequence, sequence + 2, memory_order_release);
}

void ledger_collect(const struct ledger *ledger, struct ledger_counts *counts)
{
	uint64_t values[LEDGER_SLOTS];
	uint64_t before, after;

	do {
		before = atomic_load_explicit(&ledger->sequence, memory_order_acquire);
		for (unsigned slot = 0; slot < LEDGER_SLOTS; slot++)
			values[slot] = atomic_load_explicit(&ledger->shown[slot], memory_order_acquire);
		after = atomic_load_explicit(&ledger->sequence, memory_order_relaxed);
		if (before != after || (before & 1) != 0)
			sched_yield();
	} while (before != after || (before & 1) != 0);
	for (unsigned slot = 0; slot < LEDGER_SLOTS; slot++)
		counts->values[slot] += values[slot];
}
