/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One NFQUEUE: bound, read in batches, answered in batches. This is the only place that knows the queue's netlink
 * messages. Two promises rest here: a message that carries a packet id is always handed on, whatever else is wrong
 * with it, so that its packet gets a verdict; and nothing the kernel does to us (lost messages, full buffers, a
 * flushed queue) ends the reading.
 */
#ifndef OP25B_NET_QUEUE_H
#define OP25B_NET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUEUE_BATCH_MAX = 256,  /* messages read by one call */
	QUEUE_COPY_RANGE = 512, /* bytes of a packet that are copied: IPv6 header chains, and no more */
	QUEUE_MAXLEN = 4096,    /* packets that may wait for a verdict */
	QUEUE_RECEIVE_BUFFER = 16 << 20, /* room for QUEUE_MAXLEN messages as the kernel counts them */
	QUEUE_ERROR_TEXT_MAX = 160,
};

struct queue_config {
	uint16_t number;
	bool fail_open;          /* what does not fit is let through instead of dropped */
	uint32_t maxlen;         /* packets */
	uint32_t receive_buffer; /* bytes */
};

/* One packet of the queue. payload is borrowed: valid until the next queue_receive() of the same queue. */
struct queue_packet {
	uint32_t id;
	uint32_t ifindex_in; /* of a bridge the port; 0: unknown */
	uint32_t mark;
	uint32_t wire_len;      /* bytes before the copy was cut, at least len */
	uint32_t len;           /* bytes at payload */
	const uint8_t *payload; /* NULL: the message has none, and the packet cannot be judged */
	int64_t time_ns;        /* when the packet arrived, wall clock; 0: the kernel does not say */
};

enum queue_answer {
	QUEUE_DROP = 0,   /* NF_DROP */
	QUEUE_ACCEPT = 1, /* NF_ACCEPT */
};

struct queue_verdict {
	uint32_t id;
	uint32_t mark;  /* 0: leave the packet's mark as it is */
	uint8_t answer; /* enum queue_answer */
};

/* What the socket met so far; owned by the thread that uses the queue. */
struct queue_counters {
	uint64_t messages; /* packets handed on by queue_receive() */
	uint64_t overruns; /* ENOBUFS: the socket's buffer was full */
	uint64_t
		lost_ids; /* ids that never came: the kernel could not deliver them, and applied its fail mode */
	uint64_t not_parsed; /* messages without a packet id: there is nothing to answer */
	uint64_t
		verdict_errors; /* verdicts the kernel had no packet for (an interface went down, the queue was flushed) */
	uint64_t send_retries;
	uint64_t orphaned; /* of an adopted queue: answered by the fail mode, see queue_adopt() */
};

struct queue;

/*
 * Opens and binds a queue. Returns 0 with *ret owned by the caller (queue_close); -EBUSY: somebody else holds it;
 * -EPERM: no CAP_NET_ADMIN; other -errno. On failure *ret is untouched and error, if not NULL, says what failed
 * in words (who holds the queue, as the kernel knows it).
 */
int queue_open(const struct queue_config *config, struct queue **ret, char error[QUEUE_ERROR_TEXT_MAX]);

/* What the last reader of a queue has left of what it knew. */
struct queue_heritage {
	bool known;       /* the rest means something */
	uint32_t last_id; /* up to this one every packet has its verdict, or gets it from the following */
	const struct queue_verdict
		*verdicts; /* borrowed; may have been sent, and are sent again: that does no harm */
	size_t count;      /* <= QUEUE_BATCH_MAX */
};

/*
 * Goes on with a queue that another process bound: fd is its socket, and becomes the queue's; it stays the caller's on
 * failure. kernel_fd: queue_kernel_open()'s or negative. Packets that wait in the socket are read as ever. Those that the other
 * process had read and never answered only the kernel knows: as soon as the first id of this reader tells where they end, they
 * get the fail mode of config, each by itself, so that those which were answered after all are not counted as orphaned.
 * -ENOTSOCK: no such socket; -ESTALE: it does not hold that queue any more.
 */
int queue_adopt(int fd, const struct queue_config *config, int kernel_fd,
		const struct queue_heritage *heritage, struct queue **ret);

/* Unbinds: the kernel drops what still waits, so drain first. NULL is fine. */
void queue_close(struct queue *queue);

/* For poll(); readable when packets wait. Stays the queue's. */
int queue_fd(const struct queue *queue);
uint16_t queue_number(const struct queue *queue);

/*
 * Reads what is there, at most max packets (max <= QUEUE_BATCH_MAX), without waiting. Returns how many were put
 * into packets, in ascending id order; 0 when nothing waits; -errno when the socket is unusable. Lost messages and interrupted calls are counted and survived.
 */
int queue_receive(struct queue *queue, struct queue_packet *packets, size_t max);

/*
 * Answers packets: verdicts in the order in which queue_receive() gave the ids, with no id left out, because a batch
 * verdict covers all ids up to its own. 0, or -errno when the kernel takes no verdicts any more, with *ret_sent how
 * many were taken.
 */
int queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count, size_t *ret_sent);

/*
 * Lets no further packet in: each gets the fail mode at once, while those that wait still can be answered. The
 * first step of a stop. 0 or -errno.
 */
int queue_stop_intake(struct queue *queue);

/* Changes what becomes of packets that do not fit. May be called from another thread than the queue's. 0 or -errno. */
int queue_set_fail_open(struct queue *queue, bool fail_open);

/*
 * What is known of that. The kernel shows a queue's flags nowhere; but it answers the message that sets them, and refuses
 * what it does not know. So an acknowledgement is the proof.
 */
struct queue_fail {
	bool open;         /* as asked for last */
	bool acknowledged; /* the kernel has said that this is in force */
	int error;         /* or its refusal, -errno; 0: none */
};

/* May be called from any thread. */
void queue_fail_get(const struct queue *queue, struct queue_fail *ret);

void queue_counters_get(const struct queue *queue, struct queue_counters *ret);

/* What the kernel says of a queue (/proc/net/netfilter/nfnetlink_queue). */
struct queue_kernel {
	uint32_t portid;  /* netlink port of the holder; often, not always, its process id */
	uint32_t waiting; /* packets without a verdict */
	uint32_t copy_mode;
	uint32_t copy_range;
	uint32_t queue_dropped; /* the queue was full */
	uint32_t user_dropped;  /* the holder's socket buffer was full */
	uint32_t id_sequence;   /* the last id given */
};

/*
 * Opens that file; the kernel shows it to root and to group root only. A process that may not open it uses its
 * standard input when that is the file (the unit hands it over so). Returns a descriptor of the caller's or -errno.
 */
int queue_kernel_open(void);
/* 0, -ENOENT (nobody is bound to this queue), -errno of reading. fd is queue_kernel_open()'s and may be read again. */
int queue_kernel_get(int fd, uint16_t number, struct queue_kernel *ret);
/* The same from one line of that file; false when it is another queue's or no such line. */
bool queue_kernel_parse(const char *line, uint16_t number, struct queue_kernel *ret);

#endif
