/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of op25bctl. Each subcommand is a row of the table in op25bctl.c and one function here. The row says which
 * arguments and options it takes; op25bctl.c checks them, prints the help from them, and hands on what was given. So a
 * new command is a row, its function, a line in ../tools/completions/op25b, and its part of the manual page.
 */
#ifndef OP25B_TOOLS_CTL_H
#define OP25B_TOOLS_CTL_H

#include "control/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CTL_OPTIONS_MAX = 4, /* options of one command */
	CTL_ANSWER_MS = 5000,
	CTL_RELOAD_MS = 120000,
};

/* An option of one command; "--help", and those that all commands take, are in no row. */
struct ctl_option {
	const char *name;     /* without "--"; NULL ends the list */
	const char *argument; /* what the help calls its value; NULL: it takes none */
	const char *help;
};

struct ctl_context;

struct ctl_command {
	const char *name;
	const char *arguments; /* as the usage shows them, "" for none; options do not stand there */
	int least, most;       /* how many */
	const char *what;      /* one line */
	struct ctl_option options[CTL_OPTIONS_MAX + 1];
	const char *examples; /* whole lines of its --help */
	/* argv[1] to argv[argc - 1] are the arguments, without options. An exit code (base/exitcode.h), after what there is to say. */
	int (*run)(const struct ctl_context *context, int argc, char **argv);
};

/* What stands on the command line beside the arguments. */
struct ctl_context {
	const struct ctl_command *command;
	const char *policy; /* the default one where none was named */
	bool policy_named;
	const char *socket; /* NULL: the policy says */
	bool json;
	const char *values[CTL_OPTIONS_MAX]; /* of the command's options; "" for one that takes none */
};

int ctl_status(const struct ctl_context *context, int argc, char **argv);
int ctl_stats(const struct ctl_context *context, int argc, char **argv);
int ctl_metrics(const struct ctl_context *context, int argc, char **argv);
int ctl_reload(const struct ctl_context *context, int argc, char **argv);
int ctl_upgrade(const struct ctl_context *context, int argc, char **argv);
int ctl_explain(const struct ctl_context *context, int argc, char **argv);
int ctl_allow(const struct ctl_context *context, int argc, char **argv);
int ctl_block(const struct ctl_context *context, int argc, char **argv);
int ctl_remove(const struct ctl_context *context, int argc, char **argv);
int ctl_overrides(const struct ctl_context *context, int argc, char **argv);

int ctl_exemptions(const struct ctl_context *context, int argc, char **argv);
int ctl_offload(const struct ctl_context *context, int argc, char **argv);
int ctl_offenders(const struct ctl_context *context, int argc, char **argv);
int ctl_reopen(const struct ctl_context *context, int argc, char **argv);
int ctl_doctor(const struct ctl_context *context, int argc, char **argv);

/* The value of an option of this command, NULL when it was not given. */
const char *ctl_option(const struct ctl_context *context, const char *name);

/* The same as a number from 1 to max; *ret is untouched when it was not given. False after saying that it is none. */
bool ctl_number(const struct ctl_context *context, const char *name, uint64_t max, uint64_t *ret);

/* What a command expects of the daemon's answer, and does with it. */
struct ctl_answer {
	int timeout_ms;
	const char *always; /* a value that every result of it has, */
	json_type type;     /* and its type */
	void (*print)(const json_t *result);
	/* The exit code of a result; NULL: EXIT_CODE_OK. */
	int (*code)(const json_t *result);
};

/*
 * Sends the request (taken over) and prints the result: as JSON where that was asked for. An exit code. request NULL: an
 * argument was no UTF-8 text, which is told.
 */
int ctl_call(const struct ctl_context *context, json_t *request, const struct ctl_answer *answer);
/* The same without printing the result: with EXIT_CODE_OK, *ret is the caller's, else it is untouched. */
int ctl_ask(const struct ctl_context *context, json_t *request, const struct ctl_answer *answer,
	    json_t **ret);

/*
 * The control socket that the policy file names, or the default one where it names none; the caller's to free. Not a
 * policy reader: the daemon must be reachable also while its policy has errors. -errno when the file cannot be read
 * (-EINVAL: it is no regular file).
 */
int ctl_socket_path(const char *policy, char **ret);
/* The socket where no policy says another; the caller's, NULL without memory. */
char *ctl_default_socket(void);

/* What to do where the daemon's socket cannot be reached, for this negative errno: to stand behind the error. */
const char *ctl_remedy(int error);
/* Where to ask. Only the default policy may be missing or unreadable: then the default socket is asked. An exit code. */
int ctl_find_socket(const struct ctl_context *context, char **ret);

/* Print an answer's result on standard output. */
void ctl_print_status(const json_t *result);
/* Part of ctl_print_status(): its objects "fail_modes" and "rules". */
void ctl_print_fail_modes(const json_t *modes, const json_t *rules);
void ctl_print_missing(const json_t *interfaces);
void ctl_print_stats(const json_t *result);
void ctl_print_reload(const json_t *result);
void ctl_print_explain(const json_t *result);

#endif
