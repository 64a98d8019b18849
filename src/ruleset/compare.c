/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/compare.h"

#include "base/vec.h"
#include "ruleset/joined.h"
#include "ruleset/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL without memory. */
static struct change *add(struct change_list *list, enum change_kind kind, const char *name)
{
	struct change *change;

	if (!VEC_RESERVE(list->items, list->capacity, list->count + 1))
		return NULL;
	change = &list->items[list->count++];
	*change = (struct change){.kind = kind, .name = name};
	return change;
}

static int compare_rules(const struct image_chain *from, const struct image_chain *to,
			 struct change_list *list)
{
	struct change *change;
	size_t at = 0;

	while (at < from->rule_count && at < to->rule_count && strcmp(from->rules[at], to->rules[at]) == 0)
		at++;
	if (at == from->rule_count && at == to->rule_count)
		return 0;
	change = add(list, CHANGE_CHAIN_RULES, to->name);
	if (!change)
		return -ENOMEM;
	change->rule = at + 1;
	change->rule_from = from->rule_count;
	change->rule_to = to->rule_count;
	change->text_from = at < from->rule_count ? from->rules[at] : NULL;
	change->text_to = at < to->rule_count ? to->rules[at] : NULL;
	return 0;
}

static int compare_chain(const struct image_chain *from, const struct image_chain *to,
			 struct change_list *list)
{
	struct change *change;

	if (!from) {
		change = add(list, CHANGE_CHAIN_ADDED, to->name);
		if (!change)
			return -ENOMEM;
		change->rule_to = to->rule_count;
		return 0;
	}
	if (strcmp(from->hook, to->hook) != 0) {
		change = add(list, CHANGE_CHAIN_HOOK, to->name);
		if (!change)
			return -ENOMEM;
		change->text_from = from->hook;
		change->text_to = to->hook;
	}
	return compare_rules(from, to, list);
}

static int compare_chains(const struct ruleset_image *from, const struct ruleset_image *to,
			  struct change_list *list)
{
	int r = 0;

	for (size_t i = 0; i < to->chain_count && r == 0; i++)
		r = compare_chain(image_find_chain(from, to->chains[i].name), &to->chains[i], list);
	for (size_t i = 0; i < from->chain_count && r == 0; i++) {
		struct change *change;

		if (image_find_chain(to, from->chains[i].name))
			continue;
		change = add(list, CHANGE_CHAIN_REMOVED, from->chains[i].name);
		if (!change)
			return -ENOMEM;
		change->rule_from = from->chains[i].rule_count;
	}
	return r;
}

static int add_space(struct change_list *list, enum change_kind kind, const char *name,
		     const struct ruleset_set *from, const struct ruleset_set *to)
{
	struct change *change = add(list, kind, name);
	int r;

	if (!change)
		return -ENOMEM;
	change->gained.family = change->lost.family = to->family;
	r = space_subtract(to, from, &change->gained);
	return r < 0 ? r : space_subtract(from, to, &change->lost);
}

static int compare_set(const struct image_set *from, const struct image_set *to, struct change_list *list)
{
	const struct ruleset_set empty = {.family = to->space.family};
	struct change *change;

	if (!from)
		return add_space(list, CHANGE_SET_ADDED, to->name, &empty, &to->space);
	if (strcmp(from->type, to->type) != 0) {
		change = add(list, CHANGE_SET_TYPE, to->name);
		if (!change)
			return -ENOMEM;
		change->text_from = from->type;
		change->text_to = to->type;
		return 0;
	}
	if (from->unread || to->unread) {
		list->unread = true;
		return add(list, CHANGE_SET_UNREAD, to->name) ? 0 : -ENOMEM;
	}
	if (space_equal(&from->space, &to->space))
		return 0;
	return add_space(list, CHANGE_SET_SPACE, to->name, &from->space, &to->space);
}

/* Of a set that is divided, all parts together. */
static int compare_joined(const struct ruleset_image *from, const struct ruleset_image *to,
			  const struct image_set *whole, struct change_list *list)
{
	struct ruleset_set before = {.family = whole->space.family}, then = before;
	enum change_kind kind = !image_find_set(from, whole->name) ? CHANGE_SET_ADDED
				: !image_find_set(to, whole->name) ? CHANGE_SET_REMOVED
								   : CHANGE_SET_SPACE;
	int r = joined_space(from, whole->name, &before);

	if (r == 0)
		r = joined_space(to, whole->name, &then);
	if (r == 0 && kind == CHANGE_SET_SPACE && space_equal(&before, &then))
		r = add(list, CHANGE_SET_DIVIDED, whole->name) ? 0 : -ENOMEM;
	else if (r == 0)
		r = add_space(list, kind, whole->name, &before, &then);
	space_clear(&before);
	space_clear(&then);
	return r;
}

/* The set of one of the images, alone or with its parts. The change of one that is in both is told of `to`. */
static int compare_one(const struct ruleset_image *from, const struct ruleset_image *to,
		       const struct image_set *set, struct change_list *list)
{
	const struct ruleset_set empty = {.family = set->space.family};
	const struct image_set *whole = joined_whole(to, from, set);
	struct joined joined = joined_look(from, to, whole ? whole : set);

	if (joined.divided && !joined.unlike)
		return whole || joined_same(from, to, set->name) ? 0 : compare_joined(from, to, set, list);
	if (image_find_set(to, set->name))
		return compare_set(image_find_set(from, set->name), set, list);
	return add_space(list, CHANGE_SET_REMOVED, set->name, &set->space, &empty);
}

static int compare_sets(const struct ruleset_image *from, const struct ruleset_image *to,
			struct change_list *list)
{
	int r = 0;

	for (size_t i = 0; i < to->set_count && r == 0; i++)
		r = compare_one(from, to, &to->sets[i], list);
	for (size_t i = 0; i < from->set_count && r == 0; i++) {
		if (!image_find_set(to, from->sets[i].name))
			r = compare_one(from, to, &from->sets[i], list);
	}
	return r;
}

static int compare_things(const struct ruleset_image *from, const struct ruleset_image *to,
			  struct change_list *list)
{
	struct change *change;

	for (size_t i = 0; i < to->thing_count; i++) {
		if (image_has_thing(from, &to->things[i]))
			continue;
		change = add(list, CHANGE_THING_ADDED, to->things[i].name);
		if (!change)
			return -ENOMEM;
		change->text_to = to->things[i].what;
	}
	for (size_t i = 0; i < from->thing_count; i++) {
		if (image_has_thing(to, &from->things[i]))
			continue;
		change = add(list, CHANGE_THING_REMOVED, from->things[i].name);
		if (!change)
			return -ENOMEM;
		change->text_from = from->things[i].what;
	}
	return 0;
}

static int compare_tables(const struct ruleset_image *from, const struct ruleset_image *to,
			  struct change_list *list)
{
	bool bridge = to->family == POLICY_FAMILY_BRIDGE;
	struct change *change;

	if (from->other && !to->other) {
		change = add(list, CHANGE_TABLE_OTHER, RULESET_TABLE);
		if (!change)
			return -ENOMEM;
		change->text_from = policy_family_name(bridge ? POLICY_FAMILY_INET : POLICY_FAMILY_BRIDGE);
	}
	if (from->there)
		return 0;
	change = add(list, CHANGE_TABLE_MADE, RULESET_TABLE);
	if (!change)
		return -ENOMEM;
	change->text_to = policy_family_name(to->family);
	return 0;
}

int compare_images(const struct ruleset_image *from, const struct ruleset_image *to, struct change_list *ret)
{
	int r;

	*ret = (struct change_list){0};
	r = compare_tables(from, to, ret);
	if (r < 0)
		return r;
	if (from->asleep && !to->asleep && !add(ret, CHANGE_TABLE_WAKES, RULESET_TABLE))
		return -ENOMEM;
	r = compare_sets(from, to, ret);
	if (r == 0)
		r = compare_chains(from, to, ret);
	return r < 0 ? r : compare_things(from, to, ret);
}

void change_list_clear(struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		space_clear(&list->items[i].gained);
		space_clear(&list->items[i].lost);
	}
	free(list->items);
	*list = (struct change_list){0};
}

const char *change_name(enum change_kind kind)
{
	static const char *const names[] = {
		[CHANGE_TABLE_MADE] = "table-made",        [CHANGE_TABLE_OTHER] = "table-other",
		[CHANGE_TABLE_WAKES] = "table-wakes",      [CHANGE_CHAIN_ADDED] = "chain-added",
		[CHANGE_CHAIN_REMOVED] = "chain-removed",  [CHANGE_CHAIN_HOOK] = "chain-hook",
		[CHANGE_CHAIN_RULES] = "chain-rules",      [CHANGE_SET_ADDED] = "set-added",
		[CHANGE_SET_REMOVED] = "set-removed",      [CHANGE_SET_TYPE] = "set-type",
		[CHANGE_SET_SPACE] = "set-space",          [CHANGE_SET_UNREAD] = "set-unread",
		[CHANGE_SET_DIVIDED] = "set-divided",      [CHANGE_THING_ADDED] = "object-added",
		[CHANGE_THING_REMOVED] = "object-removed",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == CHANGE_KINDS, "one name for each kind");
	return names[kind];
}
