/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to let packets gather. Waking for a packet costs more than judging it: a worker that under load sleeps a bounded
 * time between two looks into its queue finds many there at once, and spends half the processor time. At low load
 * every packet is answered as it comes.
 */
#ifndef OP25B_DAEMON_GATHER_H
#define OP25B_DAEMON_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GATHER_NS = 200000,       /* how long: what a packet is late by, at most, is a little more */
	GATHER_SLOT_NS = 1000000, /* load is measured over this */
	GATHER_PACKETS = 16,      /* that many in it are load */
	GATHER_FULL = 128,        /* who finds that many looks again at once */
};

/* All zeroes at first. */
struct gather {
	int64_t slot_ns;
	uint32_t packets; /* in the slot that began then */
	bool loaded;      /* the slot before was */
};

/* A batch of packets was answered; true: sleep GATHER_NS before the next look. now_ns never goes back. */
bool gather_is_due(struct gather *gather, int64_t now_ns, size_t packets);

#endif
