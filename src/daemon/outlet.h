/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to a log of this system, as datagrams to a Unix socket. Nothing here waits: what the reader does not take at once stays in
 * bounded memory, and what finds no room there is counted as lost. The record file has it all the same.
 */
#ifndef OP25B_DAEMON_OUTLET_H
#define OP25B_DAEMON_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outlet_stats {
	uint64_t messages; /* taken */
	uint64_t sent;
	uint64_t lost;
	uint64_t waiting; /* bytes */
	uint64_t waiting_messages;
	int error; /* why nothing can be sent now, a negative errno; 0: nothing is wrong */
};

struct outlet;

/* capacity: bytes that may wait. Opens nothing yet. NULL without memory, or with a path too long for a socket. */
struct outlet *outlet_new(const char *path, size_t capacity);
/* What still waits is gone. NULL is fine. */
void outlet_free(struct outlet *outlet);

/* Takes a message; one of no bytes is lost. */
void outlet_add(struct outlet *outlet, const char *message, size_t len);
/* Sends what the reader takes. A socket that fails is tried again a second later at the soonest. True when `error`
 * became something, or nothing. */
bool outlet_flush(struct outlet *outlet, int64_t steady_ns);
/* More may be taken in a moment: the reader is there, and has no room now. */
bool outlet_is_slow(const struct outlet *outlet);

void outlet_stats_get(const struct outlet *outlet, struct outlet_stats *ret);
const char *outlet_path(const struct outlet *outlet);

#endif
