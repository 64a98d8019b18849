/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the workers' facts to lines in the record file. One collector for all workers, so that one subscriber has one
 * record a window, whichever queues its packets went through.
 */
#ifndef OP25B_DAEMON_RECORDS_H
#define OP25B_DAEMON_RECORDS_H

#include "policy/policy.h"

struct gateway;

/* A reason of records beyond the engine's: the daemon died with the packet in its hands, and the fail mode answered. */
enum { RECORDS_REASON_ORPHANED = 63 };

/* Takes the host's name and boot id, opens the collector and the file as the policy in force says. 0 or -errno. */
int records_start(struct gateway *gateway);
/*
 * After a change of policy: another host name, window or table size begins a new collector (the old one's windows are
 * closed and written first), another file is opened. 0 or -ENOMEM, with everything as before.
 */
int records_apply_policy(struct gateway *gateway, const struct policy *before);

/* Empties the workers' rings into the collector, and writes what came of it. */
void records_gather(struct gateway *gateway);
/* Once a second: closes windows that ended, and tries a failing file again. */
void records_tick(struct gateway *gateway);
/* SIGUSR1. */
void records_reopen(struct gateway *gateway);
/* After the workers ended: everything observed is in a record, and every record in the file if that can be. */
void records_finish(struct gateway *gateway);

#endif
