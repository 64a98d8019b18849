/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of "op25b-log show": a line for people or a member of the JSON object, each. */
#ifndef OP25B_TOOLS_LOG_SHOW_H
#define OP25B_TOOLS_LOG_SHOW_H

#include "log.h"

#include "store/work.h"

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

/* The pools of the policy that he is in, or that part of it is in. */
void log_show_policy_pools(const struct log_context *context, const struct prefix *subscriber);
/* Whether the policy has a pool or an exemption for it; a longer IPv6 prefix becomes the subscriber of its pool. */
bool log_show_policy_knows(const struct log_context *context, struct prefix *subscriber);

/* What was entered into the work queue, by the subscriber's text. */
struct log_show_cases {
	struct work_case *items;
	size_t count, capacity;
	bool unknown; /* the queue could not be read: what the records tell is shown all the same */
};

/* Of all subscribers; what goes wrong is said. To be freed by log_show_cases_free(). */
void log_show_cases_read(const struct log_context *context, struct log_show_cases *cases);
void log_show_cases_free(struct log_show_cases *cases);
bool log_show_is_a_case(const struct log_show_cases *cases, const struct prefix *subscriber);
/* Where he stands in the queue, whatever period was asked for. 0 or what the store returned. */
int log_show_work(const struct log_context *context, const struct log_show_cases *cases,
		  const struct prefix *subscriber);

#endif
