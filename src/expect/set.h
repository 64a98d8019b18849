/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to this module: parse.c adds lines, match.c counts packets. */
#ifndef OP25B_EXPECT_SET_H
#define OP25B_EXPECT_SET_H

#include "expect/expect.h"

struct expect {
	struct expect_line *lines;
	size_t count, capacity;
	struct diag_list *diags; /* while lines are read */

	/* Made by the first packet: prefix lines by prefix, packet lines by their first packet, and the lengths in use. */
	bool indexed;
	size_t *by_prefix, prefix_count;
	size_t *by_packet, packet_count;
	size_t *rest, rest_count; /* "others" and "unknown" */
	uint8_t lens4[33], lens6[129];
	size_t len4_count, len6_count;
};

#endif
