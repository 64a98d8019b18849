/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people see while op25b-log works. Only on a terminal on stderr. */
#ifndef OP25B_TOOLS_LOG_WAIT_H
#define OP25B_TOOLS_LOG_WAIT_H

#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a clock that never goes back. */
int64_t log_wait_now_ms(void);
/* Whether there is somebody to see a line that is wiped away again. */
bool log_wait_is_seen(void);
/* Wipes it away. */
void log_wait_clear_line(void);

/* From two seconds on, tells once a second that the store is being asked. */
void log_wait_begin(struct store *store);
/* Before anything is printed: wipes that away, and tells it no more. May be called again. */
void log_wait_end(void);

#endif
