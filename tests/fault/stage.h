/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole daemon in a test's own process: gateway_start(), gateway_run(), gateway_free() as main() calls them, with the kernel
 * of kernel.h, the clocks of clocks.h and the faults of faults.h around them. The test is asked for its next step
 * whenever the daemon's loop has nothing to do, and afterwards told what became of every packet and record.
 */
#ifndef OP25B_TESTS_STAGE_H
#define OP25B_TESTS_STAGE_H

#include "daemon/gateway.h"
#include "kernel.h"

#include <stdbool.h>
#include <stddef.h>

enum { STAGE_PATH_MAX = 160, STAGE_TEXT_MAX = 1024 };

/* Does a step; false when there are no more: the daemon gets SIGTERM. Nothing fails meanwhile. */
typedef bool stage_step(void *context);

/* What remains to be told after a run. */
struct stage_account {
	int code; /* what main() would return */
	bool unheard; /* set by the test: the kernel took no verdicts at the end, so packets in flight may be in records */
	bool ran; /* the start succeeded */
	struct ledger_counts ledger;
	struct kernel_account kernel;
	struct logwriter_stats log;
	struct outlet_stats outlets[EVENT_FORMS]; /* all zeroes: there was none */
	size_t observed;                          /* packets, by the collector; 0 when there is none */
	size_t lines, packets, packets_blocked;   /* of the records given to the log writer */
	size_t errors;                            /* said */
	char error[STAGE_TEXT_MAX];               /* the last of them */
	size_t blocks, descriptors;               /* not given back */
};

/* A directory of its own, removed by stage_close(). */
void stage_open(void);
void stage_close(void);
const char *stage_directory(void);
/* Writes the policy file; "@DIR@" stands for the directory. */
void stage_write_policy(const char *text);
/* Begins anew: no packets, these clocks. */
void stage_reset(int64_t wall_ns);
/* Runs the daemon from start to end. A fault that is armed stays so. */
struct stage_account stage_run(stage_step *step, void *context);

/* For steps. */
struct gateway *stage_gateway(void);
/* Between the start and the end of a run. */
bool stage_is_running(void);
/* Every packet that was queued has its answer. */
bool stage_all_answered(void);
/* What the records so far say: given to the log writer, whatever became of them. */
struct stage_account stage_so_far(void);
/* The text of the last record so far, and of the last line that the daemon said at this level or worse. */
const char *stage_last_record(void);
const char *stage_last_said(void);
/* Some line of the run had this text in it (as far as there is memory for them). */
bool stage_has_said(const char *text);

/* Why the account of a run cannot be: NULL, or what is wrong, in text. */
const char *stage_fault_in(const struct stage_account *account, char text[STAGE_TEXT_MAX]);

#endif
