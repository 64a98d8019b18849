/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy while it is being read: the value so far, the text it came from (findings show the line), and what the
 * checks at the end need to know of where things stood. Private to this module.
 */
#ifndef OP25B_POLICY_READING_H
#define OP25B_POLICY_READING_H

#include "policy/keys.h"
#include "policy/policy.h"

#include <sys/types.h>

enum { SECTION_KEYS_MAX = 32 }; /* bad_keys below has one bit each */

/* What is found so often in long lists that only the first few of a section are shown, and then their number. */
enum tally {
	TALLY_BAD_LINE,
	TALLY_HOST_BITS,
	TALLY_DUPLICATE,
	TALLY_SAME,          /* in two pools, relays or destination groups */
	TALLY_SAME_HARMLESS, /* in two exempt or inside sections */
	TALLY_NESTED,
	TALLY_RELAY_IN_POOL,
	TALLY_INSIDE_IN_POOL,
	TALLY_NO_POOL,
	TALLY_PART_OF_POOL,
	TALLY_TARGET_INSIDE,
	TALLY_TOO_LARGE,
	TALLIES,
};

/* Where in the text something stands: sources[source], line and column from 1, 0: none. */
struct spot {
	uint16_t source;
	uint32_t line;
	uint32_t column;
	uint32_t width;
};

struct section_marks {
	uint32_t line; /* of its head; 0: the section does not occur */
	uint32_t key_lines
		[SECTION_KEYS_MAX]; /* where each key of its kind stood first, by its row; 0: nowhere */
	uint32_t to_any_line;       /* where `to` says "any"; 0: nowhere */
	uint32_t bad_keys;          /* bit i: the value of the kind's row i had an error */
	uint32_t none_line;         /* where a prefix key says "none"; 0: nowhere */
	uint32_t prefixes;          /* how many were added but for `to` */
	uint32_t tally[TALLIES];
};

/* The text of one source, kept until all checks are through. */
struct source_text {
	char *text;
	size_t len, capacity;
	uint32_t *index; /* where each line begins; made when first needed */
	size_t index_count, index_capacity;
	uint32_t last_line; /* the line in hand while this source is read, and where it begins */
	size_t last_at;
};

/* A name in an exemption's `to`, resolved when all sections are known. */
struct group_reference {
	uint16_t rule;
	char name[POLICY_NAME_MAX + 1];
	struct spot spot;
};

struct reading {
	struct policy *policy;
	struct diag_list *diags; /* borrowed, never NULL */
	const char *directory;   /* borrowed; NULL: list files are opened as written */
	int64_t now_s;
	int failure; /* -ENOMEM or -EIO: reading cannot go on; 0 otherwise */

	struct source_text *texts; /* one a policy source */
	size_t texts_capacity, sources_capacity;

	struct section_marks gateway, log, triage;
	struct section_marks *marks; /* one a rule */
	size_t marks_capacity, rules_capacity;
	size_t ip4_capacity, ip6_capacity;
	struct group_reference *references;
	size_t reference_count, references_capacity;

	/* The section that keys now go to. */
	enum policy_section section; /* POLICY_SECTIONS: none that keys could be judged by */
	bool any_section;
	bool too_many;
	size_t rule;

	/* The line in hand. */
	uint32_t line;
	const char *line_text; /* in texts[0] */
	size_t line_len;
	size_t value_at; /* where its value begins */
};

/* source.c: texts and places, findings */
int reading_add_source(struct reading *reading, const char *path, uint16_t *ret);
bool reading_append_text(struct reading *reading, uint16_t source, const char *bytes, size_t len);
/* The line without its end; an empty one when there is no such line. */
const char *reading_line(struct reading *reading, uint16_t source, uint32_t line, size_t *ret_len);
struct spot spot_of_section(struct reading *reading, size_t rule);
struct spot spot_of_head(struct reading *reading, uint32_t line);
/* Of the value of `key` in a section, of its head when the key is not there. */
struct spot spot_of_key(struct reading *reading, const struct section_marks *marks,
			const struct policy_key *key);
/* Of the value that begins a "key = value" line or a list file's line. */
struct spot spot_of_line(struct reading *reading, uint16_t source, uint32_t line);
/* Of the word on that line which is this prefix or address, whatever way it is written. */
struct spot spot_of_prefix(struct reading *reading, uint16_t source, uint32_t line,
			   const struct prefix *prefix);

/* A finding; hint may be NULL. */
void reading_find(struct reading *reading, enum diag_severity severity, struct spot spot, const char *hint,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
#define reading_error(reading, spot, hint, ...)   reading_find(reading, DIAG_ERROR, spot, hint, __VA_ARGS__)
#define reading_warning(reading, spot, hint, ...) reading_find(reading, DIAG_WARNING, spot, hint, __VA_ARGS__)
/* Findings beyond what is kept need no text. */
bool reading_has_room(const struct reading *reading, enum diag_severity severity);
/* Counts a finding of a rule; true while it is to be shown. */
bool reading_tally(struct reading *reading, size_t rule, enum tally tally);
/* Says how many were not shown. */
void reading_tell_tallies(struct reading *reading);

/* Of the key in the line in hand. */
struct spot spot_of_key_in_hand(const struct reading *reading, const struct policy_key *key);

struct section_marks *reading_marks(struct reading *reading);
/* The struct that the current section's values go to. */
void *reading_target(struct reading *reading);

/* lines.c */
struct policy_lines {
	FILE *stream;
	char *text;      /* POLICY_LINE_KEEP + 1 bytes */
	size_t len;      /* bytes kept */
	size_t full_len; /* bytes that stood there */
};

enum { LINE_KEEP = 512 };

/* 1 with a line (without its LF or CR LF), 0 at the end, -errno. */
int policy_lines_next(struct policy_lines *lines);
/* Where inih would end the key: the first '=' or ':' before any comment; len if there is none. */
size_t policy_line_separator(const char *text, size_t len);
size_t text_skip_blanks(const char *text, size_t at, size_t len);
size_t text_trim(const char *text, size_t from, size_t to);
/* The next word of a list whose words are set apart by blanks and commas; false when there is none. */
bool text_next_word(const char *text, size_t len, size_t *at, size_t *ret_word, size_t *ret_word_len);

/* head.c */
void policy_head_read(struct reading *reading, const char *line, size_t len);

/* values.c */
/* Reads a value of the current section. spot is its place, or has line 0 for a default. */
void policy_value_read(struct reading *reading, const struct policy_key *key, const char *text, size_t len,
		       struct spot spot);
/* Gives every key of the current section its default. */
void policy_value_defaults(struct reading *reading);
bool policy_name_valid(const char *text, size_t len, size_t *ret_bad);

/* prefixes.c */
void policy_prefix_add(struct reading *reading, size_t rule, enum policy_role role, uint16_t source,
		       uint32_t line, const struct prefix *prefix);
void policy_prefix_read(struct reading *reading, enum policy_role role, const char *text, size_t len,
			struct spot spot);
void policy_list_read(struct reading *reading, const char *text, size_t len, struct spot spot);
/* Writes what was probably meant by a text that is no prefix; false when nothing comes to mind. */
bool policy_prefix_guess(const char *text, size_t len, char *out, size_t size);

/* sort.c */
void policy_prefixes_sort(struct policy *policy);

/* references.c: duplicate sections, and the groups that `to` names */
void policy_resolve_names(struct reading *reading);

/* check.c, sweep.c */
void policy_check(struct reading *reading);
void policy_sweep(struct reading *reading);
/* Some interface is named that tells subscribers from the Internet. */
bool policy_has_direction(const struct policy *policy);

/* order.c: prefixes gathered by rule, rules ordered by name, for printing and the digest */
struct policy_order {
	uint32_t *ip4, *ip6;             /* indexes into policy.ip4 and ip6, rule by rule */
	uint32_t *ip4_start, *ip6_start; /* rule r owns start[r] .. start[r + 1] - 1 */
	uint16_t *rules;                 /* indexes into policy.rules by kind, then name */
};

/* All rules by kind and name, then as in the file: an array that the caller frees; NULL without memory. */
uint16_t *policy_rules_by_name(const struct policy *policy);
int policy_order_make(const struct policy *policy, struct policy_order *ret);
void policy_order_free(struct policy_order *order);

/* digest.c: fills policy->digest */
int policy_digest(struct policy *policy);

#endif
