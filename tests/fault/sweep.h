/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sweep: one day of a daemon's life, lived again and again, each time with another call failing in one of its phases. The
 * first such call, the second, and so on until a day passes in which it was not made often enough to fail.
 */
#ifndef OP25B_TESTS_SWEEP_H
#define OP25B_TESTS_SWEEP_H

#include "faults.h"

#include <stdbool.h>

enum sweep_phase {
	SWEEP_START,   /* gateway_start() */
	SWEEP_VERDICT, /* packets come and are answered */
	SWEEP_RECORD,  /* windows end, records are written */
	SWEEP_CONTROL, /* somebody asks for the status */
	SWEEP_RELOAD,  /* and for a reload, to another policy */
	SWEEP_STOP,    /* SIGTERM to gateway_free() */
	SWEEP_PHASES
};

const char *sweep_phase_name(enum sweep_phase phase);

struct sweep_count {
	unsigned runs, struck;
};

/*
 * Fails the Nth such call of a phase, for every N up to the first that does not strike; beyond the first sixteen by large
 * steps, unless all is true. 0, or 1 after saying what does not hold, and with which N.
 */
int sweep_call(enum sweep_phase phase, enum fault_call call, bool lasting, bool all,
	       struct sweep_count *count);

#endif
