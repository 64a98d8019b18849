/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/image.h"

#include "base/vec.h"
#include "ruleset/space.h"

#include <stdlib.h>
#include <string.h>

void image_clear(struct ruleset_image *image)
{
	for (size_t i = 0; i < image->chain_count; i++) {
		for (size_t j = 0; j < image->chains[i].rule_count; j++)
			free(image->chains[i].rules[j]);
		free(image->chains[i].rules);
	}
	for (size_t i = 0; i < image->set_count; i++) {
		if (!image->sets[i].borrowed)
			space_clear(&image->sets[i].space);
	}
	free(image->chains);
	free(image->sets);
	free(image->things);
	*image = (struct ruleset_image){0};
}

struct image_chain *image_add_chain(struct ruleset_image *image, const char *name)
{
	struct image_chain *chain;

	if (!VEC_RESERVE(image->chains, image->chain_capacity, image->chain_count + 1))
		return NULL;
	chain = &image->chains[image->chain_count++];
	*chain = (struct image_chain){0};
	snprintf(chain->name, sizeof(chain->name), "%s", name);
	return chain;
}

struct image_set *image_add_set(struct ruleset_image *image, const char *name, uint8_t family)
{
	struct image_set *set;

	if (!VEC_RESERVE(image->sets, image->set_capacity, image->set_count + 1))
		return NULL;
	set = &image->sets[image->set_count++];
	*set = (struct image_set){.space = {.family = family}};
	snprintf(set->name, sizeof(set->name), "%s", name);
	return set;
}

struct image_thing *image_add_thing(struct ruleset_image *image, const char *what, const char *name)
{
	struct image_thing *thing;

	if (!VEC_RESERVE(image->things, image->thing_capacity, image->thing_count + 1))
		return NULL;
	thing = &image->things[image->thing_count++];
	*thing = (struct image_thing){0};
	snprintf(thing->name, sizeof(thing->name), "%s", name);
	snprintf(thing->what, sizeof(thing->what), "%s", what);
	return thing;
}

bool image_add_rule(struct image_chain *chain, char *text)
{
	if (!text || !VEC_RESERVE(chain->rules, chain->rule_capacity, chain->rule_count + 1)) {
		free(text);
		return false;
	}
	chain->rules[chain->rule_count++] = text;
	return true;
}

struct image_chain *image_find_chain(const struct ruleset_image *image, const char *name)
{
	for (size_t i = 0; i < image->chain_count; i++) {
		if (strcmp(image->chains[i].name, name) == 0)
			return &image->chains[i];
	}
	return NULL;
}

struct image_set *image_find_set(const struct ruleset_image *image, const char *name)
{
	for (size_t i = 0; i < image->set_count; i++) {
		if (strcmp(image->sets[i].name, name) == 0)
			return &image->sets[i];
	}
	return NULL;
}

bool image_has_thing(const struct ruleset_image *image, const struct image_thing *thing)
{
	for (size_t i = 0; i < image->thing_count; i++) {
		if (strcmp(image->things[i].name, thing->name) == 0 &&
		    strcmp(image->things[i].what, thing->what) == 0)
			return true;
	}
	return false;
}
