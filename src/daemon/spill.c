/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/spill.h"

void spill_add(struct spill *spill, const struct decision *decision, const char *digest, int64_t time_ns)
{
	bool monitored = decision->verdict != decision->would;
	struct spill_count *count = &spill->counts[decision->would][monitored][decision->reason];

	count->packets++;
	count->attempts += decision->attempt;
	spill->packets++;
	spill->last_ns = time_ns;
	spill->digest = digest;
}

static bool move_count(struct spill *spill, struct ring *ring, unsigned verdict, bool monitored,
		       unsigned reason)
{
	struct spill_count *count = &spill->counts[verdict][monitored][reason];
	struct spill_count some = *count;
	struct event_fact *fact;

	if (count->packets == 0)
		return true;
	if (count->packets > UINT32_MAX)
		some = (struct spill_count){UINT32_MAX,
					    count->attempts < UINT32_MAX ? count->attempts : UINT32_MAX};
	fact = ring_reserve(ring);
	if (!fact)
		return false;
	*fact = (struct event_fact){
		.time_ns = spill->last_ns,
		.verdict = (uint8_t)verdict,
		.monitored = monitored,
		.reason = (uint8_t)reason,
		.names = {"", "", "", spill->digest},
		.many = {(uint32_t)some.packets, (uint32_t)some.attempts},
	};
	ring_commit(ring);
	spill->packets -= some.packets;
	count->packets -= some.packets;
	count->attempts -= some.attempts;
	return count->packets == 0;
}

bool spill_move(struct spill *spill, struct ring *ring)
{
	for (unsigned verdict = 0; spill->packets > 0 && verdict < VERDICTS; verdict++) {
		for (unsigned reason = 0; reason < REASONS; reason++) {
			if (!move_count(spill, ring, verdict, false, reason) ||
			    !move_count(spill, ring, verdict, true, reason))
				return false;
		}
	}
	return true;
}
