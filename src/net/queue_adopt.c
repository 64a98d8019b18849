/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue that another process bound, and what that one has left undone. */
#include "net/queue_state.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/* Ids that are asked for one by one; a process holds QUEUE_BATCH_MAX at most, and ids of lost messages may lie between. */
	ORPHANS_MAX = 4096,
};

static bool is_our_kind(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_NETLINK)
		return false;
	len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == NETLINK_NETFILTER;
}

static int port_of(int fd, uint32_t *ret)
{
	struct sockaddr_nl address = {0};
	socklen_t len = sizeof(address);

	if (!is_our_kind(fd))
		return -ENOTSOCK;
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	*ret = address.nl_pid;
	return 0;
}

/* Where the kernel's file cannot be read it is taken on trust: who may hand over sockets may do worse. */
static int look_up(int fd, uint16_t number, int kernel_fd, struct orphans *orphans)
{
	struct queue_kernel kernel;
	uint32_t port = 0;
	int r = port_of(fd, &port);

	if (r < 0 || kernel_fd < 0)
		return r;
	r = queue_kernel_get(kernel_fd, number, &kernel);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : 0;
	if (kernel.portid != port)
		return -ESTALE;
	orphans->until = kernel.id_sequence;
	orphans->end_known = true;
	return 0;
}

/* Verdicts that may have been sent are sent once more: the kernel has no packet any more for those that were. */
static int answer_again(struct queue *queue, const struct queue_heritage *heritage)
{
	size_t len;

	if (heritage->count == 0)
		return 0;
	len = queue_message_verdicts(queue->number, heritage->verdicts, heritage->count, queue->verdicts,
				     NULL);
	queue_message_mark(queue->verdicts, len, QUEUE_SEQUENCE_AGAIN);
	return queue_verdicts_send(queue, queue->verdicts, len);
}

static int configure(struct queue *queue, const struct queue_config *config)
{
	char memory[CONFIG_BYTES];
	struct nlmsghdr *header = queue_config_begin(memory, config->number);

	queue_buffer_set(queue, config->receive_buffer);
	queue_config_put(header, config);
	queue_fail_ask(queue, header, config->fail_open);
	return queue_config_send(queue, header);
}

int queue_adopt(int fd, const struct queue_config *config, int kernel_fd,
		const struct queue_heritage *heritage, struct queue **ret)
{
	struct queue *queue = queue_new(config->number);
	int r;

	if (!queue)
		return -ENOMEM;
	queue->orphans = (struct orphans){
		.due = true,
		.known = heritage->known,
		.after = heritage->last_id,
		.answer = config->fail_open ? QUEUE_ACCEPT : QUEUE_DROP,
	};
	r = look_up(fd, config->number, kernel_fd, &queue->orphans);
	if (r == 0)
		queue->socket = mnl_socket_fdopen(fd);
	if (r == 0 && !queue->socket)
		r = -errno;
	if (r == 0)
		r = configure(queue, config);
	if (r == 0 && heritage->known)
		r = answer_again(queue, heritage);
	if (r < 0) {
		free(queue->socket); /* made by malloc(); the descriptor stays open */
		queue->socket = NULL;
		queue_close(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

void queue_orphans_answer(struct queue *queue, uint32_t last_id)
{
	struct orphans *orphans = &queue->orphans;
	uint32_t count = orphans->known ? last_id - orphans->after : last_id;
	uint32_t id;
	size_t len = 0;

	orphans->due = false;
	if (orphans->known && (count == 0 || count > UINT32_MAX / 2))
		return;
	count = count < ORPHANS_MAX ? count : ORPHANS_MAX;
	id = last_id - count + 1;
	for (uint32_t i = 0; i < count; i++, id++) {
		len += queue_message_orphan(queue->number, id, orphans->answer, queue->verdicts + len);
		if (len + QUEUE_VERDICT_BYTES <= sizeof(queue->verdicts) && i + 1 < count)
			continue;
		(void)queue_verdicts_send(queue, queue->verdicts, len);
		len = 0;
	}
	len = queue_message_up_to(queue->number, last_id, orphans->answer, queue->verdicts);
	(void)queue_verdicts_send(queue, queue->verdicts, len);
}
