/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the last apply has left in the kernel's sets, kept in OP25B_RUN_DIRECTORY from one op25b-rules to the next
 * (net/nft_known.h says how long it holds). Losing it costs time, nothing else.
 */
#ifndef OP25B_TOOLS_RULES_STATE_H
#define OP25B_TOOLS_RULES_STATE_H

#include "net/nft.h"

/* *ret is the caller's (nft_known_clear); nothing is known in it when there is no such file. Damage is told on stderr. */
void state_read(struct nft_known *ret);

/* Under the lock of rules_lock(). Failing is told on stderr, and leaves no file. */
void state_write(const struct nft_known *known);
void state_forget(void);

/* What nft_apply() of the ruleset with this report has left; borrows the ruleset. */
struct nft_known state_after(const struct ruleset *ruleset, const struct nft_report *report);

#endif
