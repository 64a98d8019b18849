/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of "op25b-log show": a line for people or a member of the JSON object, each. */
#ifndef OP25B_TOOLS_LOG_SHOW_H
#define OP25B_TOOLS_LOG_SHOW_H

#include "log.h"

/* Prints the label of a line in the aligned form; false, and nothing, in JSON. */
bool log_show_label(const struct log_context *context, const char *name);
/* The rest of the line, in as many as the terminal makes of it; no text of it need be trusted. */
void log_show_line(const struct log_context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A line, or a member: the name is both. */
void log_show_text(const struct log_context *context, const char *name, const char *text);
void log_show_time(const struct log_context *context, const char *name, int64_t us);

/* When he was blocked: by hour of the day, and by day. 0 or what the store returned. */
int log_show_clock(const struct log_context *context, const struct store_filter *filter);

/* The exemptions of the policy that are about this subscriber, or part of it. */
void log_show_exemptions(const struct log_context *context, const struct prefix *subscriber);

#endif
