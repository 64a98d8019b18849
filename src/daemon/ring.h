/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block facts on their way from one worker to the main thread: a bounded ring with one writer and one reader, no
 * lock on either side, because a worker must never wait for the thread that writes files.
 */
#ifndef OP25B_DAEMON_RING_H
#define OP25B_DAEMON_RING_H

#include "event/event.h"

#include <stddef.h>

struct ring;

/* capacity: a power of two. 0, -EINVAL, -ENOMEM; *ret is the caller's (ring_free), untouched on failure. */
int ring_new(size_t capacity, struct ring **ret);
void ring_free(struct ring *ring);

/* Writer: a free place to fill, NULL when the ring is full. It stays the ring's; ring_commit() hands it over. */
struct event_fact *ring_reserve(struct ring *ring);
void ring_commit(struct ring *ring);

/* Reader: how many facts wait at this moment. */
size_t ring_waiting(const struct ring *ring);
/* Reader: the oldest facts, *ret_count of them one behind the other, NULL when there is none. ring_release() gives
 * back the places of the oldest ones. */
const struct event_fact *ring_peek(struct ring *ring, size_t *ret_count);
void ring_release(struct ring *ring, size_t count);

#endif
