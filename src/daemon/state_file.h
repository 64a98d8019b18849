/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the state directory, which outlive the process: small ones, put in place of the one before only when they are whole and
 * on the disk. What is found in one is anybody's input.
 */
#ifndef OP25B_DAEMON_STATE_FILE_H
#define OP25B_DAEMON_STATE_FILE_H

#include <stddef.h>

/* directory is made where only its last part is missing. 0 or -errno. */
int state_file_save(const char *directory, const char *name, const char *text);
/* The whole of a regular file of at most so many bytes, with a NUL behind; the caller's. 0, -ENOENT, -EFBIG or another -errno. */
int state_file_load(const char *directory, const char *name, size_t most, char **ret, size_t *ret_len);
/* What cannot be read as what it should be gets the name NAME.damaged, for people to look at. */
void state_file_put_aside(const char *directory, const char *name);

#endif
