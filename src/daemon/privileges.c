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
	/* As the process was that has executed this one. */
	if (account->pw_uid == getuid() && account->pw_uid == geteuid() && account->pw_gid == getgid())
		return capng_apply(CAPNG_SELECT_CAPS) == 0
			       ? 0
			       : fail(-EPERM, "the other capabilities cannot be given up", ret_what);
	/* Keeps the capabilities chosen before, across the change of user. */
	if (capng_change_id((int)account->pw_uid, (int)account->pw_gid,
			    (capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_AMBIENT)) != 0)
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
	/* In the bounding set, too: a program that takes over cannot have what is not there. */
	if (capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
			 CAP_NET_ADMIN) != 0)
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
	if (user && r == 1 && capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return fail(-EPERM, "the bounding set cannot be narrowed", ret_what);
	if (user && (r = change_user(user, ret_what)) < 0)
		return r;
	if (!user && capng_apply(r == 1 ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return fail(-EPERM, "the other capabilities cannot be given up", ret_what);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(-errno, "no_new_privs cannot be set", ret_what);
	return 0;
}

int privileges_pass_on(bool pass)
{
	capng_act_t act = pass ? CAPNG_ADD : CAPNG_DROP;

	if (capng_get_caps_process() != 0 || capng_update(act, CAPNG_INHERITABLE, CAP_NET_ADMIN) != 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	if (prctl(PR_CAP_AMBIENT, pass ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER, CAP_NET_ADMIN, 0, 0) !=
	    0)
		return -errno;
	return 0;
}
