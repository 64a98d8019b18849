/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proof that kernel and engine agree: every packet that a policy can tell apart is put through the model of the
 * ruleset, and through decide() with all that can be known of it. What the kernel lets pass alone, the policy must let
 * pass at every date; what it hands to the daemon must end as the policy says; and what is none of our business must
 * never be touched.
 *
 * The space is divided by every boundary that the policy or the ruleset draws. Addresses of which engine and sets say
 * the same are one class, whose size does not matter: of a million prefixes some dozen classes are left. Nothing is
 * left out of a class, so the answer holds for every packet, not for a sample; where a policy makes more combinations
 * than the limit, pairs of classes are sampled, and the report says so.
 */
#ifndef OP25B_RULESET_VERIFY_H
#define OP25B_RULESET_VERIFY_H

#include "engine/engine.h"
#include "ruleset/evaluate.h"

#define VERIFY_PACKETS_MAX UINT64_C(100000000) /* some ten to thirty seconds */

enum {
	VERIFY_FORM_BYTES = 128,
	VERIFY_WORDS_MAX = 80,
	VERIFY_FINDINGS_MAX = 20,
	VERIFY_CASE_TEXT_MAX = 512,
};

/* Where kernel and engine are known to differ, and why that is no leak. See verify_limits[]. */
enum verify_limit {
	VERIFY_LIMIT_NONE,
	VERIFY_LIMIT_REPLY,
	VERIFY_LIMIT_BROKEN_ACK,
	VERIFY_LIMIT_OTHER_HEADER,
	VERIFY_LIMIT_HIDDEN_OTHER,
	VERIFY_LIMIT_LONG_HEADER,
	VERIFY_LIMITS,
};

struct verify_limit_row {
	const char *name;
	const char *meaning; /* one sentence */
};

extern const struct verify_limit_row verify_limits[VERIFY_LIMITS];

/* What a packet is apart from its addresses and its interface. */
struct verify_form {
	char words[VERIFY_WORDS_MAX];
	uint8_t family;
	uint8_t bytes[VERIFY_FORM_BYTES]; /* from IP on; addresses and checksums are zero */
	size_t len;
	struct ruleset_packet kernel; /* as the kernel sees it */
	struct packet ours;           /* as the daemon's parser sees it */
	bool port25;                  /* it is, or may hide, TCP to port 25 */
	bool answer;                  /* the kernel sees the answer of a port 25 in it */
	bool sound;    /* conntrack can know a connection that it belongs to: a whole packet in good order */
	bool fragment; /* a real one: conntrack would have put it together with the others */
	enum verify_limit limit;
};

/* One packet of the space. Names are borrowed. */
struct verify_case {
	const struct verify_form *form;
	struct addr src, dst;
	const char *interface;
	uint32_t ct_state;
	bool ct_reply;
	uint32_t mark;
	bool routable; /* both addresses are such that a router forwards */
};

enum verify_kind {
	VERIFY_AGREES,
	VERIFY_LEAK,     /* passes without being asked about, and the policy would block or record it */
	VERIFY_OUTCOME,  /* ends otherwise than the policy says */
	VERIFY_TOUCHED,  /* not TCP to port 25, and yet queued or refused */
	VERIFY_FAIL,     /* the fail mode is not the policy's */
	VERIFY_NEEDLESS, /* queued, though its answer is the same for ever: it would stop with the daemon */
	VERIFY_ANSWER,   /* what the daemon would have answered with a reset or ICMP is not */
	VERIFY_COUNTED,  /* accepted, and counted for another reason than the policy has */
	VERIFY_MARK,     /* somebody else's mark was changed, or one of ours passed */
	VERIFY_QUEUE,    /* the queue numbers are not the policy's; the case means nothing */
	VERIFY_FAMILY,   /* the table is not of the policy's family; the case means nothing */
	VERIFY_LOGGING,  /* a rule that logs or limits does more than that; the case means nothing */
	VERIFY_ENDLESS,  /* the chains run in a circle */
	VERIFY_LEARNED, /* once its source is learned (offload) it is answered otherwise than the policy says */
	VERIFY_UNLEARNED, /* what is marked to be learned passes, is not learned as it should be, or is not found again */
	VERIFY_KINDS,
};

const char *verify_kind_text(enum verify_kind kind);

/* How a packet ended. */
enum verify_end { VERIFY_PASSED, VERIFY_DROPPED, VERIFY_ANSWERED_RESET, VERIFY_ANSWERED_ICMP, VERIFY_NEVER };

const char *verify_end_text(enum verify_end end);

struct verify_finding {
	enum verify_kind kind;
	struct verify_case packet;
	int64_t at_s;
	bool queued;
	int32_t counter;          /* the last one the packet passed, or -1 */
	enum verify_end end;      /* what the kernel makes of it */
	struct decision expected; /* what the policy says; its names are the engine's */
	uint64_t count;           /* findings of the same kind, counter and reason */
};

/* Everything known of one case, for those who want to see them all. */
struct verify_seen {
	struct verify_case packet;
	bool queued;
	int32_t counter;
	enum verify_end end;      /* at the first date looked at */
	struct decision expected; /* likewise */
};

struct verify_options {
	int64_t now_s;        /* looked at when the policy has no date, or at_only */
	bool at_only;         /* no other date */
	uint64_t packets_max; /* 0: VERIFY_PACKETS_MAX */
	void (*each)(void *context, const struct verify_seen *seen); /* may be NULL */
	void *each_context;
};

struct verify_report {
	uint64_t source_classes, target_classes; /* both families */
	uint64_t ranges; /* of addresses between two boundaries, which the classes stand for */
	uint64_t interfaces, forms, dates;
	bool dates_walked; /* too many for all: each packet was judged at those that decide() named */
	uint64_t pairs, pairs_seen; /* of a source and a target class; fewer were seen when sampled */
	uint64_t packets;           /* looked at, each at every date */
	uint64_t settled, queued;
	uint64_t tolerated[VERIFY_LIMITS];
	uint64_t disagreements;
	struct verify_finding findings[VERIFY_FINDINGS_MAX]; /* one of each sort */
	size_t finding_count;
	void *memory; /* what the findings borrow */
};

/*
 * Compares. ruleset may be any, also one that was not made from this policy; engine: made from it. All three must
 * outlive the report. 0 with *ret filled (free it with verify_report_free), or -ENOMEM.
 */
int verify_run(const struct policy *policy, const struct ruleset *ruleset, const struct engine *engine,
	       const struct verify_options *options, struct verify_report *ret);
void verify_report_free(struct verify_report *report);

/* "198.51.100.1 -> 203.0.113.9 on ppp0: TCP to port 25, SYN". */
void verify_case_text(const struct verify_case *packet, char out[VERIFY_CASE_TEXT_MAX]);
/* The bytes of the packet with its addresses, without checksums. Returns their number. */
size_t verify_case_bytes(const struct verify_case *packet, uint8_t out[VERIFY_FORM_BYTES]);
/* "new", "established", "untracked"...: a word of nft's language; "invalid" also for no conntrack at all. */
const char *verify_ct_text(uint32_t ct_state);

#endif
