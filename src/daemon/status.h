/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's state as JSON for op25bctl. */
#ifndef OP25B_DAEMON_STATUS_H
#define OP25B_DAEMON_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct event_stats;
struct gateway;

/* All of it; the caller's. NULL without memory. */
json_t *status_json(const struct gateway *gateway);
/* Packets by verdict and by reason; the caller's. NULL without memory. */
json_t *status_stats_json(const struct gateway *gateway);

/* What the collector counts, together with those that reloads replaced. */
void status_event_stats(const struct gateway *gateway, struct event_stats *ret);

/* The ledger as text on standard error, when the daemon ends. */
void status_say_ledger(const struct gateway *gateway);

#endif
