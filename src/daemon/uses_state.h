/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The uses of exemptions over a restart: a JSON object in the state directory, written when the process ends or is replaced, and
 * from time to time before. Without it an exemption would look unused after every upgrade.
 */
#ifndef OP25B_DAEMON_USES_STATE_H
#define OP25B_DAEMON_USES_STATE_H

#include "daemon/state_list.h"
#include "daemon/uses.h"

#define USES_STATE_FILE "exemption-uses.json"

enum { USES_STATE_BYTES_MAX = 64 << 20 }; /* what a policy can name, with long names */

/* Those that were used, of names that a policy has. path: the state directory. 0 or -errno. */
int uses_state_save(const struct uses *uses, const char *path);
/* Fills an empty *uses; who joins then goes on counting. As state_list_load(). */
int uses_state_load(struct uses *uses, const char *path, char text[STATE_LIST_TEXT_MAX]);

/* At the start, in place of world_count_uses(). 0 or -errno of that: a file that cannot be read is only told. */
struct gateway;
int uses_state_start(struct gateway *gateway);
/* Once a second. */
void uses_state_tick(struct gateway *gateway);
/* When the workers have ended. */
void uses_state_finish(struct gateway *gateway);

#endif
