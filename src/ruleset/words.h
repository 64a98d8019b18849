/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two printed forms, nft's language (text.c) and nft's JSON (text_json.c), write alike. */
#ifndef OP25B_RULESET_WORDS_H
#define OP25B_RULESET_WORDS_H

#include "ruleset/model.h"

enum { RULESET_TCP_FLAGS = 8, RULESET_CT_STATES = 5, RULESET_PROTOCOL_TCP = 6 };

/* nft's names, from bit 0 up. */
extern const char *const ruleset_tcp_flag_names[RULESET_TCP_FLAGS];

struct ruleset_ct_name {
	uint32_t bit; /* enum ruleset_ct_state */
	const char *name;
};

extern const struct ruleset_ct_name ruleset_ct_names[RULESET_CT_STATES];

const char *ruleset_set_type(const struct ruleset_set *set);
/* Both ends of an element of the set. */
void ruleset_element_ends(const struct ruleset_set *set, size_t at, struct addr *ret_first,
			  struct addr *ret_last);
/* The length of the prefix that the range is, or -1. */
int ruleset_prefix_length(const struct addr *first, const struct addr *last);

#endif
