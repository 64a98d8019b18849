/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a subscriber met besides one rule: packets by rule, verdict and whether they were let through. Bounded, because
 * a policy may have more rules than a record has room for: what comes late is counted together.
 */
#ifndef OP25B_EVENT_PARTS_H
#define OP25B_EVENT_PARTS_H

#include "event/intern.h"
#include "event/record.h"

/* One way to be blocked. */
struct part_key {
	uint16_t names; /* number in the table of names */
	uint8_t verdict;
	bool monitored;
};

bool part_key_equal(const struct part_key *a, const struct part_key *b);

struct parts;

/* NULL without memory. The first part is what was counted before there was a second; it keeps a hold on its names. */
struct parts *parts_new(struct intern *names, struct part_key key, uint32_t packets, uint32_t attempts);
void parts_free(struct parts *parts, struct intern *names);

void parts_count(struct parts *parts, struct intern *names, struct part_key key, uint32_t packets,
		 uint32_t attempts);
/* Packets that were not let through. */
uint64_t parts_blocked(const struct parts *parts);

/* Part number i as it stands in a record, from 0 on; its names are left to the caller, who gets their number (0: the
 * rest, which has none). False: there are no more. */
bool parts_get(const struct parts *parts, size_t i, struct event_part *ret, uint16_t *ret_names);

#endif
