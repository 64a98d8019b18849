/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that are made instead of captured. They go into a capture in memory, and from there through the reader
 * that all captures go through.
 */
#ifndef OP25B_TOOLS_REPLAY_SYNTH_H
#define OP25B_TOOLS_REPLAY_SYNTH_H

#include "base/diag.h"
#include "base/line.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { REPLAY_SYNTH_MAX = 1000 }; /* --synth and --synth-file on one command line */

/* Takes what stands behind "=>": packets first to last are what the line made. 0, or -EINVAL with an error added. */
struct replay_synth_outcome {
	int (*take)(void *context, struct line *line, uint64_t first, uint64_t last);
	void *context;
};

/* What the command line asks for, in its order. Zeroed: nothing. */
struct replay_synth {
	struct {
		const char *text; /* a line, or a file's name ("-": standard input) */
		bool is_file;
	} items[REPLAY_SYNTH_MAX];
	size_t count;
};

/* The name that stands for the made packets where a capture's name would stand. */
extern char replay_synth_name[];

bool replay_synth_add(struct replay_synth *synth, const char *text, bool is_file);

/* Writes all packets to out. An exit code; what is wrong has been said on standard error. */
int replay_synth_write(const struct replay_synth *synth, const struct replay_synth_outcome *outcome,
		       FILE *out);

/* The same into memory, which replay_synth_path() then leads to; closed by the program's end. */
int replay_synth_open(const struct replay_synth *synth, const struct replay_synth_outcome *outcome);

/* What to open for a capture's name: `name` itself, unless it is replay_synth_name. */
const char *replay_synth_path(const char *name);

#endif
