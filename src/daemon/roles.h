/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what on the control socket. Whoever may open it may look; what changes verdicts, or what the kernel does, is
 * for operators: root, the daemon's own user, and the group that the policy names.
 */
#ifndef OP25B_DAEMON_ROLES_H
#define OP25B_DAEMON_ROLES_H

#include "control/server.h"

enum role {
	ROLE_READER,
	ROLE_OPERATOR,
};

struct world;

/* The number of the group that the world's policy names, ROLES_NO_GROUP where it names none or there is none of that
 * name. It may ask other services: not for the daemon's main thread. */
#define ROLES_NO_GROUP ((gid_t)-1)
gid_t roles_find_group(const char *name);

/* Tells the operator when the policy names a group that does not exist. */
void roles_tell_trouble(const struct world *world);

enum role roles_of(const struct world *world, const struct control_call *call);
/* Refuses a call of somebody who has not the role that command needs. */
void roles_refuse(const struct world *world, struct control_call *call, const char *command);

#endif
