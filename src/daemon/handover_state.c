/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/handover_state.h"

#include "net/learned.h"
#include "policy/policy.h"

#include <string.h>

enum {
	ALIGNMENT = 64,
	KINDS = 2, /* blocked, monitored */
	SETS = LEARN_GROUPS_MAX * LEARNED_SETS_PER_GROUP,
	MARK_BITS = 64,
	MARKS = LEARNED_GENERATIONS * SETS / MARK_BITS,
	NO_SET = LEARNED_GENERATIONS * SETS,
};

static const char magic[8] = "op25bd\n";

/* Everything by which two builds may differ in the form of it. */
struct layout {
	char magic[8];
	uint32_t version, bytes;
	uint32_t slots, ledger_bytes, batch_bytes, main_bytes;
	uint32_t workers_max, reasons, verdicts, unused;
};

/* What the kernel has counted, as it will be; it may be put in force as often as one likes. */
struct step {
	uint32_t pending; /* bool */
	uint32_t set;     /* that is read with it, or NO_SET */
	bool based;
	struct handover_unplaced unplaced;
	uint64_t offloaded[EVENT_REASONS_MAX];
};

struct handover_state {
	struct layout layout;
	uint64_t lives;
	_Atomic uint32_t told_slot;
	struct handover_told told[2];
	struct handover_intent intent;
	uint64_t offloaded[EVENT_REASONS_MAX];
	uint64_t sets_read[MARKS]; /* a bit each */
	bool based;                /* somebody has read the counters: */
	struct handover_unplaced unplaced;
	struct step step;
};

static size_t aligned(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t worker_bytes(void)
{
	return aligned(ledger_bytes()) + aligned(sizeof(struct batch));
}

size_t handover_state_bytes(void)
{
	return aligned(sizeof(struct handover_state)) + POLICY_WORKERS_MAX * worker_bytes();
}

static struct layout own_layout(void)
{
	struct layout layout = {
		.version = HANDOVER_VERSION,
		.bytes = (uint32_t)handover_state_bytes(),
		.slots = LEDGER_SLOTS,
		.ledger_bytes = (uint32_t)ledger_bytes(),
		.batch_bytes = sizeof(struct batch),
		.main_bytes = sizeof(struct handover_state),
		.workers_max = POLICY_WORKERS_MAX,
		.reasons = REASONS,
		.verdicts = VERDICTS,
	};

	memcpy(layout.magic, magic, sizeof(magic));
	return layout;
}

struct handover_state *handover_state_begin(void *memory)
{
	struct handover_state *state = memory;

	state->layout = own_layout();
	state->lives = 1;
	return state;
}

/* Steps */

static void finish_step(struct handover_state *state)
{
	const struct step *step = &state->step;

	memcpy(state->offloaded, step->offloaded, sizeof(state->offloaded));
	state->based = step->based;
	state->unplaced = step->unplaced;
	if (step->set < NO_SET)
		state->sets_read[step->set / MARK_BITS] |= UINT64_C(1) << step->set % MARK_BITS;
	atomic_signal_fence(memory_order_seq_cst);
	state->step.pending = false;
	atomic_signal_fence(memory_order_seq_cst);
}

/* As it is now; the caller changes it. */
static struct step *begin_step(struct handover_state *state)
{
	struct step *step = &state->step;

	memcpy(step->offloaded, state->offloaded, sizeof(step->offloaded));
	step->based = state->based;
	step->unplaced = state->unplaced;
	step->set = NO_SET;
	return step;
}

static void take_step(struct handover_state *state)
{
	atomic_signal_fence(memory_order_seq_cst);
	state->step.pending = true;
	atomic_signal_fence(memory_order_seq_cst);
	finish_step(state);
}

struct handover_state *handover_state_take(void *memory, size_t bytes)
{
	const struct layout layout = own_layout();
	struct handover_state *state = memory;

	if (bytes != layout.bytes || memcmp(&state->layout, &layout, sizeof(layout)) != 0)
		return NULL;
	if (state->step.pending)
		finish_step(state);
	state->lives++;
	return state;
}

static char *worker_memory(struct handover_state *state, size_t i)
{
	return (char *)state + aligned(sizeof(*state)) + i * worker_bytes();
}

struct ledger *handover_state_ledger(struct handover_state *state, size_t i)
{
	return ledger_at(worker_memory(state, i));
}

struct batch *handover_state_batch(struct handover_state *state, size_t i)
{
	void *memory = worker_memory(state, i) + aligned(ledger_bytes());

	return memory;
}

void handover_state_settle(struct handover_state *state, size_t worker_count)
{
	for (size_t i = 0; i < POLICY_WORKERS_MAX; i++) {
		struct batch *batch = handover_state_batch(state, i);
		struct ledger *ledger = handover_state_ledger(state, i);
		uint32_t last_id = batch_last_id(batch);

		ledger_settle(ledger, atomic_load(&batch->phase) != BATCH_TAKEN);
		batch->done_id = last_id;
		batch_enter(batch, BATCH_DONE);
		if (i >= worker_count)
			ledger_absorb(handover_state_ledger(state, 0), ledger);
	}
}

void handover_state_collect(struct handover_state *state, struct ledger_counts *ret)
{
	*ret = (struct ledger_counts){0};
	for (size_t i = 0; i < POLICY_WORKERS_MAX; i++)
		ledger_collect(handover_state_ledger(state, i), ret);
}

uint64_t handover_state_lives(const struct handover_state *state)
{
	return state->lives;
}

/* Records */

static uint32_t slot_of(const struct handover_state *state)
{
	return atomic_load_explicit(&state->told_slot, memory_order_acquire) & 1;
}

void handover_state_telling(struct handover_state *state, const struct handover_told *told,
			    const struct handover_intent *intent)
{
	uint32_t slot = !slot_of(state);

	state->intent.pending = false;
	atomic_signal_fence(memory_order_seq_cst);
	state->told[slot] = *told;
	state->intent.slot = slot;
	state->intent.device = intent->device;
	state->intent.inode = intent->inode;
	state->intent.size = intent->size;
	state->intent.bytes = intent->bytes;
	atomic_signal_fence(memory_order_seq_cst);
	state->intent.pending = true;
	atomic_signal_fence(memory_order_seq_cst);
}

void handover_state_was_told(struct handover_state *state)
{
	if (!handover_state_intent(state))
		return;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&state->told_slot, state->intent.slot, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	state->intent.pending = false;
}

void handover_state_not_told(struct handover_state *state)
{
	struct handover_told *told = &state->told[slot_of(state)];

	if (!handover_state_intent(state))
		return;
	/* Somebody may have read them. */
	told->next_seq = state->told[state->intent.slot & 1].next_seq;
	state->intent.pending = false;
}

const struct handover_told *handover_state_told(const struct handover_state *state)
{
	return &state->told[slot_of(state)];
}

const struct handover_intent *handover_state_intent(const struct handover_state *state)
{
	return state->intent.pending && (state->intent.slot & 1) != slot_of(state) ? &state->intent : NULL;
}

/* What is counted and not told */

static unsigned set_number(unsigned generation, unsigned set)
{
	return generation % LEARNED_GENERATIONS * SETS + set % SETS;
}

void handover_state_set_read(struct handover_state *state, unsigned generation, unsigned set,
			     const uint64_t packets[EVENT_REASONS_MAX])
{
	struct step *step = begin_step(state);

	for (unsigned reason = 0; reason < EVENT_REASONS_MAX; reason++)
		step->offloaded[reason] += packets[reason];
	step->set = set_number(generation, set);
	take_step(state);
}

bool handover_state_set_is_read(const struct handover_state *state, unsigned generation, unsigned set)
{
	unsigned number = set_number(generation, set);

	return (state->sets_read[number / MARK_BITS] >> number % MARK_BITS & 1) != 0;
}

void handover_state_emptied(struct handover_state *state, unsigned generation, unsigned first, unsigned end)
{
	for (unsigned set = first; set < end && set < SETS; set++) {
		unsigned number = set_number(generation, set);

		state->sets_read[number / MARK_BITS] &= ~(UINT64_C(1) << number % MARK_BITS);
	}
}

void handover_state_unplaced(struct handover_state *state, unsigned reason, uint64_t packets,
			     const struct handover_unplaced *now)
{
	struct step *step = begin_step(state);

	step->offloaded[reason % EVENT_REASONS_MAX] += packets;
	step->based = true;
	step->unplaced = *now;
	take_step(state);
}

bool handover_state_unplaced_before(const struct handover_state *state, struct handover_unplaced *ret)
{
	if (state->based)
		*ret = state->unplaced;
	return state->based;
}

uint64_t handover_state_offloaded_sum(const struct handover_state *state)
{
	uint64_t sum = 0;

	for (unsigned reason = 0; reason < EVENT_REASONS_MAX; reason++)
		sum += state->offloaded[reason];
	return sum;
}

/* The verdict that most of a reason's packets got, which stands for all of them. */
static enum verdict usual_verdict(const struct ledger_counts *counts, unsigned reason)
{
	enum verdict usual = VERDICT_DROP;

	for (unsigned verdict = VERDICT_DROP; reason < REASONS && verdict < VERDICTS; verdict++)
		if (counts->values[ledger_decision((enum verdict)verdict, (enum reason)reason)] >
		    counts->values[ledger_decision(usual, (enum reason)reason)])
			usual = (enum verdict)verdict;
	return usual;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Sums by kind and by reason; where one reason was both blocked and monitored they leave open which of its packets were told. */
struct rest {
	uint64_t kinds[KINDS];
	uint64_t reasons[EVENT_REASONS_MAX];
};

static void find_rest(const struct handover_state *state, const struct ledger_counts *counts,
		      struct rest *rest)
{
	const struct event_told *told = &handover_state_told(state)->told;
	uint64_t due[KINDS] = {0};

	for (unsigned reason = 0; reason < EVENT_REASONS_MAX; reason++) {
		uint64_t blocked = counts->values[ledger_due(false, reason)] + state->offloaded[reason];
		uint64_t monitored = counts->values[ledger_due(true, reason)];

		due[0] += blocked;
		due[1] += monitored;
		rest->reasons[reason] = less(blocked + monitored, told->reasons[reason]);
	}
	rest->kinds[0] = less(due[0], told->blocked);
	rest->kinds[1] = less(due[1], told->monitored);
}

uint64_t handover_state_tell_rest(struct handover_state *state, int64_t wall_ns, const char *digest,
				  void (*take)(void *context, const struct event_fact *fact), void *context)
{
	struct ledger_counts counts;
	struct rest rest;
	uint64_t total = 0;

	handover_state_collect(state, &counts);
	find_rest(state, &counts, &rest);
	for (unsigned i = 0; i < KINDS * EVENT_REASONS_MAX; i++) {
		unsigned kind = i / EVENT_REASONS_MAX, reason = i % EVENT_REASONS_MAX;
		uint64_t packets = least(rest.kinds[kind], rest.reasons[reason]);
		struct event_fact fact = {
			.time_ns = wall_ns,
			.verdict = (uint8_t)usual_verdict(&counts, reason),
			.monitored = kind == 1,
			.reason = (uint8_t)reason,
			.names = {"", "", "", digest},
		};

		for (uint64_t left = packets; left > 0; left -= fact.many.packets) {
			fact.many.packets = (uint32_t)least(left, UINT32_MAX);
			take(context, &fact);
		}
		rest.kinds[kind] -= packets;
		rest.reasons[reason] -= packets;
		total += packets;
	}
	return total;
}
