/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One block record as a value, between the collector that counts and the encoder that writes. Internal to event/ and
 * its tests.
 */
#ifndef OP25B_EVENT_RECORD_H
#define OP25B_EVENT_RECORD_H

#include "event/destinations.h"
#include "event/event.h"

enum {
	RECORD_NAME_MAX =
		64, /* bytes of a host's, rule's, pool's name; longer ones are cut: the policy has none */
	RECORD_PATH_MAX = 255,
	RECORD_PARTS_MAX = 8, /* what a record tells apart by name; two more hold the rest */
};

enum event_kind {
	EVENT_KIND_FIRST,    /* a subscriber is newly blocked: exactly this packet */
	EVENT_KIND_SUMMARY,  /* the packets of one subscriber since its last record */
	EVENT_KIND_OVERFLOW, /* the packets of all subscribers for whom there was no room */
};

/* How many of a record's packets met the same rule in the same way. Names are borrowed. */
struct event_part {
	struct event_names names;
	uint8_t verdict; /* enum event_verdict */
	bool monitored;
	bool others; /* all that no other part counts; only monitored holds for all of them */
	uint64_t packets, attempts;
};

/* Everything is borrowed for the call. */
struct event_record {
	const struct event_config *config;
	enum event_kind kind;
	uint64_t seq;
	/* The packet that the record shows: the latest one it counts, or the latest that was not let through, if one was
	 * not. One that nobody saw has no destination (ADDR_NONE), and is shown where no other was blocked. Of an overflow record only time, reason, verdict, monitored and the digest mean something. */
	struct event_fact fact;
	int64_t first_ns, last_ns;
	uint64_t packets, attempts;
	uint64_t packets_blocked;   /* of the packets: not let through */
	uint64_t packets_offloaded; /* of the packets blocked: by the kernel itself */
	uint64_t destinations;      /* of those packets that were seen */
	bool destinations_exact;
	const struct destinations
		*reached; /* these destinations; NULL: they are not known, or the packet's is the only one */
	const uint32_t *
		reasons; /* packets by reason number, EVENT_REASONS_MAX of them; NULL: all have fact.reason */
	const struct event_part *parts;
	size_t part_count; /* 0: all have the fact's names, verdict and monitored */
};

/*
 * Writes the record as one JSON line with its line feed; returns its length, at most EVENT_RECORD_MAX. Of one too long
 * for that (only hostile texts make one) it leaves out, until it is short enough: the capture's name; the destinations;
 * the counts by reason and by rule.
 */
size_t event_record_encode(const struct event_record *record, char out[EVENT_RECORD_MAX]);

#endif
