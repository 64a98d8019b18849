/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's hand on what the kernel has learned: which of the two generations of dynamic sets is in force, what the
 * other one has counted, and its emptying. The ruleset has the chains, rules and sets (ruleset/groups.h, rules/README.md);
 * here only elements are touched: those of the maps that say which generation is looked up and filled, and those of the sets
 * when they are emptied. What is exact here and why:
 *
 * - A switch is one transaction: no packet sees half of it.
 * - After learned_quiet() no packet that began before the switch is on its way any more, so the retired sets stand still.
 * - A set is read as one message after the other, and the kernel finds its place again by counting. Where its table was
 *   resized between two messages some elements are told twice and others not at all; as their number is the same, none is
 *   missing unless one comes twice. Then the set is read again.
 */
#ifndef OP25B_NET_LEARNED_H
#define OP25B_NET_LEARNED_H

#include "base/addr.h"
#include "ruleset/groups.h"

#include <stdint.h>

struct learned_kernel;

enum { LEARNED_NONE = -1, LEARNED_GENERATIONS = 2 };

/* 0 with *ret the caller's (learned_close), or -ENOMEM with *ret untouched. What follows needs CAP_NET_ADMIN at each call. */
int learned_open(enum policy_family family, struct learned_kernel **ret);
void learned_close(struct learned_kernel *kernel); /* NULL is fine */

/*
 * Whether the kernel's table has the maps and sets for these groups. 0, -ENOENT when something is missing (no table, or a ruleset of
 * another policy), or another -errno.
 */
int learned_check(struct learned_kernel *kernel, const struct learn_groups *groups);

/* The digest of what the kernel's look-ups depend on (struct learn_groups, layout). 0, -ENOENT when the table has none, or another -errno. */
int learned_layout(struct learned_kernel *kernel, uint64_t *ret);

/*
 * Looks up and fills this generation (0 or 1) from now on, or none at all (LEARNED_NONE): one transaction. 0 or -errno:
 * then it is not certain that nothing was changed, and the call is to be made again; made twice it does no more than once.
 */
int learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation);

/* Returns when no packet is on its way any more that met the rules before the last switch: an RCU grace period. Milliseconds. */
void learned_quiet(void);

/* subscriber: an address, or the first one of an IPv6 prefix of the group's length; packets: how many its element has counted. */
typedef void (*learned_element_fn)(void *context, const struct addr *subscriber, uint64_t packets);

/*
 * Reads one set whole, then calls element for each of its elements, in the order of their addresses. 0 or -errno, and element has
 * not been called: -EAGAIN when the kernel's table did not stand still long enough.
 */
int learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
		 uint8_t family, learned_element_fn element, void *context);

/* A generation's sets are numbered group by group; of a group the shards of IPv4 come first. */
enum { LEARNED_SETS_PER_GROUP = 2 * LEARN_SHARDS };

/* Empties a generation's sets from first to before end, at least one: one transaction. As learned_switch(). */
int learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end);

/*
 * Packets marked to be learned that were blocked without a place in a set: full: there was no room or memory; stale: the generation of the
 * mark was not in force. Counted since the ruleset was loaded. 0 or -errno.
 */
int learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale);

/*
 * NFTA_GEN_ID counts the changes of all rulesets of the namespace. From *first to *last every one was made here: who knew the state at any
 * number between them knows it, but for what is learned, at the last. False while nothing has been changed.
 */
bool learned_generation_ids(const struct learned_kernel *kernel, uint32_t *first, uint32_t *last);

#endif
