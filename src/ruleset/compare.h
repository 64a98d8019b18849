/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What distinguishes two rulesets, in the terms of someone who must decide whether to load one of them: which
 * addresses a meaning gains and loses, and which chains and rules are others.
 */
#ifndef OP25B_RULESET_COMPARE_H
#define OP25B_RULESET_COMPARE_H

#include "ruleset/image.h"

enum change_kind {
	CHANGE_TABLE_MADE,    /* there is none yet; text_to: its family */
	CHANGE_TABLE_OTHER,   /* the table of the other family goes; text_from: that family */
	CHANGE_TABLE_WAKES,   /* it is dormant */
	CHANGE_CHAIN_ADDED,   /* name; rule_to: its rules */
	CHANGE_CHAIN_REMOVED, /* name; rule_from: its rules */
	CHANGE_CHAIN_HOOK,    /* name; text_from, text_to */
	CHANGE_CHAIN_RULES, /* name; rule: the first that differs, from 1; rule_from, rule_to: how many there are */
	CHANGE_SET_ADDED,     /* name; gained */
	CHANGE_SET_REMOVED,   /* name; lost */
	CHANGE_SET_TYPE,      /* name; text_from, text_to */
	CHANGE_SET_SPACE,     /* name; gained, lost */
	CHANGE_SET_DIVIDED,   /* name: its parts are others, and hold the same */
	CHANGE_SET_UNREAD,    /* name: cannot tell */
	CHANGE_THING_ADDED,   /* name, text_to: what it is */
	CHANGE_THING_REMOVED, /* name, text_from */
	CHANGE_KINDS,
};

/* Texts are borrowed from the images; NULL where the kind has none. */
struct change {
	enum change_kind kind;
	const char *name;
	const char *text_from,
		*text_to; /* CHANGE_CHAIN_RULES: the first rules that differ; NULL: no such rule */
	size_t rule, rule_from, rule_to;
	struct ruleset_set gained, lost;
};

struct change_list {
	struct change *items;
	size_t count, capacity;
	bool unread; /* some set could not be compared */
};

/*
 * What turns `from` into `to`, in the order of `to`. Both must outlive the list. 0 or -ENOMEM; give back with
 * change_list_clear() in any case.
 */
int compare_images(const struct ruleset_image *from, const struct ruleset_image *to, struct change_list *ret);
void change_list_clear(struct change_list *list);

const char *change_name(enum change_kind kind); /* "set-space", for scripts */

#endif
