/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet marks that daemon and ruleset agree on. The daemon cannot send a reset itself; it accepts the packet with
 * a mark, and a later chain of the ruleset answers what carries it, or learns its source. 512 values are op25b's own: what
 * arrives with one of them is unmarked before it is judged, so nobody else can have mail answered with a reset.
 */
#ifndef OP25B_RULESET_MARKS_H
#define OP25B_RULESET_MARKS_H

#include <stdint.h>

#define MARK_BASE       UINT32_C(0x25b00000)
#define MARK_MASK       UINT32_C(0xfffffe00) /* mark & MARK_MASK == MARK_BASE: one of ours */
#define MARK_RESET      UINT32_C(0x25b00001) /* drop, and answer with a TCP reset */
#define MARK_ICMP       UINT32_C(0x25b00002) /* drop, and answer with ICMP "administratively prohibited" */

/* Drop, or answer, as the group's action says, and learn the source: | group << 1 | generation. ruleset/groups.h */
#define MARK_LEARN      UINT32_C(0x25b00100)
#define MARK_LEARN_MASK UINT32_C(0xffffff00) /* mark & MARK_LEARN_MASK == MARK_LEARN: one of these */

#endif
