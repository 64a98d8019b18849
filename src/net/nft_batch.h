/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to net/: a transaction under construction, and its way to the kernel and back. Every message remembers what
 * it is about, so that a refusal can be named.
 */
#ifndef OP25B_NET_NFT_BATCH_H
#define OP25B_NET_NFT_BATCH_H

#include "net/nft.h"

#include <libmnl/libmnl.h>

enum {
	NFT_MESSAGE_MAX =
		160 * 1024, /* room kept for one message: 64 KB of elements and what may be written beyond */
};

/* What a message is about. The texts are borrowed until the batch is freed. */
struct nft_note {
	const char *what; /* "chain", "rule of chain", ... */
	const char *name;
	size_t number; /* of the rule, from 1; 0: none */
	size_t offset; /* of the message in the batch */
};

struct nft_batch {
	uint8_t family;      /* NFPROTO_*, of the messages to come */
	uint32_t generation; /* of the rulesets that it is to change; 0: any */
	uint8_t *data;
	size_t len, capacity;
	struct nft_note *notes; /* of sequence number first_seq + i */
	size_t note_count, note_capacity;
	uint32_t first_seq;
	size_t last_at;    /* where the last message stands */
	uint32_t last_seq; /* its number: it alone is answered when all went well */
	bool commits;      /* it has an end, so the kernel does not only try it */
	bool failed;       /* memory has run out */
};

struct nft_socket {
	struct mnl_socket *mnl;
	uint32_t seq;
};

/* NFPROTO_* */
uint8_t nft_family(enum policy_family family);

int nft_socket_open(struct nft_socket *nft);
void nft_socket_close(struct nft_socket *nft);

/* Sends one request and hands each message of its answer to the callback. 0 or -errno; -EINTR: what came is not whole, and
 * must be asked for again, with another socket. */
int nft_socket_request(struct nft_socket *nft, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/*
 * Begins a transaction about tables of the family (NFPROTO_*) that is refused (-ERESTART) if the rulesets are no longer of this generation; 0: any.
 * 0 or -ENOMEM; free with nft_batch_free() in any case.
 */
int nft_batch_begin(struct nft_batch *batch, struct nft_socket *nft, uint8_t family, uint32_t generation);
/* A new message of the batch, never NULL; the room behind it is NFT_MESSAGE_MAX bytes. Finish it before the next. */
struct nlmsghdr *nft_batch_message(struct nft_batch *batch, struct nft_socket *nft, uint16_t type,
				   uint16_t flags, const struct nft_note *note);
void nft_batch_finish(struct nft_batch *batch, const struct nlmsghdr *message);
/* Asks for an answer to the last message, and ends the transaction; without an end (commit false) the kernel only
 * tries it. 0, or -ENOMEM when memory ran out on the way. */
int nft_batch_end(struct nft_batch *batch, struct nft_socket *nft, bool commit);
void nft_batch_free(struct nft_batch *batch);

/*
 * Sends it and reads the answers. 0 or the first refusal as -errno, named in error, and nothing was changed. When the
 * answer was lost: -EAGAIN if nothing was changed, -ENOBUFS if that is not known.
 */
int nft_batch_send(const struct nft_batch *batch, struct nft_socket *nft, char error[NFT_ERROR_MAX]);
/* Whether such an answer says that somebody came between, or was lost: to read and send all again, with another socket,
 * may help, and does no harm. */
bool nft_try_again(int r);

#endif
