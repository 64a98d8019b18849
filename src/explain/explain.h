/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a packet gets the answer that it gets: the questions of the decision order (src/README.md), one after the other,
 * up to the one that decided. What decided is decide()'s own answer; nothing is decided here a second time.
 */
#ifndef OP25B_EXPLAIN_EXPLAIN_H
#define OP25B_EXPLAIN_EXPLAIN_H

#include "engine/engine.h"

#include <stdio.h>

enum { EXPLAIN_TEXT_MAX = 512, EXPLAIN_CHANGES_MAX = 64 };

struct explain_question {
	struct packet packet;
	const char *interface; /* NULL: unknown */
	struct engine_context context;
};

struct explain_step {
	const char *name; /* of the question: a string constant */
	char text[EXPLAIN_TEXT_MAX];
	int32_t rule; /* index of the policy's rule that the step speaks of, -1: none */
	bool decides;
};

/* Where the answer changes by date alone, in order. */
struct explain_change {
	int64_t at_s;
	struct decision decision;
};

struct explanation {
	struct explain_question question;
	const struct policy *policy;
	struct decision decision;
	struct explain_step *steps;
	size_t step_count, step_capacity;
	struct explain_change changes[EXPLAIN_CHANGES_MAX];
	size_t change_count;
};

/* The SYN that a mail client at src would send to dst first. Both of one family. */
struct packet explain_syn(const struct addr *src, const struct addr *dst);

/* 0 with *ret to be given to explain_free(), or -ENOMEM. The engine must outlive it. Looks at every prefix: for people. */
int explain_packet(const struct engine *engine, const struct explain_question *question,
		   struct explanation *ret);
void explain_free(struct explanation *explanation);

/* offset_s: the clock that dates without one of their own are shown by. */
void explain_print(const struct explanation *explanation, int32_t offset_s, FILE *out);
void explain_print_json(const struct explanation *explanation, int32_t offset_s, FILE *out);

/* locate.c: "[pool homes] at policy.ini:12, prefix 10.1.0.0/16 at list.txt:3", of the longest prefix that covers addr. */
void explain_locate(const struct policy *policy, int32_t rule, const struct addr *addr, char *out,
		    size_t size);
/* True when some prefix of the rule in that role covers the address. */
bool explain_covers(const struct policy *policy, int32_t rule, enum policy_role role,
		    const struct addr *addr);

#endif
