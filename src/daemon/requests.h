/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon answers on its control socket: one function a command, found in one table. */
#ifndef OP25B_DAEMON_REQUESTS_H
#define OP25B_DAEMON_REQUESTS_H

#include "control/server.h"

/* A control_handler; context is the struct gateway. */
void requests_handle(void *context, struct control_call *call, const json_t *request);

#endif
