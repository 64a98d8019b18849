/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to ruleset/: what offload adds to nft's language. */
#ifndef OP25B_RULESET_TEXT_LEARNED_H
#define OP25B_RULESET_TEXT_LEARNED_H

#include "ruleset/model.h"

/* RULESET_MATCH_TCP_DOFF and the kinds behind it. */
void text_learned_match(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out);
/* RULESET_DO_DROP and the kinds behind it. */
void text_learned_statement(const struct ruleset *ruleset, const struct ruleset_statement *statement,
			    FILE *out);
/* The declaration of a set or map, one line; nothing stands in it. */
void text_live(const struct ruleset_live *live, FILE *out);

#endif
