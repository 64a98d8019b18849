/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures and policies that can be given away: addresses replaced under a key so that two that share a prefix of some
 * length share one of the same length afterwards, and all else gone that the verdict does not need. With one key the
 * same address becomes the same one in every file, so a policy rewritten with it says the same of a capture.
 *
 * The mapping is the idea of Xu, Fan, Ammar and Moon, "Prefix-preserving IP address anonymization" (2002): each bit is
 * flipped or not by a keyed function of the bits before it, here SipHash.
 */
#ifndef OP25B_ANONYMISE_ANONYMISE_H
#define OP25B_ANONYMISE_ANONYMISE_H

#include "base/siphash.h"
#include "packet/packet.h"
#include "policy/policy.h"

/*
 * A permutation of the family's addresses that keeps common prefixes. 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4,
 * 255.255.255.255, :: and ::1 become themselves; fe80::/10 and ff00::/8 are permuted within.
 */
struct addr anonymise_addr(const struct siphash_key *key, const struct addr *addr);
/* Canonical. */
struct prefix anonymise_prefix(const struct siphash_key *key, const struct prefix *prefix);

/*
 * Copies what the verdict needs of an IP packet of len bytes into out, which has room for them: headers with their
 * addresses replaced, options, flow label and checksums zeroed, no payload. Returns the bytes kept; the packet's length
 * on the wire stays what it was.
 */
size_t anonymise_ip(const struct siphash_key *key, const uint8_t *bytes, size_t len, uint8_t *out);

/*
 * Rewrites a policy in place: its prefixes by the key, names by their kind and number in the file ("pool-0001") unless
 * they are kept, and without notes, tickets, owners and reasons. The order of rules of one kind stays.
 * 0 or -ENOMEM, after which the policy may only be freed.
 */
int anonymise_policy(const struct siphash_key *key, bool keep_names, struct policy *policy);

#endif
