/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys: one row a key, and everything that knows keys is driven by it -- parsing, range checks, the
 * canonical print, the manual page's table and the fuzzers' dictionary.
 */
#ifndef OP25B_POLICY_KEYS_H
#define OP25B_POLICY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_section {
	POLICY_SECTION_GATEWAY,
	POLICY_SECTION_LOG,
	POLICY_SECTION_TRIAGE,
	POLICY_SECTION_POOL,
	POLICY_SECTION_RELAY,
	POLICY_SECTION_EXEMPT,
	POLICY_SECTION_INSIDE,
	POLICY_SECTION_DESTINATION,
	POLICY_SECTIONS,
};

enum policy_type {
	POLICY_TYPE_TEXT, /* one line of printable text */
	POLICY_TYPE_NAME, /* letters, digits, '.', '_' and '-' */
	POLICY_TYPE_PATH,
	POLICY_TYPE_NUMBER,
	POLICY_TYPE_CHOICE, /* one of words[] */
	POLICY_TYPE_DATE,
	POLICY_TYPE_ADDRESS, /* a single address */
	POLICY_TYPE_PREFIX,
	POLICY_TYPE_LIST_FILE,  /* a file of prefixes, one a line */
	POLICY_TYPE_INTERFACES, /* a list of interface names or patterns */
	POLICY_TYPE_TO,         /* a prefix, the name of a [destination NAME], or "any" */
};

struct policy_key {
	enum policy_section section;
	const char *name;
	enum policy_type type;
	bool repeatable; /* may stand several times in a section; lists add up */
	bool required;
	bool late; /* a choice or number that policies of before did not have: its default is not in the digest */
	uint64_t min, max;        /* POLICY_TYPE_NUMBER: its range; texts: the longest length is max */
	const char *const *words; /* POLICY_TYPE_CHOICE: NULL-terminated, in the order of the enum */
	const char *default_text; /* as a policy would write it; NULL: nothing */
	const char *help;         /* one sentence for the manual */
	size_t offset; /* where the value goes: policy_gateway, policy_log, policy_triage or policy_rule */
	size_t size;   /* its size there; 0: no field (prefixes go to policy.ip4 and ip6) */
	size_t has_offset; /* where the flag "was given" goes; 0: there is none */
};

extern const struct policy_key policy_keys[];
extern const size_t policy_key_count;

/* The table is ordered by section: the rows of one are policy_section_keys(section, &count)[0 .. count - 1]. */
const struct policy_key *policy_section_keys(enum policy_section section, size_t *ret_count);
/* The key of that name in the section, NULL if it has none. name need not end in a NUL. */
const struct policy_key *policy_key_find(enum policy_section section, const char *name, size_t len);

const char *policy_section_name(enum policy_section section); /* "gateway", "pool", ... */
/* The section is written [pool NAME], not [gateway]. */
bool policy_section_is_named(enum policy_section section);

#endif
