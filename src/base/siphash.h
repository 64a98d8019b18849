/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hashing for tables whose keys come from the network: without the key nobody can aim at one bucket.
 * SipHash-1-3 over 64-bit words (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
 */
#ifndef OP25B_BASE_SIPHASH_H
#define OP25B_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0;
	uint64_t k1;
};

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words, size_t count);

#endif
