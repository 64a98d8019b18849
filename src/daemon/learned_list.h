/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the kernel blocks by itself at this moment, read from its sets: a bounded look, for whoever asks on the socket. */
#ifndef OP25B_DAEMON_LEARNED_LIST_H
#define OP25B_DAEMON_LEARNED_LIST_H

#include <jansson.h>
#include <stddef.h>

struct gateway;

enum {
	LEARNED_LIST_DEFAULT = 20,
	LEARNED_LIST_MAX = 10000,
	LEARNED_LIST_READ_MAX =
		1 << 16, /* elements: whole sets are read until these are reached; a tenth of a second */
};

/* Those who sent most since their generation began, most first. The caller's; NULL without memory. */
json_t *learned_list_json(const struct gateway *gateway, size_t most);

#endif
