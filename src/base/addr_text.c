/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text forms of addresses, apart from their arithmetic: addr.c is pure (no library behind it), this is not. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* By hand, not by inet_pton: lists of a million lines spend their time here. Where the address ends, or 0. */
static size_t scan_ip4(const char *text, size_t len, uint32_t *ret)
{
	uint32_t value = 0;
	size_t at = 0;

	for (int octet = 0; octet < 4; octet++) {
		unsigned number = 0;
		size_t first;

		if (octet > 0 && (at == len || text[at++] != '.'))
			return 0;
		for (first = at; at < len && (unsigned)(text[at] - '0') <= 9 && at - first < 4; at++)
			number = number * 10 + (unsigned)(text[at] - '0');
		if (at == first || at - first > 3 || number > 255 || (at - first > 1 && text[first] == '0'))
			return 0;
		value = value << 8 | number;
	}
	*ret = value;
	return at;
}

static enum addr_error parse_ip6(const char *text, size_t len, struct addr *ret)
{
	char copy[ADDR_TEXT_MAX];
	uint8_t bytes[16];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return ADDR_BAD_IP6;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, bytes) != 1)
		return ADDR_BAD_IP6;
	*ret = addr_from_bytes16(bytes);
	return ADDR_OK;
}

enum addr_error addr_parse(const char *text, size_t len, struct addr *ret)
{
	uint32_t ip4;

	if (len == 0)
		return ADDR_EMPTY;
	if (memchr(text, ':', len))
		return parse_ip6(text, len, ret);
	if (scan_ip4(text, len, &ip4) != len)
		return ADDR_BAD_IP4;
	*ret = addr_ip4(ip4);
	return ADDR_OK;
}

static enum addr_error parse_length(const char *text, size_t len, unsigned max, uint8_t *ret)
{
	unsigned number = 0;

	if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
		return ADDR_BAD_LENGTH;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return ADDR_BAD_LENGTH;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	if (number > max)
		return ADDR_LENGTH_RANGE;
	*ret = (uint8_t)number;
	return ADDR_OK;
}

/* What most lines of a long list are, without looking for the slash first. False for anything else. */
static bool parse_prefix4(const char *text, size_t len, struct prefix *ret)
{
	uint32_t ip4;
	size_t end = scan_ip4(text, len, &ip4);
	uint8_t bits;

	if (end == 0 || end == len || text[end] != '/' ||
	    parse_length(text + end + 1, len - end - 1, 32, &bits) != ADDR_OK)
		return false;
	*ret = (struct prefix){addr_ip4(ip4), bits};
	return true;
}

static enum addr_error parse_any_prefix(const char *text, size_t len, struct prefix *ret)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct prefix prefix;
	enum addr_error error = addr_parse(text, addr_len, &prefix.addr);

	if (error != ADDR_OK)
		return error;
	prefix.len = (uint8_t)addr_bits(prefix.addr.family);
	if (slash)
		error = parse_length(slash + 1, len - addr_len - 1, prefix.len, &prefix.len);
	if (error == ADDR_OK)
		*ret = prefix;
	return error;
}

enum addr_error prefix_parse(const char *text, size_t len, struct prefix *ret)
{
	return parse_prefix4(text, len, ret) ? ADDR_OK : parse_any_prefix(text, len, ret);
}

const char *addr_error_text(enum addr_error error)
{
	switch (error) {
	case ADDR_OK:
		return "no error";
	case ADDR_EMPTY:
		return "an address is missing";
	case ADDR_BAD_IP4:
		return "not an IPv4 address (four numbers from 0 to 255 without leading zeros, like 192.0.2.1)";
	case ADDR_BAD_IP6:
		return "not an IPv6 address (like 2001:db8::1, without a zone)";
	case ADDR_BAD_LENGTH:
		return "the prefix length is not a number";
	case ADDR_LENGTH_RANGE:
		return "the prefix length is too large (at most 32 for IPv4, 128 for IPv6)";
	case ADDR_TRAILING:
		return "text behind the address";
	}
	return "unknown address error";
}

static size_t format_octet(unsigned number, char *out)
{
	size_t n = 0;

	if (number >= 100)
		out[n++] = (char)('0' + number / 100);
	if (number >= 10)
		out[n++] = (char)('0' + number / 10 % 10);
	out[n++] = (char)('0' + number % 10);
	return n;
}

/* By hand likewise. */
static size_t format_ip4(uint32_t ip4, char out[ADDR_TEXT_MAX])
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8) {
		n += format_octet(ip4 >> shift & 0xff, out + n);
		out[n++] = shift > 0 ? '.' : '\0';
	}
	return n - 1;
}

size_t addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	uint8_t bytes[16];
	size_t n;

	if (addr->family == ADDR_IP4)
		return format_ip4((uint32_t)addr->lo, out);
	n = addr_to_bytes(addr, bytes);

	out[0] = '\0';
	if (n > 0)
		inet_ntop(AF_INET6, bytes, out, ADDR_TEXT_MAX);
	return strlen(out);
}

size_t prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_MAX])
{
	size_t n = addr_format(&prefix->addr, out);

	out[n++] = '/';
	n += format_octet(prefix->len, out + n);
	out[n] = '\0';
	return n;
}

size_t subscriber_format(const struct prefix *subscriber, char out[PREFIX_TEXT_MAX])
{
	out[0] = '\0';
	if (subscriber->addr.family == ADDR_NONE)
		return 0;
	return subscriber->len == addr_bits(subscriber->addr.family) ? addr_format(&subscriber->addr, out)
								     : prefix_format(subscriber, out);
}
