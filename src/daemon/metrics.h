/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's numbers for Prometheus: the values of control/metrics.h's table. */
#ifndef OP25B_DAEMON_METRICS_H
#define OP25B_DAEMON_METRICS_H

#include <jansson.h>

struct gateway;

/* {"content_type": ..., "text": ...}, the caller's; NULL without memory. Reads the kernel's counters and /proc/self. */
json_t *metrics_json(const struct gateway *gateway);

#endif
