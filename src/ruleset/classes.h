/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to ruleset/: pools or relays that are bound to the same interfaces share one set and one chain. Class 0 is
 * "bound to none".
 */
#ifndef OP25B_RULESET_CLASSES_H
#define OP25B_RULESET_CLASSES_H

#include "policy/policy.h"

/* One distinct list of interfaces, sorted, each named once. */
struct interface_class {
	char (*names)[IF_NAME_MAX];
	size_t count;
};

struct interface_classes {
	struct interface_class *items; /* class i stands at items[i - 1] */
	size_t count, capacity;
	uint32_t *of_rule; /* the class of each policy rule of the kind; others 0 */
};

/* Sorts the rules of one kind into classes. 0 or -ENOMEM; free with interface_classes_free() in any case. */
int interface_classes_collect(const struct policy *policy, enum policy_kind kind,
			      struct interface_classes *ret);
void interface_classes_free(struct interface_classes *classes);

/* Adds the names of a list that *names lacks, and sorts it. 0 or -ENOMEM; the array is the caller's to free. */
int interface_class_add(struct interface_class *class, const struct policy_interfaces *interfaces);

#endif
