/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of sections: each once, and those in `to` resolved. */
#include "policy/reading.h"

#include "base/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_MAX = 200 };

static void tell_second_sections(struct reading *reading, const uint16_t *by_name)
{
	const struct policy *policy = reading->policy;
	char hint[HINT_MAX];

	for (size_t i = 1; i < policy->rule_count; i++) {
		const struct policy_rule *first = &policy->rules[by_name[i - 1]];
		const struct policy_rule *second = &policy->rules[by_name[i]];

		if (first->kind != second->kind || strcmp(first->name, second->name) != 0 ||
		    first->name[0] == '\0')
			continue;
		snprintf(hint, sizeof(hint),
			 "the first is in line %u: move these keys there, or name this one differently",
			 first->line);
		reading_error(reading, spot_of_section(reading, by_name[i]), hint, "a second [%s %s]",
			      policy_kind_name(second->kind), second->name);
	}
}

struct group_key {
	const struct policy *policy;
	const char *name;
};

static int compare_group(const void *key, const void *item)
{
	const struct group_key *wanted = key;
	const struct policy_rule *rule = &wanted->policy->rules[*(const uint16_t *)item];

	if (rule->kind != POLICY_DESTINATION)
		return POLICY_DESTINATION > rule->kind ? 1 : -1;
	return strcmp(wanted->name, rule->name);
}

static void tell_unknown_group(struct reading *reading, const uint16_t *by_name,
			       const struct group_reference *reference)
{
	const struct policy *policy = reading->policy;
	const char **names = calloc(policy->rule_count + 1, sizeof(*names));
	const char *nearest;
	char hint[HINT_MAX];
	size_t count = 0;

	for (size_t i = 0; names && i < policy->rule_count; i++) {
		if (policy->rules[by_name[i]].kind == POLICY_DESTINATION)
			names[count++] = policy->rules[by_name[i]].name;
	}
	nearest = names ? suggest_nearest(reference->name, strlen(reference->name), names, count) : NULL;
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", nearest);
	else
		snprintf(hint, sizeof(hint),
			 "`to` takes prefixes, names of [destination NAME] sections, or \"any\"");
	reading_error(reading, reference->spot, hint, "there is no [destination %s]", reference->name);
	free(names);
}

static bool add_group(struct policy_rule *rule, uint16_t group)
{
	uint16_t *bigger = reallocarray(rule->to_groups, rule->to_group_count + 1, sizeof(*bigger));

	if (!bigger)
		return false;
	rule->to_groups = bigger;
	bigger[rule->to_group_count++] = group;
	return true;
}

static int compare_by_name(const void *left, const void *right, void *argument)
{
	const struct policy *policy = argument;

	return strcmp(policy->rules[*(const uint16_t *)left].name,
		      policy->rules[*(const uint16_t *)right].name);
}

/* By name, and each once. */
static void settle_groups(struct reading *reading, size_t index)
{
	struct policy_rule *rule = &reading->policy->rules[index];
	const struct policy_key *to = policy_key_find(POLICY_SECTION_EXEMPT, "to", 2);
	size_t kept = 0;

	if (rule->to_group_count < 2)
		return;
	qsort_r(rule->to_groups, rule->to_group_count, sizeof(*rule->to_groups), compare_by_name,
		reading->policy);
	for (size_t i = 0; i < rule->to_group_count; i++) {
		if (kept > 0 && rule->to_groups[kept - 1] == rule->to_groups[i])
			reading_warning(reading, spot_of_key(reading, &reading->marks[index], to),
					"remove one of them", "`to` names \"%s\" twice",
					reading->policy->rules[rule->to_groups[i]].name);
		else
			rule->to_groups[kept++] = rule->to_groups[i];
	}
	rule->to_group_count = kept;
}

void policy_resolve_names(struct reading *reading)
{
	struct policy *policy = reading->policy;
	uint16_t *by_name = policy_rules_by_name(policy);

	if (!by_name) {
		reading->failure = -ENOMEM;
		return;
	}
	tell_second_sections(reading, by_name);
	for (size_t i = 0; i < reading->reference_count; i++) {
		const struct group_reference *reference = &reading->references[i];
		struct group_key key = {policy, reference->name};
		const uint16_t *found =
			bsearch(&key, by_name, policy->rule_count, sizeof(*by_name), compare_group);

		if (!found)
			tell_unknown_group(reading, by_name, reference);
		else if (!add_group(&policy->rules[reference->rule], *found))
			reading->failure = -ENOMEM;
	}
	for (size_t i = 0; i < policy->rule_count; i++)
		settle_groups(reading, i);
	free(by_name);
}
