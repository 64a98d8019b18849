/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct addr addr_ip4(uint32_t host_order)
{
	return (struct addr){.lo = host_order, .family = ADDR_IP4};
}

struct addr addr_ip6(uint64_t hi, uint64_t lo)
{
	return (struct addr){.hi = hi, .lo = lo, .family = ADDR_IP6};
}

static uint64_t load_be(const uint8_t *bytes, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void store_be(uint8_t *bytes, size_t n, uint64_t value)
{
	for (size_t i = n; i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
}

struct addr addr_from_bytes4(const uint8_t *bytes)
{
	return addr_ip4((uint32_t)load_be(bytes, 4));
}

struct addr addr_from_bytes16(const uint8_t *bytes)
{
	return addr_ip6(load_be(bytes, 8), load_be(bytes + 8, 8));
}

size_t addr_to_bytes(const struct addr *addr, uint8_t out[16])
{
	switch (addr->family) {
	case ADDR_IP4:
		store_be(out, 4, addr->lo);
		return 4;
	case ADDR_IP6:
		store_be(out, 8, addr->hi);
		store_be(out + 8, 8, addr->lo);
		return 16;
	default:
		return 0;
	}
}

unsigned addr_bits(uint8_t family)
{
	return family == ADDR_IP4 ? 32 : family == ADDR_IP6 ? 128 : 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->hi == b->hi && a->lo == b->lo;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return 0;
}

/* By hand, not by inet_pton: lists of a million lines spend their time here. */
static enum addr_error parse_ip4(const char *text, size_t len, uint32_t *ret)
{
	uint32_t value = 0;
	size_t at = 0;

	for (int octet = 0; octet < 4; octet++) {
		unsigned number = 0;
		size_t digits = 0;

		if (octet > 0 && (at == len || text[at++] != '.'))
			return ADDR_BAD_IP4;
		while (at < len && text[at] >= '0' && text[at] <= '9' && digits < 4) {
			number = number * 10 + (unsigned)(text[at++] - '0');
			digits++;
		}
		if (digits == 0 || digits > 3 || number > 255 || (digits > 1 && text[at - digits] == '0'))
			return ADDR_BAD_IP4;
		value = value << 8 | number;
	}
	if (at != len)
		return ADDR_BAD_IP4;
	*ret = value;
	return ADDR_OK;
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
	enum addr_error error;
	uint32_t ip4;

	if (len == 0)
		return ADDR_EMPTY;
	if (memchr(text, ':', len))
		return parse_ip6(text, len, ret);
	error = parse_ip4(text, len, &ip4);
	if (error == ADDR_OK)
		*ret = addr_ip4(ip4);
	return error;
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

enum addr_error prefix_parse(const char *text, size_t len, struct prefix *ret)
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

size_t addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	uint8_t bytes[16];
	size_t n = addr_to_bytes(addr, bytes);

	out[0] = '\0';
	if (n > 0)
		inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, out, ADDR_TEXT_MAX);
	return strlen(out);
}

size_t prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_MAX])
{
	size_t n = addr_format(&prefix->addr, out);

	return n + (size_t)snprintf(out + n, PREFIX_TEXT_MAX - n, "/%u", prefix->len);
}

/* The first `len` of `width` bits set, at the top of a width-bit number. */
static uint64_t high_bits(unsigned len, unsigned width)
{
	uint64_t all = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;

	return len == 0 ? 0 : len >= width ? all : all & ~(((uint64_t)1 << (width - len)) - 1);
}

struct addr addr_mask(const struct addr *addr, unsigned len)
{
	struct addr masked = *addr;

	if (addr->family == ADDR_IP4) {
		masked.lo &= high_bits(len, 32);
		return masked;
	}
	masked.hi &= high_bits(len, 64);
	masked.lo &= len > 64 ? high_bits(len - 64, 64) : 0;
	return masked;
}

bool prefix_has_host_bits(const struct prefix *prefix)
{
	struct addr masked = addr_mask(&prefix->addr, prefix->len);

	return !addr_equal(&masked, &prefix->addr);
}

struct prefix prefix_canonical(const struct prefix *prefix)
{
	return (struct prefix){.addr = addr_mask(&prefix->addr, prefix->len), .len = prefix->len};
}

struct addr prefix_last(const struct prefix *prefix)
{
	struct addr last = addr_mask(&prefix->addr, prefix->len);

	if (last.family == ADDR_IP4) {
		last.lo |= high_bits(32, 32) & ~high_bits(prefix->len, 32);
		return last;
	}
	last.hi |= ~high_bits(prefix->len, 64);
	last.lo |= prefix->len > 64 ? ~high_bits(prefix->len - 64U, 64) : UINT64_MAX;
	return last;
}

bool prefix_contains(const struct prefix *outer, const struct addr *addr)
{
	struct addr a = addr_mask(&outer->addr, outer->len);
	struct addr b = addr_mask(addr, outer->len);

	return addr_equal(&a, &b);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_contains(outer, &inner->addr);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = addr_compare(&a->addr, &b->addr);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}
