/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes as values. Every module speaks of them in this one form, in host byte order, so that
 * network order stays inside packet/ and net/.
 */
#ifndef OP25B_BASE_ADDR_H
#define OP25B_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_IP4 = 4,
	ADDR_IP6 = 6,
};

/* An IPv4 address sits in the low 32 bits of lo with hi 0; an IPv6 address fills hi (first 64 bits) and lo. */
struct addr {
	uint64_t hi;
	uint64_t lo;
	uint8_t family; /* enum addr_family */
};

/* len counts bits of its own family: 0..32 or 0..128. The bits behind len are zero in a canonical prefix. */
struct prefix {
	struct addr addr;
	uint8_t len;
};

enum {
	ADDR_TEXT_MAX = 46,   /* longest text of an address with its NUL (INET6_ADDRSTRLEN) */
	PREFIX_TEXT_MAX = 50, /* the same with "/128" */
};

/* Reasons why a text is no address or prefix; addr_error_text() says each in words. */
enum addr_error {
	ADDR_OK = 0,
	ADDR_EMPTY,
	ADDR_BAD_IP4,
	ADDR_BAD_IP6,
	ADDR_BAD_LENGTH,
	ADDR_LENGTH_RANGE,
	ADDR_TRAILING,
};

static inline struct addr addr_ip4(uint32_t host_order)
{
	return (struct addr){.lo = host_order, .family = ADDR_IP4};
}

static inline struct addr addr_ip6(uint64_t hi, uint64_t lo)
{
	return (struct addr){.hi = hi, .lo = lo, .family = ADDR_IP6};
}

static inline uint32_t addr_load32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* From network order bytes: 4 of them, or 16. Packets are read by these, so they are no calls. */
static inline struct addr addr_from_bytes4(const uint8_t *bytes)
{
	return addr_ip4(addr_load32(bytes));
}

static inline struct addr addr_from_bytes16(const uint8_t *bytes)
{
	return addr_ip6((uint64_t)addr_load32(bytes) << 32 | addr_load32(bytes + 4),
			(uint64_t)addr_load32(bytes + 8) << 32 | addr_load32(bytes + 12));
}

/* To network order bytes; returns how many were written to out: 4, 16, or 0 for ADDR_NONE. */
size_t addr_to_bytes(const struct addr *addr, uint8_t out[16]);

/* 32, 128, or 0 for ADDR_NONE. */
unsigned addr_bits(uint8_t family);
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->hi == b->hi && a->lo == b->lo;
}

/* Total order: family, then value. */
int addr_compare(const struct addr *a, const struct addr *b);

/*
 * Strict text forms: dotted quads of four decimal octets without leading zeros; IPv6 as RFC 4291 section 2.2
 * writes it, no zone index. The text need not end in a NUL: len says where it ends. *ret is untouched on failure.
 */
enum addr_error addr_parse(const char *text, size_t len, struct addr *ret);
/* "ADDRESS" (a host prefix) or "ADDRESS/LEN". Host bits are kept as written: prefix_has_host_bits() finds them. */
enum addr_error prefix_parse(const char *text, size_t len, struct prefix *ret);
const char *addr_error_text(enum addr_error error);

/* RFC 5952 text for IPv6. Writes a NUL-terminated text and returns its length. */
size_t addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX]);
/* Always with "/LEN", also for hosts. */
size_t prefix_format(const struct prefix *prefix, char out[PREFIX_TEXT_MAX]);
/* As records and people name a subscriber: "192.0.2.1", or the prefix that he was given, "2001:db8::/56"; "" of none. */
size_t subscriber_format(const struct prefix *subscriber, char out[PREFIX_TEXT_MAX]);

bool prefix_has_host_bits(const struct prefix *prefix);
/* The same prefix with everything behind its length cleared. */
struct prefix prefix_canonical(const struct prefix *prefix);
struct addr addr_mask(const struct addr *addr, unsigned len);
struct addr prefix_last(const struct prefix *prefix);
bool prefix_contains(const struct prefix *outer, const struct addr *addr);
/* True when every address of inner is in outer; a prefix covers itself. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
/* By address, then shorter prefixes first: the order in which a parent stands before what it contains. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

#endif
