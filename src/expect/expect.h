/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody expects of a replay, as lines that are read and written by people:
 *
 *   10.1.0.1         blocked pool-enforce at least 3 attempts
 *   10.1.0.25        never blocked
 *   2001:db8::/56    monitored between 2026-10-01T00:00:00Z and 2026-11-01T00:00:00Z
 *   others           never blocked
 *
 * The grammar is told in op25b-replay(1), "EXPECTATIONS". Memory grows with the lines and the sources that are kept.
 */
#ifndef OP25B_EXPECT_EXPECT_H
#define OP25B_EXPECT_EXPECT_H

#include "base/line.h"
#include "engine/engine.h"

#include <stdio.h>

enum expect_outcome {
	EXPECT_ALLOWED,   /* accepted, and nothing recorded */
	EXPECT_MONITORED, /* accepted, though enforcement would block it */
	EXPECT_BLOCKED,
	EXPECT_OUTCOMES,
};

const char *expect_outcome_name(enum expect_outcome outcome);

/* One judged packet. */
struct expect_fact {
	const struct packet *packet;
	const struct decision *decision;
	int64_t time_ns;
	const char *file; /* borrowed until the expectations are given up */
	uint64_t number;
	bool made; /* of a line of synthetic packets: what stands behind "=>" counts packets of these alone */
};

enum expect_who { EXPECT_PREFIX, EXPECT_OTHERS, EXPECT_UNKNOWN, EXPECT_PACKETS };
enum expect_bound { EXPECT_SOME, EXPECT_EXACTLY, EXPECT_AT_LEAST, EXPECT_AT_MOST };
enum { EXPECT_ANY_REASON = -1 };

/* A line, and what was seen of it. */
struct expect_line {
	char *file, *text;
	uint32_t number;

	enum expect_who who;
	struct prefix prefix; /* EXPECT_PREFIX */
	uint64_t first, last; /* EXPECT_PACKETS */
	enum expect_outcome outcome;
	int reason; /* enum reason, or EXPECT_ANY_REASON */
	enum expect_bound bound;
	uint64_t count;
	bool counts_packets; /* else attempts */
	bool never;
	int64_t from_s, until_s;

	uint64_t attempts, packets;     /* that are as the line says */
	uint64_t seen[EXPECT_OUTCOMES]; /* packets of these sources in this time, whatever their reason */
	enum reason seen_reason[EXPECT_OUTCOMES]; /* of the first of them */
	const char *first_file; /* of the first packet that is as the line says; NULL: none was */
	uint64_t first_number;
	int64_t first_time_ns;
	enum reason first_reason;
	struct addr first_source;
};

struct expect;

/* 0 with *ret the caller's (expect_free), or -ENOMEM. */
int expect_new(struct expect **ret);
void expect_free(struct expect *expect);

/* 0; -EINVAL when lines have errors (all are in diags); or the negative errno of reading. */
int expect_read(struct expect *expect, FILE *stream, const char *name, struct diag_list *diags);

/* What stands behind "=>", the word in hand, of a line that made these packets. As expect_read(). */
int expect_read_outcome(struct expect *expect, struct line *line, uint64_t first, uint64_t last);

/* To be called for each packet, after all lines were read. 0 or -ENOMEM. */
int expect_observe(struct expect *expect, const struct expect_fact *fact);

size_t expect_count(const struct expect *expect);
/* In the order in which they were read. */
const struct expect_line *expect_at(const struct expect *expect, size_t at);
bool expect_holds(const struct expect_line *line);

/* What was found where the line does not hold, as a text of one line. */
void expect_finding(const struct expect_line *line, char *out, size_t size);

enum expect_outcome expect_outcome_of(const struct decision *decision);

/* ---- recording: a run as lines ---- */

struct expect_record;

int expect_record_new(struct expect_record **ret);
void expect_record_free(struct expect_record *record);
int expect_record_add(struct expect_record *record, const struct expect_fact *fact);
/* Sorted: the same packets give the same bytes in whatever order they came. 0 or -ENOMEM. */
int expect_record_write(struct expect_record *record, FILE *out);

#endif
