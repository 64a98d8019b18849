/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/peer.h"

#include "base/cleanup.h"

#include <errno.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* include/uapi/asm-generic/socket.h, Linux 4.13 */
#endif

enum { GROUPS_AT_FIRST = 64 };

static bool read_credentials(int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) == 0 && len == sizeof(*ret);
}

bool control_peer_uid(int fd, uid_t *ret)
{
	struct ucred credentials;

	if (!read_credentials(fd, &credentials))
		return false;
	*ret = credentials.uid;
	return true;
}

/* *ret is the caller's, NULL for none; how many. */
static size_t read_groups(int fd, gid_t **ret)
{
	socklen_t len = GROUPS_AT_FIRST * sizeof(gid_t);
	gid_t *groups = malloc(len);
	int r = groups ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) : -1;

	if (groups && r < 0 && errno == ERANGE) {
		/* It has said how much room it takes, and that does not change. */
		free(groups);
		groups = malloc(len);
		r = groups ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) : -1;
	}
	*ret = groups;
	return r == 0 ? len / sizeof(gid_t) : 0;
}

bool control_peer_in_group(int fd, gid_t group)
{
	CLEANUP_FREE gid_t *groups = NULL;
	struct ucred credentials;
	size_t count;

	if (!read_credentials(fd, &credentials))
		return false;
	if (credentials.gid == group)
		return true;
	count = read_groups(fd, &groups);
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}
