/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of the control socket: one request, one reply, within a time. */
#ifndef OP25B_CONTROL_CLIENT_H
#define OP25B_CONTROL_CLIENT_H

#include "control/protocol.h"

/*
 * Sends request (borrowed) to the daemon at path and waits at most timeout_ms for its reply. 0 with *ret_error,
 * *ret_result (the caller's, may be NULL) and text as control_reply_decode() gives them; -errno when no reply came:
 * -ENOENT, -ECONNREFUSED (nobody listens), -EACCES, -ETIMEDOUT, -ECONNRESET (closed without a reply), -EMSGSIZE,
 * -EPROTO (a reply that is none: text says why).
 */
int control_client_call(const char *path, const json_t *request, int timeout_ms,
			enum control_error *ret_error, json_t **ret_result,
			char text[CONTROL_ERROR_TEXT_MAX]);

#endif
