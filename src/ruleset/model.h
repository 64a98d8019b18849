/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as a value: one table's sets, counters, chains and rules, with typed matches and statements. The nft text,
 * the netlink transaction and the evaluator all walk this one model, so none can say something the others do not.
 *
 * The kernel settles only what the engine would accept at every date; whatever a date, a phase or a doubt decides goes
 * to the daemon's queue. Nothing here drops a packet by itself; what the daemon has learned of a subscriber (offload)
 * stands in sets that are loaded empty.
 */
#ifndef OP25B_RULESET_MODEL_H
#define OP25B_RULESET_MODEL_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RULESET_QUEUED_COUNTER "queued" /* of all packets that a queue is asked to take */
#define RULESET_TABLE          "op25b"  /* of the policy's family; nobody else's table is touched */

enum {
	RULESET_NAME_MAX = 64, /* bytes of a set's, chain's or counter's name with its NUL */
	RULESET_COMMENT_MAX =
		128, /* bytes of a comment with its NUL: what the kernel's user data of a rule holds */
	RULESET_MATCHES_MAX = 12,
	RULESET_STATEMENTS_MAX = 3,
	RULESET_SHARDS = 16,     /* sets over which the learned sources of a group are spread */
	RULESET_GENERATIONS = 2, /* of learned sets: one that is in force, one that is read out */
	RULESET_HASH_SEED =
		0x25b, /* fixed, so that a reload leaves each subscriber with its worker, and in its shard */
};

enum ruleset_op { RULESET_EQ, RULESET_NE, RULESET_LT, RULESET_GT };

/* How each is written in nft's language stands in text.c, in its JSON in text_json.c, how in netlink in net/nft_rule.c. */
enum ruleset_match_kind {
	RULESET_MATCH_IIFNAME,   /* interface: a name or a pattern */
	RULESET_MATCH_NFPROTO,   /* value: enum addr_family */
	RULESET_MATCH_L4PROTO,   /* value: behind all extension headers; unknown matches neither EQ nor NE */
	RULESET_MATCH_TCP_SPORT, /* likewise */
	RULESET_MATCH_TCP_DPORT, /* value; no match where the packet is too short; not to be asked of a later fragment */
	RULESET_MATCH_TCP_FLAGS, /* flags & mask against value; likewise */
	RULESET_MATCH_SADDR,     /* set: looked up in the set of the packet's family */
	RULESET_MATCH_DADDR,
	RULESET_MATCH_SADDR_WITHIN, /* prefix (not /0): the address lies in it; no match in the other family */
	RULESET_MATCH_DADDR_WITHIN,
	RULESET_MATCH_FRAG4,        /* IPv4 flags and offset field & mask against value */
	RULESET_MATCH_FRAG6,        /* IPv6 fragment header there */
	RULESET_MATCH_FRAG6_OFFSET, /* its offset in units of 8 bytes against value */
	RULESET_MATCH_CT_STATE,     /* any of the bits of value */
	RULESET_MATCH_CT_REPLY,     /* conntrack's reply direction */
	RULESET_MATCH_MARK,         /* mark & mask against value */
	RULESET_MATCH_TCP_DOFF,     /* as TCP_FLAGS: the header's length in units of 4 bytes against value */
	RULESET_MATCH_TCP_URGENT,   /* as TCP_FLAGS: no match where the header is cut anywhere */
	RULESET_MATCH_LEARNED, /* set: index into ruleset.live; the first `value` bits of the source are looked up */
	RULESET_MATCH_SHARD, /* the shard, of RULESET_SHARDS by a hash of the first `mask` bits of the family's source, is value */
	RULESET_MATCH_KINDS,
};

/* The kernel's bits of `ct state`. */
enum ruleset_ct_state {
	RULESET_CT_INVALID = 1,
	RULESET_CT_ESTABLISHED = 2,
	RULESET_CT_RELATED = 4,
	RULESET_CT_NEW = 8,
	RULESET_CT_UNTRACKED = 64,
};

struct ruleset_match {
	enum ruleset_match_kind kind;
	enum ruleset_op op;
	uint32_t mask;
	uint32_t value;
	uint32_t set;   /* index into ruleset.sets */
	uint8_t family; /* enum addr_family, of RULESET_MATCH_SHARD */
	char interface[IF_NAME_MAX];
	struct prefix prefix;
};

enum ruleset_statement_kind {
	RULESET_DO_COUNT,    /* target: index into ruleset.counters */
	RULESET_DO_SET_MARK, /* value */
	/* Goes on while there are no more than value packets a second, target at once: for rules that do nothing but log, or
	 * the limit would decide what happens to a packet. */
	RULESET_DO_LIMIT,
	RULESET_DO_LOG, /* text: what the line begins with */
	RULESET_DO_ACCEPT,
	RULESET_DO_JUMP, /* target: index into ruleset.chains */
	RULESET_DO_GOTO, /* likewise */
	RULESET_DO_RETURN,
	RULESET_DO_QUEUE, /* struct ruleset_queue of the ruleset; value: family whose source address is hashed, or ADDR_NONE */
	RULESET_DO_REJECT_RESET,
	RULESET_DO_REJECT_ICMP,
	RULESET_DO_DROP,
	/* Jumps, or goes, to the chain that the daemon has put into a map; on where it has put none. target: index into ruleset.live */
	RULESET_DO_TURN_SHARD, /* looked up: the shard, as in RULESET_MATCH_SHARD of the first `value` bits */
	RULESET_DO_TURN_MARK,  /* looked up: the packet's mark */
	/* Adds the first `value` bits of the source to a learned set, target: index into ruleset.live; when there is no room the
	 * rule ends here. */
	RULESET_DO_LEARN,
	RULESET_STATEMENT_KINDS,
};

struct ruleset_statement {
	enum ruleset_statement_kind kind;
	uint32_t target;
	uint32_t value;
	uint8_t family;   /* enum addr_family, of RULESET_DO_TURN_SHARD */
	const char *text; /* static text; NULL where the kind has none */
};

struct ruleset_rule {
	struct ruleset_match matches[RULESET_MATCHES_MAX]; /* all must match */
	struct ruleset_statement statements[RULESET_STATEMENTS_MAX];
	uint8_t match_count;
	uint8_t statement_count;
	char comment[RULESET_COMMENT_MAX]; /* "" for none; no quotes, no line breaks */
};

struct ruleset_chain {
	char name[RULESET_NAME_MAX];
	const char *
		purpose; /* what it is for and what would leak without it; static text, lines divided by '\n' */
	bool base;       /* hooked where ruleset_hook_name() says, with this priority; policy accept */
	bool early;      /* a base chain that is hooked before routing in either family */
	int32_t priority;
	struct ruleset_rule *rules;
	size_t rule_count, rule_capacity;
};

/* Both ends belong to the range. Host byte order. */
struct ruleset_range4 {
	uint32_t first, last;
};

struct ruleset_range6 {
	uint64_t first_hi, first_lo, last_hi, last_lo;
};

/* An interval set. Ranges ascend and neither overlap nor touch. */
struct ruleset_set {
	char name[RULESET_NAME_MAX];
	char comment[RULESET_COMMENT_MAX];
	uint8_t family; /* enum addr_family: which of the arrays holds its elements */
	struct ruleset_range4 *ip4;
	struct ruleset_range6 *ip6;
	size_t count, capacity;
};

/*
 * What a set that packets fill takes where no size is said (the kernel's nft_dynset_init()). Such a one begins small and grows with what is in it;
 * one with a size begins as large as that, and a packet's look-up then finds nothing of it in the processor's cache.
 */
enum { RULESET_ROOM_UNSAID = 65535 };

enum ruleset_live_kind {
	RULESET_LIVE_LEARNED, /* sources, each with a counter: the kernel's rules add them, the daemon takes them out */
	/* Verdict maps, which the daemon fills with the chains of the generation in force, or leaves empty: */
	RULESET_LIVE_SHARDS, /* of shards */
	RULESET_LIVE_MARKS,  /* of marks */
	RULESET_LIVE_KINDS,
};

/*
 * A set that is loaded empty, and whose content is neither the policy's nor touched by loading rules again: what counts
 * packets must not be emptied before the daemon has read it.
 */
struct ruleset_live {
	char name[RULESET_NAME_MAX];
	enum ruleset_live_kind kind;
	uint8_t family;     /* of a learned set: enum addr_family of its sources */
	uint32_t timeout_s; /* of a learned set: how long a source stays */
	uint32_t size; /* elements at most; of learned ones RULESET_ROOM_UNSAID is not said to the kernel */
	/* Of a map: where each generation leads, index into ruleset.chains; the chains of further shards or groups follow. */
	uint32_t chains[RULESET_GENERATIONS];
	uint32_t chain_count; /* of one generation */
};

struct ruleset_counter {
	char name[RULESET_NAME_MAX];
	char comment[RULESET_COMMENT_MAX];
};

struct ruleset_queue {
	uint16_t first; /* queue number */
	uint16_t count; /* queues; 1: no hash */
	bool bypass;    /* no daemon listening: let pass */
	uint8_t ip6_len; /* bits of an IPv6 source that are hashed, so that one subscriber stays with one worker */
};

/*
 * What the family changes: in the bridge family the base chains are hooked where frames arrive, because the kernel
 * takes a reject there and at input only; and fields of IP are asked for by the frame's protocol behind its VLAN tag.
 */
struct ruleset {
	enum policy_family family;
	struct ruleset_set *sets;
	size_t set_count, set_capacity;
	struct ruleset_live *live;
	size_t live_count, live_capacity;
	struct ruleset_counter *counters;
	size_t counter_count, counter_capacity;
	struct ruleset_chain *chains; /* in the order a packet meets them */
	size_t chain_count, chain_capacity;
	struct ruleset_queue queue;
};

/*
 * Compiles a policy. The result holds nothing of the policy's and is the caller's (ruleset_free). Equal policies give
 * equal rulesets, byte for byte in every form; no date and no clock goes in.
 * 0 or -ENOMEM; *ret is untouched on failure.
 */
int ruleset_build(const struct policy *policy, struct ruleset **ret);
void ruleset_free(struct ruleset *ruleset);

/* Prints it in nft's language: a file that `nft -f` loads in one transaction, deleting no base chain. 0 or -errno. */
int ruleset_print(const struct ruleset *ruleset, FILE *out);
/* The same in nft's JSON, libnftables-json(5): what `nft -j -f` loads. 0 or -errno; -EOPNOTSUPP with offload, whose maps
 * cannot be declared there. */
int ruleset_print_json(const struct ruleset *ruleset, FILE *out);

/* The element that holds the address, or false. */
bool ruleset_set_contains(const struct ruleset_set *set, const struct addr *addr);
/* Every range is one address. */
bool ruleset_set_is_exact(const struct ruleset_set *set);
size_t ruleset_element_count(const struct ruleset *ruleset);
size_t ruleset_rule_count(const struct ruleset *ruleset);
const char *ruleset_hook_name(enum policy_family family, bool early); /* "forward" */

#endif
