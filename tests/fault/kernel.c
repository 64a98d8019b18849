/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"

#include "faults.h"
#include "net/queue.h"
#include "ruleset/marks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <net/if.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "learned_sets.h"

enum { QUEUES = 16, PACKETS = 1 << 18, IP_BYTES = 40 };

struct packet {
	struct kernel_packet facts;
	enum fate fate;
};

/* libmnl leaves it open what this is. */
struct mnl_socket {
	int fd; /* eventfd: readable while something waits */
	bool bound, fail_open, acknowledging;
	uint16_t number;
	uint32_t maxlen;
	size_t *ids; /* id - 1: which packet */
	size_t count, read, unanswered;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct packet *packets;
static struct mnl_socket *queues[QUEUES];
static struct kernel_account account;
static bool held;

static const char *const fate_names[FATES] = {"waiting", "unanswered", "accept",  "drop",
					      "reset",   "icmp",       "learned", "no-room"};

const char *kernel_fate_name(enum fate fate)
{
	return fate_names[fate];
}

void kernel_reset(void)
{
	fault_pause();
	if (!packets)
		packets = calloc(PACKETS, sizeof(*packets));
	if (!packets)
		abort();
	memset(packets, 0, account.packets * sizeof(*packets));
	account = (struct kernel_account){0};
	held = false;
	learned_sets_reset();
	fault_resume();
}

static void signal_readable(const struct mnl_socket *queue)
{
	const uint64_t one = 1;

	(void)!write(queue->fd, &one, sizeof(one));
}

static void clear_readable(const struct mnl_socket *queue)
{
	uint64_t count;

	(void)!read(queue->fd, &count, sizeof(count));
}

void kernel_hold(void)
{
	pthread_mutex_lock(&lock);
	held = true;
	pthread_mutex_unlock(&lock);
}

void kernel_release(void)
{
	fault_pause();
	pthread_mutex_lock(&lock);
	held = false;
	for (size_t i = 0; i < QUEUES; i++)
		if (queues[i] && queues[i]->read < queues[i]->count)
			signal_readable(queues[i]);
	pthread_mutex_unlock(&lock);
	fault_resume();
}

/* As `queue to jhash` spreads them; all of a source into one. */
static struct mnl_socket *queue_for(uint32_t src)
{
	size_t bound = 0, wanted;

	for (size_t i = 0; i < QUEUES; i++)
		bound += queues[i] && queues[i]->bound;
	wanted = bound > 0 ? src % bound : 0;
	for (size_t i = 0; i < QUEUES; i++)
		if (queues[i] && queues[i]->bound && wanted-- == 0)
			return queues[i];
	return NULL;
}

static void enqueue(struct mnl_socket *queue, size_t number)
{
	if (!queue || queue->unanswered >= queue->maxlen) {
		packets[number].fate = FATE_NO_ROOM;
		return;
	}
	queue->ids[queue->count++] = number;
	queue->unanswered++;
	account.queued++;
	packets[number].fate = FATE_WAITING;
	if (!held)
		signal_readable(queue);
}

size_t kernel_packet(const struct kernel_packet *packet)
{
	size_t number;

	fault_pause();
	pthread_mutex_lock(&lock);
	number = account.packets++;
	if (number >= PACKETS)
		abort();
	packets[number] = (struct packet){.facts = *packet};
	if (learned_sets_count(packet->src))
		packets[number].fate = FATE_LEARNED;
	else
		enqueue(queue_for(packet->src), number);
	pthread_mutex_unlock(&lock);
	fault_resume();
	return number;
}

enum fate kernel_fate(size_t packet)
{
	enum fate fate;

	pthread_mutex_lock(&lock);
	fate = packets[packet].fate;
	pthread_mutex_unlock(&lock);
	return fate;
}

struct kernel_account kernel_account(void)
{
	struct kernel_account copy;

	pthread_mutex_lock(&lock);
	copy = account;
	copy.learned = learned_sets_counted();
	pthread_mutex_unlock(&lock);
	return copy;
}

/* Packets to the daemon */

static void write_ip(const struct kernel_packet *packet, uint8_t ip[IP_BYTES])
{
	const uint32_t addresses[] = {htonl(packet->src), htonl(packet->dst)};

	memset(ip, 0, IP_BYTES);
	ip[0] = 0x45;
	ip[3] = IP_BYTES;
	ip[6] = 0x40;
	ip[8] = 63;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, addresses, sizeof(addresses));
	ip[20] = 0xc0;
	ip[21] = (uint8_t)packet->src;
	ip[22] = (uint8_t)(packet->port >> 8);
	ip[23] = (uint8_t)packet->port;
	ip[32] = 0x50;
	ip[33] = packet->tcp_flags;
}

static unsigned write_message(const struct packet *packet, uint32_t id, uint16_t number, void *memory)
{
	const struct nfqnl_msg_packet_hdr head = {.packet_id = htonl(id), .hw_protocol = htons(0x0800)};
	struct nlmsghdr *message = nfq_nlmsg_put(memory, NFQNL_MSG_PACKET, number);
	uint8_t ip[IP_BYTES];

	write_ip(&packet->facts, ip);
	mnl_attr_put(message, NFQA_PACKET_HDR, sizeof(head), &head);
	mnl_attr_put_u32(message, NFQA_IFINDEX_INDEV, htonl(packet->facts.ifindex));
	mnl_attr_put(message, NFQA_PAYLOAD, sizeof(ip), ip);
	return message->nlmsg_len;
}

static struct mnl_socket *queue_of(int fd)
{
	for (size_t i = 0; i < QUEUES; i++)
		if (queues[i] && queues[i]->fd == fd)
			return queues[i];
	return NULL;
}

static int give_packets(struct mnl_socket *queue, struct mmsghdr *messages, unsigned max)
{
	unsigned n = 0;

	while (!held && n < max && queue->read < queue->count) {
		struct packet *packet = &packets[queue->ids[queue->read]];

		packet->fate = FATE_READ;
		account.read++;
		queue->read++;
		messages[n].msg_len = write_message(packet, (uint32_t)queue->read, queue->number,
						    messages[n].msg_hdr.msg_iov->iov_base);
		n++;
	}
	if (held || queue->read == queue->count)
		clear_readable(queue);
	errno = EAGAIN;
	return n > 0 ? (int)n : -1;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned max, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned max, int flags, struct timespec *timeout)
{
	int error = fault_strikes(FAULT_RECVMMSG), n;

	(void)flags;
	(void)timeout;
	if (error != 0) {
		errno = error;
		return -1;
	}
	fault_pause();
	pthread_mutex_lock(&lock);
	n = give_packets(queue_of(fd), messages, max);
	pthread_mutex_unlock(&lock);
	error = errno;
	fault_resume();
	errno = error;
	return n;
}

/* The answer to a configuration, which wait_for_ack() looks at and takes. */
static ssize_t give_ack(struct mnl_socket *queue, void *bytes, int flags)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} ack = {.head = {.nlmsg_len = sizeof(ack), .nlmsg_type = NLMSG_ERROR}};

	errno = EAGAIN;
	if (!queue->acknowledging)
		return -1;
	memcpy(bytes, &ack, sizeof(ack));
	if ((flags & MSG_PEEK) == 0) {
		queue->acknowledging = false;
		clear_readable(queue);
	}
	return (ssize_t)sizeof(ack);
}

ssize_t __real_recv(int fd, void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t len, int flags)
{
	int error = fault_strikes(FAULT_RECV);
	struct mnl_socket *queue = queue_of(fd);
	ssize_t n;

	if (error != 0) {
		errno = error;
		return -1;
	}
	if (!queue)
		return __real_recv(fd, bytes, len, flags);
	fault_pause();
	n = give_ack(queue, bytes, flags);
	fault_resume();
	return n;
}

/* Verdicts from the daemon */

static enum fate fate_of(uint32_t verdict, uint32_t mark, uint32_t src)
{
	if (verdict == NF_DROP)
		return FATE_DROPPED;
	if (mark == MARK_RESET)
		return FATE_RESET;
	if (mark == MARK_ICMP)
		return FATE_ICMP;
	if ((mark & MARK_LEARN_MASK) != MARK_LEARN)
		return FATE_ACCEPTED;
	learned_sets_learn(src, mark);
	return FATE_LEARNED;
}

static size_t answer(struct mnl_socket *queue, uint32_t id, uint32_t verdict, uint32_t mark)
{
	struct packet *packet = &packets[queue->ids[id - 1]];

	if (packet->fate != FATE_READ)
		return 0;
	packet->fate = fate_of(verdict, mark, packet->facts.src);
	queue->unanswered--;
	account.answered++;
	return 1;
}

static void take_verdict(struct mnl_socket *queue, bool batch, struct nlattr **attributes)
{
	const struct nfqnl_msg_verdict_hdr *head = mnl_attr_get_payload(attributes[NFQA_VERDICT_HDR]);
	uint32_t mark = attributes[NFQA_MARK] ? ntohl(mnl_attr_get_u32(attributes[NFQA_MARK])) : 0;
	uint32_t id = ntohl(head->id);
	size_t answered = 0;

	if (id == 0 || id > queue->read) {
		account.wrong++;
		return;
	}
	for (uint32_t i = batch ? 1 : id; i <= id; i++)
		answered += answer(queue, i, ntohl(head->verdict), mark);
	account.wrong += answered == 0;
}

static void take_config(struct mnl_socket *queue, const struct nlmsghdr *message, struct nlattr **attributes)
{
	const struct nfgenmsg *family = mnl_nlmsg_get_payload(message);

	queue->number = ntohs(family->res_id);
	queue->bound |= attributes[NFQA_CFG_CMD] != NULL;
	if (attributes[NFQA_CFG_QUEUE_MAXLEN])
		queue->maxlen = ntohl(mnl_attr_get_u32(attributes[NFQA_CFG_QUEUE_MAXLEN]));
	account.intake_stopped |= queue->bound && queue->maxlen == 0;
	if ((message->nlmsg_flags & NLM_F_ACK) != 0) {
		queue->acknowledging = true;
		signal_readable(queue);
	}
}

static int keep_attribute(const struct nlattr *attribute, void *context)
{
	const struct nlattr **attributes = context;

	if (mnl_attr_get_type(attribute) <= NFQA_MAX)
		attributes[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void take_messages(struct mnl_socket *queue, const struct nlmsghdr *message, int left)
{
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		struct nlattr *attributes[NFQA_MAX + 1] = {0};
		unsigned type = message->nlmsg_type & 0xffU;

		(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), keep_attribute, attributes);
		if (type == NFQNL_MSG_CONFIG)
			take_config(queue, message, attributes);
		else if (attributes[NFQA_VERDICT_HDR])
			take_verdict(queue, type == NFQNL_MSG_VERDICT_BATCH, attributes);
	}
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *queue, const void *bytes, size_t len);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *queue, const void *bytes, size_t len)
{
	int error = fault_strikes(FAULT_SENDTO);

	if (error != 0) {
		errno = error;
		return -1;
	}
	fault_pause();
	pthread_mutex_lock(&lock);
	take_messages(queue_of(queue->fd), bytes, (int)len);
	pthread_mutex_unlock(&lock);
	fault_resume();
	return (ssize_t)len;
}

/* Sockets */

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t pid);
int __wrap_mnl_socket_get_fd(const struct mnl_socket *socket);
int __wrap_mnl_socket_close(struct mnl_socket *socket);

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	int error = fault_strikes(FAULT_SOCKET_OPEN);
	struct mnl_socket *queue = NULL;

	(void)bus;
	(void)flags;
	errno = error;
	if (error != 0)
		return NULL;
	fault_pause();
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < QUEUES && !queue; i++)
		if (!queues[i])
			queues[i] = queue = calloc(1, sizeof(*queue));
	pthread_mutex_unlock(&lock);
	if (!queue || !(queue->ids = calloc(PACKETS, sizeof(*queue->ids))))
		abort();
	queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fault_resume();
	return queue;
}

int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t pid)
{
	int error = fault_strikes(FAULT_SOCKET_BIND);

	errno = error;
	return error != 0 ? -1 : 0;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *socket)
{
	return socket->fd;
}

int __wrap_mnl_socket_close(struct mnl_socket *socket)
{
	fault_pause();
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < QUEUES; i++)
		if (queues[i] == socket)
			queues[i] = NULL;
	pthread_mutex_unlock(&lock);
	close(socket->fd);
	free(socket->ids);
	free(socket);
	fault_resume();
	return 0;
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return queue_of(fd) ? 0 : __real_setsockopt(fd, level, name, value, len);
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	static const char *const names[] = {"", "sub0", "up0", "srv0"};
	int error = fault_strikes(FAULT_IOCTL);
	struct ifreq *interface;
	va_list arguments;

	va_start(arguments, request);
	interface = va_arg(arguments, struct ifreq *);
	va_end(arguments);
	if (error == 0 && (request != SIOCGIFNAME || interface->ifr_ifindex > KERNEL_SRV))
		error = ENODEV;
	errno = error;
	if (error != 0)
		return -1;
	memcpy(interface->ifr_name, names[interface->ifr_ifindex], strlen(names[interface->ifr_ifindex]) + 1);
	return 0;
}

/* What only root may do, or see. */

int __wrap_privileges_drop(const char *user, const char **what);
int __wrap_privileges_drop(const char *user, const char **what)
{
	(void)user;
	(void)what;
	return 0;
}

/* A file that outlives the scenario would tell the next one of this one. */
int __wrap_absence_open(uint16_t queue);
int __wrap_absence_open(uint16_t queue)
{
	(void)queue;
	return -EOPNOTSUPP;
}

int __wrap_queue_kernel_open(void);
int __wrap_queue_kernel_open(void)
{
	return -EACCES;
}
