/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict engine: a policy compiled into immutable tables, and decide(), which every host of it (daemon, replay,
 * tests, proofs) calls with a packet's header facts and the time. decide() is pure and total: it reads no clock, does
 * no I/O, allocates nothing, and has an answer for every input.
 *
 * The order in which rules are asked is told in src/README.md ("The decision order").
 */
#ifndef OP25B_ENGINE_ENGINE_H
#define OP25B_ENGINE_ENGINE_H

#include "packet/packet.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_RESET, /* drop, and answer the sender with a TCP reset */
	VERDICT_ICMP,  /* drop, and answer with ICMP "administratively prohibited" */
	VERDICTS,
};

/* Stable: numbers and names are never reused. engine_reasons[] has one row for each; the manual lists the same. */
enum reason {
	REASON_NOT_IP = 0,
	REASON_NOT_TCP25 = 1,
	REASON_INBOUND = 2,
	REASON_RELAY = 3,
	REASON_RELAY_DESTINATION = 4,
	REASON_INSIDE = 5,
	REASON_EXEMPT = 6,
	REASON_POOL_OFF = 7,
	REASON_POOL_MONITOR = 8,
	REASON_POOL_ENFORCE = 9,
	REASON_DESTINATION_ENFORCE = 10,
	REASON_RELAY_CLOSED = 11,
	REASON_UNLISTED_ACCEPT = 12,
	REASON_UNLISTED_MONITOR = 13,
	REASON_UNLISTED_DROP = 14,
	REASON_ESTABLISHED = 15,
	REASON_MIDSTREAM = 16,
	REASON_SPOOFED = 17,
	REASON_FRAGMENT_LATER = 18,
	REASON_FRAGMENT_TINY = 19,
	REASON_FRAGMENT_OVERLAP = 20,
	REASON_FRAGMENT_CHAIN = 21,
	REASON_MALFORMED_IP = 22,
	REASON_MALFORMED_TCP = 23,
	REASON_TRUNCATED = 24,
	REASON_UNREADABLE = 25,
	REASON_BAD_FLAGS = 26,
	REASON_DESTINATION_OFF = 27,
	REASON_TRIANGULAR = 28,
	REASON_OVERRIDE_ALLOW = 29,
	REASON_OVERRIDE_BLOCK = 30,
	REASONS,
};

struct reason_row {
	const char *name;    /* "pool-enforce": in records, summaries, counters and the manual */
	const char *action;  /* what happens, in a few words */
	const char *meaning; /* one sentence */
	bool charged;        /* counts against the subscriber: gets block records */
};

extern const struct reason_row engine_reasons[REASONS];

const char *verdict_name(enum verdict verdict); /* "accept", "drop", "reset", "icmp" */
const char *reason_name(enum reason reason);

/* Which side of the gateway a packet came from. */
enum engine_side {
	ENGINE_SIDE_UNKNOWN, /* no interface known: counts as the subscriber side */
	ENGINE_SIDE_SUBSCRIBER,
	ENGINE_SIDE_OTHER, /* subscriber interfaces are listed and this is none of them: a server network, say */
	ENGINE_SIDE_UPSTREAM,
};

/* What an interface's name means to one engine; resolve once an interface and engine, not once a packet. */
struct engine_interface {
	enum engine_side side;
	uint64_t patterns; /* bit i: the engine's i-th interface pattern matches */
};

/* What conntrack knows of a packet that opens nothing. UNKNOWN is taken as established. */
enum engine_flow {
	ENGINE_FLOW_UNKNOWN,
	ENGINE_FLOW_NEW,
	ENGINE_FLOW_ESTABLISHED,
};

struct engine_context {
	struct engine_interface interface; /* zeroed: unknown */
	enum engine_flow flow;
	bool port25;   /* the kernel's rule already saw TCP port 25, whatever the bytes at hand still show */
	int64_t now_s; /* wall clock, seconds since 1970-01-01 UTC */
};

struct decision {
	enum verdict verdict; /* what to do with the packet */
	enum verdict
		would; /* what enforcement would do: differs from verdict only while something is monitored */
	enum reason reason;
	int32_t rule;          /* index of the matched rule in the policy, -1: none */
	const char *rule_name; /* its name, owned by the engine; "" where no rule decided */
	int32_t pool; /* index of the source's pool in the policy, or of the pool that an answer goes to; -1: none */
	bool attempt;           /* opens a connection (a SYN); anything else is only a packet */
	uint8_t subscriber_len; /* prefix length that makes one subscriber of the source: 32, or the delegated length */
	/* Every sound SYN of this subscriber to a destination that no rule names is answered so, on every interface where
	 * his pool can be, until engine_next_date(). */
	bool whole_source;
	int64_t next_change_s; /* when this answer next changes by date alone, MOMENT_NEVER if it does not */
};

struct engine;

/*
 * Compiles a policy. The policy stays the caller's and must outlive the engine (names are shared).
 * Returns 0 with *ret owned by the caller (engine_free), -E2BIG when the policy combines more rules than the tables
 * can index, -ENOMEM. *ret is untouched on failure.
 */
int engine_build(const struct policy *policy, struct engine **ret);
/* The same, and a policy that is too much for the tables is an error in diags (may be NULL): then -EBADMSG. */
int engine_build_or_tell(const struct policy *policy, struct diag_list *diags, struct engine **ret);
void engine_free(struct engine *engine);

const struct policy *engine_policy(const struct engine *engine);
size_t engine_memory(const struct engine *engine);

/* name NULL: unknown. */
struct engine_interface engine_resolve_interface(const struct engine *engine, const char *name);

struct decision decide(const struct engine *engine, const struct packet *packet,
		       const struct engine_context *context);

/*
 * The triangular-spam guard judges this packet: the answer (SYN-ACK) of some port 25 that does not come from the
 * subscriber side. Who spams with a forged source address elsewhere gets the answers by the address's owner; so what
 * could not have been asked for is not let in. The rules are asked with source and destination exchanged.
 */
bool engine_guards(const struct engine *engine, const struct packet *packet,
		   const struct engine_interface *interface);

/*
 * What conntrack knows of a packet that was queued. The ruleset accepts what conntrack knows before it queues anything,
 * unless the policy cuts open connections: then only the guard's packets were looked at so.
 */
enum engine_flow engine_queued_flow(const struct engine *engine, const struct packet *packet,
				    const struct engine_interface *interface);

/* Numbers of what the policy says of an address as a source, and as a destination: decide() looks at nothing else of
 * it, so addresses of equal numbers get equal answers. addr: IPv4 or IPv6. */
uint16_t engine_source_class(const struct engine *engine, const struct addr *addr);
uint16_t engine_target_class(const struct engine *engine, const struct addr *addr);

/*
 * Whether decide() says whole_source of the subscriber's SYNs at that time, asked without a packet: of an address of his
 * prefix, any will do. True with its decision in *ret (rule, pool, reason, verdict, subscriber_len, next_change_s), else
 * *ret is untouched. No allocation, no I/O.
 */
bool engine_whole_source(const struct engine *engine, const struct addr *subscriber, int64_t now_s,
			 struct decision *ret);

/* The first date of any rule behind now_s, MOMENT_NEVER if there is none. It looks at every rule: ask once a date, not
 * once a packet. */
int64_t engine_next_date(const struct engine *engine, int64_t now_s);

/* count packets at once, with their own contexts: look-ups are fetched ahead. The answers are decide()'s. */
void decide_batch(const struct engine *engine, const struct packet *packets,
		  const struct engine_context *contexts, struct decision *decisions, size_t count);

enum { ENGINE_ANSWERS = 2 * PACKET_LOT, ENGINE_MEMOS = 64 };

/* Answers to lots of packets in one context, each different one made once. The rest is decide_lot4()'s own. */
struct engine_answers {
	size_t count;
	struct decision decisions[ENGINE_ANSWERS];
	uint64_t packets[ENGINE_ANSWERS]; /* that got it, of all lots */
	uint8_t of[PACKET_LOT];           /* of the last lot: which answer each packet got */

	int elsewhere;  /* the answer to what does not go to port 25, or negative */
	uint64_t known; /* a bit for each memo that holds something */
	struct {
		uint32_t classes; /* of both ends */
		uint8_t answer;
	} memos[ENGINE_MEMOS];
};

/* No answers yet: for another context, or when there is no room. */
void engine_answers_begin(struct engine_answers *answers);
/* Whether there is room for another lot's. */
bool engine_answers_have_room(const struct engine_answers *answers);
/* Adds what decide() says of a lot in that context: for who counts many. */
void decide_lot4(const struct engine *engine, const struct packet_lot4 *lot,
		 const struct engine_context *context, struct engine_answers *answers);

#endif
