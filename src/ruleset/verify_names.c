/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_space.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What engine and ruleset make of a name: the engine's two facts, then a bit for each interface match of the ruleset. */
struct look {
	const struct ruleset *ruleset;
	const struct engine *engine;
	size_t words;
	uint64_t *keys; /* of the names kept so far */
	size_t key_capacity;
	struct verify_names *names;
};

static size_t count_matches(const struct ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++)
			count += ruleset->chains[i].rules[j].match_count;
	}
	return count;
}

/* Bits of matches that look at no interface stay 0. */
static void look_at(const struct look *look, const char *name, uint64_t *key)
{
	struct engine_interface interface = engine_resolve_interface(look->engine, name);
	size_t bit = 0;

	memset(key, 0, look->words * sizeof(*key));
	key[0] = (uint64_t)interface.side;
	key[1] = interface.patterns;
	for (size_t i = 0; i < look->ruleset->chain_count; i++) {
		const struct ruleset_chain *chain = &look->ruleset->chains[i];

		for (size_t j = 0; j < chain->rule_count; j++) {
			for (size_t k = 0; k < chain->rules[j].match_count; k++, bit++) {
				const struct ruleset_match *match = &chain->rules[j].matches[k];

				if (match->kind == RULESET_MATCH_IIFNAME &&
				    ifpattern_matches(match->interface, name))
					key[2 + bit / 64] |= UINT64_C(1) << (bit % 64);
			}
		}
	}
}

/* Keeps a name that no earlier one is like. */
static bool try_name(struct look *look, const char *name)
{
	struct verify_names *names = look->names;
	uint64_t *key;

	if (name[0] == '\0' || strlen(name) >= IF_NAME_MAX)
		return true;
	if (!VEC_RESERVE(names->items, names->capacity, names->count + 1) ||
	    !VEC_RESERVE(look->keys, look->key_capacity, (names->count + 1) * look->words))
		return false;
	key = &look->keys[names->count * look->words];
	look_at(look, name, key);
	for (size_t i = 0; i < names->count; i++) {
		if (memcmp(&look->keys[i * look->words], key, look->words * sizeof(*key)) == 0)
			return true;
	}
	memset(names->items[names->count], 0, IF_NAME_MAX);
	memcpy(names->items[names->count++], name, strlen(name));
	return true;
}

/* The name or beginning itself, one letter less, and every letter more: one of these leaves each longer pattern. */
static bool try_pattern(struct look *look, const char *pattern)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz_-.";
	char name[IF_NAME_MAX + 2] = {0};
	size_t len = strlen(pattern);
	bool ok = true;

	len -= len > 0 && pattern[len - 1] == '*';
	memcpy(name, pattern, len);
	for (size_t i = 0; ok && letters[i] != '\0'; i++) {
		name[len] = letters[i];
		ok = try_name(look, name);
	}
	name[len] = '\0';
	ok = ok && try_name(look, name);
	if (len > 0)
		name[len - 1] = '\0';
	return ok && try_name(look, name);
}

static bool try_list(struct look *look, const struct policy_interfaces *list)
{
	bool ok = true;

	for (size_t i = 0; ok && i < list->count; i++)
		ok = try_pattern(look, list->names[i]);
	return ok;
}

static bool try_ruleset(struct look *look)
{
	bool ok = true;

	for (size_t i = 0; i < look->ruleset->chain_count; i++) {
		const struct ruleset_chain *chain = &look->ruleset->chains[i];

		for (size_t j = 0; j < chain->rule_count; j++) {
			for (size_t k = 0; ok && k < chain->rules[j].match_count; k++) {
				if (chain->rules[j].matches[k].kind == RULESET_MATCH_IIFNAME)
					ok = try_pattern(look, chain->rules[j].matches[k].interface);
			}
		}
	}
	return ok;
}

int verify_collect_interfaces(const struct policy *policy, const struct ruleset *ruleset,
			      const struct engine *engine, struct verify_names *names)
{
	struct look look = {.ruleset = ruleset,
			    .engine = engine,
			    .words = 2 + (count_matches(ruleset) + 63) / 64,
			    .names = names};
	bool ok = try_list(&look, &policy->gateway.subscriber_interfaces) &&
		  try_list(&look, &policy->gateway.upstream_interfaces);

	for (size_t i = 0; ok && i < policy->rule_count; i++)
		ok = try_list(&look, &policy->rules[i].interfaces);
	ok = ok && try_ruleset(&look) && try_name(&look, "other0");
	free(look.keys);
	return ok ? 0 : -ENOMEM;
}

/* ---- dates ---- */

struct dates {
	int64_t *s;
	size_t count, capacity;
};

static bool add_date(struct dates *dates, bool given, const struct moment *moment)
{
	if (!given)
		return true;
	if (!VEC_RESERVE(dates->s, dates->capacity, dates->count + 1))
		return false;
	dates->s[dates->count++] = moment->s;
	return true;
}

static bool add_dates(struct dates *dates, const struct policy_rule *rule)
{
	return add_date(dates, rule->has_monitor_from, &rule->monitor_from) &&
	       add_date(dates, rule->has_enforce_from, &rule->enforce_from) &&
	       add_date(dates, rule->has_subscribers_until, &rule->subscribers_until) &&
	       add_date(dates, rule->has_from, &rule->from) && add_date(dates, rule->has_until, &rule->until);
}

static int compare_dates(const void *a_, const void *b_)
{
	const int64_t *a = a_, *b = b_;

	return (*a > *b) - (*a < *b);
}

static void sort_dates(struct dates *dates)
{
	size_t kept = 0;

	if (dates->count > 0)
		qsort(dates->s, dates->count, sizeof(*dates->s), compare_dates);
	for (size_t i = 0; i < dates->count; i++) {
		if (kept == 0 || dates->s[kept - 1] != dates->s[i])
			dates->s[kept++] = dates->s[i];
	}
	dates->count = kept;
}

/* Each date, and the second before it; when they are too many only where to begin. */
static void list_times(const struct dates *dates, const struct verify_options *options,
		       struct verify_times *times)
{
	times->dates = dates->count;
	times->s[0] = options->now_s;
	times->count = 1;
	if (options->at_only || dates->count == 0)
		return;
	times->s[0] = dates->s[0] - 1;
	times->walked = 2 * dates->count > VERIFY_TIMES_MAX;
	if (times->walked)
		return;
	times->count = 0;
	for (size_t i = 0; i < dates->count; i++) {
		if (times->count == 0 || times->s[times->count - 1] != dates->s[i] - 1)
			times->s[times->count++] = dates->s[i] - 1;
		times->s[times->count++] = dates->s[i];
	}
}

int verify_collect_times(const struct policy *policy, const struct verify_options *options,
			 struct verify_times *times)
{
	struct dates dates = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < policy->rule_count; i++)
		ok = add_dates(&dates, &policy->rules[i]);
	if (ok) {
		sort_dates(&dates);
		list_times(&dates, options, times);
	}
	free(dates.s);
	return ok ? 0 : -ENOMEM;
}
