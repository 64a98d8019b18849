/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of op25bctl: its command line, where the daemon listens, and how answers look to a person. */
#ifndef OP25B_TOOLS_CTL_H
#define OP25B_TOOLS_CTL_H

#include "control/protocol.h"

/*
 * The control socket that the policy file names, or the default one; NULL without memory. Not a policy reader: the
 * daemon must be reachable also while its policy has errors. The caller's to free.
 */
char *ctl_socket_path(const char *policy);

/* Print an answer's result on standard output. */
void ctl_print_status(const json_t *result);
void ctl_print_stats(const json_t *result);
void ctl_print_reload(const json_t *result);
void ctl_print_explain(const json_t *result);

#endif
