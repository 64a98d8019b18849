/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemons of syslog and journald, as far as op25bd sees them: sockets that are there or not, and that are read or not. The
 * journal's, whose path is not the policy's to choose, stands in the stage's directory, too.
 */
#ifndef OP25B_TESTS_RECEIVERS_H
#define OP25B_TESTS_RECEIVERS_H

#include "event/event.h"

#include <stdbool.h>
#include <stddef.h>

/* No sockets, nothing received. */
void receivers_reset(void);
/* Binds the socket, anew where one stands. */
void receivers_open(enum event_form form);
/* Closes and removes it; what was not read is lost, as with a daemon that was killed. */
void receivers_close(enum event_form form);
/* Reads what is there, if the socket is; all that were read since the reset. */
size_t receivers_read(enum event_form form);
/* Those of them that a socket took with it when it was closed. */
size_t receivers_left(enum event_form form);
/* Descriptors open here. */
size_t receivers_descriptors(void);

#endif
