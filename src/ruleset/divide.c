/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/divide.h"

#include "base/vec.h"
#include "ruleset/build.h"
#include "ruleset/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARTS_AIM =
		16, /* a packet meets a rule for each part: so many full ones at most, or half full ones twice */
	PART_WORTH = 16, /* a part of less than this share of a full one stays in the set that is divided */
};

static const char purpose_not_in[] =
	"Takes back what a part of a divided set holds; only what is in none of them comes to the end.\n"
	"Without it whoever is in a part would be treated as if he were in no pool.";

/* Ranges [first, first + count) of a set, all of them within the prefix. */
struct cut {
	struct prefix prefix;
	size_t first, count;
	uint32_t set; /* the part that they become */
};

struct cuts {
	size_t part_max;
	struct cut *items;
	size_t count, capacity;
};

/* ---- where to cut ---- */

static struct prefix half_of(const struct prefix *whole, bool upper)
{
	struct prefix half = {.addr = whole->addr, .len = (uint8_t)(whole->len + 1)};
	unsigned bit = addr_bits(whole->addr.family) - half.len;

	if (upper && bit >= 64)
		half.addr.hi |= UINT64_C(1) << (bit - 64);
	else if (upper)
		half.addr.lo |= UINT64_C(1) << bit;
	return half;
}

/* The first of the ranges [low, high) that does not end before the address; high when there is none. */
static size_t first_reaching(const struct ruleset_set *set, size_t low, size_t high, const struct addr *addr)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct addr last = space_range_at(set, middle).last;

		if (addr_compare(&last, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_cut(struct cuts *cuts, const struct prefix *prefix, size_t low, size_t high)
{
	if (!VEC_RESERVE(cuts->items, cuts->capacity, cuts->count + 1))
		return -ENOMEM;
	cuts->items[cuts->count++] = (struct cut){.prefix = *prefix, .first = low, .count = high - low};
	return 0;
}

/* Halves the prefix, that all the ranges [low, high) lie within, until each piece is small enough. A range across a boundary
 * is in no piece. No deeper than an address has bits. */
static int find_cuts(const struct ruleset_set *set, const struct prefix *prefix, size_t low, size_t high,
		     struct cuts *cuts)
{
	struct prefix lower, upper;
	size_t middle;
	int r;

	if (high - low <= cuts->part_max)
		return high - low > cuts->part_max / PART_WORTH ? add_cut(cuts, prefix, low, high) : 0;
	lower = half_of(prefix, false);
	upper = half_of(prefix, true);
	middle = first_reaching(set, low, high, &upper.addr);
	r = find_cuts(set, &lower, low, middle, cuts);
	if (r == 0 && middle < high) {
		struct addr first = space_range_at(set, middle).first;

		middle += addr_compare(&first, &upper.addr) < 0;
		r = find_cuts(set, &upper, middle, high, cuts);
	}
	return r;
}

/* ---- the sets ---- */

static size_t range_size(const struct ruleset_set *set)
{
	return set->family == ADDR_IP4 ? sizeof(*set->ip4) : sizeof(*set->ip6);
}

static uint8_t *range_bytes(const struct ruleset_set *set, size_t at)
{
	return set->family == ADDR_IP4 ? (uint8_t *)&set->ip4[at] : (uint8_t *)&set->ip6[at];
}

/* The prefix by as many hexadecimal digits as it fills, and its length. */
static void name_part(const struct ruleset_set *whole, const struct prefix *prefix,
		      char out[RULESET_NAME_MAX])
{
	bool ip4 = whole->family == ADDR_IP4;
	char digits[33];

	if (ip4)
		build_text(digits, sizeof(digits), "%08" PRIx32, (uint32_t)prefix->addr.lo);
	else
		build_text(digits, sizeof(digits), "%016" PRIx64 "%016" PRIx64, prefix->addr.hi,
			   prefix->addr.lo);
	build_text(out, RULESET_NAME_MAX, "%s_%.*s_%u", whole->name, (prefix->len + 3) / 4, digits,
		   prefix->len);
}

static int add_part(struct ruleset *ruleset, uint32_t whole_at, struct cut *cut)
{
	const struct ruleset_set *whole;
	struct ruleset_set *part;
	char text[PREFIX_TEXT_MAX];
	void *ranges;

	if (!VEC_RESERVE(ruleset->sets, ruleset->set_capacity, ruleset->set_count + 1))
		return -ENOMEM;
	whole = &ruleset->sets[whole_at];
	ranges = reallocarray(NULL, cut->count, range_size(whole));
	if (!ranges)
		return -ENOMEM;
	memcpy(ranges, range_bytes(whole, cut->first), cut->count * range_size(whole));
	cut->set = (uint32_t)ruleset->set_count;
	part = &ruleset->sets[ruleset->set_count++];
	*part = (struct ruleset_set){.family = whole->family, .count = cut->count, .capacity = cut->count};
	if (part->family == ADDR_IP4)
		part->ip4 = ranges;
	else
		part->ip6 = ranges;
	name_part(whole, &cut->prefix, part->name);
	prefix_format(&cut->prefix, text);
	build_text(part->comment, sizeof(part->comment), "%s: %s", text, whole->comment);
	return 0;
}

/* The memory that the set no longer fills; that it cannot be given back is no failure. */
static void give_back(struct ruleset_set *set)
{
	size_t capacity = set->count + 1;
	void *ranges =
		realloc(set->family == ADDR_IP4 ? (void *)set->ip4 : set->ip6, capacity * range_size(set));

	if (!ranges)
		return;
	set->capacity = capacity;
	if (set->family == ADDR_IP4)
		set->ip4 = ranges;
	else
		set->ip6 = ranges;
}

/* Leaves in the set what is in no part. */
static void keep_rest(struct ruleset_set *whole, const struct cuts *cuts)
{
	size_t size = range_size(whole), kept = 0, from = 0;

	for (size_t i = 0; i <= cuts->count; i++) {
		size_t to = i < cuts->count ? cuts->items[i].first : whole->count;

		memmove(range_bytes(whole, kept), range_bytes(whole, from), (to - from) * size);
		kept += to - from;
		if (i < cuts->count)
			from = to + cuts->items[i].count;
	}
	whole->count = kept;
	give_back(whole);
}

/* ---- the rules ---- */

static bool is_lookup(const struct ruleset_match *match)
{
	return match->kind == RULESET_MATCH_SADDR || match->kind == RULESET_MATCH_DADDR;
}

/* The rule's look-up, or NULL. */
static struct ruleset_match *lookup_of(struct ruleset_rule *rule, uint32_t set)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		if (is_lookup(&rule->matches[i]) && rule->matches[i].set == set)
			return &rule->matches[i];
	}
	return NULL;
}

/* A second look-up would be of the same packet, and want every pair of parts. */
static bool has_one_lookup(const struct ruleset_rule *rule)
{
	size_t count = 0;

	for (size_t i = 0; i < rule->match_count; i++)
		count += is_lookup(&rule->matches[i]);
	return count == 1 && rule->match_count < RULESET_MATCHES_MAX;
}

/* In another chain that is jumped to it does the same; in several rules, of which one is met, too. */
static bool can_move(const struct ruleset_statement *statement)
{
	switch (statement->kind) {
	case RULESET_DO_COUNT:
	case RULESET_DO_SET_MARK:
	case RULESET_DO_ACCEPT:
	case RULESET_DO_QUEUE:
	case RULESET_DO_REJECT_RESET:
	case RULESET_DO_REJECT_ICMP:
		return true;
	default:
		return false;
	}
}

/* In several rules, of which one is met, it does the same. */
static bool can_repeat(const struct ruleset_statement *statement)
{
	return can_move(statement) || statement->kind == RULESET_DO_JUMP ||
	       statement->kind == RULESET_DO_GOTO || statement->kind == RULESET_DO_RETURN;
}

static bool rule_can_be_divided(const struct ruleset_rule *rule, enum ruleset_op op)
{
	if (!has_one_lookup(rule))
		return false;
	for (size_t i = 0; i < rule->statement_count; i++) {
		if (!(op == RULESET_NE ? can_move : can_repeat)(&rule->statements[i]))
			return false;
	}
	return true;
}

/* How often rules look the set up: false when one of them cannot be divided, or none does. */
static bool can_be_divided(const struct ruleset *ruleset, uint32_t set)
{
	size_t used = 0, negated = 0;

	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count; j++) {
			struct ruleset_rule *rule = &ruleset->chains[i].rules[j];
			const struct ruleset_match *lookup = lookup_of(rule, set);

			if (!lookup)
				continue;
			if (!rule_can_be_divided(rule, lookup->op))
				return false;
			used++;
			negated += lookup->op == RULESET_NE;
		}
	}
	return used > 0 && negated <= 1; /* the chain that a negated one needs is named after the set */
}

/* Looks the part up, where it can hold the address. */
static void look_up_part(struct ruleset_rule *rule, uint32_t set, const struct cut *cut)
{
	struct ruleset_match *lookup = lookup_of(rule, set);
	size_t at = (size_t)(lookup - rule->matches);

	memmove(lookup + 1, lookup, (rule->match_count++ - at) * sizeof(*lookup));
	lookup[0] = (struct ruleset_match){.kind = lookup->kind == RULESET_MATCH_SADDR
							   ? RULESET_MATCH_SADDR_WITHIN
							   : RULESET_MATCH_DADDR_WITHIN,
					   .op = RULESET_EQ,
					   .prefix = cut->prefix};
	lookup[1].op = RULESET_EQ;
	lookup[1].set = cut->set;
}

/* Before the rule: as many of the same, of which each looks one part up. */
static int repeat_rule(struct ruleset_chain *chain, size_t at, uint32_t set, const struct cuts *cuts)
{
	struct ruleset_rule *rules;

	if (!VEC_RESERVE(chain->rules, chain->rule_capacity, chain->rule_count + cuts->count))
		return -ENOMEM;
	rules = &chain->rules[at];
	memmove(rules + cuts->count, rules, (chain->rule_count - at) * sizeof(*rules));
	chain->rule_count += cuts->count;
	for (size_t i = 0; i < cuts->count; i++) {
		rules[i] = rules[cuts->count];
		look_up_part(&rules[i], set, &cuts->items[i]);
	}
	return 0;
}

/* A chain that returns what is in a part, and then does what the rule did. The rule jumps there with what is not in the rest. */
static int move_rule(struct ruleset *ruleset, size_t chain_at, size_t at, uint32_t set,
		     const struct cuts *cuts)
{
	struct ruleset_chain *chain;
	struct ruleset_rule *rule, *last;

	if (!VEC_RESERVE(ruleset->chains, ruleset->chain_capacity, ruleset->chain_count + 1))
		return -ENOMEM;
	chain = &ruleset->chains[ruleset->chain_count];
	*chain = (struct ruleset_chain){.purpose = purpose_not_in};
	if (!VEC_RESERVE(chain->rules, chain->rule_capacity, cuts->count + 1))
		return -ENOMEM;
	ruleset->chain_count++;
	build_text(chain->name, sizeof(chain->name), "not_in_%s", ruleset->sets[set].name);
	rule = &ruleset->chains[chain_at].rules[at];
	for (size_t i = 0; i < cuts->count; i++) {
		struct ruleset_rule *back = &chain->rules[chain->rule_count++];

		*back = (struct ruleset_rule){.matches = {*lookup_of(rule, set)}, .match_count = 1};
		back->statements[back->statement_count++].kind = RULESET_DO_RETURN;
		look_up_part(back, set, &cuts->items[i]);
	}
	last = &chain->rules[chain->rule_count++];
	*last = *rule;
	last->match_count = 0;
	rule->statements[0] = (struct ruleset_statement){.kind = RULESET_DO_JUMP,
							 .target = (uint32_t)(ruleset->chain_count - 1)};
	rule->statement_count = 1;
	return 0;
}

static int divide_rules(struct ruleset *ruleset, uint32_t set, const struct cuts *cuts)
{
	size_t chain_count = ruleset->chain_count;
	int r = 0;

	for (size_t i = 0; i < chain_count && r == 0; i++) {
		for (size_t j = 0; j < ruleset->chains[i].rule_count && r == 0; j++) {
			const struct ruleset_match *lookup = lookup_of(&ruleset->chains[i].rules[j], set);

			if (!lookup)
				continue;
			if (lookup->op == RULESET_NE) {
				r = move_rule(ruleset, i, j, set, cuts);
			} else {
				r = repeat_rule(&ruleset->chains[i], j, set, cuts);
				j += cuts->count;
			}
		}
	}
	return r;
}

static int divide_set(struct ruleset *ruleset, uint32_t set, struct cuts *cuts)
{
	struct prefix all = {.addr = {.family = ruleset->sets[set].family}};
	int r = find_cuts(&ruleset->sets[set], &all, 0, ruleset->sets[set].count, cuts);

	for (size_t i = 0; i < cuts->count && r == 0; i++)
		r = add_part(ruleset, set, &cuts->items[i]);
	if (r < 0)
		return r;
	keep_rest(&ruleset->sets[set], cuts);
	return divide_rules(ruleset, set, cuts);
}

int ruleset_divide(struct ruleset *ruleset, size_t part_max)
{
	size_t set_count = ruleset->set_count;
	int r = 0;

	for (uint32_t i = 0; i < set_count && r == 0; i++) {
		const struct ruleset_set *set = &ruleset->sets[i];
		struct cuts cuts = {.part_max = part_max};

		if (set->count <= part_max || ruleset_set_is_exact(set) || !can_be_divided(ruleset, i))
			continue;
		while (set->count / cuts.part_max >= PARTS_AIM)
			cuts.part_max *= 2;
		r = divide_set(ruleset, i, &cuts);
		free(cuts.items);
	}
	return r;
}

bool divide_whole_name(const char *part, char out[RULESET_NAME_MAX])
{
	const char *family = strstr(part, "_ip4_");
	size_t len;

	if (!family)
		family = strstr(part, "_ip6_");
	if (!family)
		return false;
	len = (size_t)(family - part) + 4;
	if (len >= RULESET_NAME_MAX)
		return false;
	memcpy(out, part, len);
	out[len] = '\0';
	return true;
}
