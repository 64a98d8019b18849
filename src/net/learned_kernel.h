/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to net/: what learned.c and learned_read.c share. */
#ifndef OP25B_NET_LEARNED_KERNEL_H
#define OP25B_NET_LEARNED_KERNEL_H

#include "net/nft_batch.h"

/* One element of a set. */
struct learned_element {
	struct addr addr;
	uint64_t packets;
};

struct learned_kernel {
	uint8_t family; /* NFPROTO_* */
	struct nft_socket
		nft; /* open during a call only: what an interrupted one left in it, the next one never sees */
	/* Own changes without another's between them: learned_generation_ids(). */
	bool changed;
	uint32_t first_id, last_id;
	/* Of the set that is being read; kept for the next one. */
	struct learned_element *elements;
	size_t count, capacity;
};

#endif
