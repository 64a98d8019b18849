/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy file becomes in the daemon: the policy and its engine, built whole, immutable, exchanged as one. */
#ifndef OP25B_DAEMON_WORLD_H
#define OP25B_DAEMON_WORLD_H

#include "engine/engine.h"
#include "engine/override.h"
#include "policy/policy.h"
#include "daemon/uses.h"
#include "ruleset/groups.h"

#include <sys/types.h>

struct world {
	struct policy *policy;
	struct engine *engine;      /* knows the overrides */
	struct learn_groups groups; /* what may be offloaded */
	struct uses_of uses;        /* none before world_count_uses() */
	uint64_t generation;        /* 1 for the first, one more each reload */
	int64_t loaded_s;           /* wall clock */
	uint64_t build_ms;          /* how long reading and compiling took */
	size_t warnings;
	gid_t operators;           /* roles_find_group() */
	struct world *older;       /* links worlds that wait to be freed */
	struct world_parts *parts; /* what worlds of one policy share */
};

/*
 * Reads and compiles the policy at path; findings go to diags. 0 with *ret the caller's (world_free), or what
 * policy_read_file() and engine_build_or_tell() return. *ret is untouched on failure. Reads the clocks.
 */
int world_build(const char *path, uint64_t generation, struct diag_list *diags, struct world **ret);
/*
 * The same world under another generation and with these overrides (copied) in place of its own: it shares all that is
 * built of a policy. 0 with *ret the caller's (world_free), or what engine_with_overrides() returns.
 */
int world_override(const struct world *world, uint64_t generation, const struct engine_override *overrides,
		   size_t count, struct world **ret);
/* Has the uses of its exemptions counted there, from when workers have it. 0, -ENOMEM. For the main thread. */
int world_count_uses(struct world *world, struct uses *uses);
/* Worlds of one policy are for one thread to make and free. NULL is fine. */
void world_free(struct world *world);

#endif
