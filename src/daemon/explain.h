/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gateway would do with a SYN from one address to port 25 of another, and why. */
#ifndef OP25B_DAEMON_EXPLAIN_H
#define OP25B_DAEMON_EXPLAIN_H

#include "control/protocol.h"
#include "daemon/world.h"

/*
 * request: src, dst (texts), at (RFC 3339 text, optional: now_s), iface (interface name, optional). Returns the
 * answer (with the prefix of the override that decides, if one does), the caller's, or NULL with text saying which argument is wrong and why.
 */
json_t *explain_json(const struct world *world, int64_t now_s, const json_t *request,
		     char text[CONTROL_ERROR_TEXT_MAX]);

#endif
