/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/retransmission.h"

#include "base/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, SETS_MIN = 512, SETS_MAX = 32768 };

int retransmissions_init(struct retransmissions *cache, const struct siphash_key *key, size_t syns)
{
	size_t sets = SETS_MIN;
	uint64_t *cells;

	while (sets < SETS_MAX && sets * WAYS < syns)
		sets *= 2;
	/* A set is a cache line. */
	cells = aligned_alloc(WAYS * sizeof(*cells), sets * WAYS * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	memset(cells, 0, sets * WAYS * sizeof(*cells));
	*cache = (struct retransmissions){*key, cells, sets};
	return 0;
}

static uint64_t *set_of(const struct retransmissions *cache, uint64_t hash)
{
	return &cache->cells[(hash & (cache->sets - 1)) * WAYS];
}

uint64_t retransmissions_number(const struct retransmissions *cache, const struct event_fact *fact)
{
	const uint64_t words[] = {
		fact->src.hi,
		fact->src.lo,
		fact->dst.hi,
		fact->dst.lo,
		(uint64_t)fact->tcp_seq << 32 | (uint32_t)fact->sport << 16 | fact->dport,
	};

	uint64_t hash = siphash_words(&cache->key, words, sizeof(words) / sizeof(words[0]));

	__builtin_prefetch(set_of(cache, hash), 1);
	return hash;
}

/* Seconds between two moments that are known modulo 65536, whichever came first: clocks step back. */
static unsigned distance(uint64_t cell, uint64_t now)
{
	unsigned ahead = (unsigned)(now - cell) & 0xffff;

	return ahead < 0x8000 ? ahead : 0x10000 - ahead;
}

bool retransmissions_seen(struct retransmissions *cache, uint64_t hash, int64_t time_ns)
{
	uint64_t now = (uint64_t)(time_ns / NSEC_PER_SEC) & 0xffff;
	/* An empty cell is 0; no tag is, so that none is found in an empty cell. */
	uint64_t tag = (hash & ~UINT64_C(0xffff)) | UINT64_C(1) << 63;
	uint64_t *set = set_of(cache, hash);
	uint64_t *oldest = set;

	for (uint64_t *cell = set; cell < set + WAYS; cell++) {
		bool fresh = *cell && distance(*cell, now) <= RETRANSMISSION_S;

		if (fresh && (*cell & ~UINT64_C(0xffff)) == tag)
			return true;
		if (*oldest && (!*cell || distance(*cell, now) > distance(*oldest, now)))
			oldest = cell;
	}
	*oldest = tag | now;
	return false;
}

void retransmissions_free(struct retransmissions *cache)
{
	free(cache->cells);
	cache->cells = NULL;
}
