/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/gather.h"

bool gather_is_due(struct gather *gather, int64_t now_ns, size_t packets)
{
	int64_t age_ns = now_ns - gather->slot_ns;

	if (age_ns >= GATHER_SLOT_NS) {
		/* A slot that nobody looked into for long was not loaded, whatever it began with. */
		gather->loaded = age_ns < 2 * GATHER_SLOT_NS && gather->packets >= GATHER_PACKETS;
		gather->slot_ns = now_ns;
		gather->packets = 0;
	}
	gather->packets += (uint32_t)packets;
	return (gather->loaded || gather->packets >= GATHER_PACKETS) && packets < GATHER_FULL;
}
