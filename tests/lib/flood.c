/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood [OPTION...]: sends TCP SYNs to port 25 out of an interface through AF_PACKET, as many as asked for, and says
 * exactly how many. For benches and for live tests that must account for every packet.
 *
 *	-i INTERFACE   where to send
 *	-m MAC         of the next hop, 12 hexadecimal digits
 *	-c COUNT       packets (default 1000)
 *	-s SOURCE      first source address, IPv4 or IPv6
 *	-n SOURCES     that many sources, one after the other, each counted up from the first (default 1); IPv6 sources
 *	               count up in the /64
 *	-t STEP        from one source to the next (default 1)
 *	-d DESTINATION (default 203.0.113.25 or 2001:db8:200::25)
 *	-q QUEUE       let at most -w packets wait in this NFQUEUE: nothing is lost by its being full
 *	-o PID         the queue is in the network namespace of this process (default: the own one)
 *	-w WAITING     (default 2048)
 *	-r RATE        packets a second at most
 *	-p PORT        destination port (default 25)
 *	-x             send each packet twice: the second is a retransmission
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FRAME_MAX = 80 };

struct flood {
	int fd;
	int family;
	uint8_t mac[6];
	uint64_t count, sources, step;
	uint8_t source[16], destination[16];
	int queue;
	const char *owner; /* process whose namespace has the queue */
	unsigned waiting_max;
	uint64_t rate;
	uint16_t port;
	bool twice;
};

static uint32_t add16(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put_tcp(uint8_t *at, const struct flood *flood, uint64_t number, uint32_t pseudo)
{
	struct tcphdr tcp = {
		.source = htons((uint16_t)(1024 + number % 60000)),
		.dest = htons(flood->port),
		.seq = htonl((uint32_t)(number * 2654435761U)),
		.doff = 5,
		.syn = 1,
		.window = htons(64240),
	};

	tcp.check = fold(add16(pseudo + IPPROTO_TCP + sizeof(tcp), &tcp, sizeof(tcp)));
	memcpy(at, &tcp, sizeof(tcp));
}

static size_t put_ip4(uint8_t *at, const struct flood *flood, uint64_t number)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
		.id = htons((uint16_t)number),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
	};
	uint32_t first;

	memcpy(&first, flood->source, 4);
	ip.saddr = htonl(ntohl(first) + (uint32_t)(number % flood->sources * flood->step));
	memcpy(&ip.daddr, flood->destination, 4);
	ip.check = fold(add16(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
	put_tcp(at + sizeof(ip), flood, number / flood->sources, add16(0, &ip.saddr, 8));
	return sizeof(ip) + sizeof(struct tcphdr);
}

static size_t put_ip6(uint8_t *at, const struct flood *flood, uint64_t number)
{
	struct ip6_hdr ip = {
		.ip6_hops = 64, .ip6_nxt = IPPROTO_TCP, .ip6_plen = htons(sizeof(struct tcphdr))};
	uint32_t network;

	ip.ip6_vfc = 0x60;
	memcpy(&ip.ip6_src, flood->source, 16);
	memcpy(&network, &ip.ip6_src.s6_addr[4], 4);
	network = htonl(ntohl(network) + (uint32_t)(number % flood->sources * flood->step));
	memcpy(&ip.ip6_src.s6_addr[4], &network, 4);
	memcpy(&ip.ip6_dst, flood->destination, 16);
	memcpy(at, &ip, sizeof(ip));
	put_tcp(at + sizeof(ip), flood, number / flood->sources, add16(0, &ip.ip6_src, 32));
	return sizeof(ip) + sizeof(struct tcphdr);
}

static size_t put_frame(uint8_t *at, const struct flood *flood, uint64_t number)
{
	struct ether_header ethernet = {
		.ether_type = htons(flood->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6)};

	memcpy(ethernet.ether_dhost, flood->mac, 6);
	ethernet.ether_shost[0] = 2;
	memcpy(at, &ethernet, sizeof(ethernet));
	at += sizeof(ethernet);
	return sizeof(ethernet) +
	       (flood->family == AF_INET ? put_ip4(at, flood, number) : put_ip6(at, flood, number));
}

/* Packets that wait in the queue, as the kernel says. */
static unsigned waiting(int fd, int queue)
{
	char text[4096], *line = text;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	for (; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		unsigned total;
		int number;

		if (sscanf(line, "%d %*u %u", &number, &total) == 2 && number == queue)
			return total;
	}
	return 0;
}

static int open_queues(const char *owner)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/net/netfilter/nfnetlink_queue", owner);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void wait_for_room(const struct flood *flood, int proc)
{
	const struct timespec pause = {.tv_nsec = 50000};

	while (flood->queue >= 0 && waiting(proc, flood->queue) > flood->waiting_max)
		nanosleep(&pause, NULL);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void keep_rate(const struct flood *flood, int64_t start_ns, uint64_t sent)
{
	int64_t due_ns = flood->rate ? start_ns + (int64_t)(sent * 1000000000 / flood->rate) : 0;
	int64_t left_ns = due_ns - now_ns();
	const struct timespec pause = {left_ns / 1000000000, left_ns % 1000000000};

	if (left_ns > 0)
		nanosleep(&pause, NULL);
}

static bool send_all(int fd, struct mmsghdr *messages, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(fd, messages + done, count - done, 0);

		if (n > 0)
			done += (unsigned)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return false;
	}
	return true;
}

static int run(const struct flood *flood)
{
	static uint8_t frames[BATCH][FRAME_MAX];
	static struct iovec vectors[BATCH];
	static struct mmsghdr messages[BATCH];
	int proc = flood->queue >= 0 ? open_queues(flood->owner) : -1;
	int64_t start_ns = now_ns();

	for (uint64_t sent = 0; sent < flood->count;) {
		unsigned n = 0;

		for (; n < BATCH && sent + n < flood->count; n++) {
			vectors[n] = (struct iovec){frames[n],
						    put_frame(frames[n], flood, (sent + n) >> flood->twice)};
			messages[n].msg_hdr = (struct msghdr){.msg_iov = &vectors[n], .msg_iovlen = 1};
		}
		if (sent / 512 != (sent + n) / 512 || sent == 0)
			wait_for_room(flood, proc);
		if (!send_all(flood->fd, messages, n)) {
			perror("send");
			return 1;
		}
		sent += n;
		keep_rate(flood, start_ns, sent);
	}
	printf("%llu\n", (unsigned long long)flood->count);
	return 0;
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = 0, .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || address.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		return -1;
	return fd;
}

static bool read_mac(const char *text, uint8_t mac[6])
{
	unsigned b[6];

	if (sscanf(text, "%2x%2x%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

static bool read_addresses(struct flood *flood, const char *source, const char *destination)
{
	flood->family = strchr(source, ':') ? AF_INET6 : AF_INET;
	if (!destination)
		destination = flood->family == AF_INET ? "203.0.113.25" : "2001:db8:200::25";
	return inet_pton(flood->family, source, flood->source) == 1 &&
	       inet_pton(flood->family, destination, flood->destination) == 1;
}

int main(int argc, char **argv)
{
	struct flood flood = {.fd = -1,
			      .count = 1000,
			      .sources = 1,
			      .step = 1,
			      .queue = -1,
			      .owner = "self",
			      .waiting_max = 2048,
			      .port = 25};
	const char *source = "10.0.0.1", *destination = NULL;
	bool ok = true;
	int option;

	while (ok && (option = getopt(argc, argv, "i:m:c:s:n:t:d:q:o:w:r:p:x")) != -1) {
		switch (option) {
		case 'i':
			flood.fd = open_socket(optarg);
			ok = flood.fd >= 0;
			break;
		case 'm':
			ok = read_mac(optarg, flood.mac);
			break;
		case 'c':
			flood.count = strtoull(optarg, NULL, 10);
			break;
		case 's':
			source = optarg;
			break;
		case 'n':
			flood.sources = strtoull(optarg, NULL, 10);
			ok = flood.sources > 0;
			break;
		case 't':
			flood.step = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			destination = optarg;
			break;
		case 'q':
			flood.queue = (int)strtol(optarg, NULL, 10);
			break;
		case 'o':
			flood.owner = optarg;
			break;
		case 'w':
			flood.waiting_max = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			flood.rate = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			flood.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'x':
			flood.twice = true;
			break;
		default:
			ok = false;
		}
	}
	if (!ok || flood.fd < 0 || !read_addresses(&flood, source, destination)) {
		fputs("flood: an option is missing or wrong, see the top of flood.c\n", stderr);
		return 2;
	}
	return run(&flood);
}
