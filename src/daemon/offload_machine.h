/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the offload machine (offload.h), shared by its two parts: what turns, and what reads out. */
#ifndef OP25B_DAEMON_OFFLOAD_MACHINE_H
#define OP25B_DAEMON_OFFLOAD_MACHINE_H

#include "base/moment.h"
#include "daemon/offload.h"

enum {
	FAMILIES = 2,
	SETS_PER_GROUP = FAMILIES * OFFLOAD_SHARDS,
	NSEC_PER_MSEC = 1000000,
};

enum stage {
	STAGE_FREE,    /* the sets are empty */
	STAGE_TURNED,  /* in force */
	STAGE_LEFT,    /* the kernel has turned away, but packets may still be on their way through */
	STAGE_READING, /* quiet */
	STAGE_READ,    /* told; to be emptied */
};

struct generation {
	enum stage stage;
	const struct world *world; /* that decided what is in it */
	unsigned group_count;
	int64_t began_s;
	int64_t left_ns;      /* wall clock, when the kernel turned away */
	uint32_t left_number; /* workers that have acknowledged this one do not give it any more */
	unsigned next_set;    /* those before are told */
	unsigned first_told;  /* those before are emptied, too */
	uint64_t sources;
	uint64_t told; /* elements in sets that are told, and not emptied */
};

enum phase {
	PHASE_RUN,
	PHASE_HOLD, /* workers were told none; the kernel has not turned */
	PHASE_TURN,
};

enum call { CALL_CHECK, CALL_MATCH, CALL_TURN, CALL_QUIET, CALL_READ, CALL_FLUSH, CALL_COUNTERS, CALLS };

struct offload {
	struct offload_kernel kernel;
	struct offload_host host;
	struct offload_settings settings;
	struct offload_now now;
	struct generation generations[OFFLOAD_GENERATIONS];
	int turned; /* in force in the kernel */
	int told;   /* to the workers */
	uint32_t number;
	enum phase phase;
	bool checked; /* it has the sets of these settings */
	bool gone_said;
	bool leave; /* the one in force, before its time */
	bool stopping;
	unsigned harvest; /* the generation whose turn it is, when both wait to be read */
	bool matched;     /* so did the rules when a drain was asked for, or since */
	int64_t hold_until_ns, retry_ns, look_ns, counters_ns, match_ns, drained_ns;
	int64_t since_ns;        /* the one in force may have elements since */
	uint64_t learned_before; /* the workers' count when it began */
	int64_t offset_ns;       /* of the wall clock from the steady one */
	int64_t asked_s, date_s; /* the next date of the policy at this time */
	bool counters_based;
	uint64_t full, stale; /* as last read */
	unsigned failing;     /* a bit each call */
	struct offload_stats stats;
};

static inline int64_t offload_now_s(const struct offload *offload)
{
	return offload->now.wall_ns / NSEC_PER_SEC;
}

/* Remembers how a call went; true when it has to be made again. -ENOENT is an answer. */
bool offload_failed(struct offload *offload, enum call call, int r);
/* The kernel has not the sets of these settings: told once, and looked for later. */
void offload_note_gone(struct offload *offload);

/* offload_harvest.c: */
/* A generation waits to be read. */
bool offload_harvest_is_due(const struct offload *offload);
/* Makes the next call for the generation that waits to be read. */
void offload_harvest(struct offload *offload);
void offload_read_counters(struct offload *offload);

#endif
