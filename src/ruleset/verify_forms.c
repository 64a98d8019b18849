/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_space.h"

#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TCP = IP_PROTOCOL_TCP, UDP = 17, SCTP = 132, HEADER4 = 20, HEADER6 = 40, TCP_WHOLE = 20 };
enum { NEXT_FRAGMENT = 44, NEXT_AUTHENTICATION = 51, NEXT_OPTIONS = 60, NEXT_MOBILITY = 135 };
enum { MORE4 = 0x2000, DONT4 = 0x4000, TEMPLATE_PORT = 40000 };

/* Offsets are in units of 8 bytes, as the headers have them. */
enum piece { WHOLE, ALONE, FIRST, SECOND, SECOND_MORE, THIRD, FAR, PIECES };

static const struct {
	const char *words4, *words6;
	uint16_t offset;
	bool more;
} pieces[PIECES] = {
	[WHOLE] = {"", "", 0, false},
	[ALONE] = {", DF set", ", atomic fragment", 0, false},
	[FIRST] = {", first fragment", ", first fragment", 0, true},
	[SECOND] = {", last fragment at byte 8", ", last fragment at byte 8", 1, false},
	[SECOND_MORE] = {", fragment at byte 8", ", fragment at byte 8", 1, true},
	[THIRD] = {", fragment at byte 16", ", fragment at byte 16", 2, true},
	[FAR] = {", last fragment at byte 1480", ", last fragment at byte 1480", 185, false},
};

/* What stands between the IP header and what it carries. */
enum middle {
	NOTHING,
	OPTIONS,        /* IPv6 destination options */
	AUTHENTICATION, /* a header of AH */
	MOBILITY,       /* of IPv6 */
	CUT,            /* options that say they are longer than the packet, TCP behind them */
	CUT_UDP,        /* the same with UDP */
	CUT_UDP_UNSEEN, /* the same, before a kernel that looks how long the packet is */
	CUT_DEEP,       /* options, and then the packet ends where more of them should come */
};

/* What the kernel takes for the ports and flags of a later fragment. */
enum taken { TAKEN_NONE, TAKEN_25, TAKEN_OTHER, TAKEN_SYN };

struct row {
	const char *words; /* NULL: made of port and flags */
	uint8_t protocol;
	uint16_t from; /* source port; 0: TEMPLATE_PORT */
	uint16_t port;
	uint8_t flags;
	uint8_t data_offset; /* 0: 5 */
	uint8_t len;         /* bytes behind all headers before TCP's; 0: 20 */
	enum piece piece;
	enum middle middle;
	enum taken taken;
	enum verify_limit limit;
};

enum { SYN = TCP_SYN, ACK = TCP_ACK, BOTH = TCP_SYN | TCP_ACK, RST = TCP_RST, FIN = TCP_FIN };

static const struct row rows[] = {
	{.words = "UDP to port 25", .protocol = UDP, .port = 25},
	{.words = "SCTP to port 25", .protocol = SCTP, .port = 25},
	{.port = 24, .flags = SYN},
	{.port = 26, .flags = SYN},
	{.port = 465, .flags = SYN},
	{.port = 587, .flags = SYN},
	{.port = 587, .flags = ACK},
	{.port = 0, .flags = SYN},
	{.port = 65535, .flags = SYN},
	{.words = "TCP, 2 bytes of its header", .port = 25, .len = 2},
	{.words = "TCP to port 25, 4 bytes of its header", .port = 25, .len = 4},
	{.words = "TCP to port 25, 12 bytes of its header", .port = 25, .len = 12},
	{.words = "TCP to port 25, SYN, 16 bytes of its header", .port = 25, .flags = SYN, .len = 16},
	{.words = "TCP to port 25, ACK, 16 bytes of its header",
	 .port = 25,
	 .flags = ACK,
	 .len = 16,
	 .limit = VERIFY_LIMIT_BROKEN_ACK},
	{.words = "TCP to port 25, SYN, data offset 4", .port = 25, .flags = SYN, .data_offset = 4},
	{.words = "TCP to port 25, ACK, data offset 4",
	 .port = 25,
	 .flags = ACK,
	 .data_offset = 4,
	 .limit = VERIFY_LIMIT_BROKEN_ACK},
	{.words = "TCP to port 25, SYN, data offset 15",
	 .port = 25,
	 .flags = SYN,
	 .data_offset = 15,
	 .limit = VERIFY_LIMIT_LONG_HEADER},
	{.words = "TCP to port 25, ACK, data offset 15",
	 .port = 25,
	 .flags = ACK,
	 .data_offset = 15,
	 .limit = VERIFY_LIMIT_BROKEN_ACK},
	{.port = 25, .flags = SYN, .piece = ALONE},
	{.port = 25, .flags = ACK, .piece = ALONE},
	{.port = 465, .flags = SYN, .piece = ALONE},
	{.port = 25, .flags = SYN, .piece = FIRST, .len = 24},
	{.port = 25, .flags = BOTH, .piece = FIRST, .len = 24},
	{.port = 25, .flags = ACK, .piece = FIRST, .len = 24},
	{.port = 25, .flags = SYN | FIN, .piece = FIRST, .len = 24},
	{.port = 25, .piece = FIRST, .len = 24},
	{.port = 587, .flags = SYN, .piece = FIRST, .len = 24},
	{.words = "TCP to port 25, 8 bytes of its header", .port = 25, .piece = FIRST, .len = 8},
	{.words = "TCP to port 587, 8 bytes of its header", .port = 587, .piece = FIRST, .len = 8},
	{.words = "TCP to port 25, SYN, 16 bytes of its header",
	 .port = 25,
	 .flags = SYN,
	 .piece = FIRST,
	 .len = 16},
	{.words = "TCP to port 25, ACK, 16 bytes of its header",
	 .port = 25,
	 .flags = ACK,
	 .piece = FIRST,
	 .len = 16},
	{.words = "UDP to port 25", .protocol = UDP, .port = 25, .piece = FIRST, .len = 24},
	{.words = "TCP", .piece = SECOND, .len = 24},
	{.words = "TCP, data like port 25", .piece = SECOND, .len = 24, .taken = TAKEN_25},
	{.words = "TCP, data like a SYN", .piece = SECOND, .len = 24, .taken = TAKEN_SYN},
	{.words = "TCP, data like another port", .piece = SECOND, .len = 24, .taken = TAKEN_OTHER},
	{.words = "TCP", .piece = SECOND_MORE, .len = 24},
	{.words = "TCP, data like port 25", .piece = SECOND_MORE, .len = 24, .taken = TAKEN_25},
	{.words = "TCP, data like a SYN", .piece = SECOND_MORE, .len = 24, .taken = TAKEN_SYN},
	{.words = "TCP, data like another port", .piece = SECOND_MORE, .len = 24, .taken = TAKEN_OTHER},
	{.words = "TCP", .piece = THIRD, .len = 24},
	{.words = "TCP, data like port 25", .piece = THIRD, .len = 24, .taken = TAKEN_25},
	{.words = "TCP, data like a SYN", .piece = THIRD, .len = 24, .taken = TAKEN_SYN},
	{.words = "TCP, data like another port", .piece = THIRD, .len = 24, .taken = TAKEN_OTHER},
	{.words = "TCP", .piece = FAR, .len = 24},
	{.words = "TCP, data like port 25", .piece = FAR, .len = 24, .taken = TAKEN_25},
	{.words = "TCP, data like a SYN", .piece = FAR, .len = 24, .taken = TAKEN_SYN},
	{.words = "UDP", .protocol = UDP, .piece = SECOND_MORE, .len = 24},
	{.words = "UDP", .protocol = UDP, .piece = FAR, .len = 24},
	{.words = "TCP to port 25, SYN, behind an authentication header",
	 .port = 25,
	 .flags = SYN,
	 .middle = AUTHENTICATION,
	 .limit = VERIFY_LIMIT_OTHER_HEADER},
};

/* What the guard looks at, and what is nearly that. */
static const struct row answers[] = {
	{.from = 25, .port = 1025, .flags = BOTH},
	{.from = 25, .port = 1025, .flags = BOTH | TCP_ECE | TCP_CWR | TCP_PSH | TCP_URG},
	{.from = 25, .port = 1025, .flags = BOTH | RST},
	{.from = 25, .port = 1025, .flags = BOTH | FIN},
	{.from = 25, .port = 1025, .flags = SYN},
	{.from = 25, .port = 1025, .flags = ACK},
	{.from = 25, .port = 1025, .flags = RST | ACK},
	{.from = 25, .port = 25, .flags = BOTH},
	{.from = 25, .port = 25, .flags = SYN},
	{.from = 25, .port = 25, .flags = ACK},
	{.from = 25, .port = 587, .flags = BOTH},
	{.from = 24, .port = 1025, .flags = BOTH},
	{.from = 26, .port = 25, .flags = BOTH},
	{.from = 587, .port = 1025, .flags = BOTH},
	{.words = "UDP from port 25", .protocol = UDP, .from = 25, .port = 1025},
	{.words = "TCP from port 25, 12 bytes of its header", .from = 25, .port = 1025, .len = 12},
	{.words = "TCP from port 25, SYN ACK, 16 bytes of its header",
	 .from = 25,
	 .port = 1025,
	 .flags = BOTH,
	 .len = 16},
	{.words = "TCP from port 25, SYN ACK, data offset 4",
	 .from = 25,
	 .port = 1025,
	 .flags = BOTH,
	 .data_offset = 4},
	{.from = 25, .port = 1025, .flags = BOTH, .piece = ALONE},
	{.from = 25, .port = 1025, .flags = BOTH, .piece = FIRST, .len = 24},
};

static const struct row answers6[] = {
	{.words = "TCP from port 25, SYN ACK, behind destination options",
	 .from = 25,
	 .port = 1025,
	 .flags = BOTH,
	 .middle = OPTIONS},
};

static const struct row rows6[] = {
	{.words = "TCP to port 25, SYN, behind destination options",
	 .port = 25,
	 .flags = SYN,
	 .middle = OPTIONS},
	{.words = "TCP to port 25, ACK, behind destination options",
	 .port = 25,
	 .flags = ACK,
	 .middle = OPTIONS},
	{.words = "TCP to port 587, SYN, behind destination options",
	 .port = 587,
	 .flags = SYN,
	 .middle = OPTIONS},
	{.words = "TCP to port 25, SYN, behind destination options",
	 .port = 25,
	 .flags = SYN,
	 .len = 24,
	 .piece = FIRST,
	 .middle = OPTIONS},
	{.words = "destination options", .piece = SECOND_MORE, .len = 24, .middle = OPTIONS},
	{.words = "destination options", .piece = THIRD, .len = 24, .middle = OPTIONS},
	{.words = "header chain hidden, TCP behind it", .piece = FIRST, .middle = CUT},
	{.words = "header chain hidden, UDP behind it",
	 .protocol = UDP,
	 .piece = FIRST,
	 .middle = CUT_UDP,
	 .limit = VERIFY_LIMIT_HIDDEN_OTHER},
	{.words = "header chain hidden, UDP behind it, newer kernel",
	 .protocol = UDP,
	 .piece = FIRST,
	 .middle = CUT_UDP_UNSEEN},
	{.words = "header chain hidden, no end in sight", .piece = FIRST, .middle = CUT_DEEP},
	{.words = "header chain longer than the packet, TCP behind it", .middle = CUT},
	{.words = "header chain longer than the packet, no end in sight", .middle = CUT_DEEP},
	{.words = "TCP to port 25, SYN, behind a mobility header",
	 .port = 25,
	 .flags = SYN,
	 .middle = MOBILITY,
	 .limit = VERIFY_LIMIT_OTHER_HEADER},
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void write_words(const struct row *row, struct verify_form *form)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} names[] = {{TCP_SYN, " SYN"}, {TCP_ACK, " ACK"}, {TCP_RST, " RST"}, {TCP_FIN, " FIN"},
		     {TCP_PSH, " PSH"}, {TCP_URG, " URG"}, {TCP_ECE, " ECE"}, {TCP_CWR, " CWR"}};
	const char *piece = form->family == ADDR_IP4 ? pieces[row->piece].words4 : pieces[row->piece].words6;
	char flags[40] = "", from[20] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (row->flags & names[i].bit)
			strncat(flags, names[i].word, sizeof(flags) - strlen(flags) - 1);
	}
	if (row->from != 0)
		snprintf(from, sizeof(from), " from port %u", row->from);
	if (row->words)
		snprintf(form->words, sizeof(form->words), "%s%s", row->words, piece);
	else
		snprintf(form->words, sizeof(form->words), "TCP%s to port %u,%s%s", from, row->port,
			 flags[0] ? flags : " no flags", piece);
}

/* Ports, and what follows where there is room: `room` bytes, zeroed. */
static void write_upper(const struct row *row, uint8_t *at, size_t room)
{
	uint8_t tcp[TCP_WHOLE] = {0};
	size_t len = room < sizeof(tcp) ? room : sizeof(tcp);

	put16(tcp, row->from ? row->from : TEMPLATE_PORT);
	put16(tcp + 2, row->port);
	if (row->protocol == UDP) {
		put16(tcp + 4, (uint32_t)room);
	} else if (row->protocol != SCTP) {
		tcp[12] = (uint8_t)((row->data_offset ? row->data_offset : 5) << 4);
		tcp[13] = row->flags;
		put16(tcp + 14, 64240);
	}
	memcpy(at, tcp, len);
}

/* What the kernel's view shows of ports and flags, when `room` bytes of them are there. */
static void see_upper(const struct row *row, size_t room, struct ruleset_packet *kernel)
{
	if (kernel->l4proto != TCP)
		return;
	kernel->has_sport = room >= 2;
	kernel->sport = row->from ? row->from : TEMPLATE_PORT;
	kernel->has_dport = room >= 4;
	kernel->has_flags = room >= 14;
	kernel->dport = kernel->has_dport ? row->port : 0;
	kernel->tcp_flags = kernel->has_flags ? row->flags : 0;
	kernel->tcp_doff = row->data_offset ? row->data_offset : 5;
	kernel->has_whole = room >= TCP_WHOLE;
}

/*
 * The header between, if any; returns its size and sets *protocol to what stands before it. The kernel (ipv6_find_hdr)
 * believes a header's length without looking whether the packet is that long, and takes the next header's number from
 * it; since 6.1.189 and its sisters it looks, and knows no protocol then. For TCP both come to the same, because there are
 * no ports either way. AH and mobility headers are protocols to it (nft_set_pktinfo_ipv6 stops at AH).
 */
static size_t write_middle(const struct row *row, uint8_t *at, uint8_t *protocol, struct verify_form *form)
{
	struct ruleset_packet *kernel = &form->kernel;

	at[0] = *protocol;
	kernel->has_l4proto = true;
	kernel->l4proto = *protocol;
	switch (row->middle) {
	case NOTHING:
		at[0] = 0;
		return 0;
	case AUTHENTICATION:
		/* In units of 4 bytes, less 2; in IPv6 a multiple of 8 bytes. */
		at[1] = form->family == ADDR_IP4 ? 1 : 2;
		*protocol = kernel->l4proto = NEXT_AUTHENTICATION;
		return form->family == ADDR_IP4 ? 12 : 16;
	case MOBILITY:
		*protocol = kernel->l4proto = NEXT_MOBILITY;
		return 8;
	case CUT_DEEP:
		at[0] = NEXT_OPTIONS;
		kernel->has_l4proto = false;
		break;
	case CUT_UDP_UNSEEN:
		kernel->has_l4proto = false;
		at[1] = 3;
		break;
	case CUT:
	case CUT_UDP:
		at[1] = 3;
		break;
	case OPTIONS:
		break;
	}
	at[2] = 1; /* PadN */
	at[3] = 4;
	*protocol = NEXT_OPTIONS;
	return 8;
}

/*
 * nft_payload's fast path looks for ports where the IP header ends, also in a later fragment; in one of IPv6 at the
 * packet's very beginning, where the flow label's last bits stand.
 */
static void take_data(const struct row *row, uint8_t *at, struct verify_form *form)
{
	struct ruleset_packet *kernel = &form->kernel;
	uint8_t *from = form->family == ADDR_IP4 ? at : form->bytes;

	if (row->taken == TAKEN_NONE)
		return;
	kernel->has_dport = kernel->has_flags = kernel->has_whole = true;
	kernel->dport = row->taken == TAKEN_OTHER ? 587 : 25;
	kernel->tcp_flags = row->taken == TAKEN_SYN ? TCP_SYN : TCP_ACK;
	kernel->tcp_doff = 5;
	put16(from + 2, kernel->dport);
	if (form->family != ADDR_IP4)
		return;
	from[12] = 5 << 4;
	from[13] = kernel->tcp_flags;
}

static bool is_cut(enum middle middle)
{
	return middle == CUT || middle == CUT_UDP || middle == CUT_UDP_UNSEEN || middle == CUT_DEEP;
}

/* Behind a header that leaves the packet nothing is written. */
static size_t write_rest(const struct row *row, uint8_t *at, uint8_t *protocol, struct verify_form *form)
{
	size_t room = row->len ? row->len : TCP_WHOLE, middle;

	*protocol = row->protocol ? row->protocol : TCP;
	form->kernel.src.family = form->family;
	middle = write_middle(row, at, protocol, form);
	if (is_cut(row->middle))
		return middle;
	if (pieces[row->piece].offset != 0) {
		/* The kernel looks no further than the fragment header, and takes no extension header for a protocol. */
		form->kernel.has_l4proto = row->middle == NOTHING;
		take_data(row, at, form);
		return middle + room;
	}
	write_upper(row, at + middle, room);
	see_upper(row, room, &form->kernel);
	return middle + room;
}

static void write_ip4(const struct row *row, struct verify_form *form)
{
	uint16_t field = pieces[row->piece].offset;
	uint8_t protocol;

	form->bytes[0] = 0x45;
	if (pieces[row->piece].more)
		field |= MORE4;
	if (row->piece == ALONE)
		field |= DONT4;
	form->kernel.frag4 = field;
	form->len = HEADER4 + write_rest(row, form->bytes + HEADER4, &protocol, form);
	put16(form->bytes + 2, (uint32_t)form->len);
	put16(form->bytes + 6, field);
	form->bytes[8] = 64;
	form->bytes[9] = protocol;
}

static void write_ip6(const struct row *row, struct verify_form *form)
{
	size_t at = HEADER6;
	uint8_t protocol;

	form->bytes[0] = 0x60;
	form->bytes[7] = 64;
	form->kernel.frag6 = row->piece != WHOLE;
	form->kernel.frag6_offset = pieces[row->piece].offset;
	if (form->kernel.frag6)
		at += 8;
	form->len = at + write_rest(row, form->bytes + at, &protocol, form);
	form->bytes[6] = protocol;
	if (form->kernel.frag6) {
		form->bytes[6] = NEXT_FRAGMENT;
		form->bytes[HEADER6] = protocol;
		put16(form->bytes + HEADER6 + 2,
		      (uint32_t)pieces[row->piece].offset << 3 | pieces[row->piece].more);
	}
	put16(form->bytes + 4, (uint32_t)form->len - HEADER6);
}

/* A fragment at byte 8 may hold flags, and a hidden chain anything; of the rest only what shows the port is ours.
 * What the kernel takes for another protocol it leaves alone. */
static bool may_be_port25(const struct verify_form *form, const struct row *row)
{
	const struct packet *ours = &form->ours;

	if ((row->protocol != 0 && row->middle != CUT_UDP_UNSEEN) ||
	    (form->kernel.has_l4proto && form->kernel.l4proto != TCP))
		return false;
	if (ours->has_ports)
		return packet_is_port25(ours);
	return ours->fault == PACKET_FAULT_FRAGMENT_OVERLAP || ours->fault == PACKET_FAULT_FRAGMENT_CHAIN ||
	       (form->family == ADDR_IP6 && row->piece == SECOND_MORE);
}

static int add_form(const struct row *row, uint8_t family, struct verify_forms *forms)
{
	struct verify_form *form;

	if (!VEC_RESERVE(forms->items, forms->capacity, forms->count + 1))
		return -ENOMEM;
	form = &forms->items[forms->count++];
	*form = (struct verify_form){.family = family, .limit = row->limit};
	write_words(row, form);
	if (family == ADDR_IP4)
		write_ip4(row, form);
	else
		write_ip6(row, form);
	packet_parse_ip(form->bytes, form->len, form->len, &form->ours);
	form->fragment = row->piece != WHOLE && row->piece != ALONE;
	form->port25 = may_be_port25(form, row);
	form->answer = form->kernel.l4proto == TCP && form->kernel.has_flags && row->from == SMTP_PORT &&
		       (row->flags & BOTH) == BOTH;
	form->sound = !form->fragment && form->ours.fault == PACKET_FAULT_NONE;
	return 0;
}

/* Every combination of the flags that engine or ruleset look at, with and without all the others. */
static int add_flags(uint8_t family, struct verify_forms *forms)
{
	static const uint8_t looked_at[] = {TCP_SYN, TCP_ACK, TCP_RST, TCP_FIN};
	int r = 0;

	for (unsigned i = 0; r == 0 && i < 32; i++) {
		struct row row = {.port = 25};

		for (unsigned bit = 0; bit < 4; bit++) {
			if (i & 1U << bit)
				row.flags |= looked_at[bit];
		}
		if (i & 16)
			row.flags |= TCP_ECE | TCP_CWR | TCP_PSH | TCP_URG;
		r = add_form(&row, family, forms);
	}
	return r;
}

static int add_rows(const struct row *some, size_t count, uint8_t family, struct verify_forms *forms)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_form(&some[i], family, forms);
	return r;
}

#define ADD_ROWS(some) add_rows(some, sizeof(some) / sizeof((some)[0]), family, forms)

int verify_collect_forms(uint8_t family, bool answers_only, struct verify_forms *forms)
{
	int r = ADD_ROWS(answers);

	if (r == 0 && family == ADDR_IP6)
		r = ADD_ROWS(answers6);
	if (r < 0 || answers_only)
		return r;
	r = add_flags(family, forms);
	if (r == 0)
		r = ADD_ROWS(rows);
	if (r == 0 && family == ADDR_IP6)
		r = ADD_ROWS(rows6);
	return r;
}
