/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/shard.h"

enum { BLOCK = 12, WORD = 4 };

struct state {
	uint32_t a, b, c;
};

static uint32_t turn(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t word_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void mix(struct state *s)
{
	s->a -= s->c, s->a ^= turn(s->c, 4), s->c += s->b;
	s->b -= s->a, s->b ^= turn(s->a, 6), s->a += s->c;
	s->c -= s->b, s->c ^= turn(s->b, 8), s->b += s->a;
	s->a -= s->c, s->a ^= turn(s->c, 16), s->c += s->b;
	s->b -= s->a, s->b ^= turn(s->a, 19), s->a += s->c;
	s->c -= s->b, s->c ^= turn(s->b, 4), s->b += s->a;
}

static void finish(struct state *s)
{
	s->c ^= s->b, s->c -= turn(s->b, 14);
	s->a ^= s->c, s->a -= turn(s->c, 11);
	s->b ^= s->a, s->b -= turn(s->a, 25);
	s->c ^= s->b, s->c -= turn(s->b, 16);
	s->a ^= s->c, s->a -= turn(s->c, 4);
	s->b ^= s->a, s->b -= turn(s->a, 14);
	s->c ^= s->b, s->c -= turn(s->b, 24);
}

/* An address is 4 bytes, or 16: after whole blocks there is always one word left. */
static uint32_t hash(const uint8_t *bytes, unsigned len)
{
	uint32_t first = UINT32_C(0xdeadbeef) + len + RULESET_HASH_SEED;
	struct state s = {first, first, first};

	for (; len > BLOCK; len -= BLOCK, bytes += BLOCK) {
		s.a += word_at(bytes);
		s.b += word_at(bytes + WORD);
		s.c += word_at(bytes + 2 * WORD);
		mix(&s);
	}
	s.a += word_at(bytes);
	finish(&s);
	return s.c;
}

unsigned ruleset_shard_of(const struct addr *source, unsigned len)
{
	struct addr key = addr_mask(source, len);
	uint8_t bytes[16];
	unsigned count = (unsigned)addr_to_bytes(&key, bytes);

	return (unsigned)((uint64_t)hash(bytes, count) * RULESET_SHARDS >> 32);
}
