/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ifwatch.h"

#include <string.h>

static struct ifwatch_name *find(struct ifwatch *watch, const char *name)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->names[i].name, name) == 0)
			return &watch->names[i];
	return NULL;
}

static void add_name(struct ifwatch *watch, const struct ifwatch *before, const char *name)
{
	struct ifwatch_name *fresh;

	if (strchr(name, '*') || find(watch, name) || watch->count == IFWATCH_MAX)
		return;
	fresh = &watch->names[watch->count++];
	memcpy(fresh->name, name, strlen(name) + 1);
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->names[i].name, name) == 0)
			fresh->missing = before->names[i].missing;
	watch->missing += fresh->missing;
}

static void add_names(struct ifwatch *watch, const struct ifwatch *before,
		      const struct policy_interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++)
		add_name(watch, before, interfaces->names[i]);
}

void ifwatch_take(struct ifwatch *watch, const struct policy *policy, uint64_t generation)
{
	const struct ifwatch before = *watch;

	*watch = (struct ifwatch){.generation = generation};
	add_names(watch, &before, &policy->gateway.subscriber_interfaces);
	add_names(watch, &before, &policy->gateway.upstream_interfaces);
	for (size_t i = 0; i < policy->rule_count; i++)
		add_names(watch, &before, &policy->rules[i].interfaces);
}

void ifwatch_look(struct ifwatch *watch, ifwatch_is_there *is_there, ifwatch_change *change, void *context)
{
	watch->missing = 0;
	for (size_t i = 0; i < watch->count; i++) {
		struct ifwatch_name *name = &watch->names[i];
		bool missing = !is_there(context, name->name);

		watch->missing += missing;
		if (missing == name->missing)
			continue;
		name->missing = missing;
		change(context, name->name, missing);
	}
}
