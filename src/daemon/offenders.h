/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who sends most at this moment, for whoever asks on the socket. */
#ifndef OP25B_DAEMON_OFFENDERS_H
#define OP25B_DAEMON_OFFENDERS_H

#include <jansson.h>
#include <stddef.h>

struct gateway;

enum {
	OFFENDERS_DEFAULT = 20,
	OFFENDERS_MAX = 1000,
	OFFENDERS_LOOKS_MAX = 1 << 20, /* subscribers; some fifty milliseconds */
};

/* The caller's; NULL without memory. */
json_t *offenders_json(const struct gateway *gateway, size_t most);

#endif
