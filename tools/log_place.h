/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the store is when nobody names one, and with whom the work queue beside it is shared. */
#ifndef OP25B_TOOLS_LOG_PLACE_H
#define OP25B_TOOLS_LOG_PLACE_H

#include "log.h"

/* Sets store_path, unless it was named, and own_store. LOG_FOUND or LOG_ERROR, said. */
int log_place_find(struct log_context *context);
/* For commands of the work queue: says on stderr that others do not see what is entered, why, and what to do about it. */
void log_place_tell(const struct log_context *context);

#endif
