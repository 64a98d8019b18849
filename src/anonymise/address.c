/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "anonymise/anonymise.h"

/* Addresses that mean something by themselves. Nothing else may become one of them, so no bit on the way to their prefix
 * is flipped; `whole` ones keep the bits behind it, too. */
struct special {
	struct prefix prefix;
	bool whole;
};

static const struct special specials4[] = {
	{{{0, 0x00000000, ADDR_IP4}, 8}, true},
	{{{0, 0x7f000000, ADDR_IP4}, 8}, true},
	{{{0, 0xe0000000, ADDR_IP4}, 4}, true},
	{{{0, 0xffffffff, ADDR_IP4}, 32}, true},
};

static const struct special specials6[] = {
	{{{0, 0, ADDR_IP6}, 127}, true},
	{{{UINT64_C(0xfe80) << 48, 0, ADDR_IP6}, 10}, false},
	{{{UINT64_C(0xff00) << 48, 0, ADDR_IP6}, 8}, false},
};

/* Bit `at` of an address, whose bits before it are `before`, must stay. */
static bool stays(const struct prefix *before, const struct addr *addr)
{
	bool ip4 = addr->family == ADDR_IP4;
	const struct special *specials = ip4 ? specials4 : specials6;
	size_t count =
		ip4 ? sizeof(specials4) / sizeof(specials4[0]) : sizeof(specials6) / sizeof(specials6[0]);

	for (size_t i = 0; i < count; i++) {
		if (before->len < specials[i].prefix.len
			    ? prefix_contains(before, &specials[i].prefix.addr)
			    : specials[i].whole && prefix_contains(&specials[i].prefix, addr))
			return true;
	}
	return false;
}

static void flip(struct addr *addr, unsigned at)
{
	unsigned from_low = addr_bits(addr->family) - 1 - at;

	if (from_low >= 64)
		addr->hi ^= UINT64_C(1) << (from_low - 64);
	else
		addr->lo ^= UINT64_C(1) << from_low;
}

struct addr anonymise_addr(const struct siphash_key *key, const struct addr *addr)
{
	struct addr mapped = *addr;

	for (unsigned at = 0; at < addr_bits(addr->family); at++) {
		struct prefix before = {addr_mask(addr, at), (uint8_t)at};
		const uint64_t words[] = {before.addr.hi, before.addr.lo, (uint64_t)addr->family << 8 | at};

		if (!stays(&before, addr) && (siphash_words(key, words, 3) & 1))
			flip(&mapped, at);
	}
	return mapped;
}

struct prefix anonymise_prefix(const struct siphash_key *key, const struct prefix *prefix)
{
	struct prefix mapped = {anonymise_addr(key, &prefix->addr), prefix->len};

	return prefix_canonical(&mapped);
}
