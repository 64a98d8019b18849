/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would really become of port 25 when the daemon is not there or falls behind. A policy says open or closed; what
 * counts is the rule in the kernel and the queue's own flag, which may be of another policy, or not there at all. Pure:
 * facts in, answers out.
 */
#ifndef OP25B_DAEMON_FAILMODE_H
#define OP25B_DAEMON_FAILMODE_H

#include "net/nft_queueing.h"
#include "net/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum failmode_case {
	FAILMODE_NO_DAEMON,   /* nobody holds the queues */
	FAILMODE_QUEUE_FULL,  /* more packets wait than a queue takes */
	FAILMODE_BUFFER_FULL, /* the daemon's socket has no room for another message */
	FAILMODE_KILLED,      /* packets that wait when the daemon dies */
	FAILMODE_STALLED,     /* the daemon lives and answers nothing */
	FAILMODE_CASES,
};

enum failmode_fate {
	FAILMODE_PASSES,
	FAILMODE_DROPPED,
	FAILMODE_WAITS,
	FAILMODE_MIXED, /* it depends on the rule or the queue that a packet meets */
	FAILMODE_UNKNOWN,
};

struct failmode_facts {
	bool policy_open; /* what the policy in force asks for */
	int rules_error;  /* why the rules could not be read, -errno; else 0 and they are: */
	struct nft_queueing rules;
	size_t queue_count; /* the daemon's, from first_queue on */
	uint16_t first_queue;
	size_t open_count,
		acknowledged_count; /* queues whose flag is open, as asked; whose flag the kernel has confirmed */
	bool sockets_kept;          /* somebody else keeps the queues' sockets when the daemon dies */
};

struct failmode_answer {
	enum failmode_fate fate;
	enum failmode_fate then; /* after FAILMODE_WAITS: when no more can wait */
	const char *because;     /* how it is known; static text */
};

enum { FAILMODE_WARNINGS_MAX = 8, FAILMODE_WARNING_TEXT_MAX = 240 };

/* What policy, rules and queues disagree about, in words for the operator. */
struct failmode_warnings {
	char texts[FAILMODE_WARNINGS_MAX][FAILMODE_WARNING_TEXT_MAX];
	size_t count;
};

void failmode_assess(const struct failmode_facts *facts, struct failmode_answer answers[FAILMODE_CASES],
		     struct failmode_warnings *warnings);

const char *failmode_case_name(enum failmode_case failmode_case); /* "no-daemon", for scripts */
const char *failmode_fate_name(enum failmode_fate fate);          /* "passes" */

#endif
