/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of op25b-log: options before and behind the command, and the help that is made of the table of commands. */
#ifndef OP25B_TOOLS_LOG_OPTIONS_H
#define OP25B_TOOLS_LOG_OPTIONS_H

#include "log.h"

/* What is given as text, and can only be read when all options are known. */
struct log_words {
	const char *since, *until, *src, *dst, *min_attempts, *limit, *output, *colour;
};

/* Reads the options before the command (context->command NULL) or behind it. -1: go on; else the exit code. */
int log_options_read(struct log_context *context, struct log_words *words, const struct log_command *commands,
		     size_t count, int argc, char **argv);
/* Then: the words become the context's filter, form and so on. LOG_FOUND or LOG_ERROR, said. */
int log_options_apply(struct log_context *context, const struct log_words *words);
/* Says where the help is. LOG_ERROR. */
int log_options_wrong(const struct log_command *command);

/* Of one command, or with NULL of all. */
void log_help_print(const struct log_command *command, const struct log_command *commands, size_t count);

#endif
