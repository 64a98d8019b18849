/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel's queues for a daemon that runs in a test: the netlink sockets of net/queue.c are replaced, so its own code reads
 * the messages and writes the verdicts. It knows of each packet what became of it, and what was wrong with that: an answer for
 * a packet that was not shown, or two for one. With it come offload's sets (net/learned.h), interfaces' names, and
 * what only root may do.
 */
#ifndef OP25B_TESTS_KERNEL_H
#define OP25B_TESTS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fate {
	FATE_WAITING, /* nobody has read it */
	FATE_READ,    /* read, and not answered */
	FATE_ACCEPTED,
	FATE_DROPPED,
	FATE_RESET,   /* accepted with the mark that has it dropped and answered */
	FATE_ICMP,    /* likewise */
	FATE_LEARNED, /* dropped, and its source put into a set; or by its source's being there, never queued */
	FATE_NO_ROOM, /* not queued: it got the fail mode */
	FATES
};

struct kernel_packet {
	uint32_t src, dst;
	uint32_t ifindex;
	uint8_t tcp_flags;
	uint16_t port;
};

/* Interface numbers: 1 sub0, 2 up0, 3 srv0. */
enum { KERNEL_SUB = 1, KERNEL_UP, KERNEL_SRV };

/* No packets, no sets, no socket. */
void kernel_reset(void);
/* Sets of so many groups, with this layout; 0 groups: no table. */
void kernel_offload(unsigned groups, uint64_t layout);
/* The next read of a packet waits until kernel_release(). */
void kernel_hold(void);
void kernel_release(void);
/* A packet for the queue; returns its number for kernel_fate(). */
size_t kernel_packet(const struct kernel_packet *packet);
enum fate kernel_fate(size_t packet);
const char *kernel_fate_name(enum fate fate);

struct kernel_account {
	size_t packets, queued, read, answered;
	size_t learned; /* dropped by sets, the first ones included */
	size_t wrong;   /* verdicts for nobody, or twice, or for packets that were not read */
	bool intake_stopped;
};

struct kernel_account kernel_account(void);

#endif
