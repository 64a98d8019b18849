/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What op25b-rules asks of a running op25bd. With offload the daemon, too, changes the kernel's rulesets: elements of its
 * own sets, a few times a minute. An apply must know that nobody else did, and let the daemon read out what it would
 * delete. A daemon that is not there is nothing to tell of.
 */
#ifndef OP25B_TOOLS_RULES_DAEMON_H
#define OP25B_TOOLS_RULES_DAEMON_H

#include "net/nft_known.h"
#include "rules.h"

/* What is known of the kernel's sets holds longer where every change since was the daemon's. */
void rules_daemon_follow(const struct rules_options *options, struct nft_known *known);
/* Has the daemon read out and empty the sets of learned sources when the ruleset (NULL: none) does not keep them all. */
void rules_daemon_drain(const struct rules_options *options, const struct ruleset *ruleset);

#endif
