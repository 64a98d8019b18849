/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A blocked client sends its SYN again and again: one attempt, many packets. A bounded memory of the SYNs of the last
 * minutes tells them apart. Under a flood that is larger than the memory, repeats are counted as attempts.
 */
#ifndef OP25B_EVENT_RETRANSMISSION_H
#define OP25B_EVENT_RETRANSMISSION_H

#include "event/event.h"

#include "base/siphash.h"

/* Linux gives up 127 s after the first SYN (tcp_syn_retries 6: repeats after 1, 3, 7, 15, 31 and 63 s). */
enum { RETRANSMISSION_S = 130 };

struct retransmissions {
	struct siphash_key key;
	uint64_t *cells; /* a hash's high 48 bits and the second, modulo 65536, when it was first seen */
	size_t sets;
};

/* Room for about `syns` of them, within fixed bounds. 0 or -ENOMEM. */
int retransmissions_init(struct retransmissions *cache, const struct siphash_key *key, size_t syns);
/* The fact's number in the cache, of addresses, ports and sequence number; asks for its place in memory early. */
uint64_t retransmissions_number(const struct retransmissions *cache, const struct event_fact *fact);
/* True when a SYN with this number was seen in the last RETRANSMISSION_S seconds; else it is remembered. */
bool retransmissions_seen(struct retransmissions *cache, uint64_t number, int64_t time_ns);
void retransmissions_free(struct retransmissions *cache);

#endif
