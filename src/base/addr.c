/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

static void store_be(uint8_t *bytes, size_t n, uint64_t value)
{
	for (size_t i = n; i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
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
	uint64_t hi = outer->addr.hi ^ addr->hi, lo = outer->addr.lo ^ addr->lo;

	if (outer->addr.family != addr->family)
		return false;
	if (addr->family == ADDR_IP4)
		return (lo & high_bits(outer->len, 32)) == 0;
	return (hi & high_bits(outer->len, 64)) == 0 &&
	       (outer->len <= 64 || (lo & high_bits(outer->len - 64U, 64)) == 0);
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
