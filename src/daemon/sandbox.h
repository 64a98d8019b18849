/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that op25bd may make once it has started: what reads bytes of strangers shall reach nothing of the
 * kernel that it has no use for, whatever those bytes make of it. One table says which, and why (sandbox.c).
 *
 * What becomes of any other call: those that only an intruder makes end the process (no next try, and a core dump to
 * read). All else fails with ENOSYS, as in an older kernel, and is logged by the kernel's audit. A C library that takes
 * to a newer call after an update falls back on ENOSYS to the one it used before; if that killed the daemon, an update of
 * another package would stop a gateway's mail.
 */
#ifndef OP25B_DAEMON_SANDBOX_H
#define OP25B_DAEMON_SANDBOX_H

enum sandbox_mode {
	SANDBOX_ENFORCE,
	SANDBOX_LOG, /* every call goes through; the kernel logs those that are not in the table */
	SANDBOX_OFF,
	SANDBOX_MODES,
};

/* "enforce", "log", "off". */
const char *sandbox_mode_name(enum sandbox_mode mode);
/* 0, or -EINVAL for another word. */
int sandbox_mode_parse(const char *text, enum sandbox_mode *ret);

/*
 * Confines all threads of the process, present and future, for good, also what it executes. *ret_in_force is the mode
 * that then holds: SANDBOX_OFF in a build with sanitizers, whose own calls are not in the table. 0, or -errno of
 * libseccomp (-EOPNOTSUPP: this kernel cannot log calls) with nothing in force.
 */
int sandbox_enter(enum sandbox_mode mode, enum sandbox_mode *ret_in_force);

#endif
