/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_peer MODE QUEUE: what others do with an NFQUEUE, to measure op25bd against. No policy, no records; every packet
 * gets the same verdict, but for the mixed mode.
 *
 *	classic-drop, classic-accept   libnetfilter_queue's documented loop: recv, nfq_handle_packet, nfq_set_verdict
 *	bare-drop, bare-accept         the least that a process can do: recvmmsg of 256 and one batch verdict for all
 *	gather-drop, gather-accept     the same with a pause of 200 microseconds after each
 *	gather-mixed                   the same, but every second packet is dropped, which takes a verdict of its own
 *
 * Ends at SIGTERM and prints how many packets it answered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	QUEUE_LENGTH = 4096,
	COPY_RANGE = 128,
	RECEIVE_BUFFER = 16 << 20,
	BATCH = 256,
	MESSAGE_BYTES = 1024,
	CLASSIC_BYTES = 65536,
	CONFIG_BYTES = 512,
	VERDICT_BYTES = 64,
};

struct mode {
	uint32_t verdict;
	bool gather, mixed;
};

static volatile sig_atomic_t ended;
static uint64_t answered;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void end_at_sigterm(void)
{
	struct sigaction action = {.sa_handler = end}; /* no SA_RESTART: it shall end a waiting recv() */

	sigaction(SIGTERM, &action, NULL);
}

static void force_buffer(int fd)
{
	int bytes = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		perror("SO_RCVBUFFORCE");
}

/* ---- the documented loop ---- */

static int answer_one(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *data,
		      void *verdict)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);

	(void)message;
	answered++;
	return nfq_set_verdict(queue, header ? ntohl(header->packet_id) : 0, *(const uint32_t *)verdict, 0,
			       NULL);
}

static int run_classic(uint16_t number, uint32_t verdict)
{
	static char buffer[CLASSIC_BYTES] __attribute__((aligned));
	struct nfq_handle *handle = nfq_open();
	struct nfq_q_handle *queue = handle ? nfq_create_queue(handle, number, answer_one, &verdict) : NULL;

	if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, COPY_RANGE) < 0 ||
	    nfq_set_queue_maxlen(queue, QUEUE_LENGTH) < 0) {
		perror("nfq");
		return 1;
	}
	force_buffer(nfq_fd(handle));
	puts("ready");
	fflush(stdout);
	while (!ended) {
		ssize_t n = recv(nfq_fd(handle), buffer, sizeof(buffer), 0);

		if (n > 0)
			nfq_handle_packet(handle, buffer, (int)n);
		else if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return 1;
	}
	nfq_destroy_queue(queue);
	nfq_close(handle);
	return 0;
}

/* ---- the least ---- */

static struct mnl_socket *bind_queue(uint16_t number)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	_Alignas(8) char memory[CONFIG_BYTES];
	struct nlmsghdr *header;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return NULL;
	force_buffer(mnl_socket_get_fd(socket));
	header = nfq_nlmsg_put(memory, NFQNL_MSG_CONFIG, number);
	nfq_nlmsg_cfg_put_cmd(header, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, COPY_RANGE);
	nfq_nlmsg_cfg_put_qmaxlen(header, QUEUE_LENGTH);
	return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? NULL : socket;
}

static uint32_t id_of(const uint8_t *message)
{
	const struct nlmsghdr *header = (const void *)message;
	const struct nlattr *attribute = mnl_nlmsg_get_payload_offset(header, sizeof(struct nfgenmsg));
	const struct nfqnl_msg_packet_hdr *packet = mnl_attr_get_payload(attribute);

	return ntohl(packet->packet_id); /* the kernel writes it first */
}

static size_t put_verdict(void *memory, int type, uint16_t number, uint32_t verdict, uint32_t id)
{
	struct nlmsghdr *header = nfq_nlmsg_put(memory, type, number);

	nfq_nlmsg_verdict_put(header, (int)id, (int)verdict);
	return header->nlmsg_len;
}

/* ids: of the `count` packets. All of it is one sendto(). */
static bool answer_batch(struct mnl_socket *socket, uint16_t number, const struct mode *mode,
			 const uint32_t *ids, size_t count)
{
	static _Alignas(8) char memory[BATCH * VERDICT_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < count && mode->mixed; i++)
		if (ids[i] % 2 == 0)
			len += put_verdict(memory + len, NFQNL_MSG_VERDICT, number, NF_DROP, ids[i]);
	if (!mode->mixed || ids[count - 1] % 2 != 0)
		len += put_verdict(memory + len, NFQNL_MSG_VERDICT_BATCH, number, mode->verdict,
				   ids[count - 1]);
	else if (count > 1)
		len += put_verdict(memory + len, NFQNL_MSG_VERDICT_BATCH, number, mode->verdict,
				   ids[count - 2]);
	return mnl_socket_sendto(socket, memory, len) >= 0;
}

static int run_bare(uint16_t number, const struct mode *mode)
{
	static uint8_t messages[BATCH][MESSAGE_BYTES] __attribute__((aligned));
	static struct mmsghdr headers[BATCH];
	static struct iovec vectors[BATCH];
	static uint32_t ids[BATCH];
	const struct timespec pause = {.tv_nsec = 200000};
	struct mnl_socket *socket = bind_queue(number);

	if (!socket) {
		perror("bind");
		return 1;
	}
	for (size_t i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){messages[i], MESSAGE_BYTES};
		headers[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	puts("ready");
	fflush(stdout);
	while (!ended) {
		int n = recvmmsg(mnl_socket_get_fd(socket), headers, BATCH, MSG_WAITFORONE, NULL);

		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return 1;
		if (n <= 0)
			continue;
		answered += (uint64_t)n;
		for (int i = 0; i < n; i++)
			ids[i] = id_of(messages[i]);
		if (!answer_batch(socket, number, mode, ids, (size_t)n))
			return 1;
		if (mode->gather)
			nanosleep(&pause, NULL);
	}
	mnl_socket_close(socket);
	return 0;
}

int main(int argc, char **argv)
{
	uint16_t number = argc == 3 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;
	struct mode mode = {.verdict = argc == 3 && strstr(argv[1], "-drop") ? NF_DROP : NF_ACCEPT,
			    .gather = argc == 3 && strncmp(argv[1], "gather-", 7) == 0,
			    .mixed = argc == 3 && strstr(argv[1], "-mixed")};
	int r = 2;

	end_at_sigterm();
	if (argc == 3 && strncmp(argv[1], "classic-", 8) == 0)
		r = run_classic(number, mode.verdict);
	else if (argc == 3 && (mode.gather || strncmp(argv[1], "bare-", 5) == 0))
		r = run_bare(number, &mode);
	else
		fputs("usage: queue_peer classic-drop|classic-accept|bare-drop|bare-accept|gather-drop|gather-accept|gather-mixed QUEUE\n",
		      stderr);
	if (r == 0)
		printf("%llu\n", (unsigned long long)answered);
	return r;
}
