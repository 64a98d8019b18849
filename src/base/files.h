/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways in which a program harms a file that it did not mean to, or its readers, and what keeps it from them. */
#ifndef OP25B_BASE_FILES_H
#define OP25B_BASE_FILES_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Takes the numbers 0 to 2 where standard input, output or error are closed, with something that can neither be read
 * nor written (EBADF, as before). Else the next file opened would get such a number, and messages would go into it.
 * To be called first thing in main().
 */
void files_reserve_standard(void);

/*
 * True when both names ("-" for standard input) lead to one regular file, by whatever links. False also when either
 * cannot be looked at: opening it then tells why.
 */
bool files_are_same(const char *a, const char *b);

/*
 * Where a file of this name is: the path behind its links, the last of which may lead to nothing yet. The caller's. 0; -ELOOP,
 * -ENOMEM or another -errno.
 */
int files_follow(const char *path, char **ret);

/*
 * Has write(context, out) write a new file beside path and renames it to path: readers see the old one or the new one,
 * whole. It gets the permissions that a new file gets. 0, what write() returned, or -errno; then path is as before.
 */
int files_replace(const char *path, int (*write)(void *context, FILE *out), void *context);

#endif
