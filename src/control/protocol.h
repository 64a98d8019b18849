/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's language, for both ends: one JSON object a line, a request from the client, then its reply.
 *
 *   {"op25b": 1, "command": "explain", "src": "192.0.2.1", "dst": "198.51.100.1"}
 *   {"op25b": 1, "ok": true, "result": {...}}
 *   {"op25b": 1, "ok": false, "error": "bad-argument", "message": "...", "result": {...}}
 *
 * Numbers that count from 64-bit counters are JSON integers. A reply to a refused request may carry a result too.
 */
#ifndef OP25B_CONTROL_PROTOCOL_H
#define OP25B_CONTROL_PROTOCOL_H

#include <jansson.h>
#include <stddef.h>

enum {
	CONTROL_VERSION = 1,
	CONTROL_REQUEST_MAX = 4096,  /* bytes of a request line, line feed included */
	CONTROL_REPLY_MAX = 4 << 20, /* bytes of a reply line: a policy's findings fit */
	CONTROL_PATH_MAX = 108,      /* bytes of the socket's path with its NUL (sun_path) */
	CONTROL_ERROR_TEXT_MAX = 240,
};

enum control_error {
	CONTROL_OK = 0,
	CONTROL_BAD_REQUEST, /* no JSON object, another version, no command */
	CONTROL_UNKNOWN_COMMAND,
	CONTROL_BAD_ARGUMENT,
	CONTROL_REFUSED, /* understood, and not done: the policy has errors */
	CONTROL_BUSY,
	CONTROL_FAILED,    /* the system refused */
	CONTROL_FORBIDDEN, /* who asks has not the role for it */
	CONTROL_ERRORS,
};

/* "bad-request", ... */
const char *control_error_name(enum control_error error);
/* CONTROL_FAILED for a name it does not know. */
enum control_error control_error_from_name(const char *name);

/*
 * Reads a request line (len bytes, with or without its line feed). CONTROL_OK with *ret the caller's (json_decref);
 * else *ret is untouched and text says what is wrong. An object of this version with a command, nothing else is checked.
 */
enum control_error control_request_decode(const char *line, size_t len, json_t **ret,
					  char text[CONTROL_ERROR_TEXT_MAX]);

/* A request object to add arguments to; the caller's. NULL without memory. */
json_t *control_request_new(const char *command);

/* A reply; result is taken over (also on failure) and may be NULL, message too. NULL without memory. */
json_t *control_reply_new(enum control_error error, const char *message, json_t *result);

/*
 * Reads a reply line. 0 with *ret_error what the daemon sent, *ret_result the caller's (with CONTROL_OK any value,
 * else it may be NULL) and its message in text. -EPROTO when the line is no reply of this version, with text saying
 * why and the others untouched.
 */
int control_reply_decode(const char *line, size_t len, enum control_error *ret_error, json_t **ret_result,
			 char text[CONTROL_ERROR_TEXT_MAX]);

/*
 * A JSON text of anything: what is no UTF-8 (a policy file may hold any bytes, and is quoted) has '?' in the place of
 * every byte above 0x7f. The caller's; NULL without memory, and for NULL.
 */
json_t *control_text(const char *text);

/* The object as one line with its line feed; *ret_len bytes, the caller's to free. NULL without memory. */
char *control_line(const json_t *object, size_t *ret_len);

#endif
