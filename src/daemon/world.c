/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/world.h"

#include "daemon/clock.h"

#include <errno.h>
#include <stdlib.h>

static int fill_world(struct world *world, const char *path, struct diag_list *diags)
{
	int r = policy_read_file(path, world->loaded_s, diags, &world->policy);

	if (r < 0)
		return r;
	r = learn_groups_collect(world->policy, &world->groups);
	return r < 0 ? r : engine_build_or_tell(world->policy, diags, &world->engine);
}

int world_build(const char *path, uint64_t generation, struct diag_list *diags, struct world **ret)
{
	struct world *world = calloc(1, sizeof(*world));
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

void world_free(struct world *world)
{
	if (!world)
		return;
	engine_free(world->engine);
	learn_groups_free(&world->groups);
	policy_free(world->policy);
	free(world);
}
