/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's end of the control socket, inside the daemon's own loop: nothing blocks, and nothing a client sends
 * or leaves unsaid takes more than a bounded line, a bounded time and one of a few places.
 * When all places are taken, who comes gets that of the client that has been idle for longest.
 */
#ifndef OP25B_CONTROL_SERVER_H
#define OP25B_CONTROL_SERVER_H

#include "control/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CONTROL_CLIENTS_MAX = 32,
	CONTROL_CLIENT_WAIT_S = 10, /* for a whole request, or for a reply to be taken */
	CONTROL_TAKE_MS = 1000, /* before a reply not taken may cost the place, when all places are taken */
	CONTROL_REST_MS = 500,  /* before the next try to accept, after the system had no descriptor for it */
};

struct control_server;

/* A request that waits for its answer; answered exactly once, at once or later. */
struct control_call;

/* Takes a decoded request (borrowed for the call of this function) and answers now or later. */
typedef void control_handler(void *context, struct control_call *call, const json_t *request);

/* Listens at path (copied). 0 with *ret the caller's; the errors of control_socket_listen(); -ENOMEM. */
int control_server_new(const char *path, control_handler *handler, void *context,
		       struct control_server **ret);
/*
 * Goes on at a socket that listens at path already, which becomes the server's; it stays the caller's on failure: -ENOTSOCK,
 * or -ENOENT when the path leads elsewhere.
 */
int control_server_adopt(int fd, const char *path, control_handler *handler, void *context,
			 struct control_server **ret);
/* The listening socket, for who goes on with it. Stays the server's. */
int control_server_listener(const struct control_server *server);
/* Closes all connections and removes the socket. Calls still unanswered may be answered afterwards, to nobody. NULL is fine. */
void control_server_free(struct control_server *server);

/* For the daemon's loop: readable when control_server_run() has something to do. Stays the server's. */
int control_server_fd(const struct control_server *server);
/* Reads, answers and drops connections that took too long. now_ns: steady clock. Call it once a second as well. */
void control_server_run(struct control_server *server, int64_t now_ns);

/*
 * Who asks, as the kernel knew him when he connected. False when that cannot be told, or he has gone: *ret is then
 * untouched.
 */
bool control_call_uid(const struct control_call *call, uid_t *ret);
/* This is one of his groups, primary or not. */
bool control_call_in_group(const struct control_call *call, gid_t group);

/* Somebody has not got the whole of his reply. */
bool control_server_owes(const struct control_server *server);

/* Answers and frees the call. result is taken over and may be NULL. */
void control_call_answer(struct control_call *call, json_t *result);
void control_call_refuse(struct control_call *call, enum control_error error, json_t *result,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
