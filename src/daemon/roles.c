/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/roles.h"

#include "base/cleanup.h"
#include "daemon/say.h"
#include "daemon/world.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

enum { GROUP_BYTES_AT_FIRST = 1024, GROUP_BYTES_MAX = 1 << 20 };

gid_t roles_find_group(const char *name)
{
	struct group group, *found = NULL;

	/* A group's list of members may take any room. */
	for (size_t size = GROUP_BYTES_AT_FIRST; name[0] && size <= GROUP_BYTES_MAX; size *= 4) {
		CLEANUP_FREE char *memory = malloc(size);

		if (!memory)
			break;
		if (getgrnam_r(name, &group, memory, size, &found) != ERANGE)
			return found ? group.gr_gid : ROLES_NO_GROUP;
	}
	return ROLES_NO_GROUP;
}

void roles_tell_trouble(const struct world *world)
{
	const char *name = world->policy->gateway.operators;

	if (name[0] && world->operators == ROLES_NO_GROUP)
		say(SAY_WARNING,
		    "there is no group %s, which `operators` in [gateway] names: only root and user %ld may "
		    "change things",
		    name, (long)geteuid());
}

enum role roles_of(const struct world *world, const struct control_call *call)
{
	uid_t uid;

	if (!control_call_uid(call, &uid))
		return ROLE_READER;
	if (uid == 0 || uid == geteuid())
		return ROLE_OPERATOR;
	if (world->operators != ROLES_NO_GROUP && control_call_in_group(call, world->operators))
		return ROLE_OPERATOR;
	return ROLE_READER;
}

void roles_refuse(const struct world *world, struct control_call *call, const char *command)
{
	const char *name = world->policy->gateway.operators;
	char group[POLICY_NAME_MAX + 64];
	uid_t uid = (uid_t)-1;

	(void)control_call_uid(call, &uid);
	if (!name[0])
		snprintf(group, sizeof(group), "the group that `operators` in [gateway] names (now none)");
	else
		snprintf(group, sizeof(group), "group %s%s", name,
			 world->operators == ROLES_NO_GROUP ? " (which does not exist)" : "");
	control_call_refuse(
		call, CONTROL_FORBIDDEN, NULL,
		"%s needs the operator role, and user %ld has the read-only one: run it as root, as "
		"user %ld, or as a member of %s",
		command, (long)(int)uid, (long)geteuid(), group);
}
