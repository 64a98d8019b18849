/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the work queue: log_work.c enters, log_queue.c lists what is to be done. */
#ifndef OP25B_TOOLS_LOG_WORK_H
#define OP25B_TOOLS_LOG_WORK_H

#include "log.h"

#include "store/work.h"

/* A subscriber's text of the store as other commands show it. */
void log_queue_subscriber(struct log_table *table, const char *subscriber);
/* The list of what is to be done, or the row of one subscriber (as prefix_format() writes it). An exit code. */
int log_queue_print(struct log_context *context, const char *subscriber);
/* "yes", "no", "too early", "no records since"; NULL: nobody dealt with him. */
const char *log_queue_stopped(enum work_stopped stopped);
/* --grace; *ret_us is untouched when it was not given. False after saying that it is none. */
bool log_queue_grace(const struct log_context *context, int64_t *ret_us);
/* What was entered, by whom and when. */
int log_queue_history(struct log_context *context, const char *subscriber);

#endif
