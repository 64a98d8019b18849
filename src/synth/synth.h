/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets made from a line of words, so that a policy repository can hold its cases as text:
 *
 *   at 2026-10-01T00:00:00+09:00 on ppp0 vlan 100 tcp 10.1.0.1 > 192.0.2.1:25 syn times 3
 *
 * They are written as a pcapng capture: whoever judges them reads them as any other capture. The grammar is told in
 * op25b-replay(1), "SYNTHETIC PACKETS"; its words are the table in src/synth/parse.c.
 */
#ifndef OP25B_SYNTH_SYNTH_H
#define OP25B_SYNTH_SYNTH_H

#include "base/line.h"

#include <stdint.h>
#include <stdio.h>

enum { SYNTH_TIMES_MAX = 100000, SYNTH_PAYLOAD_MAX = 1400 };

struct synth;

/*
 * out is borrowed until synth_free(); look at ferror() at the end. start_s: the time of packets before the first "at".
 * 0 with *ret owned by the caller, or -ENOMEM.
 */
int synth_new(FILE *out, int64_t start_s, struct synth **ret);

/*
 * Writes the line's packets; a line without words makes none. Reading ends in front of a word "=>", which is then
 * the word in hand: what stands behind it is the caller's. 0; -EINVAL with an error added, and nothing written;
 * -ENOMEM; -E2BIG when the capture would have more than 65536 interfaces.
 */
int synth_line(struct synth *synth, struct line *line);

/* Packets written so far. */
uint64_t synth_count(const struct synth *synth);

/* Takes NULL. */
void synth_free(struct synth *synth);

#endif
