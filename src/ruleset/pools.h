/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The restricted address space as a list for others: block lists of dynamic space, other providers' inbound blocking,
 * routers. It is computed from the policy by set arithmetic, apart from the engine, against which a test compares it.
 */
#ifndef OP25B_RULESET_POOLS_H
#define OP25B_RULESET_POOLS_H

#include "ruleset/model.h"

struct pools_options {
	int64_t at_s; /* seconds since 1970-01-01 UTC */
	bool all;     /* pools that are off or monitored at that time, too, and whatever the gateway's mode */
	bool without_exempt; /* take out what an exemption to anywhere covers at that time */
};

/*
 * Makes *ip4 and *ip6 (their family is set here) the space of the pools that are enforced at options->at_s. The most
 * specific pool of an address counts, relays are never in it, and in gateway mode monitor nothing is enforced.
 * 0 or -ENOMEM; give back with space_clear() in any case.
 */
int pools_collect(const struct policy *policy, const struct pools_options *options, struct ruleset_set *ip4,
		  struct ruleset_set *ip6);

#endif
