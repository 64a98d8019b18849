/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/classes.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	return strncmp(a, b, IF_NAME_MAX);
}

static bool class_has(const struct interface_class *class, const char *name)
{
	for (size_t i = 0; i < class->count; i++) {
		if (strncmp(class->names[i], name, IF_NAME_MAX) == 0)
			return true;
	}
	return false;
}

int interface_class_add(struct interface_class *class, const struct policy_interfaces *interfaces)
{
	void *bigger;

	if (interfaces->count == 0)
		return 0;
	bigger = reallocarray(class->names, class->count + interfaces->count, sizeof(*class->names));
	if (!bigger)
		return -ENOMEM;
	class->names = bigger;
	for (size_t i = 0; i < interfaces->count; i++) {
		if (!class_has(class, interfaces->names[i]))
			memcpy(class->names[class->count++], interfaces->names[i], IF_NAME_MAX);
	}
	qsort(class->names, class->count, sizeof(*class->names), compare_names);
	return 0;
}

static bool class_equal(const struct interface_class *a, const struct interface_class *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strncmp(a->names[i], b->names[i], IF_NAME_MAX) != 0)
			return false;
	}
	return true;
}

/* The number of the class of this list, made if it is new; takes the names over. */
static int64_t put_class(struct interface_classes *classes, struct interface_class *class)
{
	for (size_t i = 0; i < classes->count; i++) {
		if (class_equal(&classes->items[i], class)) {
			free(class->names);
			return (int64_t)i + 1;
		}
	}
	if (!VEC_RESERVE(classes->items, classes->capacity, classes->count + 1)) {
		free(class->names);
		return -ENOMEM;
	}
	classes->items[classes->count++] = *class;
	return (int64_t)classes->count;
}

static int64_t class_of(struct interface_classes *classes, const struct policy_interfaces *interfaces)
{
	struct interface_class class = {0};

	if (interfaces->count == 0)
		return 0;
	if (interface_class_add(&class, interfaces) < 0)
		return -ENOMEM;
	return put_class(classes, &class);
}

int interface_classes_collect(const struct policy *policy, enum policy_kind kind,
			      struct interface_classes *ret)
{
	*ret = (struct interface_classes){.of_rule = calloc(policy->rule_count + 1, sizeof(*ret->of_rule))};
	if (!ret->of_rule)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rule_count; i++) {
		int64_t number;

		if (policy->rules[i].kind != kind)
			continue;
		number = class_of(ret, &policy->rules[i].interfaces);
		if (number < 0)
			return (int)number;
		ret->of_rule[i] = (uint32_t)number;
	}
	return 0;
}

void interface_classes_free(struct interface_classes *classes)
{
	for (size_t i = 0; i < classes->count; i++)
		free(classes->items[i].names);
	free(classes->items);
	free(classes->of_rule);
	*classes = (struct interface_classes){0};
}
