/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a report goes: a file is replaced whole, whatever links lead to it; a pipe, a device or standard output is written to. */
#ifndef OP25B_TOOLS_LOG_TARGET_H
#define OP25B_TOOLS_LOG_TARGET_H

#include <stdio.h>

/* Whether something can be written there, as far as that is seen before it is made. LOG_FOUND or LOG_ERROR, said. path: "-" for standard output. */
int log_target_check(const char *path);
/* LOG_FOUND or LOG_ERROR, said; write() returns 0 or -errno. What goes wrong with standard output is for main() to say. */
int log_target_write(const char *path, int (*write)(void *context, FILE *out), void *context);

#endif
