/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other people's rules in words: op25b-rules apply warns of them, op25bctl doctor finds them. */
#ifndef OP25B_TOOLS_RULES_FOREIGN_H
#define OP25B_TOOLS_RULES_FOREIGN_H

#include "net/nft_foreign.h"

enum { RULES_FOREIGN_TEXT_MAX = 1024 }; /* two names of the kernel's longest, and all that a chain may do */

/* "chain input of table ... drops or rejects packets; it comes before op25b's rules" */
void rules_foreign_text(const struct nft_foreign *foreign, char out[RULES_FOREIGN_TEXT_MAX]);

#endif
