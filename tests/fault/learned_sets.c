/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learned_sets.h"

#include "kernel.h"
#include "net/learned.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { ELEMENTS = 4096 };

struct element {
	uint32_t src;
	uint8_t generation, group;
	uint64_t packets; /* 0: a free place */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct element elements[ELEMENTS];
static struct {
	unsigned groups;
	uint64_t layout;
	int in_force[LEARN_GROUPS_MAX];
	uint64_t stale, full;
	size_t counted;
} table;

void learned_sets_reset(void)
{
	memset(elements, 0, sizeof(elements));
	memset(&table, 0, sizeof(table));
	for (size_t i = 0; i < LEARN_GROUPS_MAX; i++)
		table.in_force[i] = LEARNED_NONE;
}

void kernel_offload(unsigned groups, uint64_t layout)
{
	pthread_mutex_lock(&lock);
	table.groups = groups;
	table.layout = layout;
	pthread_mutex_unlock(&lock);
}

static struct element *find(uint32_t src, unsigned generation, unsigned group)
{
	for (size_t i = 0; i < ELEMENTS; i++)
		if (elements[i].packets > 0 && elements[i].src == src &&
		    elements[i].generation == generation && elements[i].group == group)
			return &elements[i];
	return NULL;
}

static bool count_in_force(uint32_t src)
{
	for (unsigned group = 0; group < table.groups; group++) {
		struct element *element = table.in_force[group] == LEARNED_NONE
						  ? NULL
						  : find(src, (unsigned)table.in_force[group], group);

		if (!element)
			continue;
		element->packets++;
		table.counted++;
		return true;
	}
	return false;
}

bool learned_sets_count(uint32_t src)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = count_in_force(src);
	pthread_mutex_unlock(&lock);
	return found;
}

static struct element *free_element(void)
{
	for (size_t i = 0; i < ELEMENTS; i++)
		if (elements[i].packets == 0)
			return &elements[i];
	return NULL;
}

static void learn(uint32_t src, unsigned generation, unsigned group)
{
	struct element *element = find(src, generation, group);

	table.counted++;
	if (group >= table.groups || table.in_force[group] != (int)generation) {
		table.stale++;
		return;
	}
	if (!element)
		element = free_element();
	if (!element) {
		table.full++;
		return;
	}
	element->src = src;
	element->generation = (uint8_t)generation;
	element->group = (uint8_t)group;
	element->packets++;
}

void learned_sets_learn(uint32_t src, uint32_t mark)
{
	pthread_mutex_lock(&lock);
	learn(src, mark & 1, mark >> 1 & (LEARN_GROUPS_MAX - 1));
	pthread_mutex_unlock(&lock);
}

size_t learned_sets_counted(void)
{
	return table.counted;
}

/* net/learned.h */

int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups);
int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret);
int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation);
int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end);
int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context);
int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale);
void __wrap_learned_quiet(void);

int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups)
{
	return table.groups > 0 && groups->count <= table.groups ? 0 : -ENOENT;
}

int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret)
{
	if (table.groups == 0)
		return -ENOENT;
	*ret = table.layout;
	return 0;
}

int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation)
{
	if (groups->count > table.groups || table.groups == 0)
		return -ENOENT;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < groups->count; i++)
		table.in_force[i] = generation;
	pthread_mutex_unlock(&lock);
	return 0;
}

static unsigned shard_of(uint32_t src)
{
	return src % LEARN_SHARDS;
}

int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end)
{
	if (end > table.groups * (unsigned)LEARNED_SETS_PER_GROUP)
		return -ENOENT;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ELEMENTS; i++) {
		unsigned set =
			elements[i].group * (unsigned)LEARNED_SETS_PER_GROUP + shard_of(elements[i].src);

		if (elements[i].generation == generation && set >= first && set < end)
			elements[i].packets = 0;
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context)
{
	if (group >= table.groups)
		return -ENOENT;
	for (size_t i = 0; family == ADDR_IP4 && i < ELEMENTS; i++) {
		struct addr src = addr_ip4(elements[i].src);

		if (elements[i].packets > 0 && elements[i].generation == generation &&
		    elements[i].group == group && shard_of(elements[i].src) == shard)
			element(context, &src, elements[i].packets);
	}
	return 0;
}

int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale)
{
	if (table.groups == 0)
		return -ENOENT;
	*full = table.full;
	*stale = table.stale;
	return 0;
}

void __wrap_learned_quiet(void)
{
}
