/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25bd says of itself: asked on its control socket, or kept in a file by "op25bctl COMMAND --json". */
#ifndef OP25B_TOOLS_LOG_DAEMON_H
#define OP25B_TOOLS_LOG_DAEMON_H

#include "log.h"

#include <jansson.h>

/*
 * An array of answers, the caller's: those in the file (one JSON object behind the other, as of several gateways), or with
 * file NULL that of the daemon whose socket the policy names. LOG_FOUND, or LOG_ERROR after saying why.
 */
int log_daemon_answers(const struct log_context *context, const char *command, const char *file,
		       json_t **ret);

/* What the daemon answers, if there is one and it does so at once; NULL: not, and nothing is said. The caller's. */
json_t *log_daemon_quiet(const struct log_context *context, const char *command);

/* Of an object; 0 and "" where they are missing or something else. Negative numbers are 0. */
uint64_t log_daemon_number(const json_t *object, const char *key);
/* Whether there is a whole number, not below 0. */
bool log_daemon_is_count(const json_t *object, const char *key);
const char *log_daemon_text(const json_t *object, const char *key);

#endif
