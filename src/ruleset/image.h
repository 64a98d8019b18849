/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as it stands in a kernel, or would stand: chains with their rules in a canonical text, sets with their
 * address space, counters. The policy's and the kernel's are both brought to this form, by net/, to be compared.
 */
#ifndef OP25B_RULESET_IMAGE_H
#define OP25B_RULESET_IMAGE_H

#include "ruleset/model.h"

enum { IMAGE_NAME_MAX = 256 }; /* the kernel's longest name with its NUL */

struct image_chain {
	char name[IMAGE_NAME_MAX];
	char hook[64]; /* "" for a chain that is not hooked; else type, hook, priority and policy in words */
	char **rules;  /* canonical texts, in order */
	size_t rule_count, rule_capacity;
};

struct image_set {
	char name[IMAGE_NAME_MAX];
	char type[160];           /* what is looked up, in words */
	struct ruleset_set space; /* its addresses; the name in it is not used */
	bool unread;              /* too large to be read, or no set of addresses: the space is empty */
	bool live; /* its content is the daemon's (struct ruleset_live), and not read: the space is empty */
	bool borrowed; /* the space is somebody else's, who outlives the image */
	bool kept;     /* not read: its space is what the last apply left, and nothing has changed since */
	bool exact;    /* the kernel holds single addresses, no ranges */
	uint64_t mark; /* net/nft_known.h */
};

/* A counter, or something else that a table can hold: a map, a quota, a flowtable. */
struct image_thing {
	char name[IMAGE_NAME_MAX];
	char what[32];
};

struct ruleset_image {
	enum policy_family family;
	bool there;  /* the table exists */
	bool other;  /* and so does one of the other family, which a policy never has */
	bool asleep; /* it is dormant: loaded, and without effect */
	struct image_chain *chains;
	size_t chain_count, chain_capacity;
	struct image_set *sets;
	size_t set_count, set_capacity;
	struct image_thing *things;
	size_t thing_count, thing_capacity;
};

/* Frees what it holds; it is empty afterwards. */
void image_clear(struct ruleset_image *image);

/* Each adds an item, and returns it, or NULL without memory. Valid until the next of its kind is added. */
struct image_chain *image_add_chain(struct ruleset_image *image, const char *name);
struct image_set *image_add_set(struct ruleset_image *image, const char *name, uint8_t family);
struct image_thing *image_add_thing(struct ruleset_image *image, const char *what, const char *name);
/* Takes the text (malloc) over, also on failure. */
bool image_add_rule(struct image_chain *chain, char *text);

struct image_chain *image_find_chain(const struct ruleset_image *image, const char *name);
struct image_set *image_find_set(const struct ruleset_image *image, const char *name);
bool image_has_thing(const struct ruleset_image *image, const struct image_thing *thing);

#endif
