/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one line asks for. Private to this module: parse.c fills it, build.c makes bytes of it. */
#ifndef OP25B_SYNTH_SPEC_H
#define OP25B_SYNTH_SPEC_H

#include "base/ifpattern.h"
#include "synth/synth.h"

enum {
	SYNTH_CHAIN_MAX = 24,
	SYNTH_OPTIONS_MAX = 40,
	SYNTH_VLAN_MAX = 3,
	SYNTH_FRAME_MAX = 4096,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP6 = 58,
	CHAIN_HOP_BY_HOP = 0,
	CHAIN_ROUTING = 43,
	CHAIN_FRAGMENT = 44,
	CHAIN_AUTHENTICATION = 51,
	CHAIN_DESTINATION = 60,
};

/* Host byte order. */
struct synth_spec {
	char interface[IF_NAME_MAX]; /* "": the capture names none */
	int64_t time_s;
	uint32_t times;

	uint16_t vlan[SYNTH_VLAN_MAX]; /* outermost first */
	unsigned vlan_count;
	bool pppoe;
	uint16_t session;

	struct addr src, dst;
	uint8_t protocol, ttl, tos;
	uint16_t id;
	bool dont_fragment, is_fragment, more;
	uint32_t fragment_offset;       /* bytes */
	uint8_t ip_options;             /* bytes of IPv4 options */
	uint8_t chain[SYNTH_CHAIN_MAX]; /* extension headers, outermost first */
	unsigned chain_count;

	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint32_t seq;
	uint16_t window;
	uint8_t options[SYNTH_OPTIONS_MAX]; /* TCP options, without padding */
	unsigned option_len;
	bool has_data_offset; /* the header states data_offset, whatever its length */
	uint8_t data_offset;  /* in units of 4 bytes */

	uint16_t payload; /* bytes */
	uint32_t cut;     /* bytes of the IP packet that were captured; 0: all */
};

/* Ends at "=>" or the line's end. 0, or -EINVAL with an error added. *ret holds the defaults before. */
int synth_parse(struct line *line, struct synth_spec *ret);

/* An Ethernet frame; returns the length on the wire, and in *ret_captured how much of it was captured. */
size_t synth_build(const struct synth_spec *spec, uint8_t out[SYNTH_FRAME_MAX], size_t *ret_captured);

#endif
