/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit codes of every op25b program: one table, stable, so that scripts may rely on it. */
#ifndef OP25B_BASE_EXITCODE_H
#define OP25B_BASE_EXITCODE_H

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_DIFFERS = 1, /* it worked, and the answer is "no": something differs or is blocked */
	EXIT_CODE_USAGE = 2,   /* unknown option, missing argument */
	EXIT_CODE_INPUT = 3,   /* a capture or other input cannot be read, or is damaged */
	EXIT_CODE_POLICY = 4,  /* the policy has errors */
	EXIT_CODE_SYSTEM = 5,  /* the kernel or the system refused */
	EXIT_CODE_DAEMON = 6,  /* op25bd does not answer */
	EXIT_CODE_SAMPLED = 7, /* nothing wrong was found, but not everything was looked at */
};

#endif
