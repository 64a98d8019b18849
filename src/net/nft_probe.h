/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this kernel's nf_tables can do. Each ability is tried in a transaction that is never ended, so the kernel checks
 * it as it would a real one, and changes nothing (it may load a module). What hooks something into the network namespace is
 * tried in a namespace made for it, because taking a hook back drops the packets that wait for op25bd.
 */
#ifndef OP25B_NET_NFT_PROBE_H
#define OP25B_NET_NFT_PROBE_H

#include "net/nft.h"

enum { NFT_ABILITIES = 15 };

struct nft_ability {
	const char *name;    /* one word, for scripts: "nft-queue" */
	const char *meaning; /* for people; static text */
	const char *used;    /* what the rules want it for, NULL: not used by them; static text */
	bool needed;         /* without it a ruleset of ours cannot be loaded */
	int error;           /* 0: it is there; else the kernel's -errno */
	bool unknown; /* not tried, because a network namespace for it cannot be made: error says why */
};

struct nft_abilities {
	struct nft_ability items[NFT_ABILITIES];
	bool can_queue;
	enum nft_queue_form queue; /* the form that apply takes, if it can queue at all */
	bool complete;             /* all that is needed is there */
	bool bridge;               /* and for family = bridge, too */
};

/* 0, -EPERM without CAP_NET_ADMIN, or another -errno of netlink itself. */
int nft_probe(struct nft_abilities *ret);

#endif
