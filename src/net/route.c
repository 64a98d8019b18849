/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { ROUTE_BUFFER = 8192, ROUTE_SEQUENCE = 1 };

struct answer {
	uint8_t type; /* RTN_* */
	uint32_t interface;
};

static int see_attribute(const struct nlattr *attribute, void *data)
{
	struct answer *answer = data;

	if (mnl_attr_get_type(attribute) == RTA_OIF && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
		answer->interface = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int see_route(const struct nlmsghdr *message, void *data)
{
	struct answer *answer = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(message) < sizeof(*route))
		return MNL_CB_OK;
	answer->type = route->rtm_type;
	return mnl_attr_parse(message, sizeof(*route), see_attribute, answer);
}

static void write_request(char buffer[ROUTE_BUFFER], const struct addr *to)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;
	uint8_t bytes[16];
	size_t len = addr_to_bytes(to, bytes);

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = ROUTE_SEQUENCE;
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = to->family == ADDR_IP4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = (uint8_t)addr_bits(to->family);
	mnl_attr_put(message, RTA_DST, len, bytes);
}

/* 0 or -errno: the kernel's refusal, too. */
static int ask(struct mnl_socket *socket, char buffer[ROUTE_BUFFER], struct answer *answer)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)(const void *)buffer;
	unsigned portid = mnl_socket_get_portid(socket);
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, ROUTE_BUFFER);

		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)n, ROUTE_SEQUENCE, portid, see_route, answer);
	}
	return r < 0 ? -errno : 0;
}

static int take_answer(const struct answer *answer, struct route *ret)
{
	char name[IF_NAMESIZE] = "";

	if (answer->type == RTN_BLACKHOLE || answer->type == RTN_UNREACHABLE ||
	    answer->type == RTN_PROHIBIT || answer->type == RTN_THROW)
		return -ENETUNREACH;
	if (answer->interface != 0)
		(void)if_indextoname(answer->interface, name);
	*ret = (struct route){.local = answer->type == RTN_LOCAL};
	snprintf(ret->interface, sizeof(ret->interface), "%s", name);
	return 0;
}

/* What refuses says so by an errno of its own. */
static bool is_no_route(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL;
}

int route_get(const struct addr *to, struct route *ret)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char buffer[ROUTE_BUFFER];
	struct answer answer = {0};
	int r = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (r == 0) {
		write_request(buffer, to);
		r = ask(socket, buffer, &answer);
	}
	mnl_socket_close(socket);
	if (r < 0)
		return is_no_route(r) ? -ENETUNREACH : r;
	return take_answer(&answer, ret);
}
