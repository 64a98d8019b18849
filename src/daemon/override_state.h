/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overrides' file in the state directory: a JSON object, put in place of the one before only when it is whole and on
 * the disk. What is found in it is judged as anybody's input: it may never keep the daemon from starting.
 */
#ifndef OP25B_DAEMON_OVERRIDE_STATE_H
#define OP25B_DAEMON_OVERRIDE_STATE_H

#include "daemon/overrides.h"
#include "daemon/state_list.h"

#define OVERRIDE_STATE_FILE    "overrides.json"
#define OVERRIDE_STATE_DAMAGED "overrides.json.damaged" /* where a file is put that cannot be read as one */

enum { OVERRIDE_STATE_BYTES_MAX = 8 << 20 }; /* a full list takes less than half of it */

/* path: the state directory, made where only its last part is missing. 0 or -errno. */
int override_state_save(const struct overrides *overrides, const char *path);

/* Adds what the file holds: as state_list_load(). */
int override_state_load(struct overrides *overrides, const char *path, char text[STATE_LIST_TEXT_MAX]);

#endif
