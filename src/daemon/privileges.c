/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

static int fail(int error, const char *what, const char **ret_what)
{
	*ret_what = what;
	return error;
}

/* getpwnam(3) lists what a C library may say of a name that does not exist; anything else is trouble. */
static int look_up_error(int error)
{
	switch (error) {
	case 0:
	case ENOENT:
	case ESRCH:
	case EBADF:
	case EPERM:
		return -ENOENT;
	default:
		return -error;
	}
}

static int change_user(const char *user, const char **ret_what)
{
	const struct passwd *account;

	errno = 0;
	account = getpwnam(user);
	if (!account)
		return fail(look_up_error(errno), "the user cannot be looked up", ret_what);
	/* Keeps the capabilities chosen before, across the change of user. */
	if (capng_change_id(
		    (int)account->pw_uid, (int)account->pw_gid,
		    (capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT)) != 0)
		return fail(-EPERM, "the user cannot be changed", ret_what);
	return 0;
}

static int keep_capability(const char **ret_what)
{
	capng_select_t select = CAPNG_SELECT_CAPS;

	/* Emptying the bounding set takes a capability that an unprivileged start does not have, and does not need. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		select = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN) != 0)
		return fail(-EPERM, "CAP_NET_ADMIN cannot be selected", ret_what);
	return select == CAPNG_SELECT_BOTH ? 1 : 0;
}

int privileges_drop(const char *user, const char **ret_what)
{
	int r;

	if (capng_get_caps_process() != 0)
		return fail(-EIO, "the capabilities cannot be read", ret_what);
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return fail(-EPERM, "CAP_NET_ADMIN is missing", ret_what);
	r = keep_capability(ret_what);
	if (r < 0)
		return r;
	if (user && (r = change_user(user, ret_what)) < 0)
		return r;
	if (!user && capng_apply(r == 1 ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return fail(-EPERM, "the other capabilities cannot be given up", ret_what);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(-errno, "no_new_privs cannot be set", ret_what);
	return 0;
}
