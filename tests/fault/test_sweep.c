/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sweep [PHASE [CALL]]: each allocation and each system call of the daemon fails in turn, once and for good, in each phase of
 * its life. OP25B_FAULT_ALL=1 leaves out none.
 */
#include "clocks.h"
#include "stage.h"
#include "sweep.h"

#include "base/moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int sweep_phase(enum sweep_phase phase, const char *only, bool all)
{
	struct sweep_count count = {0};
	int64_t begin_ns = clocks_real_ns();
	int failed = 0;

	for (enum fault_call call = FAULT_MEMORY; call < FAULT_CALLS; call++) {
		if (only && strcmp(only, fault_call_name(call)) != 0)
			continue;
		failed |= sweep_call(phase, call, false, all, &count);
		failed |= sweep_call(phase, call, true, all, &count);
	}
	printf("%-8s %5u runs, %5u with a failure, %5.1f s: %s\n", sweep_phase_name(phase), count.runs,
	       count.struck, (double)(clocks_real_ns() - begin_ns) / NSEC_PER_SEC,
	       failed ? "not all hold" : "all hold");
	fflush(stdout);
	return failed;
}

int main(int argc, char **argv)
{
	const char *all = getenv("OP25B_FAULT_ALL");
	int failed = 0;
	bool found = false;

	stage_open();
	for (enum sweep_phase phase = SWEEP_START; phase < SWEEP_PHASES; phase++) {
		if (argc > 1 && strcmp(argv[1], sweep_phase_name(phase)) != 0)
			continue;
		found = true;
		failed |= sweep_phase(phase, argc > 2 ? argv[2] : NULL, all && strcmp(all, "1") == 0);
	}
	stage_close();
	if (!found)
		fputs("usage: test_sweep [PHASE [CALL]]\n", stderr);
	return found ? failed : 2;
}
