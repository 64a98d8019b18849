/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for every parsed packet, whatever its bytes: unit tests and fuzzers ask the same questions. */
#ifndef OP25B_TESTS_PACKET_FACTS_H
#define OP25B_TESTS_PACKET_FACTS_H

#include "packet/packet.h"

static inline bool packet_facts_have_addresses(const struct packet *packet)
{
	return packet->src.family == packet->family && packet->dst.family == packet->family;
}

/* The first rule that the facts break, NULL when they hold together. */
static inline const char *packet_facts_broken(const struct packet *packet)
{
	if (packet->family != ADDR_NONE && packet->family != ADDR_IP4 && packet->family != ADDR_IP6)
		return "the family is no family";
	if (!packet_facts_have_addresses(packet))
		return "an address of another family than the packet's";
	if (packet->fault > PACKET_FAULT_CUT || packet->fragment > PACKET_FRAGMENT_LATER)
		return "a fault or fragment kind out of range";
	if (packet->family == ADDR_NONE && (packet->has_protocol || packet->has_ports || packet->fragment))
		return "facts of an IP header without the header";
	if (packet->has_ports && !(packet->has_protocol && packet->protocol == IP_PROTOCOL_TCP))
		return "ports of something that is not TCP";
	if (packet->has_ports && packet->fragment == PACKET_FRAGMENT_LATER)
		return "ports in a later fragment";
	if (packet->has_flags && !packet->has_ports)
		return "flags without ports";
	if ((packet->fragment == PACKET_FRAGMENT_LATER) != (packet->fragment_offset != 0))
		return "a fragment's kind and offset disagree";
	if (packet->has_protocol && packet->protocol == IP_PROTOCOL_TCP && !packet->has_ports &&
	    packet->fragment != PACKET_FRAGMENT_LATER && packet->fault == PACKET_FAULT_NONE)
		return "TCP without ports, and no fault";
	if (packet->vlan_count > PACKET_VLAN_MAX)
		return "more VLAN tags than there is room for";
	return NULL;
}

#endif
