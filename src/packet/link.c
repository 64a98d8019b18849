/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet/packet.h"

#include <string.h>

/* What the next bytes of a frame are. Every reader takes at least one byte, so a frame always comes to an end. */
enum layer {
	LAYER_OTHER = 0, /* nothing that leads to an IP header */
	LAYER_IP,
	LAYER_IP6_ONLY,
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_VN_TAG,
	LAYER_E_TAG,
	LAYER_FABRIC,
	LAYER_SERVICE_CHAIN,
	LAYER_BACKBONE,
	LAYER_MACSEC,
	LAYER_FDDI,
	LAYER_LLC,
	LAYER_PPPOE,
	LAYER_PPP,
	LAYER_PPP_FRAMED,
	LAYER_CISCO_HDLC,
	LAYER_MPLS,
	LAYER_LINUX_SLL,
	LAYER_LINUX_SLL2,
	LAYER_NULL,
	LAYER_NFLOG,
	LAYERS,
};

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging, as in GRE */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_PROVIDER_VLAN = 0x88a8,
	ETHERTYPE_MACSEC = 0x88e5,
	ETHERTYPE_BACKBONE = 0x88e7,
	ETHERTYPE_FABRIC = 0x8903,
	ETHERTYPE_VN_TAG = 0x8926,
	ETHERTYPE_E_TAG = 0x893f,
	ETHERTYPE_SERVICE_CHAIN = 0x894f,
	ETHERTYPE_OLD_QINQ = 0x9100,
	ETHERNET_HEADER = 14,
	ETHERNET_LENGTH_MAX = 1500, /* up to here the type field is a length (IEEE 802.3) */
};

enum {
	PPP_IP4 = 0x0021,
	PPP_IP6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MULTICAST = 0x0283,
	PPP_ALL_STATIONS = 0xff, /* HDLC's address field, RFC 1662 section 3.1 */
	PPP_UNNUMBERED = 0x03,   /* and its control field */
	CISCO_UNICAST = 0x0f,
	CISCO_MULTICAST = 0x8f,
};

/* Protocol numbers of Linux cooked captures that are no Ethernet types (linux/if_ether.h). */
enum {
	SLL_ETHERNET = 0x0003,
	SLL_LLC = 0x0004,
	SLL_PPP_HDLC = 0x0007,
};

/* linux/netfilter/nfnetlink_log.h, and the address families of Linux. */
enum {
	NFLOG_IP4 = 2,
	NFLOG_IP6 = 10,
	NFLOG_PAYLOAD = 9,
};

/* The rest of the frame while its headers are taken off. */
struct frame {
	const uint8_t *at;
	size_t len;
	size_t wire_len;
	bool cut;
	uint8_t vlan_count;
	uint16_t vlan[PACKET_VLAN_MAX];
};

static uint16_t load16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The next n bytes, which are then behind us; NULL when they are not all there. */
static const uint8_t *take(struct frame *frame, size_t n)
{
	const uint8_t *bytes = frame->at;

	if (n > frame->len) {
		frame->cut = n <= frame->wire_len;
		return NULL;
	}
	frame->at += n;
	frame->len -= n;
	frame->wire_len -= n;
	return bytes;
}

/* What lies behind `n` bytes is padding, or a checksum. */
static void limit(struct frame *frame, size_t n)
{
	if (frame->len > n)
		frame->len = n;
	if (frame->wire_len > n)
		frame->wire_len = n;
}

static enum layer ethertype_layer(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IP4:
		return LAYER_IP;
	case ETHERTYPE_IP6:
		return LAYER_IP6_ONLY;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_PROVIDER_VLAN:
	case ETHERTYPE_OLD_QINQ:
		return LAYER_VLAN;
	case ETHERTYPE_PPPOE_SESSION:
		return LAYER_PPPOE;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return LAYER_MPLS;
	case ETHERTYPE_BRIDGED:
		return LAYER_ETHERNET;
	case ETHERTYPE_VN_TAG:
		return LAYER_VN_TAG;
	case ETHERTYPE_E_TAG:
		return LAYER_E_TAG;
	case ETHERTYPE_FABRIC:
		return LAYER_FABRIC;
	case ETHERTYPE_SERVICE_CHAIN:
		return LAYER_SERVICE_CHAIN;
	case ETHERTYPE_BACKBONE:
		return LAYER_BACKBONE;
	case ETHERTYPE_MACSEC:
		return LAYER_MACSEC;
	default:
		return LAYER_OTHER;
	}
}

/* The 16 bits behind the addresses or behind a VLAN tag. */
static enum layer type_or_length_layer(struct frame *frame, uint16_t field)
{
	if (field > ETHERNET_LENGTH_MAX)
		return ethertype_layer(field);
	limit(frame, field);
	return LAYER_LLC;
}

static enum layer read_ethernet(struct frame *frame)
{
	const uint8_t *header = take(frame, ETHERNET_HEADER);

	return header ? type_or_length_layer(frame, load16(header + 12)) : LAYER_OTHER;
}

static enum layer read_vlan(struct frame *frame)
{
	const uint8_t *tag = take(frame, 4);

	if (!tag)
		return LAYER_OTHER;
	if (frame->vlan_count < PACKET_VLAN_MAX)
		frame->vlan[frame->vlan_count++] = load16(tag) & 0x0fff;
	return type_or_length_layer(frame, load16(tag + 2));
}

/* Cisco's virtual network tag. */
static enum layer read_vn_tag(struct frame *frame)
{
	const uint8_t *tag = take(frame, 6);

	return tag ? type_or_length_layer(frame, load16(tag + 4)) : LAYER_OTHER;
}

/* Port extension, IEEE 802.1BR. */
static enum layer read_e_tag(struct frame *frame)
{
	const uint8_t *tag = take(frame, 8);

	return tag ? type_or_length_layer(frame, load16(tag + 6)) : LAYER_OTHER;
}

/* Cisco's data centre Ethernet: a whole inner frame behind two more bytes. */
static enum layer read_fabric(struct frame *frame)
{
	return take(frame, 2) ? LAYER_ETHERNET : LAYER_OTHER;
}

/* Network service header, RFC 8300 section 2.2: its length counts words of four bytes. */
static enum layer read_service_chain(struct frame *frame)
{
	const uint8_t *header = take(frame, 8);
	size_t len;

	if (!header)
		return LAYER_OTHER;
	len = (size_t)(header[1] & 0x3f) * 4;
	if (len < 8 || !take(frame, len - 8))
		return LAYER_OTHER;
	switch (header[3]) {
	case 1:
	case 2:
		return LAYER_IP;
	case 3:
		return LAYER_ETHERNET;
	case 5:
		return LAYER_MPLS;
	default:
		return LAYER_OTHER;
	}
}

/* Provider backbone bridging, IEEE 802.1ah: the customer's frame behind a service tag. */
static enum layer read_backbone(struct frame *frame)
{
	return take(frame, 4) ? LAYER_ETHERNET : LAYER_OTHER;
}

/* IEEE 802.1AE: readable when the frame is protected against change only, not encrypted. */
static enum layer read_macsec(struct frame *frame)
{
	enum { HAS_CHANNEL = 0x20, IS_ENCRYPTED = 0x0c };
	const uint8_t *tag = take(frame, 6);
	const uint8_t *type;

	if (!tag || (tag[0] & IS_ENCRYPTED) || ((tag[0] & HAS_CHANNEL) && !take(frame, 8)))
		return LAYER_OTHER;
	type = take(frame, 2);
	return type ? type_or_length_layer(frame, load16(type)) : LAYER_OTHER;
}

static enum layer read_fddi(struct frame *frame)
{
	return take(frame, 13) ? LAYER_LLC : LAYER_OTHER;
}

/* IP straight on LLC, or SNAP with one of the two organisation codes that mean Ethernet types (RFC 1042, 802.1H). */
static enum layer read_llc(struct frame *frame)
{
	static const uint8_t ip[] = {0x06, 0x06, 0x03};
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03};
	const uint8_t *llc = take(frame, sizeof(snap));
	const uint8_t *code;

	if (!llc)
		return LAYER_OTHER;
	if (memcmp(llc, ip, sizeof(ip)) == 0)
		return LAYER_IP;
	if (memcmp(llc, snap, sizeof(snap)) != 0)
		return LAYER_OTHER;
	code = take(frame, 5);
	if (!code || code[0] != 0 || code[1] != 0 || (code[2] != 0 && code[2] != 0xf8))
		return LAYER_OTHER;
	return ethertype_layer(load16(code + 3));
}

/* RFC 2516 section 4; version, type and code are not looked at, as all that follows a session type is PPP. */
static enum layer read_pppoe(struct frame *frame)
{
	const uint8_t *header = take(frame, 6);

	if (!header)
		return LAYER_OTHER;
	limit(frame, load16(header + 4));
	return LAYER_PPP;
}

/* A protocol field whose first byte is odd is compressed to that byte (RFC 1661 section 6.5). */
static enum layer read_ppp(struct frame *frame)
{
	const uint8_t *field = take(frame, 1);
	uint16_t protocol;

	if (!field)
		return LAYER_OTHER;
	protocol = field[0];
	if (!(protocol & 1)) {
		field = take(frame, 1);
		if (!field)
			return LAYER_OTHER;
		protocol = (uint16_t)(protocol << 8 | field[0]);
	}
	switch (protocol) {
	case PPP_IP4:
	case PPP_IP6:
		return LAYER_IP;
	case PPP_MPLS:
	case PPP_MPLS_MULTICAST:
		return LAYER_MPLS;
	default:
		return LAYER_OTHER;
	}
}

/* Address and control may be compressed away (RFC 1661 section 6.6); Cisco's HDLC is told by its address byte. */
static enum layer read_ppp_framed(struct frame *frame)
{
	if (frame->len == 0) {
		frame->cut = frame->wire_len > 0;
		return LAYER_OTHER;
	}
	switch (frame->at[0]) {
	case CISCO_UNICAST:
	case CISCO_MULTICAST:
		return LAYER_CISCO_HDLC;
	case PPP_ALL_STATIONS:
		return take(frame, 2) ? LAYER_PPP : LAYER_OTHER;
	default:
		return LAYER_PPP;
	}
}

static enum layer read_cisco_hdlc(struct frame *frame)
{
	const uint8_t *header = take(frame, 4);

	return header ? ethertype_layer(load16(header + 2)) : LAYER_OTHER;
}

/* An Ethernet header at `at` whose type leads on to an IP header. */
static bool looks_like_ethernet(const struct frame *frame, size_t at)
{
	enum layer layer;

	if (frame->len < at + 15)
		return false;
	layer = ethertype_layer(load16(frame->at + at + 12));
	if (layer == LAYER_IP || layer == LAYER_IP6_ONLY)
		return frame->at[at + 14] >> 4 == (layer == LAYER_IP ? 4 : 6);
	return layer != LAYER_OTHER;
}

/*
 * Labels name no protocol: the first nibble behind the last one tells IP (RFC 4928 section 2). Else it can be an
 * Ethernet pseudowire, without or with the control word of RFC 4448, whose first nibble is 0. Without comes first: a
 * VLAN tag's four bytes would pass for the control word.
 */
static enum layer read_mpls(struct frame *frame)
{
	const uint8_t *label;

	do {
		label = take(frame, 4);
		if (!label)
			return LAYER_OTHER;
	} while (!(label[2] & 1));
	if (frame->len == 0) {
		frame->cut = frame->wire_len > 0;
		return LAYER_OTHER;
	}
	if (frame->at[0] >> 4 == 4 || frame->at[0] >> 4 == 6)
		return LAYER_IP;
	if (looks_like_ethernet(frame, 0))
		return LAYER_ETHERNET;
	if (frame->at[0] >> 4 != 0 || !looks_like_ethernet(frame, 4))
		return LAYER_OTHER;
	(void)take(frame, 4);
	return LAYER_ETHERNET;
}

static enum layer cooked_layer(uint16_t protocol)
{
	switch (protocol) {
	case SLL_ETHERNET:
		return LAYER_ETHERNET;
	case SLL_LLC:
		return LAYER_LLC;
	case SLL_PPP_HDLC:
		return LAYER_PPP_FRAMED;
	default:
		return ethertype_layer(protocol);
	}
}

static enum layer read_linux_sll(struct frame *frame)
{
	const uint8_t *header = take(frame, 16);

	return header ? cooked_layer(load16(header + 14)) : LAYER_OTHER;
}

static enum layer read_linux_sll2(struct frame *frame)
{
	const uint8_t *header = take(frame, 20);

	return header ? cooked_layer(load16(header)) : LAYER_OTHER;
}

/*
 * The writer's number of its address family, in its byte order: 2 everywhere for IPv4, but 24 (NetBSD, OpenBSD), 28
 * (FreeBSD) or 30 (macOS) for IPv6. All are below 256, so the order shows.
 */
static enum layer family_layer(const uint8_t *header)
{
	if (header[1] != 0 || header[2] != 0 || (header[0] != 0 && header[3] != 0))
		return LAYER_OTHER;
	switch (header[0] | header[3]) {
	case 2:
	case 24:
	case 28:
	case 30:
		return LAYER_IP;
	default:
		return LAYER_OTHER;
	}
}

/* Some systems put an Ethernet type in the last two bytes, or PPP's framing, in front of their packets instead. */
static enum layer read_null(struct frame *frame)
{
	const uint8_t *header;
	enum layer layer;

	if (frame->len >= 2 && frame->at[0] == PPP_ALL_STATIONS && frame->at[1] == PPP_UNNUMBERED)
		return LAYER_PPP_FRAMED;
	header = take(frame, 4);
	if (!header)
		return LAYER_OTHER;
	layer = family_layer(header);
	return layer != LAYER_OTHER ? layer : ethertype_layer(load16(header + 2));
}

/* Netfilter's log: attributes in the byte order of this machine (libpcap turns them), one of which is the packet. */
static enum layer read_nflog(struct frame *frame)
{
	const uint8_t *header = take(frame, 4);

	if (!header || (header[0] != NFLOG_IP4 && header[0] != NFLOG_IP6))
		return LAYER_OTHER;
	for (;;) {
		const uint8_t *attribute = take(frame, 4);
		uint16_t len, type;

		if (!attribute)
			return LAYER_OTHER;
		memcpy(&len, attribute, sizeof(len));
		memcpy(&type, attribute + 2, sizeof(type));
		if (len < 4)
			return LAYER_OTHER;
		if (type == NFLOG_PAYLOAD) {
			limit(frame, (size_t)len - 4);
			return LAYER_IP;
		}
		if (!take(frame, (((size_t)len + 3) & ~(size_t)3) - 4))
			return LAYER_OTHER;
	}
}

/* clang-format off */
static enum layer (*const readers[LAYERS])(struct frame *) = {
	[LAYER_ETHERNET] = read_ethernet,
	[LAYER_VLAN] = read_vlan,
	[LAYER_VN_TAG] = read_vn_tag,
	[LAYER_E_TAG] = read_e_tag,
	[LAYER_FABRIC] = read_fabric,
	[LAYER_SERVICE_CHAIN] = read_service_chain,
	[LAYER_BACKBONE] = read_backbone,
	[LAYER_MACSEC] = read_macsec,
	[LAYER_FDDI] = read_fddi,
	[LAYER_LLC] = read_llc,
	[LAYER_PPPOE] = read_pppoe,
	[LAYER_PPP] = read_ppp,
	[LAYER_PPP_FRAMED] = read_ppp_framed,
	[LAYER_CISCO_HDLC] = read_cisco_hdlc,
	[LAYER_MPLS] = read_mpls,
	[LAYER_LINUX_SLL] = read_linux_sll,
	[LAYER_LINUX_SLL2] = read_linux_sll2,
	[LAYER_NULL] = read_null,
	[LAYER_NFLOG] = read_nflog,
};

static const enum layer first_layers[] = {
	[PACKET_LINK_UNKNOWN] = LAYER_OTHER,
	[PACKET_LINK_IP] = LAYER_IP,
	[PACKET_LINK_IP6] = LAYER_IP6_ONLY,
	[PACKET_LINK_ETHERNET] = LAYER_ETHERNET,
	[PACKET_LINK_LINUX_SLL] = LAYER_LINUX_SLL,
	[PACKET_LINK_LINUX_SLL2] = LAYER_LINUX_SLL2,
	[PACKET_LINK_NULL] = LAYER_NULL,
	[PACKET_LINK_PPP] = LAYER_PPP_FRAMED,
	[PACKET_LINK_PPP_ETHER] = LAYER_PPPOE,
	[PACKET_LINK_CISCO_HDLC] = LAYER_CISCO_HDLC,
	[PACKET_LINK_NFLOG] = LAYER_NFLOG,
	[PACKET_LINK_FDDI] = LAYER_FDDI,
};
/* clang-format on */

_Static_assert(sizeof(first_layers) / sizeof(first_layers[0]) == PACKET_LINKS, "one row for each link type");

/* An IPv4 type in front of an IPv6 header is taken as it is meant; the other way round it is no packet at all. */
static void read_ip(const struct frame *frame, enum layer layer, struct packet *ret)
{
	packet_parse_ip(frame->at, frame->len, frame->wire_len, ret);
	if (layer != LAYER_IP6_ONLY || ret->family != ADDR_IP4)
		return;
	memset(ret, 0, sizeof(*ret));
	ret->fault = PACKET_FAULT_IP_HEADER;
}

/* Takes all layers off before IP; what is then at hand. */
static enum layer unwrap(enum packet_link link, struct frame *frame)
{
	enum layer layer = (unsigned)link < PACKET_LINKS ? first_layers[link] : LAYER_OTHER;

	while (readers[layer])
		layer = readers[layer](frame);
	return layer;
}

enum packet_found packet_find_ip(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len,
				 struct packet_ip *ret)
{
	struct frame frame = {.at = bytes, .len = len, .wire_len = wire_len > len ? wire_len : len};
	enum layer layer = unwrap(link, &frame);

	if (layer == LAYER_OTHER)
		return frame.cut ? PACKET_FOUND_CUT : PACKET_FOUND_OTHER;
	*ret = (struct packet_ip){frame.at, frame.len, frame.wire_len};
	return layer == LAYER_IP6_ONLY ? PACKET_FOUND_IP6 : PACKET_FOUND_IP;
}

static void parse_layers(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len,
			 struct packet *ret)
{
	struct frame frame = {.at = bytes, .len = len, .wire_len = wire_len > len ? wire_len : len};
	enum layer layer = unwrap(link, &frame);

	if (layer == LAYER_OTHER) {
		memset(ret, 0, sizeof(*ret));
		ret->fault = frame.cut ? PACKET_FAULT_CUT : PACKET_FAULT_NONE;
	} else {
		read_ip(&frame, layer, ret);
	}
	ret->vlan_count = frame.vlan_count;
	memcpy(ret->vlan, frame.vlan, sizeof(ret->vlan));
}

/* IPv4 right behind an untagged Ethernet header needs no walk through layers. */
void packet_parse_link(enum packet_link link, const uint8_t *bytes, size_t len, size_t wire_len,
		       struct packet *ret)
{
	if (link == PACKET_LINK_ETHERNET && len >= ETHERNET_HEADER && load16(bytes + 12) == ETHERTYPE_IP4)
		packet_parse_ip(bytes + ETHERNET_HEADER, len - ETHERNET_HEADER,
				(wire_len > len ? wire_len : len) - ETHERNET_HEADER, ret);
	else
		parse_layers(link, bytes, len, wire_len, ret);
}
