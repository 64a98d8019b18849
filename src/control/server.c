/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server.h"

#include "base/cleanup.h"
#include "base/moment.h"
#include "control/peer.h"
#include "control/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct client {
	struct control_server *server;
	int fd;
	uint64_t number;           /* in the order of arrival */
	bool closing;              /* nothing more is read; it ends when its reply is out */
	int64_t until_ns;          /* when patience ends */
	struct control_call *call; /* the request being answered */
	size_t in_len;
	char in[CONTROL_REQUEST_MAX];
	char *out;
	size_t out_len, out_at;
};

struct control_call {
	struct client *client; /* NULL: it went away */
};

struct control_server {
	char *path;
	int listen_fd;
	int epoll_fd;
	dev_t device;
	ino_t inode;
	int64_t now_ns;
	uint64_t accepted;
	control_handler *handler;
	void *context;
	int64_t rest_until_ns; /* nobody is accepted before; 0: not resting */
	struct client *clients[CONTROL_CLIENTS_MAX];
};

static int watch(int epoll_fd, int fd, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN | (client ? EPOLLRDHUP : 0), .data.ptr = client};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Waits for what is due next: room to write, the next request, or only the end while a call is being answered. */
static void rewatch(struct client *client)
{
	struct epoll_event event = {.data.ptr = client};

	if (client->out)
		event.events = EPOLLOUT;
	else if (!client->call)
		event.events = EPOLLIN;
	client->until_ns = client->server->now_ns + CONTROL_CLIENT_WAIT_S * NSEC_PER_SEC;
	if (epoll_ctl(client->server->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) == 0)
		return;
	/* What nobody waits for any longer would wake the loop for ever: it ends at the next turn. */
	(void)epoll_ctl(client->server->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	client->until_ns = client->server->now_ns;
}

static void client_free(struct client *client)
{
	struct control_server *server = client->server;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (server->clients[i] == client)
			server->clients[i] = NULL;
	if (client->call)
		client->call->client = NULL;
	/* By hand: where a process was forked meanwhile, closing alone would leave it watched. */
	(void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	close(client->fd);
	free(client->out);
	free(client);
}

static int listen_at(struct control_server *server, int fd, const char *path)
{
	struct stat status;

	server->path = strdup(path);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		return -errno;
	if (!server->path)
		return -ENOMEM;
	server->listen_fd = fd >= 0 ? fd : control_socket_listen(path);
	if (server->listen_fd < 0)
		return server->listen_fd;
	if (lstat(path, &status) == 0) {
		server->device = status.st_dev;
		server->inode = status.st_ino;
	}
	return watch(server->epoll_fd, server->listen_fd, NULL);
}

static int new_server(int fd, const char *path, control_handler *handler, void *context,
		      struct control_server **ret)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->handler = handler;
	server->context = context;
	server->listen_fd = server->epoll_fd = -1;
	r = listen_at(server, fd, path);
	if (r < 0) {
		if (fd >= 0)
			server->listen_fd = -1;
		control_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

int control_server_new(const char *path, control_handler *handler, void *context, struct control_server **ret)
{
	return new_server(-1, path, handler, context, ret);
}

int control_server_adopt(int fd, const char *path, control_handler *handler, void *context,
			 struct control_server **ret)
{
	int r = control_socket_is_at(fd, path);

	return r < 0 ? r : new_server(fd, path, handler, context, ret);
}

int control_server_listener(const struct control_server *server)
{
	return server->listen_fd;
}

void control_server_free(struct control_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (server->clients[i])
			client_free(server->clients[i]);
	if (server->listen_fd >= 0) {
		control_socket_remove(server->path, server->device, server->inode);
		close(server->listen_fd);
	}
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server->path);
	free(server);
}

bool control_server_owes(const struct control_server *server)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (server->clients[i] && server->clients[i]->out)
			return true;
	return false;
}

int control_server_fd(const struct control_server *server)
{
	return server->epoll_fd;
}

/* Writes what the socket takes; false when the connection is done with. */
static bool push_out(struct client *client)
{
	while (client->out_at < client->out_len) {
		ssize_t n = send(client->fd, client->out + client->out_at, client->out_len - client->out_at,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->out_at += (size_t)n;
	}
	free(client->out);
	client->out = NULL;
	return !client->closing;
}

/* Puts a reply before the client; it is written at the next turn of the loop. Takes reply over. */
static void queue_reply(struct client *client, json_t *reply)
{
	size_t len = 0;
	char *line = reply ? control_line(reply, &len) : NULL;

	json_decref(reply);
	if (line && len > CONTROL_REPLY_MAX) {
		free(line);
		line = NULL;
	}
	if (!line) {
		client->closing = true;
		line = strdup("\n");
		len = line ? 1 : 0;
	}
	client->out = line;
	client->out_len = len;
	client->out_at = 0;
	rewatch(client);
}

static void finish_call(struct control_call *call, json_t *reply)
{
	struct client *client = call->client;

	if (client) {
		client->call = NULL;
		queue_reply(client, reply);
	} else {
		json_decref(reply);
	}
	free(call);
}

bool control_call_uid(const struct control_call *call, uid_t *ret)
{
	return call->client && control_peer_uid(call->client->fd, ret);
}

bool control_call_in_group(const struct control_call *call, gid_t group)
{
	return call->client && control_peer_in_group(call->client->fd, group);
}

void control_call_answer(struct control_call *call, json_t *result)
{
	finish_call(call, control_reply_new(CONTROL_OK, NULL, result));
}

void control_call_refuse(struct control_call *call, enum control_error error, json_t *result,
			 const char *format, ...)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	finish_call(call, control_reply_new(error, text, result));
}

static void handle_line(struct client *client, size_t len)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	struct control_call *call = calloc(1, sizeof(*call));
	json_t *request = NULL;
	enum control_error error;

	if (!call) {
		client->closing = true;
		return;
	}
	call->client = client;
	client->call = call;
	error = control_request_decode(client->in, len, &request, text);
	memmove(client->in, client->in + len, client->in_len - len);
	client->in_len -= len;
	if (error != CONTROL_OK) {
		control_call_refuse(call, error, NULL, "%s", text);
		return;
	}
	rewatch(client);
	client->server->handler(client->server->context, call, request);
	json_decref(request);
}

/* Serves the next whole line, if there is one and nothing is under way. */
static void serve_line(struct client *client)
{
	const char *feed;

	if (client->call || client->out || client->closing)
		return;
	feed = memchr(client->in, '\n', client->in_len);
	if (feed) {
		handle_line(client, (size_t)(feed - client->in) + 1);
	} else if (client->in_len == sizeof(client->in)) {
		client->closing = true;
		queue_reply(client, control_reply_new(CONTROL_BAD_REQUEST,
						      "a request is one line of at most 4096 bytes", NULL));
	}
}

/* False when the connection is done with. */
static bool pull_in(struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len,
			 MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	client->in_len += (size_t)n;
	return true;
}

static void serve_client(struct client *client, uint32_t events)
{
	bool alive = true;

	if (client->out) {
		alive = push_out(client);
		if (alive && !client->out)
			rewatch(client);
	} else if (client->call) {
		alive = (events & (EPOLLHUP | EPOLLERR)) == 0;
	} else {
		alive = pull_in(client);
	}
	if (alive)
		serve_line(client);
	if (!alive || (client->closing && !client->out))
		client_free(client);
}

static struct client **free_place(struct control_server *server)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (!server->clients[i])
			return &server->clients[i];
	return NULL;
}

/* Nothing is being done for it: it asks nothing, or does not take its reply. */
static bool may_be_put_out(const struct client *client)
{
	int64_t idle_ns = client->server->now_ns - (client->until_ns - CONTROL_CLIENT_WAIT_S * NSEC_PER_SEC);

	return !client->call && (!client->out || idle_ns >= CONTROL_TAKE_MS * INT64_C(1000000));
}

/* The client that has been idle for longest; NULL if all are busy. */
static struct client *longest_idle(const struct control_server *server)
{
	struct client *found = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = server->clients[i];

		if (!client || !may_be_put_out(client))
			continue;
		if (!found || client->until_ns < found->until_ns ||
		    (client->until_ns == found->until_ns && client->number < found->number))
			found = client;
	}
	return found;
}

/* Whoever sits on a place in silence must not keep out those who ask. */
static struct client **make_place(struct control_server *server)
{
	struct client **place = free_place(server);
	struct client *idle = place ? NULL : longest_idle(server);

	if (!idle)
		return place;
	client_free(idle);
	return free_place(server);
}

static void watch_listener(struct control_server *server, uint32_t events)
{
	struct epoll_event event = {.events = events};

	(void)epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd, &event);
}

/* Without a descriptor for it a connection stays in the backlog, and would wake the loop for ever. */
static void rest(struct control_server *server)
{
	server->rest_until_ns = server->now_ns + CONTROL_REST_MS * INT64_C(1000000);
	watch_listener(server, 0);
}

static void end_rest(struct control_server *server)
{
	if (server->rest_until_ns == 0 || server->now_ns < server->rest_until_ns)
		return;
	server->rest_until_ns = 0;
	watch_listener(server, EPOLLIN);
}

static void accept_client(struct control_server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client **place = fd >= 0 ? make_place(server) : NULL;
	struct client *client = place ? calloc(1, sizeof(*client)) : NULL;

	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		rest(server);
	if (!client) {
		if (fd >= 0)
			close(fd);
		return;
	}
	client->server = server;
	client->fd = fd;
	client->number = server->accepted++;
	client->until_ns = server->now_ns + CONTROL_CLIENT_WAIT_S * NSEC_PER_SEC;
	*place = client;
	if (watch(server->epoll_fd, fd, client) < 0)
		client_free(client);
}

/* A client whose call is being answered may wait: the daemon bounds that time. */
static void drop_slow_clients(struct control_server *server)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = server->clients[i];

		if (client && !client->call && server->now_ns >= client->until_ns)
			client_free(client);
	}
}

void control_server_run(struct control_server *server, int64_t now_ns)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	bool newcomer = false;
	int n;

	server->now_ns = now_ns;
	end_rest(server);
	n = epoll_wait(server->epoll_fd, events, CONTROL_CLIENTS_MAX + 1, 0);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			serve_client(events[i].data.ptr, events[i].events);
		else
			newcomer = true;
	}
	/* After the others, because it may take the place of one of them that has just been heard. */
	if (newcomer)
		accept_client(server);
	drop_slow_clients(server);
}
