/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/uses.h"

#include "base/vec.h"
#include "daemon/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compare_uses(const void *a, const void *b)
{
	const struct use *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int compare_name(const void *name, const void *item)
{
	const struct use *const *use = item;

	return strcmp(name, (*use)->name);
}

static struct use *find(const struct uses *uses, size_t count, const char *name)
{
	struct use **found =
		count > 0 ? bsearch(name, uses->items, count, sizeof(struct use *), compare_name) : NULL;

	return found ? *found : NULL;
}

/* The one of that name among the first `known`, which are in order, or a new one behind all. */
static struct use *find_or_add(struct uses *uses, size_t known, const char *name)
{
	struct use *use = find(uses, known, name);
	void *items = uses->items;

	if (use || !vec_reserve(&items, &uses->capacity, uses->count + 1, sizeof(struct use *)))
		return use;
	uses->items = items;
	use = calloc(1, sizeof(*use));
	if (!use)
		return NULL;
	memcpy(use->name, name, strlen(name) + 1);
	uses->items[uses->count++] = use;
	return use;
}

static size_t count_exemptions(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		count += policy->rules[i].kind == POLICY_EXEMPT;
	return count;
}

static void forget_unheld(struct uses *uses)
{
	size_t kept = 0;

	for (size_t i = 0; i < uses->count; i++) {
		if (uses->items[i]->holders > 0)
			uses->items[kept++] = uses->items[i];
		else
			free(uses->items[i]);
	}
	uses->count = kept;
}

int uses_join(struct uses *uses, const struct policy *policy, struct uses_of *ret)
{
	struct uses_of of = {.uses = uses, .rules = policy->rule_count};
	size_t known = uses->count;
	int r = 0;

	if (count_exemptions(policy) == 0)
		return 0;
	of.of_rule = calloc(policy->rule_count, sizeof(struct use *));
	if (!of.of_rule)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < policy->rule_count; i++) {
		if (policy->rules[i].kind != POLICY_EXEMPT)
			continue;
		of.of_rule[i] = find_or_add(uses, known, policy->rules[i].name);
		if (of.of_rule[i])
			of.of_rule[i]->holders++;
		else
			r = -ENOMEM;
	}
	if (uses->count > 0)
		qsort(uses->items, uses->count, sizeof(struct use *), compare_uses);
	if (r == 0)
		*ret = of;
	else
		uses_leave(&of);
	return r;
}

void uses_leave(struct uses_of *of)
{
	for (size_t i = 0; of->of_rule && i < of->rules; i++)
		if (of->of_rule[i])
			of->of_rule[i]->holders--;
	if (of->of_rule)
		forget_unheld(of->uses);
	free(of->of_rule);
	*of = (struct uses_of){0};
}

void uses_free(struct uses *uses)
{
	for (size_t i = 0; i < uses->count; i++)
		free(uses->items[i]);
	free(uses->items);
	*uses = (struct uses){0};
}

json_t *uses_moment_json(int64_t s, bool utc)
{
	time_t time = (time_t)s;
	char text[MOMENT_TEXT_MAX];
	struct tm local;

	moment_format(s, !utc && localtime_r(&time, &local) ? (int32_t)local.tm_gmtoff : 0, text);
	return json_string(text);
}

json_t *uses_row_json(const struct use *use, bool utc)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "name", use->name, "packets",
			 (json_int_t)atomic_load(&use->packets), "attempts",
			 (json_int_t)atomic_load(&use->attempts), "first",
			 uses_moment_json(atomic_load(&use->first_ns) / NSEC_PER_SEC, utc), "last",
			 uses_moment_json(atomic_load(&use->last_ns) / NSEC_PER_SEC, utc));
}

json_t *uses_json(const struct gateway *gateway)
{
	const struct uses_of *of = &gateway->world->uses;
	json_t *rows = json_array();
	size_t used = 0;

	for (size_t i = 0; of->of_rule && i < of->rules; i++) {
		if (!of->of_rule[i] || atomic_load(&of->of_rule[i]->packets) == 0)
			continue;
		if (used++ < USES_TOLD_MAX)
			json_array_append_new(rows, uses_row_json(of->of_rule[i], false));
	}
	return json_pack("{s:s, s:o, s:I, s:s, s:o}", "host", gateway->host, "since",
			 uses_moment_json(gateway->uses.since_s, false), "used", (json_int_t)used, "digest",
			 gateway->world->policy->digest, "exemptions", rows);
}
