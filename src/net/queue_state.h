/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a queue is made of, for the files that make one: queue.c binds it anew, queue_adopt.c takes it over. */
#ifndef OP25B_NET_QUEUE_STATE_H
#define OP25B_NET_QUEUE_STATE_H

#include "net/queue_message.h"

#include <libmnl/libmnl.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum {
	MESSAGE_BYTES = QUEUE_COPY_RANGE + 512, /* the attributes beside the payload take less than 300 */
	CONFIG_BYTES = 256,
};

/* Packets that died in another process's hands. */
struct orphans {
	bool due;       /* not answered yet */
	bool known;     /* after is */
	uint32_t after; /* the last id before them */
	bool end_known; /* until is */
	uint32_t until; /* the last id that the kernel had given when the queue was taken over */
	enum queue_answer answer;
};

struct queue {
	struct mnl_socket *socket;
	uint16_t number;
	/* The last message that set the fail mode (its number twice, and the mode), the last one that was acknowledged, and a
	 * refusal. Asked by one thread, answered in the queue's own. */
	_Atomic uint32_t fail_asked, fail_acknowledged;
	atomic_int fail_error;
	bool first_seen;
	uint32_t last_id;
	struct orphans orphans;
	struct queue_counters counters;
	struct mmsghdr headers[QUEUE_BATCH_MAX];
	struct iovec vectors[QUEUE_BATCH_MAX];
	_Alignas(8) uint8_t messages[QUEUE_BATCH_MAX][MESSAGE_BYTES];
	_Alignas(8) uint8_t verdicts[QUEUE_BATCH_MAX * QUEUE_VERDICT_BYTES];
};

/* NULL without memory; it has no socket yet. */
struct queue *queue_new(uint16_t number);
/* Begins a configuration, of at least CONFIG_BYTES. */
struct nlmsghdr *queue_config_begin(char *memory, uint16_t number);
/* Adds everything that makes a queue ours but the binding. */
void queue_config_put(struct nlmsghdr *header, const struct queue_config *config);
/* Lets this configuration's answer tell whether its fail mode is in force. Before it is sent. */
void queue_fail_ask(struct queue *queue, struct nlmsghdr *header, bool open);
int queue_config_send(struct queue *queue, struct nlmsghdr *header);
void queue_buffer_set(const struct queue *queue, uint32_t bytes);
/* Sends verdicts, waiting for the kernel to have memory for them: 0 or -errno. */
int queue_verdicts_send(struct queue *queue, const uint8_t *bytes, size_t len);

/* The packets of another process that stand before this id of ours get their verdict. */
void queue_orphans_answer(struct queue *queue, uint32_t last_id);

#endif
