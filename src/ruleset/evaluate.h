/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel would do with a packet under a ruleset, worked out from the model: the other half of the proof that
 * kernel and engine agree.
 */
#ifndef OP25B_RULESET_EVALUATE_H
#define OP25B_RULESET_EVALUATE_H

#include "ruleset/model.h"

/* A source that stands in a learned set. */
struct ruleset_learned {
	uint32_t set; /* index into ruleset.live */
	struct addr key;
};

/* What the daemon, and the rules themselves, have put into sets and maps. */
struct ruleset_offload {
	unsigned generation; /* in force */
	const struct ruleset_learned *learned;
	size_t count;
	bool all;  /* every source stands in every set */
	bool full; /* no set takes another source */
};

/* A packet as nf_tables sees it in the forward hook. Host byte order. */
struct ruleset_packet {
	struct addr src, dst;
	uint8_t l4proto;
	uint8_t tcp_flags;
	bool has_l4proto; /* false: the IPv6 header chain cannot be walked to its end */
	bool has_dport; /* TCP, and 4 bytes of what follows the IP header are there: of a later fragment, too */
	bool has_sport;      /* likewise, 2 bytes */
	bool has_flags;      /* likewise, 14 bytes */
	bool has_whole;      /* likewise, all 20 bytes of a header without options */
	uint8_t tcp_doff;    /* where has_flags: the header's length in units of 4 bytes */
	uint16_t tcp_urgent; /* where has_whole: the urgent pointer */
	bool ct_known;       /* conntrack has an entry for it */
	bool ct_reply;
	bool frag6; /* has an IPv6 fragment header */
	uint16_t sport, dport;
	uint16_t frag4;        /* the IPv4 flags and offset field */
	uint16_t frag6_offset; /* in units of 8 bytes */
	uint32_t ct_state;     /* one of enum ruleset_ct_state */
	uint32_t mark;
	const char *interface;                 /* it arrived on */
	const struct ruleset_offload *offload; /* NULL: the daemon's maps are empty, and nothing is learned */
};

enum ruleset_outcome {
	RULESET_ACCEPTED, /* by this base chain */
	RULESET_QUEUED,
	RULESET_RESET,
	RULESET_ICMP,
	RULESET_DROPPED,
	RULESET_ENDLESS, /* the chains run in a circle: never for what ruleset_build() made */
};

struct ruleset_result {
	enum ruleset_outcome outcome;
	int32_t counter; /* index of the last counter it passed, -1 for none */
	uint32_t mark;   /* when it left */
	bool learns;     /* its source was added: */
	struct ruleset_learned learned;
};

/* Runs the packet through one base chain. */
struct ruleset_result ruleset_evaluate(const struct ruleset *ruleset, uint32_t chain,
				       const struct ruleset_packet *packet);
/* The index of a chain, or -1. */
int32_t ruleset_find_chain(const struct ruleset *ruleset, const char *name);

#endif
