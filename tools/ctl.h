/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of op25bctl: its command line, where the daemon listens, and how answers look to a person. */
#ifndef OP25B_TOOLS_CTL_H
#define OP25B_TOOLS_CTL_H

#include "control/protocol.h"

/*
 * The control socket that the policy file names, or the default one where it names none; the caller's to free. Not a
 * policy reader: the daemon must be reachable also while its policy has errors. -errno when the file cannot be read
 * (-EINVAL: it is no regular file).
 */
int ctl_socket_path(const char *policy, char **ret);
/* The socket where no policy says another; the caller's, NULL without memory. */
char *ctl_default_socket(void);

/* Print an answer's result on standard output. */
void ctl_print_status(const json_t *result);
void ctl_print_stats(const json_t *result);
void ctl_print_reload(const json_t *result);
void ctl_print_explain(const json_t *result);

#endif
