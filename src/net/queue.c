/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue_holder.h"
#include "net/queue_state.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	ACK_WAIT_MS = 2000,
	SEND_TRIES = 2000, /* with SEND_PAUSE_NS between them: two seconds without memory in the kernel */
	SEND_PAUSE_NS = 1000000,
};

struct nlmsghdr *queue_config_begin(char *memory, uint16_t number)
{
	memset(memory, 0, CONFIG_BYTES);
	return nfq_nlmsg_put(memory, NFQNL_MSG_CONFIG, number);
}

int queue_config_send(struct queue *queue, struct nlmsghdr *header)
{
	if (mnl_socket_sendto(queue->socket, header, header->nlmsg_len) < 0)
		return -errno;
	return 0;
}

/* Numbers the message, so that its answer is known among others. */
void queue_fail_ask(struct queue *queue, struct nlmsghdr *header, bool open)
{
	uint32_t number = (atomic_load(&queue->fail_asked) >> 1) + 1;

	if (number < QUEUE_SEQUENCE_FAIL)
		number = QUEUE_SEQUENCE_FAIL;
	atomic_store(&queue->fail_error, 0);
	atomic_store(&queue->fail_asked, number << 1 | open);
	header->nlmsg_seq = number;
	header->nlmsg_flags |= NLM_F_ACK;
}

/* What the kernel says of a message that set the fail mode. */
static void note_fail_answer(struct queue *queue, uint32_t number, int error)
{
	if (number != atomic_load(&queue->fail_asked) >> 1)
		return;
	if (error == 0)
		atomic_store(&queue->fail_acknowledged, number);
	atomic_store(&queue->fail_error, error);
}

/*
 * The kernel answers a configuration before send() returns; packets may lie before that answer only when the queue
 * was bound before. Looks without taking: packets stay for queue_receive().
 */
static int wait_for_ack(struct queue *queue)
{
	_Alignas(8) uint8_t bytes[MESSAGE_BYTES];
	struct pollfd wait = {.fd = mnl_socket_get_fd(queue->socket), .events = POLLIN};
	struct queue_packet packet;
	int error = 0;
	ssize_t n;

	if (poll(&wait, 1, ACK_WAIT_MS) != 1)
		return -ETIMEDOUT;
	n = recv(wait.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == ENOBUFS ? 0 : -errno;
	switch (queue_message_parse(bytes, (size_t)n, &packet, &error)) {
	case QUEUE_MESSAGE_ACK:
	case QUEUE_MESSAGE_ERROR:
		(void)recv(wait.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		note_fail_answer(queue, queue_message_sequence(bytes, (size_t)n), error);
		return error;
	default:
		return 0;
	}
}

void queue_config_put(struct nlmsghdr *header, const struct queue_config *config)
{
	uint32_t mask = NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO;
	uint32_t flags = NFQA_CFG_F_GSO | (config->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);

	nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, QUEUE_COPY_RANGE);
	nfq_nlmsg_cfg_put_qmaxlen(header, config->maxlen);
	mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(mask));
}

/* One message for everything: no packet can come before the flags and lengths are in force. */
static int bind_queue(struct queue *queue, const struct queue_config *config)
{
	char memory[CONFIG_BYTES];
	struct nlmsghdr *header = queue_config_begin(memory, config->number);
	int r;

	nfq_nlmsg_cfg_put_cmd(header, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	queue_config_put(header, config);
	queue_fail_ask(queue, header, config->fail_open);
	r = queue_config_send(queue, header);
	return r < 0 ? r : wait_for_ack(queue);
}

void queue_buffer_set(const struct queue *queue, uint32_t bytes)
{
	int value = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
	int fd = mnl_socket_get_fd(queue->socket);

	/* FORCE goes beyond net.core.rmem_max and needs CAP_NET_ADMIN in the first user namespace. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof(value)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
}

struct queue *queue_new(uint16_t number)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->number = number;
	for (size_t i = 0; i < QUEUE_BATCH_MAX; i++) {
		queue->vectors[i] = (struct iovec){.iov_base = queue->messages[i], .iov_len = MESSAGE_BYTES};
		queue->headers[i].msg_hdr.msg_iov = &queue->vectors[i];
		queue->headers[i].msg_hdr.msg_iovlen = 1;
	}
	return queue;
}

/* The kernel says EPERM both to a process without the capability and to the second holder: /proc tells which. */
static int explain_failure(uint16_t number, int error, char text[QUEUE_ERROR_TEXT_MAX])
{
	CLEANUP_CLOSE int fd = queue_kernel_open();
	struct queue_kernel kernel;
	struct queue_holder holder;

	if (error == -EPERM || error == -EBUSY) {
		if (fd >= 0 && queue_kernel_get(fd, number, &kernel) == 0) {
			queue_holder_find(kernel.portid, &holder);
			if (holder.process)
				snprintf(text, QUEUE_ERROR_TEXT_MAX, "queue %u is taken by process %d (%s)",
					 number, holder.process, holder.name);
			else
				snprintf(
					text, QUEUE_ERROR_TEXT_MAX,
					"queue %u is taken by netlink port %u, a process that cannot be seen",
					number, kernel.portid);
			return -EBUSY;
		}
		snprintf(text, QUEUE_ERROR_TEXT_MAX, "queue %u cannot be bound: %s", number,
			 fd >= 0 ? "CAP_NET_ADMIN is missing" : "it is taken, or CAP_NET_ADMIN is missing");
		return error;
	}
	snprintf(text, QUEUE_ERROR_TEXT_MAX, "queue %u cannot be bound: %s", number, strerror(-error));
	return error;
}

static int open_socket(struct queue *queue, const struct queue_config *config)
{
	queue->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!queue->socket)
		return -errno;
	if (mnl_socket_bind(queue->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	queue_buffer_set(queue, config->receive_buffer);
	return bind_queue(queue, config);
}

int queue_open(const struct queue_config *config, struct queue **ret, char error[QUEUE_ERROR_TEXT_MAX])
{
	struct queue *queue = queue_new(config->number);
	char unwanted[QUEUE_ERROR_TEXT_MAX];
	int r = queue ? open_socket(queue, config) : -ENOMEM;

	if (r < 0) {
		r = explain_failure(config->number, r, error ? error : unwanted);
		queue_close(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->socket)
		mnl_socket_close(queue->socket);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return mnl_socket_get_fd(queue->socket);
}

uint16_t queue_number(const struct queue *queue)
{
	return queue->number;
}

static int receive_messages(struct queue *queue, size_t max)
{
	for (;;) {
		int n = recvmmsg(queue_fd(queue), queue->headers, (unsigned)max, MSG_DONTWAIT, NULL);

		if (n >= 0)
			return n;
		if (errno == ENOBUFS)
			queue->counters.overruns++;
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
}

static void note_id(struct queue *queue, uint32_t id)
{
	uint32_t step = id - queue->last_id;

	/* The first id is no gap: the queue may have had another holder. */
	if (queue->first_seen && step > 1 && step < UINT32_C(1) << 31)
		queue->counters.lost_ids += step - 1;
	queue->first_seen = true;
	queue->last_id = id;
}

/* What the kernel says to a verdict, or a configuration, that it was sent. */
static void take_reply(struct queue *queue, size_t i, int error)
{
	uint32_t sequence = queue_message_sequence(queue->messages[i], queue->headers[i].msg_len);

	if (sequence == QUEUE_SEQUENCE_ORPHAN)
		queue->counters.orphaned += error == 0;
	else if (sequence == 0)
		queue->counters.verdict_errors += error != 0;
	else if (sequence >= QUEUE_SEQUENCE_FAIL)
		note_fail_answer(queue, sequence, error);
}

static bool take_message(struct queue *queue, size_t i, struct queue_packet *packet)
{
	int error = 0;

	switch (queue_message_parse(queue->messages[i], queue->headers[i].msg_len, packet, &error)) {
	case QUEUE_MESSAGE_PACKET:
		if (queue->orphans.due)
			queue_orphans_answer(queue, packet->id - 1);
		note_id(queue, packet->id);
		queue->counters.messages++;
		return true;
	case QUEUE_MESSAGE_ACK:
	case QUEUE_MESSAGE_ERROR:
		take_reply(queue, i, error);
		return false;
	case QUEUE_MESSAGE_OTHER:
		queue->counters.not_parsed++;
		return false;
	default:
		return false;
	}
}

int queue_receive(struct queue *queue, struct queue_packet *packets, size_t max)
{
	int n, count = 0;

	do {
		n = receive_messages(queue, max < QUEUE_BATCH_MAX ? max : QUEUE_BATCH_MAX);
		for (int i = 0; i < n; i++)
			if (take_message(queue, (size_t)i, &packets[count]))
				count++;
	} while (n > 0 && count == 0);
	if (n == 0 && count == 0 && queue->orphans.due && queue->orphans.end_known) {
		queue_orphans_answer(queue, queue->orphans.until);
		/* What the kernel says to that is there, and this may be the last look. */
		return queue_receive(queue, packets, max);
	}
	return n < 0 ? n : count;
}

/* Errors that pass: no memory at this moment, a signal. */
static bool send_may_pass(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == EAGAIN || error == EINTR;
}

int queue_verdicts_send(struct queue *queue, const uint8_t *bytes, size_t len)
{
	const struct timespec pause = {.tv_nsec = SEND_PAUSE_NS};

	for (int tries = 0; tries < SEND_TRIES; tries++) {
		if (mnl_socket_sendto(queue->socket, bytes, len) >= 0)
			return 0;
		if (!send_may_pass(errno))
			return -errno;
		queue->counters.send_retries++;
		if (errno != EINTR)
			nanosleep(&pause, NULL);
	}
	return -ENOBUFS;
}

int queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count, size_t *ret_sent)
{
	size_t sent = 0;
	int r = 0;

	while (sent < count) {
		size_t part = count - sent < QUEUE_BATCH_MAX ? count - sent : QUEUE_BATCH_MAX;
		size_t len =
			queue_message_verdicts(queue->number, verdicts + sent, part, queue->verdicts, NULL);

		r = queue_verdicts_send(queue, queue->verdicts, len);
		if (r < 0)
			break;
		sent += part;
	}
	*ret_sent = sent;
	return r;
}

int queue_stop_intake(struct queue *queue)
{
	char memory[CONFIG_BYTES];
	struct nlmsghdr *header = queue_config_begin(memory, queue->number);

	nfq_nlmsg_cfg_put_qmaxlen(header, 0);
	return queue_config_send(queue, header);
}

int queue_set_fail_open(struct queue *queue, bool fail_open)
{
	char memory[CONFIG_BYTES];
	struct nlmsghdr *header = queue_config_begin(memory, queue->number);

	mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(fail_open ? NFQA_CFG_F_FAIL_OPEN : 0));
	mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
	queue_fail_ask(queue, header, fail_open);
	return queue_config_send(queue, header);
}

void queue_fail_get(const struct queue *queue, struct queue_fail *ret)
{
	uint32_t asked = atomic_load(&queue->fail_asked);

	*ret = (struct queue_fail){.open = asked & 1,
				   .acknowledged =
					   asked != 0 && atomic_load(&queue->fail_acknowledged) == asked >> 1,
				   .error = atomic_load(&queue->fail_error)};
}

void queue_counters_get(const struct queue *queue, struct queue_counters *ret)
{
	*ret = queue->counters;
}
