/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The digest names a policy's meaning: records carry it, and a reload that changes nothing is seen by it. It covers
 * values, not text: prefixes in order of address, sections in order of name, dates as instants, all numbers
 * big-endian, so that it is the same on every machine and for every layout of the files. [triage] is not in it: no packet
 * is answered, and no record made, otherwise for it.
 */
#include "base/number.h"
#include "policy/reading.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct digesting {
	const struct policy *policy;
	const struct policy_order *order;
	XXH3_state_t *state;
	size_t rule;
	const char *base;
};

static void take_bytes(struct digesting *d, const void *bytes, size_t len)
{
	XXH3_128bits_update(d->state, bytes, len);
}

static void take_u64(struct digesting *d, uint64_t value)
{
	uint8_t bytes[8];

	for (int i = 7; i >= 0; i--, value >>= 8)
		bytes[i] = (uint8_t)value;
	take_bytes(d, bytes, sizeof(bytes));
}

/* With its length before it, so that no two lists of texts read the same. */
static void take_text(struct digesting *d, const char *text)
{
	take_u64(d, strlen(text));
	take_bytes(d, text, strlen(text));
}

static void take_pointed_text(struct digesting *d, const struct policy_key *key)
{
	const char *text;

	memcpy(&text, d->base + key->offset, sizeof(text));
	take_text(d, text);
}

static void take_name(struct digesting *d, const struct policy_key *key)
{
	take_text(d, d->base + key->offset);
}

static uint64_t number_of(const struct digesting *d, const struct policy_key *key)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	switch (key->size) {
	case sizeof(u8):
		memcpy(&u8, d->base + key->offset, sizeof(u8));
		return u8;
	case sizeof(u16):
		memcpy(&u16, d->base + key->offset, sizeof(u16));
		return u16;
	default:
		memcpy(&u32, d->base + key->offset, sizeof(u32));
		return u32;
	}
}

static void take_number(struct digesting *d, const struct policy_key *key)
{
	take_u64(d, number_of(d, key));
}

static void take_date(struct digesting *d, const struct policy_key *key)
{
	struct moment moment;
	bool given;

	memcpy(&given, d->base + key->has_offset, sizeof(given));
	memcpy(&moment, d->base + key->offset, sizeof(moment));
	take_u64(d, given);
	take_u64(d, given ? (uint64_t)moment.s : 0);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void take_interfaces(struct digesting *d, const struct policy_key *key)
{
	char names[POLICY_INTERFACES_MAX][IF_NAME_MAX];
	struct policy_interfaces list;

	memcpy(&list, d->base + key->offset, sizeof(list));
	take_u64(d, list.count);
	if (list.count == 0)
		return;
	memcpy(names, list.names, list.count * sizeof(names[0]));
	qsort(names, list.count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < list.count; i++)
		take_text(d, names[i]);
}

/* All prefixes of a section in one go, with their roles; its other keys of prefixes add nothing. */
static void take_prefixes(struct digesting *d, const struct policy_key *key)
{
	const struct policy_order *order = d->order;

	(void)key;
	take_u64(d, order->ip4_start[d->rule + 1] - order->ip4_start[d->rule]);
	for (uint32_t i = order->ip4_start[d->rule]; i < order->ip4_start[d->rule + 1]; i++) {
		const struct policy_prefix4 *entry = &d->policy->ip4[order->ip4[i]];

		take_u64(d, (uint64_t)entry->addr << 32 | (uint64_t)entry->len << 8 | entry->role);
	}
	take_u64(d, order->ip6_start[d->rule + 1] - order->ip6_start[d->rule]);
	for (uint32_t i = order->ip6_start[d->rule]; i < order->ip6_start[d->rule + 1]; i++) {
		const struct policy_prefix6 *entry = &d->policy->ip6[order->ip6[i]];

		take_u64(d, entry->hi);
		take_u64(d, entry->lo);
		take_u64(d, (uint64_t)entry->len << 8 | entry->role);
	}
}

static void take_nothing(struct digesting *d, const struct policy_key *key)
{
	(void)d;
	(void)key;
}

static void take_to(struct digesting *d, const struct policy_key *key)
{
	const struct policy_rule *rule = &d->policy->rules[d->rule];

	(void)key;
	take_u64(d, rule->to_any);
	take_u64(d, rule->to_group_count);
	for (size_t i = 0; i < rule->to_group_count; i++)
		take_text(d, d->policy->rules[rule->to_groups[i]].name);
}

typedef void value_taker(struct digesting *digesting, const struct policy_key *key);

static value_taker *const takers[] = {
	[POLICY_TYPE_TEXT] = take_pointed_text,
	[POLICY_TYPE_NAME] = take_name,
	[POLICY_TYPE_PATH] = take_pointed_text,
	[POLICY_TYPE_NUMBER] = take_number,
	[POLICY_TYPE_CHOICE] = take_number,
	[POLICY_TYPE_DATE] = take_date,
	[POLICY_TYPE_ADDRESS] = take_prefixes,
	[POLICY_TYPE_PREFIX] = take_prefixes,
	[POLICY_TYPE_LIST_FILE] = take_nothing,
	[POLICY_TYPE_INTERFACES] = take_interfaces,
	[POLICY_TYPE_TO] = take_to,
};

static_assert(sizeof(takers) / sizeof(takers[0]) == POLICY_TYPE_TO + 1, "one for each type");

/* Of a choice: which of its words is the default. */
static uint64_t default_number(const struct policy_key *key)
{
	uint64_t number = 0;

	if (key->type == POLICY_TYPE_NUMBER) {
		number_parse(key->default_text, strlen(key->default_text), key->min, key->max, &number);
		return number;
	}
	while (strcmp(key->words[number], key->default_text) != 0)
		number++;
	return number;
}

static bool is_default(const struct digesting *d, const struct policy_key *key)
{
	const char *text = d->base + key->offset;

	if (key->type == POLICY_TYPE_PATH)
		memcpy(&text, d->base + key->offset, sizeof(text));
	if (!text) /* made by hand, not read */
		return true;
	if (key->type == POLICY_TYPE_PATH || key->type == POLICY_TYPE_NAME)
		return strcmp(text, key->default_text ? key->default_text : "") == 0;
	return number_of(d, key) == default_number(key);
}

/* A key that policies of before did not have: its default adds nothing, so that their digests stay what they were. */
static bool take_late(struct digesting *d, const struct policy_key *key)
{
	if (!key->late)
		return false;
	if (!is_default(d, key)) {
		take_text(d, key->name);
		takers[key->type](d, key);
	}
	return true;
}

static void take_section(struct digesting *d, enum policy_section section, const void *base)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(section, &count);

	d->base = base;
	for (size_t i = 0; i < count; i++) {
		if (!take_late(d, &keys[i]))
			takers[keys[i].type](d, &keys[i]);
	}
}

static void take_policy(struct digesting *d)
{
	const struct policy *policy = d->policy;

	take_section(d, POLICY_SECTION_GATEWAY, &policy->gateway);
	take_section(d, POLICY_SECTION_LOG, &policy->log);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule;

		d->rule = d->order->rules[i];
		rule = &policy->rules[d->rule];
		take_text(d, policy_kind_name(rule->kind));
		take_text(d, rule->name);
		take_section(d, (enum policy_section)(POLICY_SECTION_POOL + rule->kind), rule);
	}
}

int policy_digest(struct policy *policy)
{
	struct policy_order order;
	struct digesting digesting = {.policy = policy, .order = &order};
	int error = policy_order_make(policy, &order);
	XXH128_hash_t hash;

	if (error)
		return error;
	digesting.state = XXH3_createState();
	if (digesting.state) {
		XXH3_128bits_reset(digesting.state);
		take_policy(&digesting);
		hash = XXH3_128bits_digest(digesting.state);
		snprintf(policy->digest, sizeof(policy->digest), "%016llx%016llx",
			 (unsigned long long)hash.high64, (unsigned long long)hash.low64);
		XXH3_freeState(digesting.state);
	}
	policy_order_free(&order);
	return digesting.state ? 0 : -ENOMEM;
}
