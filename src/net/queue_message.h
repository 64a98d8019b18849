/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue's messages as pure functions of bytes, so that tests and fuzzers reach them without a kernel. */
#ifndef OP25B_NET_QUEUE_MESSAGE_H
#define OP25B_NET_QUEUE_MESSAGE_H

#include "net/queue.h"

enum queue_message_kind {
	QUEUE_MESSAGE_PACKET,
	QUEUE_MESSAGE_ACK,   /* a request of ours succeeded */
	QUEUE_MESSAGE_ERROR, /* a request of ours failed */
	QUEUE_MESSAGE_OTHER, /* nothing that wants an answer */
};

/*
 * Reads one datagram of the netlink socket: len bytes, aligned as netlink has it (4), borrowed; ret->payload points
 * into it. For a packet *ret is written whole, also when the message is cut behind the packet id. *ret_error is the
 * negative errno of an error message.
 */
enum queue_message_kind queue_message_parse(const void *bytes, size_t len, struct queue_packet *ret,
					    int *ret_error);

/* The longest verdict message: header, family header, verdict header, mark. */
enum { QUEUE_VERDICT_BYTES = 16 + 4 + 12 + 8 };

/*
 * Encodes verdicts in as few messages as it takes: one a run of equal answer and mark (a batch verdict up to the run's
 * last id, or a single one), or where runs are short the rarer ones singly and then one batch verdict for the rest.
 * memory: at least count * QUEUE_VERDICT_BYTES bytes, aligned to 4. Returns the bytes written;
 * *ret_messages, if not NULL, is how many messages they are.
 */
size_t queue_message_verdicts(uint16_t number, const struct queue_verdict *verdicts, size_t count,
			      void *memory, size_t *ret_messages);

/* Marks requests whose answer is told apart from others' (nlmsg_seq). */
enum queue_sequence {
	QUEUE_SEQUENCE_AGAIN =
		0x25b1, /* a verdict that may have been given before: an error means that it was */
	QUEUE_SEQUENCE_ORPHAN = 0x25b2, /* a verdict of which the kernel tells whether there was a packet */
	QUEUE_SEQUENCE_FAIL = 0x10000,  /* configurations that set the fail mode are numbered from here on */
};

/* One verdict that the kernel acknowledges; returns its bytes, at most QUEUE_VERDICT_BYTES. */
size_t queue_message_orphan(uint16_t number, uint32_t id, enum queue_answer answer, void *memory);
/* The batch verdict for all ids up to the given one, marked QUEUE_SEQUENCE_AGAIN. */
size_t queue_message_up_to(uint16_t number, uint32_t id, enum queue_answer answer, void *memory);
/* Marks every message in len bytes. */
void queue_message_mark(void *messages, size_t len, enum queue_sequence sequence);
/* Of a message of kind ACK or ERROR: what its request was marked with, 0: nothing. */
uint32_t queue_message_sequence(const void *bytes, size_t len);

#endif
