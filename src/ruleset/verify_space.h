/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to ruleset/: the classes into which verify divides addresses, interfaces, dates and packets. */
#ifndef OP25B_RULESET_VERIFY_SPACE_H
#define OP25B_RULESET_VERIFY_SPACE_H

#include "ruleset/verify.h"

/* More dates than these are walked by decision.next_change_s. */
enum { VERIFY_TIMES_MAX = 130 };

/* Addresses of which engine and sets say the same. */
struct verify_place {
	struct addr addr;
	bool routable;
};

struct verify_places {
	struct verify_place *items;
	size_t count, capacity;
	uint64_t ranges;
};

struct verify_names {
	char (*items)[IF_NAME_MAX];
	size_t count, capacity;
};

struct verify_times {
	int64_t s[VERIFY_TIMES_MAX];
	size_t count;
	uint64_t dates; /* of the policy */
	int64_t first_s;
	bool walked;
};

struct verify_forms {
	struct verify_form *items;
	size_t count, capacity;
};

enum { VERIFY_IP4, VERIFY_IP6, VERIFY_FAMILIES };

/* Classes of sources and of targets that meet in certain forms. */
struct verify_part {
	struct verify_places sources, targets;
	struct verify_forms forms;
};

/*
 * The guard judges an answer by what the policy says of its destination as a source, and of its source as a
 * destination, and by nothing else: so answers are a part of their own, with classes made that way.
 */
enum { VERIFY_ALL, VERIFY_ANSWERS, VERIFY_PARTS };

struct verify_space {
	struct verify_part parts[VERIFY_FAMILIES][VERIFY_PARTS];
	struct verify_names interfaces;
	struct verify_times times;
};

/* Each: 0 or -ENOMEM. What was made is freed by verify_space_free() in any case. */
int verify_collect_places(const struct policy *policy, const struct ruleset *ruleset,
			  const struct engine *engine, struct verify_space *space);
int verify_collect_interfaces(const struct policy *policy, const struct ruleset *ruleset,
			      const struct engine *engine, struct verify_names *names);
int verify_collect_times(const struct policy *policy, const struct verify_options *options,
			 struct verify_times *times);
/* answers_only: those of a port 25, and what is nearly that; else all. */
int verify_collect_forms(uint8_t family, bool answers_only, struct verify_forms *forms);

#endif
