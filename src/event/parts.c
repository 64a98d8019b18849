/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/parts.h"

#include <stdlib.h>

enum {
	REST = RECORD_PARTS_MAX, /* of these one for what was blocked, one for what was monitored */
	ALL = RECORD_PARTS_MAX + 2,
};

struct part {
	struct part_key key;
	uint32_t packets, attempts;
};

/* Those told apart come first, without gaps. */
struct parts {
	struct part list[ALL];
};

bool part_key_equal(const struct part_key *a, const struct part_key *b)
{
	return a->names == b->names && a->verdict == b->verdict && a->monitored == b->monitored;
}

struct parts *parts_new(struct intern *names, struct part_key key, uint32_t packets, uint32_t attempts)
{
	struct parts *parts = calloc(1, sizeof(*parts));

	if (!parts)
		return NULL;
	intern_keep(names, key.names);
	parts->list[0] = (struct part){key, packets, attempts};
	return parts;
}

void parts_free(struct parts *parts, struct intern *names)
{
	for (size_t i = 0; parts && i < REST; i++)
		intern_release(names, parts->list[i].key.names);
	free(parts);
}

static struct part *part_for(struct parts *parts, struct intern *names, const struct part_key *key)
{
	for (size_t i = 0; i < REST; i++) {
		struct part *part = &parts->list[i];

		if (part->packets == 0) {
			intern_keep(names, key->names);
			part->key = *key;
			return part;
		}
		if (part_key_equal(&part->key, key))
			return part;
	}
	parts->list[REST + key->monitored].key.monitored = key->monitored;
	return &parts->list[REST + key->monitored];
}

void parts_count(struct parts *parts, struct intern *names, struct part_key key, uint32_t packets,
		 uint32_t attempts)
{
	struct part *part = part_for(parts, names, &key);

	part->packets += packets;
	part->attempts += attempts;
}

uint64_t parts_blocked(const struct parts *parts)
{
	uint64_t blocked = 0;

	for (size_t i = 0; i < ALL; i++) {
		if (!parts->list[i].key.monitored)
			blocked += parts->list[i].packets;
	}
	return blocked;
}

bool parts_get(const struct parts *parts, size_t i, struct event_part *ret, uint16_t *ret_names)
{
	const struct part *part;

	for (size_t at = 0; at < ALL; at++) {
		part = &parts->list[at];
		if (part->packets == 0 || i-- > 0)
			continue;
		*ret = (struct event_part){
			.verdict = part->key.verdict,
			.monitored = part->key.monitored,
			.others = at >= REST,
			.packets = part->packets,
			.attempts = part->attempts,
		};
		*ret_names = part->key.names;
		return true;
	}
	return false;
}
