/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offload's sets in the kernel of kernel.h, whose lock protects them: two generations that learn IPv4 sources by their marks. */
#ifndef OP25B_TESTS_LEARNED_SETS_H
#define OP25B_TESTS_LEARNED_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void learned_sets_reset(void);
/* True when the source is in a set in force, which has counted one packet more of it. */
bool learned_sets_count(uint32_t src);
/* A packet with this mark (ruleset/marks.h) has come: its source is put into the set, or it is counted as stale. */
void learned_sets_learn(uint32_t src, uint32_t mark);
/* Packets that the sets have dropped since the reset. */
size_t learned_sets_counted(void);

#endif
