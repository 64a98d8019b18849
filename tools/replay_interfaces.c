/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_run.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_PLACES = 64 };

static int add_interface(struct replay_interfaces *interfaces, const char *name)
{
	struct replay_interface *added;

	if (!VEC_RESERVE(interfaces->items, interfaces->capacity, interfaces->count + 1))
		return -ENOMEM;
	added = &interfaces->items[interfaces->count++];
	*added = (struct replay_interface){0};
	if (!name)
		return 0;
	memcpy(added->name, name, strnlen(name, IF_NAME_MAX - 1));
	added->resolved = engine_resolve_interface(interfaces->engine, added->name);
	return 0;
}

int replay_interfaces_begin(struct replay_interfaces *interfaces, const struct engine *engine,
			    const struct replay_options *options)
{
	int r;

	interfaces->engine = engine;
	interfaces->as_captured = !options->interface && options->direction == REPLAY_AS_CAPTURED;
	(void)!getrandom(&interfaces->key, sizeof(interfaces->key), GRND_NONBLOCK);
	r = add_interface(interfaces, options->interface);
	if (r == 0 && options->direction == REPLAY_INBOUND)
		interfaces->items[0].resolved.side = ENGINE_SIDE_UPSTREAM;
	return r;
}

static uint32_t *find_place(const struct replay_interfaces *interfaces, const char *name)
{
	uint64_t words[IF_NAME_MAX / sizeof(uint64_t)] = {0};
	size_t mask = interfaces->place_count - 1, at;

	memcpy(words, name, strnlen(name, IF_NAME_MAX - 1));
	at = siphash_words(&interfaces->key, words, sizeof(words) / sizeof(words[0])) & mask;
	while (interfaces->places[at] != 0 &&
	       strncmp(interfaces->items[interfaces->places[at]].name, name, IF_NAME_MAX - 1) != 0)
		at = (at + 1) & mask;
	return &interfaces->places[at];
}

/* Room for one more with half of the places left free. */
static int reserve_place(struct replay_interfaces *interfaces)
{
	size_t count = interfaces->place_count > 0 ? interfaces->place_count * 2 : FIRST_PLACES;
	uint32_t *places;

	if ((interfaces->count + 1) * 2 <= interfaces->place_count)
		return 0;
	places = calloc(count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(interfaces->places);
	interfaces->places = places;
	interfaces->place_count = count;
	for (size_t i = 1; i < interfaces->count; i++)
		*find_place(interfaces, interfaces->items[i].name) = (uint32_t)i;
	return 0;
}

int replay_interfaces_find(struct replay_interfaces *interfaces, const char *name, size_t *ret)
{
	uint32_t *place;
	int r;

	*ret = 0;
	if (!name || !interfaces->as_captured)
		return 0;
	r = reserve_place(interfaces);
	if (r < 0)
		return r;
	place = find_place(interfaces, name);
	if (*place == 0) {
		r = add_interface(interfaces, name);
		if (r < 0)
			return r;
		*place = (uint32_t)(interfaces->count - 1);
	}
	*ret = *place;
	return 0;
}

void replay_interfaces_free(struct replay_interfaces *interfaces)
{
	free(interfaces->items);
	free(interfaces->places);
}
