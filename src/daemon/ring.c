/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

/* Each side keeps a copy of the other's position, and reads the shared one only when the copy says full or empty. */
struct ring {
	size_t mask;
	struct event_fact *facts;
	_Alignas(CACHE_LINE) _Atomic size_t written;
	size_t released_seen; /* the writer's */
	_Alignas(CACHE_LINE) _Atomic size_t released;
	size_t written_seen; /* the reader's */
};

int ring_new(size_t capacity, struct ring **ret)
{
	struct ring *ring;

	if (capacity == 0 || (capacity & (capacity - 1)) != 0)
		return -EINVAL;
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	*ring = (struct ring){.mask = capacity - 1, .facts = calloc(capacity, sizeof(*ring->facts))};
	if (!ring->facts) {
		free(ring);
		return -ENOMEM;
	}
	*ret = ring;
	return 0;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	free(ring->facts);
	free(ring);
}

struct event_fact *ring_reserve(struct ring *ring)
{
	size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);

	if (written - ring->released_seen > ring->mask) {
		ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
		if (written - ring->released_seen > ring->mask)
			return NULL;
	}
	return &ring->facts[written & ring->mask];
}

void ring_commit(struct ring *ring)
{
	size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);

	atomic_store_explicit(&ring->written, written + 1, memory_order_release);
}

size_t ring_waiting(const struct ring *ring)
{
	return atomic_load_explicit(&ring->written, memory_order_acquire) -
	       atomic_load_explicit(&ring->released, memory_order_relaxed);
}

const struct event_fact *ring_peek(struct ring *ring, size_t *ret_count)
{
	size_t count, place, released = atomic_load_explicit(&ring->released, memory_order_relaxed);

	if (released == ring->written_seen) {
		ring->written_seen = atomic_load_explicit(&ring->written, memory_order_acquire);
		if (released == ring->written_seen)
			return NULL;
	}
	place = released & ring->mask;
	count = ring->written_seen - released;
	*ret_count = count <= ring->mask + 1 - place ? count : ring->mask + 1 - place;
	return &ring->facts[place];
}

void ring_release(struct ring *ring, size_t count)
{
	size_t released = atomic_load_explicit(&ring->released, memory_order_relaxed);

	atomic_store_explicit(&ring->released, released + count, memory_order_release);
}
