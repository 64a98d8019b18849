/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces that the policy names and the system does not have: mail that should come by them is not judged, or judged as
 * another side's, and a misspelt name looks just so. Said once, and once more when the interface is back. Patterns are left
 * out: of ppp* none need be there.
 */
#ifndef OP25B_DAEMON_IFWATCH_H
#define OP25B_DAEMON_IFWATCH_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

enum { IFWATCH_MAX = 256 }; /* names looked after; what a policy has more is not */

struct ifwatch_name {
	char name[IF_NAME_MAX];
	bool missing;
};

struct ifwatch {
	struct ifwatch_name names[IFWATCH_MAX];
	size_t count, missing;
	uint64_t generation; /* of the policy that the names are of; 0: none */
};

/* Takes the names of another policy; what is missing of those before stays told. */
void ifwatch_take(struct ifwatch *watch, const struct policy *policy, uint64_t generation);

/* is_there: whether the system has the interface. change: told of each name that has gone or come. */
typedef bool ifwatch_is_there(void *context, const char *name);
typedef void ifwatch_change(void *context, const char *name, bool missing);

void ifwatch_look(struct ifwatch *watch, ifwatch_is_there *is_there, ifwatch_change *change, void *context);

#endif
