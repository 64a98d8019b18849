/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "anonymise/anonymise.h"

#include <string.h>

enum {
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	TCP_BYTES = 20,
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
	MOBILITY = 135,
	HOST_IDENTITY = 139,
	SHIM6 = 140,
	OPTION_JUMBO = 0xc2,
	CHAIN_MAX = PACKET_EXTENSIONS_MAX,
};

/* The copy while it is made: bytes behind `kept` are dropped. */
struct copy {
	uint8_t *bytes;
	size_t len, kept;
	bool ip6, later_fragment;
};

/* Of so many bytes at a place, those that are there. */
static size_t there(const struct copy *copy, size_t at, size_t n)
{
	if (at >= copy->len)
		return 0;
	return copy->len - at < n ? copy->len - at : n;
}

static size_t end_of(const struct copy *copy, size_t at, size_t n)
{
	return at < copy->len ? at + there(copy, at, n) : copy->len;
}

static void zero(struct copy *copy, size_t at, size_t n)
{
	memset(copy->bytes + (at < copy->len ? at : copy->len), 0, there(copy, at, n));
}

/* What is cut in its midst shows no address, and nothing of it may stay. */
static void replace_address(const struct siphash_key *key, struct copy *copy, size_t at)
{
	size_t size = copy->ip6 ? 16 : 4;
	struct addr addr;

	if (there(copy, at, size) < size) {
		zero(copy, at, size);
		return;
	}
	addr = copy->ip6 ? addr_from_bytes16(copy->bytes + at) : addr_from_bytes4(copy->bytes + at);
	addr = anonymise_addr(key, &addr);
	addr_to_bytes(&addr, copy->bytes + at);
}

static bool is_extension(const struct copy *copy, uint8_t next)
{
	return next == AUTHENTICATION ||
	       (copy->ip6 &&
		(next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT || next == DESTINATION ||
		 next == MOBILITY || next == HOST_IDENTITY || next == SHIM6));
}

static bool holds_jumbo_option(const struct copy *copy, size_t at)
{
	return at == IP6_BYTES && there(copy, at, 8) == 8 && copy->bytes[at + 2] == OPTION_JUMBO &&
	       copy->bytes[at + 3] == 4;
}

/* Ports, flags and lengths stay; options tell of the host, and the checksum of what it covers. */
static void keep_tcp(struct copy *copy, size_t at)
{
	size_t header = there(copy, at, 13) == 13 ? (size_t)(copy->bytes[at + 12] >> 4) * 4 : TCP_BYTES;

	if (header < TCP_BYTES)
		header = TCP_BYTES;
	zero(copy, at + 16, 2);
	zero(copy, at + TCP_BYTES, header - TCP_BYTES);
	copy->kept = end_of(copy, at, header);
}

static size_t keep_extension(struct copy *copy, size_t at, uint8_t kind)
{
	const uint8_t *header = copy->bytes + at;
	size_t size = kind == FRAGMENT         ? 8
		      : kind == AUTHENTICATION ? (header[1] + (size_t)2) * 4
					       : (header[1] + (size_t)1) * 8;

	if (kind == FRAGMENT && there(copy, at, 4) == 4)
		copy->later_fragment = copy->later_fragment || header[2] != 0 || (header[3] & 0xf8) != 0;
	else if (kind != FRAGMENT && holds_jumbo_option(copy, at) && kind == HOP_BY_HOP)
		zero(copy, at + 8, size - 8);
	else if (kind != FRAGMENT)
		zero(copy, at + 2, size - 2);
	copy->kept = end_of(copy, at, size);
	return size;
}

/* Extension headers keep their kinds and lengths: their contents name addresses, and are nobody's business. */
static void keep_chain(struct copy *copy, size_t at, uint8_t next)
{
	copy->kept = at < copy->len ? at : copy->len;
	for (int walked = 0; is_extension(copy, next) && walked < CHAIN_MAX && !copy->later_fragment;
	     walked++) {
		uint8_t kind = next;

		if (there(copy, at, 2) < 2) {
			copy->kept = end_of(copy, at, 2);
			return;
		}
		next = copy->bytes[at];
		at += keep_extension(copy, at, kind);
	}
	if (next == IP_PROTOCOL_TCP && !copy->later_fragment && at < copy->len)
		keep_tcp(copy, at);
}

static void keep_ip4(const struct siphash_key *key, struct copy *copy)
{
	size_t header = (size_t)(copy->bytes[0] & 0x0f) * 4;

	zero(copy, 10, 2);
	replace_address(key, copy, 12);
	replace_address(key, copy, 16);
	if (header < IP4_BYTES || copy->len < IP4_BYTES) {
		copy->kept = there(copy, 0, IP4_BYTES);
		return;
	}
	zero(copy, IP4_BYTES, header - IP4_BYTES);
	copy->later_fragment = (copy->bytes[6] & 0x1f) != 0 || copy->bytes[7] != 0;
	keep_chain(copy, header, copy->bytes[9]);
}

static void keep_ip6(const struct siphash_key *key, struct copy *copy)
{
	if (there(copy, 1, 1))
		copy->bytes[1] &= 0xf0;
	zero(copy, 2, 2);
	replace_address(key, copy, 8);
	replace_address(key, copy, 24);
	copy->kept = there(copy, 0, IP6_BYTES);
	if (copy->len >= IP6_BYTES)
		keep_chain(copy, IP6_BYTES, copy->bytes[6]);
}

size_t anonymise_ip(const struct siphash_key *key, const uint8_t *bytes, size_t len, uint8_t *out)
{
	struct copy copy = {.bytes = out, .len = len};

	if (len == 0)
		return 0;
	memcpy(out, bytes, len);
	copy.ip6 = bytes[0] >> 4 == 6;
	if (copy.ip6)
		keep_ip6(key, &copy);
	else if (bytes[0] >> 4 == 4)
		keep_ip4(key, &copy);
	else
		copy.kept = 1; /* no version of IP: that is all there is to know */
	return copy.kept;
}
