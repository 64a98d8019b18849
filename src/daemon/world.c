/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/world.h"

#include "daemon/clock.h"
#include "daemon/roles.h"

#include <errno.h>
#include <stdlib.h>

/* Freed with the last world that has them. */
struct world_parts {
	size_t holders;
	struct policy *policy;
	struct engine *engine; /* without overrides */
	struct learn_groups groups;
	struct uses_of uses;
};

static int fill_world(struct world *world, const char *path, struct diag_list *diags)
{
	struct world_parts *parts = world->parts;
	int r = policy_read_file(path, world->loaded_s, diags, &parts->policy);

	if (r < 0)
		return r;
	world->policy = parts->policy;
	world->operators = roles_find_group(world->policy->gateway.operators);
	r = learn_groups_collect(world->policy, &parts->groups);
	if (r == 0)
		r = engine_build_or_tell(world->policy, diags, &parts->engine);
	world->groups = parts->groups;
	world->engine = parts->engine;
	return r;
}

static struct world *new_world(void)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	world->parts = calloc(1, sizeof(*world->parts));
	if (!world->parts) {
		free(world);
		return NULL;
	}
	world->parts->holders = 1;
	return world;
}

int world_build(const char *path, uint64_t generation, struct diag_list *diags, struct world **ret)
{
	struct world *world = new_world();
	int64_t begin_ns = clock_steady_ns();
	int r;

	if (!world)
		return -ENOMEM;
	world->generation = generation;
	world->loaded_s = clock_wall_ns() / NSEC_PER_SEC;
	r = fill_world(world, path, diags);
	if (r < 0) {
		world_free(world);
		return r;
	}
	world->warnings = diags ? diags->warnings : 0;
	world->build_ms = (uint64_t)(clock_steady_ns() - begin_ns) / 1000000U;
	*ret = world;
	return 0;
}

int world_override(const struct world *world, uint64_t generation, const struct engine_override *overrides,
		   size_t count, struct world **ret)
{
	struct world *other = malloc(sizeof(*other));
	int r;

	if (!other)
		return -ENOMEM;
	*other = *world;
	other->generation = generation;
	other->older = NULL;
	r = engine_with_overrides(world->parts->engine, overrides, count, &other->engine);
	if (r < 0) {
		free(other);
		return r;
	}
	other->parts->holders++;
	*ret = other;
	return 0;
}

int world_count_uses(struct world *world, struct uses *uses)
{
	int r = uses_join(uses, world->policy, &world->parts->uses);

	world->uses = world->parts->uses;
	return r;
}

static void release_parts(struct world_parts *parts)
{
	if (--parts->holders > 0)
		return;
	uses_leave(&parts->uses);
	engine_free(parts->engine);
	learn_groups_free(&parts->groups);
	policy_free(parts->policy);
	free(parts);
}

void world_free(struct world *world)
{
	if (!world)
		return;
	if (world->engine != world->parts->engine)
		engine_free(world->engine);
	release_parts(world->parts);
	free(world);
}
