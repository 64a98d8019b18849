/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as any link layer, whole and cut: the facts must hold together and be the same twice. */
#include "packet/packet.h"

#include "../lib/packet_facts.h"
#include "entry.h"

#include <stdlib.h>
#include <string.h>

static void parse(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len)
{
	struct packet first, second;

	memset(&first, 0, sizeof(first));
	memset(&second, 0xff, sizeof(second));
	packet_parse_link(link, bytes, len, wire_len, &first);
	packet_parse_link(link, bytes, len, wire_len, &second);
	if (packet_facts_broken(&first) || first.has_ports != second.has_ports ||
	    first.dport != second.dport || first.fault != second.fault ||
	    !addr_equal(&first.src, &second.src))
		abort();
}

/* The first two bytes choose the link layer and how much of the packet the wire had beyond the copy. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	parse((enum packet_link)(data[0] % (PACKET_LINKS + 1)), data + 2, size - 2, size - 2 + data[1]);
	return 0;
}
