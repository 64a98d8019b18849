/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's state as JSON for op25bctl. */
#ifndef OP25B_DAEMON_STATUS_H
#define OP25B_DAEMON_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct gateway;

/* All of it; the caller's. NULL without memory. */
json_t *status_json(const struct gateway *gateway);
/* Packets by verdict and by reason; the caller's. NULL without memory. */
json_t *status_stats_json(const struct gateway *gateway);

/* The ledger as text on standard error, when the daemon ends. */
void status_say_ledger(const struct gateway *gateway);

#endif
