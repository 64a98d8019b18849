/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "synth/spec.h"

#include "base/number.h"

#include <errno.h>
#include <string.h>

static const char ends_hint[] =
	"write the ends as SOURCE > DESTINATION:25, an IPv6 address with a port in brackets";

/* ---- words with a value ---- */

static int take_time(struct line *line, struct synth_spec *spec)
{
	return line_take_moment(line, "the time", &spec->time_s);
}

static int take_interface(struct line *line, struct synth_spec *spec)
{
	const char *text = line->text;

	if (!line_next(line) || !ifpattern_valid(text + line->word, line->word_len) ||
	    text[line->word + line->word_len - 1] == '*')
		return line_wrong(line, "write the interface's name, such as ppp0",
				  "not the name of an interface");
	memset(spec->interface, 0, sizeof(spec->interface));
	memcpy(spec->interface, text + line->word, line->word_len);
	return 0;
}

static int take_u16(struct line *line, const char *what, uint64_t max, uint16_t *ret)
{
	uint64_t number;
	int r = line_take_number(line, what, 0, max, &number);

	if (r == 0)
		*ret = (uint16_t)number;
	return r;
}

static int take_u8(struct line *line, const char *what, uint64_t max, uint8_t *ret)
{
	uint16_t number;
	int r = take_u16(line, what, max, &number);

	if (r == 0)
		*ret = (uint8_t)number;
	return r;
}

static int take_vlan(struct line *line, struct synth_spec *spec)
{
	if (spec->vlan_count == SYNTH_VLAN_MAX)
		return line_wrong(line, NULL, "more than 3 VLAN tags");
	return take_u16(line, "the VLAN's number", 4095, &spec->vlan[spec->vlan_count++]);
}

static int take_pppoe(struct line *line, struct synth_spec *spec)
{
	spec->pppoe = true;
	return take_u16(line, "the session's number", UINT16_MAX, &spec->session);
}

static int take_ttl(struct line *line, struct synth_spec *spec)
{
	return take_u8(line, "the hop limit", 255, &spec->ttl);
}

static int take_tos(struct line *line, struct synth_spec *spec)
{
	return take_u8(line, "the traffic class", 255, &spec->tos);
}

static int take_id(struct line *line, struct synth_spec *spec)
{
	return take_u16(line, "the identification", UINT16_MAX, &spec->id);
}

static int take_window(struct line *line, struct synth_spec *spec)
{
	return take_u16(line, "the window", UINT16_MAX, &spec->window);
}

static int take_seq(struct line *line, struct synth_spec *spec)
{
	uint64_t number;
	int r = line_take_number(line, "the sequence number", 0, UINT32_MAX, &number);

	if (r == 0)
		spec->seq = (uint32_t)number;
	return r;
}

static int take_payload(struct line *line, struct synth_spec *spec)
{
	return take_u16(line, "the payload's length", SYNTH_PAYLOAD_MAX, &spec->payload);
}

static int take_times(struct line *line, struct synth_spec *spec)
{
	uint64_t number;
	int r = line_take_number(line, "how many times", 1, SYNTH_TIMES_MAX, &number);

	if (r == 0)
		spec->times = (uint32_t)number;
	return r;
}

static int take_cut(struct line *line, struct synth_spec *spec)
{
	uint64_t number;
	int r = line_take_number(line, "the captured bytes", 1, SYNTH_FRAME_MAX, &number);

	if (r == 0)
		spec->cut = (uint32_t)number;
	return r;
}

static int take_data_offset(struct line *line, struct synth_spec *spec)
{
	spec->has_data_offset = true;
	return take_u8(line, "the data offset", 15, &spec->data_offset);
}

static int take_ip_options(struct line *line, struct synth_spec *spec)
{
	int r = take_u8(line, "the options' length", SYNTH_OPTIONS_MAX, &spec->ip_options);

	if (r == 0 && spec->ip_options % 4 != 0)
		return line_wrong(line, "write 4, 8, ... 40", "the options' length is no multiple of 4");
	return r;
}

/* ---- words of the TCP header ---- */

struct named_flag {
	const char *name;
	uint8_t flag;
};

static const struct named_flag flags[] = {
	{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08},
	{"ack", 0x10}, {"urg", 0x20}, {"ece", 0x40}, {"cwr", 0x80},
};

static bool take_flag(const struct line *line, struct synth_spec *spec)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (line_is(line, flags[i].name)) {
			spec->tcp_flags |= flags[i].flag;
			return true;
		}
	}
	return false;
}

struct named_option {
	const char *name;
	uint8_t len;
	uint8_t bytes[10];
};

/* RFC 9293 section 3.2, RFC 7323 and RFC 2018. */
static const struct named_option tcp_options[] = {
	{"mss", 4, {2, 4, 5, 180}},
	{"nop", 1, {1}},
	{"wscale", 3, {3, 3, 7}},
	{"sackok", 2, {4, 2}},
	{"timestamp", 10, {8, 10, 0, 0, 0, 1}},
};

static int add_option(struct line *line, struct synth_spec *spec, const struct named_option *option)
{
	if (spec->option_len + option->len > SYNTH_OPTIONS_MAX)
		return line_wrong(line, NULL, "the TCP options are longer than 40 bytes");
	memcpy(spec->options + spec->option_len, option->bytes, option->len);
	spec->option_len += option->len;
	return 0;
}

static int take_option(struct line *line, struct synth_spec *spec)
{
	const char *names[sizeof(tcp_options) / sizeof(tcp_options[0])];
	size_t count = sizeof(names) / sizeof(names[0]);

	line_next(line);
	for (size_t i = 0; i < count; i++) {
		names[i] = tcp_options[i].name;
		if (line_is(line, names[i]))
			return add_option(line, spec, &tcp_options[i]);
	}
	return line_unknown(line, "the name of a TCP option", names, count);
}

/* ---- fragments and extension headers ---- */

static int add_extension(struct line *line, struct synth_spec *spec, uint8_t kind)
{
	if (spec->chain_count == SYNTH_CHAIN_MAX)
		return line_wrong(line, NULL, "more than 24 extension headers");
	spec->chain[spec->chain_count++] = kind;
	return 0;
}

static int take_hop_by_hop(struct line *line, struct synth_spec *spec)
{
	return add_extension(line, spec, CHAIN_HOP_BY_HOP);
}

static int take_destination_options(struct line *line, struct synth_spec *spec)
{
	return add_extension(line, spec, CHAIN_DESTINATION);
}

static int take_routing(struct line *line, struct synth_spec *spec)
{
	return add_extension(line, spec, CHAIN_ROUTING);
}

static int take_authentication(struct line *line, struct synth_spec *spec)
{
	return add_extension(line, spec, CHAIN_AUTHENTICATION);
}

static int take_fragment(struct line *line, struct synth_spec *spec)
{
	static const char hint[] =
		"write the offset in bytes, a multiple of 8, with \"+\" where more follow: 0+";
	uint64_t offset;
	size_t len;

	if (spec->is_fragment)
		return line_wrong(line, NULL, "a second fragment");
	if (!line_next(line))
		return line_wrong(line, hint, "the fragment has no offset");
	len = line->word_len;
	spec->more = line->text[line->word + len - 1] == '+';
	if (number_parse(line->text + line->word, len - spec->more, 0, 65528, &offset) != NUMBER_OK ||
	    offset % 8)
		return line_wrong(line, hint, "not a fragment's offset");
	spec->is_fragment = true;
	spec->fragment_offset = (uint32_t)offset;
	return add_extension(line, spec, CHAIN_FRAGMENT);
}

static int take_dont_fragment(struct line *line, struct synth_spec *spec)
{
	(void)line;
	spec->dont_fragment = true;
	return 0;
}

/* ---- the ends ---- */

/* "192.0.2.1", "192.0.2.1:25", "2001:db8::1", "[2001:db8::1]:25". */
static int take_end(struct line *line, const char *what, struct addr *ret, uint16_t *port)
{
	const char *text, *end, *colon;
	size_t len;
	uint64_t number;
	enum addr_error error;

	if (!line_next(line))
		return line_wrong(line, ends_hint, "the line ends where %s should stand", what);
	text = line->text + line->word;
	end = text + line->word_len;
	len = line->word_len;
	colon = memchr(text, ':', len);
	if (text[0] == '[' && memchr(text, ']', len)) {
		text++;
		len = (size_t)((const char *)memchr(text, ']', len - 1) - text);
		colon = text + len + 1 < end ? text + len + 1 : NULL;
	} else if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
		len = (size_t)(colon - text);
	} else {
		colon = NULL;
	}
	error = addr_parse(text, len, ret);
	if (error != ADDR_OK)
		return line_wrong(line, ends_hint, "%s: %s", what, addr_error_text(error));
	if (!colon)
		return 0;
	if (*colon != ':' ||
	    number_parse(colon + 1, (size_t)(end - colon - 1), 0, UINT16_MAX, &number) != NUMBER_OK)
		return line_wrong(line, "write a port from 0 to 65535", "%s: not a port", what);
	*port = (uint16_t)number;
	return 0;
}

static int take_ends(struct line *line, struct synth_spec *spec)
{
	int r = take_end(line, "the source", &spec->src, &spec->sport);

	if (r < 0)
		return r;
	if (!line_next(line) || !line_is(line, ">"))
		return line_wrong(line, ends_hint, "no \">\" behind the source");
	r = take_end(line, "the destination", &spec->dst, &spec->dport);
	if (r == 0 && spec->src.family != spec->dst.family)
		return line_wrong(line, "take two IPv4 or two IPv6 addresses",
				  "source and destination are not of one address family");
	return r;
}

static int take_protocol(struct line *line, struct synth_spec *spec, uint8_t protocol)
{
	int r = take_ends(line, spec);

	spec->protocol = protocol;
	if (protocol == PROTOCOL_ICMP && spec->src.family == ADDR_IP6)
		spec->protocol = PROTOCOL_ICMP6;
	return r;
}

static int take_tcp(struct line *line, struct synth_spec *spec)
{
	return take_protocol(line, spec, PROTOCOL_TCP);
}

static int take_udp(struct line *line, struct synth_spec *spec)
{
	return take_protocol(line, spec, PROTOCOL_UDP);
}

static int take_icmp(struct line *line, struct synth_spec *spec)
{
	return take_protocol(line, spec, PROTOCOL_ICMP);
}

static int take_other(struct line *line, struct synth_spec *spec)
{
	uint8_t protocol = 0;
	int r = take_u8(line, "the protocol's number", 255, &protocol);

	return r < 0 ? r : take_protocol(line, spec, protocol);
}

/* ---- the line ---- */

enum word_place { WORD_ANYWHERE, WORD_ENDS, WORD_TCP, WORD_IP4, WORD_IP6 };

static const struct {
	const char *name;
	int (*take)(struct line *line, struct synth_spec *spec);
	enum word_place place; /* what it makes sense for */
} words[] = {
	/* clang-format off */
	{"tcp", take_tcp, WORD_ENDS},
	{"udp", take_udp, WORD_ENDS},
	{"icmp", take_icmp, WORD_ENDS},
	{"protocol", take_other, WORD_ENDS},
	{"at", take_time, WORD_ANYWHERE},
	{"on", take_interface, WORD_ANYWHERE},
	{"times", take_times, WORD_ANYWHERE},
	{"vlan", take_vlan, WORD_ANYWHERE},
	{"pppoe", take_pppoe, WORD_ANYWHERE},
	{"ttl", take_ttl, WORD_ANYWHERE},
	{"tos", take_tos, WORD_ANYWHERE},
	{"payload", take_payload, WORD_ANYWHERE},
	{"cut", take_cut, WORD_ANYWHERE},
	{"fragment", take_fragment, WORD_ANYWHERE},
	{"id", take_id, WORD_ANYWHERE},
	{"df", take_dont_fragment, WORD_IP4},
	{"ip-options", take_ip_options, WORD_IP4},
	{"hop-by-hop", take_hop_by_hop, WORD_IP6},
	{"destination-options", take_destination_options, WORD_IP6},
	{"routing", take_routing, WORD_IP6},
	{"authentication", take_authentication, WORD_IP6},
	{"option", take_option, WORD_TCP},
	{"seq", take_seq, WORD_TCP},
	{"window", take_window, WORD_TCP},
	{"data-offset", take_data_offset, WORD_TCP},
	/* clang-format on */
};
enum { WORDS = sizeof(words) / sizeof(words[0]), FLAGS = sizeof(flags) / sizeof(flags[0]) };

static int refuse_unknown(const struct line *line)
{
	const char *names[WORDS + FLAGS];

	for (size_t i = 0; i < WORDS; i++)
		names[i] = words[i].name;
	for (size_t i = 0; i < FLAGS; i++)
		names[WORDS + i] = flags[i].name;
	return line_unknown(line, "a word of a packet", names, WORDS + FLAGS);
}

/* What a word is about must be there: the packet is made of all words, and none is passed over in silence. */
static int check_place(const struct line *line, const struct synth_spec *spec, enum word_place place)
{
	if (place == WORD_ENDS && spec->src.family != ADDR_NONE)
		return line_wrong(line, "write one packet a line", "a second packet in this line");
	if (place > WORD_ENDS && spec->src.family == ADDR_NONE)
		return line_wrong(line, ends_hint, "this word stands behind the packet's ends");
	if (place == WORD_TCP && spec->protocol != PROTOCOL_TCP)
		return line_wrong(line, "leave it out, or make it a tcp packet",
				  "only TCP packets have this");
	if (place == WORD_IP4 && spec->src.family != ADDR_IP4)
		return line_wrong(line, "leave it out", "only IPv4 packets have this");
	if (place == WORD_IP6 && spec->src.family != ADDR_IP6)
		return line_wrong(line, "leave it out", "only IPv6 packets have this");
	return 0;
}

static int take_word(struct line *line, struct synth_spec *spec)
{
	struct synth_spec with_flag = *spec;
	int r;

	for (size_t i = 0; i < WORDS; i++) {
		if (!line_is(line, words[i].name))
			continue;
		r = check_place(line, spec, words[i].place);
		return r < 0 ? r : words[i].take(line, spec);
	}
	if (!take_flag(line, &with_flag))
		return refuse_unknown(line);
	r = check_place(line, spec, WORD_TCP);
	*spec = r < 0 ? *spec : with_flag;
	return r;
}

int synth_parse(struct line *line, struct synth_spec *ret)
{
	struct synth_spec spec = *ret;
	int r = 0;

	while (r == 0 && line_next(line) && !line_is(line, "=>"))
		r = take_word(line, &spec);
	if (r == 0 && spec.src.family == ADDR_NONE)
		r = line_wrong(line, "write, for example: tcp 10.1.0.1 > 192.0.2.1:25 syn",
			       "the line names no packet");
	if (r == 0)
		*ret = spec;
	return r;
}
