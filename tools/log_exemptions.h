/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25bd counted of each exemption, for other commands than exemptions. */
#ifndef OP25B_TOOLS_LOG_EXEMPTIONS_H
#define OP25B_TOOLS_LOG_EXEMPTIONS_H

#include "log.h"

struct policy_rule;
struct log_exemption_uses;

/*
 * Reads what "op25bctl exemptions --json" printed into file; the context has a policy. LOG_FOUND with *ret the caller's, to be
 * freed by log_exemption_uses_free(), or LOG_ERROR, said.
 */
int log_exemption_uses_read(struct log_context *context, const char *file, struct log_exemption_uses **ret);
void log_exemption_uses_free(struct log_exemption_uses *uses); /* NULL is fine */
/* "used", "unused", "too early", "overused" or "not known", as the command exemptions says it; *ret_attempts is 0 where it is not known. */
const char *log_exemption_use(const struct log_exemption_uses *uses, const struct policy_rule *rule,
			      uint64_t *ret_attempts);

#endif
